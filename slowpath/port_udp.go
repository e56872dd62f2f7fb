package slowpath

import "needletail/internal/frame"

// udpMedium moves messages through ordinary UDP sockets, for hosts and
// interfaces where packet sockets are not to be had. A client that has no
// address yet cannot be reached by unicast this way; it gets a broadcast, as
// from Kea (dhcp4_srv.cc, adjustRemoteAddr).
type udpMedium struct{}

func (udpMedium) vector() *vector { return newVector(vectorMax, withNames|withControls) }

func (udpMedium) decode(v *vector, i int, b []byte, l *leg, q *frame.Query) frame.Fault {
	info, ok := v.pktinfo(i)
	if !ok {
		return frame.FaultTruncated
	}
	q.Link = frame.Link{Dst: info.Addr, DstPort: frame.ServerPort}
	q.Link.Src, q.Link.SrcPort = v.from(i)
	q.Message = b
	return frame.Whole
}

func (udpMedium) send(p *kernelPort, l *leg, r *frame.Reply) {
	dst := r.To.Dst
	if direct := !r.To.Resolve && r.To.DstMAC != [6]byte{}; direct {
		dst = frame.BroadcastIP
	}
	p.packets.datagram(l.udp, r, dst)
}
