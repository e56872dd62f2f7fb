package slowpath

import "needletail/internal/netif"

// side is what Ports has open on one interface.
type side struct {
	link netif.Picked
	in   []*socket // one for each worker, or one for all
	udp  *socket
	seen uint32 // drops of a UDP socket at the last look
}

func (sd *side) leg(worker int) *leg {
	in := sd.in[worker%len(sd.in)]
	return &leg{link: sd.link, in: in.use(), udp: sd.udp.use()}
}

// begin opens the sockets of an interface.
func (s *Ports) begin(p netif.Picked) (_ *side, err error) {
	fd, err := openUDP(p.Name, s.server, s.raw)
	if err != nil {
		return nil, err
	}
	sd := &side{link: p, udp: newSocket(fd)}
	defer func() {
		if err != nil {
			sd.close()
		}
	}()
	if !s.raw {
		sd.in = []*socket{sd.udp.use()}
		return sd, nil
	}
	group := newGroup
	for range s.ports {
		fd, err := openPacket(p.Index)
		if err != nil {
			return nil, err
		}
		sd.in = append(sd.in, newSocket(fd))
		if len(s.ports) > 1 {
			if group, err = joinGroup(fd, group); err != nil {
				return nil, err
			}
		}
	}
	for _, in := range sd.in {
		if err := hear(in.fd); err != nil {
			return nil, err
		}
	}
	return sd, nil
}

// end takes an interface away from the workers. The sockets close when the last
// of them has let go.
func (s *Ports) end(sd *side) {
	s.drops += sd.drops(s.raw)
	for i, port := range s.ports {
		l := sd.leg(i)
		port.change(change{leg: l})
		l.close()
	}
	delete(s.sides, sd.link.Index)
	sd.close()
}

func (sd *side) close() {
	for _, in := range sd.in {
		in.close()
	}
	sd.udp.close()
}
