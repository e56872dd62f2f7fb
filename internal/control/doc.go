// Package control is the command channel: Kea's JSON commands over a UNIX
// socket and over HTTP, the switch that turns DHCP service on and off, and the
// metrics endpoint.
//
// It owns the wire forms (what Kea's own listeners accept and answer, measured
// against Kea 2.2.0 and 3.0.4) and the list of commands. It refuses to know
// what a command does: those who own what a command acts on register it. It is
// the only importer of fasthttp's server.
package control
