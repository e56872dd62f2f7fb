package slowpath

import (
	"hash/maphash"
	"math/bits"
	"sync/atomic"
	"time"

	"needletail/internal/scope"
)

// unackedClients counts, for one relationship and one epoch, the clients of
// the partner that were seen trying (Kea: communication_state.cc, analyzeMessage).
// Workers share it; every field is atomic.
type unackedClients struct {
	epoch      uint32
	table      *unackedTable
	analyzed   atomic.Uint64
	connecting atomic.Uint32
	unacked    atomic.Uint32
	where      relays
}

// unackedMax bounds the clients told apart in one epoch, per relationship;
// those beyond are analysed but not counted, and max-unacked-clients is far
// smaller.
const unackedMax = 1 << 16

// unackedProbes is how far from its place a client may lie, in slots.
const unackedProbes = 32

// unackedTable holds a fingerprint for each client. A slot belongs to the epoch
// in its low bits, so that a new epoch empties the table by being new.
type unackedTable struct {
	seed  maphash.Seed
	slots [unackedMax]atomic.Uint64
}

// A slot is 47 bits of fingerprint, 16 bits of epoch, and whether the client
// was unacked.
const (
	slotUnacked  = 1
	slotEpoch    = 1
	epochBits    = 16
	slotFinger   = slotEpoch + epochBits
	epochMask    = 1<<epochBits - 1
	millisOfSecs = 1000
)

func newUnackedClients(epoch uint32) *unackedClients {
	u := &unackedClients{epoch: epoch, table: &unackedTable{seed: maphash.MakeSeed()}}
	return u
}

// next returns an empty count over the same table. When the epoch's bits in
// the slots come round, the table is replaced so that no old slot looks new.
func (u *unackedClients) next(epoch uint32) *unackedClients {
	n := &unackedClients{epoch: epoch, table: u.table}
	if epoch>>epochBits != u.epoch>>epochBits {
		n.table = &unackedTable{seed: maphash.MakeSeed()}
	}
	return n
}

func (u *unackedClients) read() scope.Unacked {
	return scope.Unacked{Analyzed: u.analyzed.Load(), Connecting: u.connecting.Load(), Unacked: u.unacked.Load()}
}

// countUnacked notes a query that is not ours while communication is
// interrupted, and wakes user space when one client too many is unacked.
func (f *Filter) countUnacked(i int, s *scopeState, m *message) {
	if !s.Interrupted {
		return
	}
	u := s.unacked
	u.analyzed.Add(1)
	if !u.note(m.hw(), m.clientID(), tooLong(m.secs(), s.AckDelay)) {
		return
	}
	u.where.note(number(m.giaddr()))
	if u.unacked.Add(1) != s.UnackedMax+1 {
		return
	}
	if wake := f.wake.Load(); wake != nil {
		(*wake)(i)
	}
}

// tooLong tells whether a client has waited longer than the delay, strictly.
// Some clients send secs in the wrong byte order: a value above 255 whose low
// byte is 0 is taken the other way round (Kea: communication_state.cc,
// CommunicationState4::analyzeMessageInternal).
func tooLong(secs uint16, delay time.Duration) bool {
	if secs > 255 && secs&0xff == 0 {
		secs = bits.ReverseBytes16(secs)
	}
	return int64(secs)*millisOfSecs > delay.Milliseconds()
}

// note records a client. It returns true if the client is unacked and was not
// known to be so.
func (u *unackedClients) note(hw, id []byte, unacked bool) bool {
	t := u.table
	finger := t.fingerprint(hw, id)
	want := finger>>slotFinger<<slotFinger | uint64(u.epoch&epochMask)<<slotEpoch
	for probe := range uint64(unackedProbes) {
		slot := &t.slots[(finger+probe)%unackedMax]
		for {
			old := slot.Load()
			known := old&^slotUnacked == want && old != 0
			stale := old == 0 || old>>slotEpoch&epochMask != uint64(u.epoch&epochMask)
			if !known && !stale {
				break // another client's: try the next slot
			}
			if known && (old&slotUnacked != 0 || !unacked) {
				return false
			}
			fresh := want
			if unacked {
				fresh |= slotUnacked
			}
			if !slot.CompareAndSwap(old, fresh) {
				continue // another worker was faster: look again
			}
			if !known {
				u.connecting.Add(1)
			}
			return unacked
		}
	}
	return false
}

// fingerprint hashes the key: hardware address and client identifier, told
// apart by length. It is never 0 where it is compared.
func (t *unackedTable) fingerprint(hw, id []byte) uint64 {
	var h maphash.Hash
	h.SetSeed(t.seed)
	h.WriteByte(uint8(len(hw)))
	h.Write(hw)
	h.Write(id)
	return h.Sum64() | 1<<63
}
