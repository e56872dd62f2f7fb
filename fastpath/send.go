package fastpath

import "needletail/internal/frame"

// Send writes the headers and sends every reply by the ring of the interface it
// names. What a ring cannot carry goes through the kernel's routing: a reply
// whose neighbour must be resolved, or that leaves by an interface which this
// port does not serve.
func (p *Port) Send(rs []frame.Reply) {
	p.follow()
	bulk := len(rs) >= bulkMin
	for i := range rs {
		p.send(&rs[i], bulk)
		p.idle = append(p.idle, int(rs[i].Token))
		rs[i].Buf = nil
	}
	for _, l := range p.legs {
		if l == nil || l.gone {
			continue
		}
		if n := l.flush(); n > 0 {
			p.count.sent.Add(^uint64(n - 1))
			p.count.sendFailed.Add(uint64(n))
		}
		l.reclaim()
	}
}

func (p *Port) send(r *frame.Reply, bulk bool) {
	l := p.legTo(r.To.IfIndex)
	if r.To.Resolve && l != nil {
		mac, ok := p.neighbours.Lookup(r.To.IfIndex, r.To.Dst)
		if ok {
			r.To.DstMAC = mac
			p.count.neighbours.Add(1)
		} else {
			l = nil
		}
	}
	switch {
	case l == nil:
		p.route(r)
	case l.queue(frame.Write(r, address(l.mac.Load())), bulk):
		p.count.sent.Add(1)
	default:
		p.count.sendFailed.Add(1)
	}
}

// legTo returns a socket on an interface, nil if there is none.
func (p *Port) legTo(ifindex int) *leg {
	for _, l := range p.legs {
		if l != nil && !l.gone && l.index == ifindex {
			return l
		}
	}
	return nil
}

// route leaves a reply to the kernel, which finds the neighbour and, where the
// reply names no interface, the interface.
func (p *Port) route(r *frame.Reply) {
	if err := p.router.send(r); err != nil {
		p.count.unroutable.Add(1)
		return
	}
	p.count.kernelRouted.Add(1)
	p.count.sent.Add(1)
}
