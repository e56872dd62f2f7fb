// Package leasecmds serves Kea's lease4-* commands on a lease store: what an
// administrator looks up and mends by hand, and what a Kea partner sends and
// fetches (Kea: lease_cmds.cc, lease_parser.cc). It checks as Kea checks and
// answers with Kea's result codes. It decides nothing about clients, sends
// nothing to partners and makes no DNS updates, as in Kea.
package leasecmds
