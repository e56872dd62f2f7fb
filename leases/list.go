package leases

// Every slot is in at most one list of its pool: circular, doubly linked by
// slot number, oldest first. The order of the lists is the order of deadlines
// or of age, so that heads answer "who is next" in O(1).
const (
	listNone    = 0
	listFree    = 1 // used once, free now: longest free first
	listOffers  = 2 // offered: first to time out first
	listFormer  = 3 // reclaimed and released: longest ago first
	listExpired = 4 // active or declined, past their end, not yet reclaimed
	listWheel   = 5 // first bucket of the timing wheel
	listCount   = listWheel + wheelLevels*wheelSize
)

// push appends a slot, which is in no list, to a list of its pool.
func (n *network) push(p *pool, list uint16, ref uint32) {
	s := n.slot(ref)
	s.list = list
	if list == listExpired {
		p.expired++
	}
	head := p.lists[list]
	if head == 0 {
		p.lists[list], s.prev, s.next = ref, ref, ref
		return
	}
	h := n.slot(head)
	s.prev, s.next = h.prev, head
	n.slot(h.prev).next = ref
	h.prev = ref
}

// unlink takes a slot out of the list it is in, if any.
func (n *network) unlink(p *pool, ref uint32) {
	s := n.slot(ref)
	if s.list == listNone {
		return
	}
	if s.list >= listWheel {
		p.timed--
	} else if s.list == listExpired {
		p.expired--
	}
	switch {
	case s.next == ref:
		p.lists[s.list] = 0
	default:
		n.slot(s.prev).next = s.next
		n.slot(s.next).prev = s.prev
		if p.lists[s.list] == ref {
			p.lists[s.list] = s.next
		}
	}
	s.list, s.prev, s.next = listNone, 0, 0
}
