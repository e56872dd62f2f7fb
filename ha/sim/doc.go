// Package sim runs whole clusters of HA servers in one goroutine: the real
// state machines of package ha, on a simulated clock, network and disk, serving
// simulated clients, through faults chosen by a seed. The same seed always gives
// the same run; a failing one prints what happened.
//
// What is real: Machine, Backlog, Unsent, Policy, scopes, and the rules by which
// a lease change is refused (Conflict, Contest, Overtaken) or a sync takes a
// lease over (leases.Supersedes, Clock, Buried). What is a model: the driver
// (requests with timeouts, the pages of a sync, updates held until the partner
// has answered), leases, tombstones and disk (what is not synced is lost in a
// crash), and clients, which also release, decline and come back.
//
// A Cluster is one relationship, for which the invariants are asked. A run with a
// hub has two, whose servers meet in one process: one machine with one service,
// one clock, one disk, one death.
//
// Faults come one by one or, where Options.Chained says so, also in chains: each
// aims at what the one before has brought about, and a link that is cut holds what
// is sent over it, as TCP does, until long after the sender has given up or died.
//
// # What must hold
//
//   - One: no address is promised to two clients at once. A client holds an
//     address from the moment an ACK reaches it until the lease time, counted
//     from its request, is over, or it gives it up.
//   - Kept: in every second in which both servers are in the normal state, and
//     after faults stop, every server that serves knows each promise.
//   - Dead: no sync brings back a lease that was deleted since.
//   - Apart: no bucket is served by both servers while both are in the normal
//     state of their mode.
//   - Alive: after faults stop the servers reach their normal states, serve every
//     bucket, and every client gets a lease.
//
// # What is excused
//
// Two servers that cannot hear each other cannot agree who has an address. Four
// things Kea's protocol permits, and no rule of either server alone prevents.
// An address promised in one of them is tainted for a lease time: One and Kept
// are not asked of it. Everything else is asked of every run.
//
//   - Split: both servers serve the same bucket, and when that began, or began again
//     after a pause, a message between the two had been lost in the last heartbeats: the
//     link was cut, one direction is enough. It lasts until both are in the normal state
//     again.
//   - Stale survivor: a server serves in partner-down or communication-recovery, its
//     partner has promised leases alone since they were last together, and when it
//     entered that state, or went on in it after a stop, the partner was dead, stopped,
//     just back, or not to be reached. (A dies, B serves alone, B dies, A starts.)
//   - Sleeper: a server is stopped, its partner serves alone, and when the server
//     goes on a client asks it before it knows. The partner refuses that, or the
//     server dies first; nobody is promised anything, but the lease on its disk is
//     newer than the partner's promise.
//   - Common pools: a lease promised in communication-recovery, that is while its
//     update was queued, from a pool that both servers lease from.
//
// Result.Excused counts the double promises that this covers; some tens in half
// a million. TestNothingToExcuse runs clusters in which there must be none.
package sim
