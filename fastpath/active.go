package fastpath

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Active is what one of the interfaces to be served really has.
type Active struct {
	Interface string
	Driver    string   // "veth", "ixgbe", ...; "" if it does not tell
	XDP       string   // Native, Generic, or Off: kernel sockets serve it
	Queues    int      // receive queues in use, 0 with Off
	Sockets   int      // queues with an AF_XDP socket
	ZeroCopy  int      // those of them without a copy by the kernel
	Live      int      // those of them whose replies leave as live frames, many at once
	Remarks   []string // what was turned off or could not be had, and why
}

// Active tells of every interface that was last asked for, by name.
func (p *Path) Active() []Active {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []Active
	for _, s := range p.sides {
		all = append(all, s.active())
	}
	for name, why := range p.off {
		all = append(all, Active{Interface: name, XDP: Off, Remarks: []string{why}})
	}
	slices.SortFunc(all, func(a, b Active) int { return cmp.Compare(a.Interface, b.Interface) })
	return all
}

func (s *side) active() Active {
	a := Active{Interface: s.picked.Name, Driver: s.device.Driver, XDP: Native, Queues: s.queues, Sockets: len(s.legs)}
	if !s.native {
		a.XDP = Generic
	}
	for _, l := range s.legs {
		if l.socket.ZeroCopy() {
			a.ZeroCopy++
		}
		if l.outlet.ready() {
			a.Live++
		}
	}
	if s.turned {
		a.Remarks = append(a.Remarks, "turned rxvlan off, which hides VLAN tags from the program")
	}
	for _, queue := range slices.Sorted(maps.Keys(s.notes)) {
		a.Remarks = append(a.Remarks, s.notes[queue]...)
	}
	if s.dead != nil {
		a.Remarks = append(a.Remarks, fmt.Sprintf("no live frames, replies leave by the ring: %v", s.dead))
	}
	return a
}

// String says it in one line.
func (a Active) String() string {
	parts := []string{fmt.Sprintf("driver %s, %s XDP, %d of %d queues with AF_XDP (%d zero-copy)",
		either(a.Driver, "unknown"), a.XDP, a.Sockets, a.Queues, a.ZeroCopy)}
	if a.Live > 0 {
		parts = append(parts, "replies as live frames")
	}
	return strings.Join(append(parts, a.Remarks...), "; ")
}
