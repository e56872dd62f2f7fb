package netif

import (
	"encoding/binary"
	"fmt"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// Of the generic netlink family netdev (Documentation/netlink/specs/netdev.yaml).
const (
	netdevDevGet      = 1      // command
	netdevIfindex     = 1      // attribute
	netdevXDPFeatures = 3      // attribute
	netdevXmit        = 1 << 2 // feature: sends frames that XDP redirects to it
)

// XDPFeatures asks the drivers of the network namespace it was opened in what
// they can do for XDP. One goroutine may use it at a time.
type XDPFeatures struct {
	sockets map[int]*nl.SocketHandle
	family  uint16
}

// OpenXDPFeatures works in the calling thread's network namespace. Before Linux
// 6.3 drivers do not tell, which is an error.
func OpenXDPFeatures() (*XDPFeatures, error) {
	family, err := netlink.GenlFamilyGet("netdev")
	if err != nil {
		return nil, fmt.Errorf("ask for XDP features (before Linux 6.3 there is no telling): %w", err)
	}
	socket, err := nl.Subscribe(unix.NETLINK_GENERIC)
	if err != nil {
		return nil, fmt.Errorf("ask for XDP features: %w", err)
	}
	return &XDPFeatures{family: family.ID, sockets: map[int]*nl.SocketHandle{unix.NETLINK_GENERIC: {Socket: socket}}}, nil
}

// Sends reports whether an interface sends frames that an XDP program redirects
// to it. A veth does while its far end has a program or generic receive
// offload; some drivers do only beside a program of their own.
func (x *XDPFeatures) Sends(ifindex int) (bool, error) {
	req := nl.NewNetlinkRequest(int(x.family), 0)
	req.Sockets = x.sockets
	req.AddRawData([]byte{netdevDevGet, 1, 0, 0}) // struct genlmsghdr; nl's own leaves its last two bytes to chance
	req.AddRawData(nl.NewRtAttr(netdevIfindex, nl.Uint32Attr(uint32(ifindex))).Serialize())
	msgs, err := req.Execute(unix.NETLINK_GENERIC, 0)
	if err != nil {
		return false, fmt.Errorf("ask for the XDP features of interface %d: %w", ifindex, err)
	}
	for _, m := range msgs {
		attrs, err := nl.ParseRouteAttr(m[nl.SizeofGenlmsg:])
		if err != nil {
			return false, fmt.Errorf("read the XDP features of interface %d: %w", ifindex, err)
		}
		for _, a := range attrs {
			if a.Attr.Type == netdevXDPFeatures && len(a.Value) == 8 {
				return binary.NativeEndian.Uint64(a.Value)&netdevXmit != 0, nil
			}
		}
	}
	return false, nil
}

// Close ends the asking.
func (x *XDPFeatures) Close() {
	for _, s := range x.sockets {
		s.Close()
	}
}
