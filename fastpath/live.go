package fastpath

import (
	"errors"
	"time"

	"needletail/internal/netif"
)

// liveEvery is how often interfaces are asked whether they still send live
// frames. A veth does or does not by what its far end does, and of that comes no
// message; replies it does not send are lost until the next look.
const liveEvery = time.Second

// errNotSent is why an interface has no live frames.
var errNotSent = errors.New("it does not send what XDP redirects to it (a veth needs gro on, or a program, at its far end)")

// liveWatch keeps the interfaces' word on live frames up to date.
type liveWatch struct {
	features    *netif.XDPFeatures // guarded by the path's mu
	stop, ended chan struct{}
}

// watchLive begins to ask, where live frames are wanted. A kernel that does not
// tell is no error: the ring serves.
func (p *Path) watchLive() {
	if p.cfg.Send != Live || len(p.ports) == 0 {
		return
	}
	features, err := netif.OpenXDPFeatures()
	if err != nil {
		p.cfg.Log.Warn("no live frames; replies leave by the AF_XDP ring", "reason", err)
		p.cfg.Send = Ring
		return
	}
	p.live = &liveWatch{features: features, stop: make(chan struct{}), ended: make(chan struct{})}
	go p.live.run(p)
}

func (w *liveWatch) run(p *Path) {
	defer close(w.ended)
	tick := time.NewTicker(liveEvery)
	defer tick.Stop()
	for {
		select {
		case <-w.stop:
			return
		case <-tick.C:
			p.mu.Lock()
			for name, s := range p.sides {
				w.look(s)
				p.tell(name, s.active().String())
			}
			p.mu.Unlock()
		}
	}
}

// look asks whether an interface sends live frames now.
func (w *liveWatch) look(s *side) {
	sends, err := w.features.Sends(s.picked.Index)
	if err == nil && !sends {
		err = errNotSent
	}
	s.dead = err
	s.live.Store(err == nil)
}

func (w *liveWatch) close() {
	close(w.stop)
	<-w.ended
	w.features.Close()
}
