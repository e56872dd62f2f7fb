package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"needletail/internal/frame"
	"needletail/internal/netif"
	"needletail/internal/netif/nettest"
	"needletail/internal/transcript"
)

// Wire is the network between clients and a server. One goroutine uses it.
type Wire struct {
	Server, Clients *nettest.Namespace

	lab  *nettest.Lab
	ends map[string]end // by the interface's name, which both sides share
}

// end is the clients' end of an interface.
type end struct {
	fd     int
	server [6]byte // MAC address of the other end
}

// Open makes the two namespaces. The lab removes them, Close the rest.
func Open(lab *nettest.Lab) (*Wire, error) {
	w := &Wire{lab: lab, ends: map[string]end{}}
	var err error
	if w.Server, err = lab.Namespace("server"); err != nil {
		return nil, err
	}
	w.Clients, err = lab.Namespace("client")
	return w, err
}

// Close closes the clients' ends.
func (w *Wire) Close() {
	for _, e := range w.ends {
		unix.Close(e.fd)
	}
}

// Connect makes one of the server's interfaces and opens its other end. It
// returns the interface's index in the server's namespace.
func (w *Wire) Connect(i transcript.Interface) (index int, err error) {
	if err := w.lab.Veth(w.Server, i.Name, w.Clients, i.Name); err != nil {
		return 0, err
	}
	for _, a := range i.Addrs {
		if err := w.Server.Address(i.Name, a.String()+"/32"); err != nil {
			return 0, err
		}
	}
	var e end
	err = w.Server.Do(func() error {
		for _, name := range []string{"all", i.Name} { // sources are not routed anywhere
			if err := os.WriteFile("/proc/sys/net/ipv4/conf/"+name+"/rp_filter", []byte("0"), 0); err != nil {
				return err
			}
		}
		l, err := netif.ByName(i.Name)
		index, e.server = l.Index, l.MAC
		return err
	})
	if err != nil {
		return 0, err
	}
	if len(w.ends) == 0 {
		if err := w.Server.DefaultRoute(i.Name); err != nil {
			return 0, err
		}
	}
	err = w.Clients.Do(func() (err error) { e.fd, err = tap(i.Name); return err })
	if err == nil {
		w.ends[i.Name] = e
	}
	return index, err
}

// tap opens a packet socket on an interface of this thread's namespace.
func tap(ifname string) (int, error) {
	l, err := netif.ByName(ifname)
	if err != nil {
		return -1, err
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	ip := binary.NativeEndian.Uint16([]byte{0x08, 0x00}) // ETH_P_IP in network order
	err = errors.Join(unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1),
		unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: ip, Ifindex: l.Index}))
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// Send puts a query on the wire.
func (w *Wire) Send(q transcript.Query) error {
	e, ok := w.ends[q.Interface]
	if !ok {
		return fmt.Errorf("no interface %s", q.Interface)
	}
	if err := w.introduce(q); err != nil {
		return err
	}
	r := &frame.Reply{Buf: make([]byte, frame.Headroom+frame.MessageMax), Len: len(q.Message)}
	copy(r.Message(), q.Message)
	r.To = frame.Destination{
		DstMAC: e.server, Src: q.Src.Addr().As4(), Dst: q.Dst.Addr().As4(), SrcPort: q.Src.Port(), DstPort: q.Dst.Port(),
	}
	if r.To.Dst == frame.BroadcastIP {
		r.To.DstMAC = frame.Broadcast
	}
	_, err := unix.Write(e.fd, frame.Write(r, [6]byte(q.SrcMAC)))
	return err
}

// introduce tells the server's kernel the MAC address of who will be answered
// through it; nobody in the clients' namespace answers ARP.
func (w *Wire) introduce(q transcript.Query) error {
	if len(q.Message) < 28 {
		return nil
	}
	for _, ip := range []net.IP{q.Src.Addr().AsSlice(), q.Message[12:16], q.Message[24:28]} { // source, ciaddr, giaddr
		if ip.IsUnspecified() || ip.IsMulticast() || ip.Equal(net.IPv4bcast) || ip.IsLoopback() {
			continue
		}
		if err := w.Server.Neighbour(q.Interface, ip, q.SrcMAC); err != nil {
			return fmt.Errorf("neighbour %v: %w", ip, err)
		}
	}
	return nil
}

// ErrSilent is returned by Hear.
var ErrSilent = errors.New("no reply")

// Hear returns the reply to q, if it comes within the time given; else ErrSilent.
func (w *Wire) Hear(q transcript.Query, within time.Duration) (transcript.Reply, error) {
	fd := w.ends[q.Interface].fd
	buf := make([]byte, 4096)
	for deadline := time.Now().Add(within); ; {
		left := max(time.Until(deadline), time.Microsecond)
		tv := unix.NsecToTimeval(int64(left))
		if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tv); err != nil {
			return transcript.Reply{}, err
		}
		n, err := unix.Read(fd, buf)
		switch {
		case err == unix.EINTR:
		case err == unix.EAGAIN:
			return transcript.Reply{}, ErrSilent
		case err != nil:
			return transcript.Reply{}, err
		default:
			if r, ok := parse(buf[:n], q); ok {
				return r, nil
			}
		}
		if time.Now().After(deadline) {
			return transcript.Reply{}, ErrSilent
		}
	}
}

// parse reads a frame with the reply to q: UDP in IPv4 without options and
// fragments, with q's transaction id.
func parse(f []byte, q transcript.Query) (transcript.Reply, bool) {
	const ipAt, udpAt, messageAt = 14, 34, 42
	if len(f) < messageAt+8 || f[ipAt] != 0x45 || f[ipAt+9] != unix.IPPROTO_UDP || string(f[messageAt+4:messageAt+8]) != string(q.Message[4:8]) {
		return transcript.Reply{}, false
	}
	end := udpAt + int(binary.BigEndian.Uint16(f[udpAt+4:]))
	if end < messageAt || end > len(f) {
		return transcript.Reply{}, false
	}
	src, dst := netip.AddrFrom4([4]byte(f[ipAt+12:])), netip.AddrFrom4([4]byte(f[ipAt+16:]))
	return transcript.Reply{
		Message: append([]byte(nil), f[messageAt:end]...), DstMAC: append(net.HardwareAddr(nil), f[:6]...),
		Dst: netip.AddrPortFrom(dst, binary.BigEndian.Uint16(f[udpAt+2:])), Src: src,
	}, true
}
