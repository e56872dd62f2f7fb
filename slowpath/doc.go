// Package slowpath is the DHCPv4 server: it reads a message, finds whose it is
// (filter), where the client is (subnet selection), decides by RFC 2131 and
// writes the reply. The lease table and everything durable belong to package
// leases; what travels to partners belongs to whoever satisfies Replicator.
//
// An Engine holds a compiled configuration that never changes; a reload swaps
// the whole. A Worker has the scratch of one goroutine. Neither opens a
// socket, reads a clock or logs per packet: bytes and time come in, bytes and
// counters go out. The kernel ports (port*.go, socket*.go, pump*.go) move
// them.
//
// Where the RFC is silent the engine does what Kea 3 does. On purpose it differs
// from Kea in this: options come in the order the client asks for (RFC 2131
// section 4.3.1), replies keep to option 57 and use file and sname for options,
// option 82 comes back byte for byte even if it is malformed, the server
// identifier override is obeyed in replies (RFC 5107), a NAK without relay is
// always broadcast (RFC 2131 section 4.1), an INFORM from an unknown network
// gets no answer, and a lease is confirmed from the lease cache only if it is on
// disk and at the partner.
package slowpath
