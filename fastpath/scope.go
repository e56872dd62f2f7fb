package fastpath

import (
	"fmt"
	"math"
	"time"

	"github.com/cilium/ebpf"

	"needletail/bpf"
	"needletail/internal/scope"
)

// published is the scope of one relationship as the program has it.
type published struct {
	set   bool
	epoch uint32 // the caller's
	own   uint32 // ours: counts up by one, so that its lowest bit alternates
}

// SetScope replaces the scope of relationship i in one store: every packet is
// judged by the former value or by this one. When SetScope returns, no packet
// is under the former any more. A scope that cannot be set is logged and the
// relationship left without one: its queries are then passed to user space.
func (p *Path) SetScope(i int, s scope.Scope) {
	if err := p.setScope(i, s); err != nil {
		p.cfg.Log.Error("the fast path cannot follow a scope; user space decides alone", "relationship", i, "error", err)
		_ = p.maps.Scopes.Delete(uint32(i)) // an absent one is what we want
	}
}

func (p *Path) setScope(i int, s scope.Scope) error {
	p.scopesMu.Lock()
	defer p.scopesMu.Unlock()
	now := &p.scopes[i]
	if !now.set || now.epoch != s.Epoch {
		if err := p.clear(i, now.own+1); err != nil {
			return err
		}
		*now = published{set: true, epoch: s.Epoch, own: now.own + 1}
	}
	box, err := ebpf.NewMap(p.spec.Maps["scope_box"].Copy())
	if err != nil {
		return fmt.Errorf("make a map for a scope: %w", err)
	}
	defer box.Close() // the program's map holds it from now on
	if err := box.Put(uint32(0), toKernel(s, now.own)); err != nil {
		return fmt.Errorf("write a scope: %w", err)
	}
	if err := p.maps.Scopes.Put(uint32(i), box); err != nil {
		return fmt.Errorf("replace the scope of relationship %d: %w", i, err)
	}
	return nil
}

// clear empties the counts that the next epoch will use. No packet writes them:
// the epoch before last used them, and the last SetScope waited for its packets.
func (p *Path) clear(i int, epoch uint32) error {
	half := uint32(i)*2 + epoch%2
	if err := p.maps.ClientCounts.Put(half, bpf.DhcpCensus{}); err != nil {
		return fmt.Errorf("clear the clients of relationship %d: %w", i, err)
	}
	if err := p.maps.Analyzed.Put(half, make([]uint64, ebpf.MustPossibleCPU())); err != nil {
		return fmt.Errorf("clear the packets of relationship %d: %w", i, err)
	}
	return nil
}

func toKernel(s scope.Scope, epoch uint32) bpf.DhcpScope {
	return bpf.DhcpScope{
		Serve:       s.Serve,
		Epoch:       epoch,
		AckDelayMs:  milliseconds(s.AckDelay),
		UnackedMax:  s.UnackedMax,
		Mode:        uint8(modes[s.Mode]),
		Enabled:     flag(s.Enabled),
		Interrupted: flag(s.Interrupted),
	}
}

var modes = [...]bpf.DhcpMode{
	scope.None:   bpf.DhcpModeMODE_NONE,
	scope.Hashed: bpf.DhcpModeMODE_HASHED,
	scope.Whole:  bpf.DhcpModeMODE_WHOLE,
}

// milliseconds rounds down, which changes no comparison with whole seconds.
func milliseconds(d time.Duration) uint32 {
	return uint32(min(max(d.Milliseconds(), 0), math.MaxUint32))
}

func flag(b bool) uint8 {
	if b {
		return 1
	}
	return 0
}

// Unacked returns what the program counted for relationship i since its epoch
// began. User space counts the queries it judges itself.
func (p *Path) Unacked(i int) scope.Unacked {
	p.scopesMu.Lock()
	defer p.scopesMu.Unlock()
	half := uint32(i)*2 + p.scopes[i].own%2
	var n bpf.DhcpCensus
	var packets []uint64
	if p.maps.ClientCounts.Lookup(half, &n) != nil || p.maps.Analyzed.Lookup(half, &packets) != nil {
		return scope.Unacked{} // closed
	}
	u := scope.Unacked{Connecting: n.Connecting, Unacked: n.Unacked}
	for _, c := range packets {
		u.Analyzed += c
	}
	return u
}
