package fastpath

import (
	"errors"

	"needletail/internal/netif"
)

// errNotSent is why an interface has no live frames.
var errNotSent = errors.New("it does not send what XDP redirects to it (a veth needs gro on, or a program, at its far end)")

// openFeatures begins to ask which interfaces send live frames, where those are
// wanted. A kernel that does not tell is no error: the ring serves.
func (p *Path) openFeatures() {
	if p.cfg.Send != Live || len(p.ports) == 0 {
		return
	}
	var err error
	if p.features, err = netif.OpenXDPFeatures(); err != nil {
		p.cfg.Log.Warn("no live frames; replies leave by the AF_XDP ring", "reason", err)
		p.cfg.Send = Ring
	}
}

// askLive asks whether an interface sends live frames now. A veth does or does
// not by what its far end does, and of that comes no message; replies it does not
// send are lost until the next look.
func (s *side) askLive(features *netif.XDPFeatures) {
	sends, err := features.Sends(s.picked.Index)
	if err == nil && !sends {
		err = errNotSent
	}
	s.dead = err
	s.live.Store(err == nil)
}
