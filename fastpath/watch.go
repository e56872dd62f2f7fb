package fastpath

import (
	"encoding/binary"

	"github.com/cilium/ebpf/ringbuf"

	"needletail/bpf"
)

// watch hands events of the program to OnUnacked until the Path is closed. One
// of a former epoch is no news any more.
func (p *Path) watch() {
	defer close(p.watched)
	var r ringbuf.Record
	for {
		if err := p.events.ReadInto(&r); err != nil {
			return // closed
		}
		var e bpf.DhcpEvent
		if _, err := binary.Decode(r.RawSample, binary.NativeEndian, &e); err != nil {
			continue // not of our program
		}
		if p.cfg.OnUnacked != nil && p.current(e.Relationship, e.Epoch) {
			p.cfg.OnUnacked(int(e.Relationship))
		}
	}
}

func (p *Path) current(relationship, epoch uint32) bool {
	p.scopesMu.Lock()
	defer p.scopesMu.Unlock()
	return relationship < relationshipsMax && p.scopes[relationship].own == epoch
}
