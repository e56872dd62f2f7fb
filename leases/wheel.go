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
// leases never end and are in no list.
func (n *network) schedule(p *pool, ref uint32) {
	s := n.slot(ref)
	if s.valid == Infinite && s.state() == Active {
		return
	}
	end := s.expires()
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

// advance moves the wheel towards now, at most steps slots at a time, and
// collects what has ended in listExpired. It returns false if more is to do.
func (n *network) advance(p *pool, now int64, steps int) bool {
	for {
		for level := wheelLevels - 1; level >= 0; level-- {
			for list := wheelBucket(level, p.now); p.lists[list] != 0; steps-- {
				if steps <= 0 {
					return false
				}
				ref := p.lists[list]
				n.unlink(p, ref)
				n.schedule(p, ref)
			}
		}
		if p.timed == 0 {
			p.now = max(p.now, now)
		}
		if p.now >= now {
			return true
		}
		p.now++
	}
}
