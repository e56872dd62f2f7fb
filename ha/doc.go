// Package ha makes two servers serve as one: Kea's high availability, for
// DHCPv4, as its hook libdhcp_ha.so speaks it, with a needletail or a Kea as the
// partner.
//
// # What it owns
//
// A relationship joins this server with one active partner and any number of
// backups. Its state is a Machine: a pure step function. Something happened
// (Input) goes in, what must be done (Effect) comes out, in the order in which
// it must happen. The machine performs no I/O, reads no clock and starts no
// goroutine, so that package sim runs whole clusters of it through faults in
// simulated time. Read in this order:
//
//	state.go, step_input.go, step_output.go   the words
//	transitions.go                            Kea's transition table, as data
//	transitions_rules.go                      what its cells decide
//	transitions_run.go                        how a state is left and entered
//	communication*.go                         what is known about the partner
//	scopes*.go                                whom we serve, what becomes of lease changes
//	step_*.go                                 events, commands, maintenance
//	backlog.go                                updates that wait for the partner
//
// The Driver owns the rest: connections, timers, listeners, the sync. One of
// its goroutines owns the machine; only Backlog and Unsent are shared.
//
// # What it refuses
//
// It knows no packets and does not choose addresses; it hears of lease changes
// as batches and says, for each query, whether the answer may leave. It does
// not decide per query whom to serve either: it publishes a scope (package
// scope), which both filters apply.
//
// # Where it differs from Kea
//
// Behaviour of Kea that its own documentation does not intend is borne in a
// partner and not copied. Comments at each place say so; the list is in
// docs/high-availability.md.
package ha
