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
// crash), and clients, which also release, decline and come back. Hubs are not
// simulated.
//
// # What must hold
//
//   - One: no address is promised to two clients at once. A client holds an
//     address from the moment an ACK reaches it until the lease time, counted
//     from its request, is over, or it gives it up.
//   - Kept: after faults stop, every server that serves knows each promise.
//   - Apart: no bucket is served by both servers while both are in the normal
//     state of their mode.
//   - Alive: after faults stop the servers reach their normal states, serve every
//     bucket, and every client gets a lease.
//
// # What is excused
//
// Two servers that cannot hear each other cannot agree who has an address. Three
// things Kea's protocol permits, and no rule of either server alone prevents.
// An address promised in one of them is tainted for a lease time: One and Kept
// are not asked of it. Everything else is asked of every run.
//
//   - Split: both servers serve the same bucket, and when that began a message
//     between the two had been lost in the last heartbeats: the link was cut, one
//     direction is enough. It lasts until both are in the normal state again.
//   - Stale survivor: a server serves in partner-down, its partner has promised
//     leases alone since they were last together, and when it went to
//     partner-down the partner was dead, stopped, just back, or not to be reached.
//     (A dies, B serves alone, B dies, A starts.)
//   - Common pools: a lease promised in communication-recovery, that is while its
//     update was queued, from a pool that both servers lease from.
//
// One thing is kept out of the runs: a RELEASE or DECLINE that waits in the
// socket of a stopped server. When that one goes on it ends the lease the client
// had there, at a time when the other server may have given it a new one.
//
// Result.Excused counts the double promises that this covers; some tens in half
// a million. TestNothingToExcuse runs clusters in which there must be none.
package sim
