package slowpath

import (
	"golang.org/x/sys/unix"

	"needletail/internal/frame"
	"needletail/internal/netif"
)

// rawMedium moves whole frames through AF_PACKET sockets, which is how a client
// without an address is reached by unicast (RFC 2131 section 4.1).
type rawMedium struct {
	neighbours *netif.Neighbours // nil: the kernel resolves
}

func (rawMedium) vector() *vector { return newVector(vectorMax, withControls) }

func (rawMedium) decode(v *vector, i int, b []byte, _ *leg, q *frame.Query) frame.Fault {
	var m frame.Meta
	if aux, ok := v.auxdata(i); ok {
		m.Trusted = aux.Status&(unix.TP_STATUS_CSUMNOTREADY|unix.TP_STATUS_CSUM_VALID) != 0
		if aux.Status&unix.TP_STATUS_VLAN_VALID != 0 {
			m.Tag = frame.Tag{TPID: frame.TPIDTag, TCI: aux.Vlan_tci}
			if aux.Status&unix.TP_STATUS_VLAN_TPID_VALID != 0 {
				m.Tag.TPID = aux.Vlan_tpid
			}
		}
	}
	return frame.Parse(b, m, q)
}

func (m rawMedium) send(p *kernelPort, l *leg, r *frame.Reply) {
	if !m.resolve(p, r) {
		p.count.kernelRouted.add(1)
		p.packets.datagram(l.udp, r, r.To.Dst)
		return
	}
	i := p.frames.next(l.in.fd)
	p.frames.v.put(i, frame.Write(r, l.link.MAC))
}

// resolve finds the MAC address of a reply. False: the kernel must, because it
// has to ask the neighbour first, or because the way there leads over a router.
func (m rawMedium) resolve(p *kernelPort, r *frame.Reply) bool {
	to := &r.To
	if !to.Resolve && to.DstMAC != [6]byte{} {
		return true
	}
	if to.Dst == frame.BroadcastIP {
		to.DstMAC = frame.Broadcast
		return true
	}
	if m.neighbours == nil {
		return false
	}
	mac, ok := m.neighbours.Lookup(to.IfIndex, to.Dst)
	if ok {
		to.DstMAC = mac
		p.count.neighbours.add(1)
	}
	return ok
}
