package echo

import (
	"errors"
	"fmt"
	"net"

	"github.com/cilium/ebpf/link"
)

// Server answers on one interface until it is closed.
type Server struct {
	objects EchoObjects
	hook    link.Link
}

// Attach starts to answer on an interface of the calling thread's network
// namespace, whose driver must have native XDP. It needs CAP_NET_ADMIN and
// CAP_BPF.
func Attach(ifname string) (*Server, error) {
	ifi, err := net.InterfaceByName(ifname)
	if err != nil {
		return nil, fmt.Errorf("answer on %s: %w", ifname, err)
	}
	s := new(Server)
	if err := LoadEchoObjects(&s.objects, nil); err != nil {
		return nil, fmt.Errorf("load the answering program: %w", err)
	}
	s.hook, err = link.AttachXDP(link.XDPOptions{Program: s.objects.EchoPrograms.Echo, Interface: ifi.Index, Flags: link.XDPDriverMode})
	if err != nil {
		s.objects.Close()
		return nil, fmt.Errorf("attach to %s: %w", ifname, err)
	}
	return s, nil
}

// Close stops answering.
func (s *Server) Close() error { return errors.Join(s.hook.Close(), s.objects.Close()) }
