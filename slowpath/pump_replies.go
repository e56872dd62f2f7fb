package slowpath

import "needletail/internal/frame"

// replySlots are the replies being written or held back. The index of a slot is
// the tag of its query in a batch. There are as many as were ever in use together.
type replySlots struct {
	most   int // slots
	all    []frame.Reply
	silent []bool   // held back, but nobody is told (RELEASE, DECLINE)
	failed []bool   // a partner refused the query; used while a batch lands
	free   []uint32 // slots without a buffer
	ready  int      // slot with a buffer, for the next query; -1: none
}

func (s *replySlots) init(most int) { s.most, s.ready = most, -1 }

// grow makes another slot, and tells whether it may.
func (s *replySlots) grow() bool {
	if len(s.all) == s.most {
		return false
	}
	s.free = append(s.free, uint32(len(s.all)))
	s.all = append(s.all, frame.Reply{})
	s.silent, s.failed = append(s.silent, false), append(s.failed, false)
	return true
}

// spare returns a slot with a buffer. It stays the spare one until take or sent,
// so queries without a reply cost no buffer.
func (s *replySlots) spare(p Port) (uint32, bool) {
	if s.ready < 0 {
		if len(s.free) == 0 && !s.grow() {
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
