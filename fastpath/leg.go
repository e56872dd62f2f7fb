package fastpath

import (
	"encoding/binary"
	"sync/atomic"

	"needletail/internal/xsk"
)

// leg is one AF_XDP socket of a port. Its port's goroutine owns everything in
// it once it has been given away. Its first frames are for queries, the others
// for replies, so neither can starve the other.
type leg struct {
	index  int            // of the interface
	mac    *atomic.Uint64 // its MAC address now, its side's; see word
	socket *xsk.Socket
	outlet *outlet // nil: replies leave by the socket's ring only
	port   *Port
	slot   int      // in port.legs
	fill   []uint64 // frames to give to the kernel to receive into
	free   []uint64 // frames for replies
	queued []xsk.Desc
	held   int  // queries that may wait; see Port.HeldMax
	out    int  // queries the worker holds
	gone   bool // close when the worker holds no more
}

// spareShare is the part of a leg's frames for queries, 1/n, that the kernel keeps
// to receive into while as many queries wait as may: 3,072 of 24,576, which is what
// comes while a worker handles several batches.
const spareShare = 8

func newLeg(s *side, socket *xsk.Socket, queries, replies int, port *Port) *leg {
	l := &leg{index: s.picked.Index, mac: &s.mac, socket: socket, port: port, held: queries - queries/spareShare,
		fill: make([]uint64, 0, queries), free: make([]uint64, 0, replies), queued: make([]xsk.Desc, 0, replies)}
	for i := range queries {
		l.fill = append(l.fill, uint64(i)*xsk.FrameSize)
	}
	for i := range replies {
		l.free = append(l.free, uint64(queries+i)*xsk.FrameSize)
	}
	l.refill()
	return l
}

// word and address turn a MAC address into a word that is exchanged whole, and back.
func word(mac [6]byte) uint64 { return binary.BigEndian.Uint64(append([]byte{0, 0}, mac[:]...)) }

func address(word uint64) (mac [6]byte) {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], word)
	copy(mac[:], b[2:])
	return mac
}

// refill gives the kernel the frames it may receive into.
func (l *leg) refill() {
	if len(l.fill) == 0 {
		return
	}
	n := l.socket.Fill(l.fill)
	l.fill = l.fill[:copy(l.fill, l.fill[n:])]
}

// reclaim takes back the frames of replies that have been sent.
func (l *leg) reclaim() {
	n := l.socket.Completed(l.free[len(l.free):cap(l.free)])
	l.free = l.free[:len(l.free)+n]
}

// replenish makes frames for replies free: of those that have been sent, else
// by sending those that are queued. False: the driver holds them all.
func (l *leg) replenish() bool {
	if l.reclaim(); len(l.free) == 0 {
		l.flushRing()
		l.reclaim()
	}
	return len(l.free) > 0
}

// queue copies a frame to where flush sends it from: in bulk to the outlet,
// where there is one, else into the UMEM. False: no frame is free although what
// was queued has been given to the driver, which is behind.
func (l *leg) queue(b []byte, bulk bool) bool {
	if bulk && l.outlet.ready() && l.outlet.queue(b) {
		return true
	}
	if len(l.free) == 0 && !l.replenish() {
		return false
	}
	addr := l.free[len(l.free)-1]
	l.free = l.free[:len(l.free)-1]
	copy(l.socket.Frame(addr, uint32(len(b))), b)
	l.queued = append(l.queued, xsk.Desc{Addr: addr, Len: uint32(len(b))})
	return true
}

// flush sends what is queued and returns how much was not taken.
func (l *leg) flush() (refused int) {
	if l.outlet != nil {
		refused = l.outlet.flush()
	}
	l.flushRing()
	return refused
}

// flushRing gives the driver what is queued: the ring has an entry for every
// frame there is.
func (l *leg) flushRing() {
	if len(l.queued) == 0 {
		return
	}
	l.socket.Send(l.queued)
	l.queued = l.queued[:0]
	_ = l.socket.Kick() // an interface that is down sends later, or its leg ends
}

// close gives everything back to the kernel.
func (l *leg) close() {
	l.outlet.close()
	l.socket.Close()
}
