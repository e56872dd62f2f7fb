// Package scope describes the share of clients that this server answers, as ha
// decides it and as both filters (the XDP program and user space) apply it.
// It holds values only.
package scope

import (
	"time"

	"needletail/internal/rfc3074"
)

// RelationshipsMax bounds the HA relationships of one server.
const RelationshipsMax = 64

// Mode tells how a relationship finds the owner of a client.
type Mode uint8

const (
	// None: no HA is configured, every query is served.
	None Mode = iota
	// Hashed: load-balancing; the bucket of the client decides (RFC 3074).
	Hashed
	// Whole: hot-standby and passive-backup; the primary owns every client.
	// Buckets is then all or nothing, and no identifier is needed.
	Whole
)

// Scope is everything a filter needs to judge the queries of one
// relationship. It replaces the former value in one store.
type Scope struct {
	Mode        Mode
	Enabled     bool            // DHCP service; off: every DHCP query is dropped and none analysed
	Serve       rfc3074.Buckets // buckets answered here
	Interrupted bool            // count unacked clients among the queries not served
	AckDelay    time.Duration   // a client is unacked when secs exceeds it, strictly
	UnackedMax  uint32          // user space is woken when more clients than this are unacked
	Epoch       uint32          // a new epoch forgets all clients counted so far
	// Owners names who owns each bucket, for the classes HA_<owner>: index
	// into Names. Whole uses element 0 for every client.
	Owners [256]uint8
	Names  []string
}

// Unacked is what the filters counted since the epoch began.
type Unacked struct {
	Analyzed   uint64 // packets
	Connecting uint32 // distinct clients
	Unacked    uint32 // clients whose secs exceeded the delay
}
