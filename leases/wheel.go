package leases

// Each pool has a timing wheel of wheelLevels levels of wheelSize buckets; the
// levels tick in 1 s, 64 s, 68 min, 3 days, 194 days and 34 years. A lease lies in the
// level of the highest digit in which its end differs from the wheel's time.
//
// A renewal only moves the end further away, so the slot stays where it is and
// is put right when its old bucket comes round: a renewal touches no list.
const (
	wheelBits   = 6
	wheelSize   = 1 << wheelBits
	wheelLevels = 6 // 2^36 s: every end there can be differs from now below that
)

// schedule puts a slot, which is in no list, where its end belongs. Infinite
// leases, and addresses declined for good, never end and are in no list.
func (n *network) schedule(p *pool, ref uint32) {
	s := n.slot(ref)
	if s.valid == Infinite {
		return
	}
	end := s.ends()
	if end <= p.now {
		n.push(p, listExpired, ref)
		return
	}
	level, diff := 0, uint64(end^p.now)
	for diff >= wheelSize && level < wheelLevels-1 {
		diff >>= wheelBits
		level++
	}
	n.push(p, wheelBucket(level, end), ref)
	p.timed++
}

// wheelBucket is the list of a level that holds ends at a time.
func wheelBucket(level int, at int64) uint16 {
	digit := at >> (level * wheelBits) & (wheelSize - 1)
	return uint16(listWheel + level*wheelSize + int(digit))
}

// clockBack is how far time may go back before the wheel does: workers read the
// clock at different moments. Leases may be collected so much too early.
const clockBack = 10 // s

// advance moves the wheel towards now, at most steps slots at a time, and
// collects what has ended in listExpired. It returns false if more is to do.
// The wheel stops only where a bucket has slots, so its work is that of the
// slots, however far the clock jumps.
func (n *network) advance(p *pool, now int64, steps int) bool {
	if p.now > now+clockBack {
		p.now, p.misplaced = now, p.expired
	}
	for p.misplaced = min(p.misplaced, p.expired); p.misplaced > 0; p.misplaced-- {
		if steps--; steps < 0 {
			return false
		}
		n.reschedule(p, p.lists[listExpired])
	}
	for {
		for level := wheelLevels - 1; level >= 0; level-- {
			for list := wheelBucket(level, p.now); p.lists[list] != 0; steps-- {
				if steps <= 0 {
					return false
				}
				n.reschedule(p, p.lists[list])
			}
		}
		if p.now >= now {
			return true
		}
		p.now = p.nextDue(now)
	}
}

func (n *network) reschedule(p *pool, ref uint32) {
	n.unlink(p, ref)
	n.schedule(p, ref)
}

// nextDue returns the first moment after the wheel's time, now at the latest, at
// which a bucket with slots comes round. Buckets behind the wheel's digit count
// as next round's: there are some only after the clock went back, and to come
// round too early does no harm.
func (p *pool) nextDue(now int64) int64 {
	for level := 0; level < wheelLevels && p.timed > 0; level++ {
		shift := level * wheelBits
		for turn := int64(1); turn < wheelSize; turn++ {
			at := (p.now>>shift + turn) << shift
			if at >= now {
				break
			}
			if p.lists[wheelBucket(level, at)] != 0 {
				now = at
				break
			}
		}
	}
	return now
}
