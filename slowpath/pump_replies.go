package slowpath

import "needletail/internal/frame"

// replySlots are the replies being written or held back. The index of a slot is
// the tag of its query in a batch.
type replySlots struct {
	all    []frame.Reply
	silent []bool   // held back, but nobody is told (RELEASE, DECLINE)
	failed []bool   // a partner refused the query; used while a batch lands
	free   []uint32 // slots without a buffer
	ready  int      // slot with a buffer, for the next query; -1: none
}

func (s *replySlots) init(n int) {
	s.all = make([]frame.Reply, n)
	s.silent, s.failed = make([]bool, n), make([]bool, n)
	s.free = make([]uint32, n)
	for i := range s.free {
		s.free[i] = uint32(i)
	}
	s.ready = -1
}

// spare returns a slot with a buffer. It stays the spare one until take or sent,
// so queries without a reply cost no buffer.
func (s *replySlots) spare(p Port) (uint32, bool) {
	if s.ready < 0 {
		if len(s.free) == 0 {
			return 0, false
		}
		slot := s.free[len(s.free)-1]
		if !p.Buffer(&s.all[slot]) {
			return 0, false
		}
		s.free = s.free[:len(s.free)-1]
		s.ready = int(slot)
	}
	return uint32(s.ready), true
}

// take holds the spare slot back until land.
func (s *replySlots) take(hasReply bool) {
	s.silent[s.ready] = !hasReply
	s.ready = -1
}

// sent frees the spare slot; its buffer is on its way.
func (s *replySlots) sent() {
	s.free = append(s.free, uint32(s.ready))
	s.ready = -1
}

// dropSpare returns the spare slot's buffer.
func (s *replySlots) dropSpare(p Port) {
	if s.ready >= 0 {
		p.Drop(&s.all[s.ready])
		s.sent()
	}
}
