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

// SendsXDP reports whether an interface of the calling thread's network
// namespace sends frames that an XDP program redirects to it. A veth does while
// its far end has a program or generic receive offload; some drivers do only
// beside a program of their own. Before Linux 6.3 there is no telling, which is
// an error.
func SendsXDP(ifindex int) (bool, error) {
	msgs, err := netdev(ifindex)
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

func netdev(ifindex int) ([][]byte, error) {
	family, err := netlink.GenlFamilyGet("netdev")
	if err != nil {
		return nil, err
	}
	req := nl.NewNetlinkRequest(int(family.ID), 0)
	req.AddRawData([]byte{netdevDevGet, 1, 0, 0}) // struct genlmsghdr; nl's own leaves its last two bytes to chance
	req.AddRawData(nl.NewRtAttr(netdevIfindex, nl.Uint32Attr(uint32(ifindex))).Serialize())
	return req.Execute(unix.NETLINK_GENERIC, 0)
}
