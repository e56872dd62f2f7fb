package load

import "encoding/binary"

// ClientsMax bounds the clients of one generator: an xid holds the client's
// number and a generation.
const ClientsMax = 1 << indexBits

const indexBits = 23

// A client is one DHCP client, kept small because there are millions.
type client struct {
	intended int64 // ns of the run when the exchange should have begun
	deadline int64 // ns when the wait for an answer ends, 0 if none is awaited
	addr     uint32
	server   uint32
	xid      uint32
	until    uint32 // s of the run when the lease ends
	offered  uint32
	doing    Exchange
	sent     uint8 // type of the last message
	attempt  uint8
	busy     bool
}

// A queue is a first-in first-out list of client numbers with O(1) removal of
// its head. Stale numbers are skipped by the caller.
type queue struct {
	items []uint32
	head  int
}

func (q *queue) push(c uint32) { q.items = append(q.items, c) }

func (q *queue) len() int { return len(q.items) - q.head }

func (q *queue) pop() (uint32, bool) {
	if q.len() == 0 {
		return 0, false
	}
	c := q.items[q.head]
	q.head++
	if q.head > 4096 && q.head*2 > len(q.items) {
		q.items = q.items[:copy(q.items, q.items[q.head:])]
		q.head = 0
	}
	return c, true
}

// mac returns the hardware address of a client: locally administered, unique
// in a run, and different between runs with different salts.
func mac(salt uint8, c uint32) [6]byte {
	m := [6]byte{0: 0x02, 1: salt}
	binary.BigEndian.PutUint32(m[2:], c)
	return m
}
