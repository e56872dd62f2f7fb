package e2eha

import (
	"slices"
	"testing"
	"time"
)

// Two needletails share one pool, without a share for each: clients all come at
// once, so that both servers choose at the same time. No address is promised to
// two, everybody gets one, and both servers know all of them.
func TestSharedPool(t *testing.T) {
	long(t)
	p := newPair(t, setup{shared: true, fast: "auto"})
	took := p.w.all("a rush", 0, 2000)
	t.Logf("the slowest of 2000 clients waited %v", took)
	same(t, p.a, p.b, 2000)
	p.w.all("renewals", 0, 2000)
	same(t, p.a, p.b, 2000)
	for n := range 300 {
		p.w.release(n)
	}
	took = p.w.all("a second rush, for released addresses too", 2000, 3000)
	t.Logf("the slowest of 1000 clients waited %v", took)
	same(t, p.a, p.b, 2700)
	p.unharmed()
}

// The pool is so small that one server's clients need addresses of the other
// one's half, where both choose alike: the servers refuse each other's choices,
// and in the end all clients have an address of their own.
func TestSharedPoolNearlyFull(t *testing.T) {
	long(t)
	p := newPair(t, setup{pool: "192.0.16.0 - 192.0.16.199", fast: "auto"})
	first, second := owned(0, 140), owned(1, 50)
	p.w.retry = 200 * time.Millisecond
	p.w.these("the first half is full", first[:100])
	rush := slices.Clone(second)
	for i := range 40 {
		rush = slices.Insert(rush, 2*i, first[100+i]) // one for one
	}
	p.w.these("a rush on the second half", rush)
	p.w.these("renewals", slices.Concat(first, second))
	same(t, p.a, p.b, 190)
	p.unharmed()
}

// unharmed is what must hold after a rush: every client has what it was promised,
// and the servers have not lost each other over it.
func (p *pair) unharmed() {
	p.t.Helper()
	p.promised()
	for _, m := range p.members {
		if s := m.state(0); s != p.normal {
			p.t.Errorf("%s is in %s", m.name, s)
		}
	}
}
