// Package logging turns Kea's loggers section into a slog.Handler: names that
// form a tree, severities and debug levels, outputs to streams, syslog and
// rotated files, and lines in Kea's form, because scripts wait for them:
//
//	2026-11-21 22:00:00.123 INFO  [kea-dhcp4.dhcp4/4711] DHCP4_STARTED ... started
//
// It owns the open log files. It refuses to be fast: nothing is logged per
// packet (see the counters).
package logging
