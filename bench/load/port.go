package load

import (
	"errors"
	"fmt"

	"needletail/internal/netif"
)

// Port is a Link on an interface.
type Port interface {
	Link
	Mode() string // how frames are received and sent, for people
	Close() error
}

// Medium is how a Port receives and sends.
type Medium string

// The media, the fastest first.
const (
	AnyMedium    Medium = "auto"      // Live where the interface can, else AFXDP
	LiveMedium   Medium = "live"      // receives over AF_XDP, sends frames made in the kernel; one queue
	AFXDPMedium  Medium = "af-xdp"    // AF_XDP both ways, in copy mode
	PacketMedium Medium = "af-packet" // AF_PACKET: works on every interface
)

// Open makes a Port of an interface of the calling thread's network namespace;
// its methods may be called from others. Queues are those to use with AF_XDP. It
// needs CAP_NET_RAW, and but for PacketMedium CAP_NET_ADMIN and CAP_BPF.
func Open(ifname string, m Medium, queues int) (Port, error) {
	if queues < 1 {
		return nil, fmt.Errorf("queues: %d, must be at least 1", queues)
	}
	switch m {
	case PacketMedium:
		return OpenPacket(ifname)
	case AFXDPMedium:
		return OpenXDP(ifname, queues)
	case LiveMedium:
		return openLive(ifname, queues)
	case AnyMedium, "":
		p, err := openLive(ifname, queues)
		if errors.Is(err, errNotLive) {
			return OpenXDP(ifname, queues)
		}
		return p, err
	default:
		return nil, fmt.Errorf("medium %q: want %s, %s, %s or %s", m, AnyMedium, LiveMedium, AFXDPMedium, PacketMedium)
	}
}

// errNotLive says why there is no Live.
var errNotLive = errors.New("no live frames")

func openLive(ifname string, queues int) (Port, error) {
	if queues != 1 {
		return nil, fmt.Errorf("%w over %d queues, only over one", errNotLive, queues)
	}
	x, err := OpenXDP(ifname, 1)
	if err != nil {
		return nil, err
	}
	// Some drivers take frames only beside a program of their own, so ask now.
	if err := live(x.ifindex); err != nil {
		return nil, errors.Join(fmt.Errorf("%w through %s: %w", errNotLive, ifname, err), x.Close())
	}
	return revive(x)
}

// live returns why an interface does not send what XDP redirects to it.
func live(ifindex int) error {
	features, err := netif.OpenXDPFeatures()
	if err != nil {
		return err
	}
	defer features.Close()
	sends, err := features.Sends(ifindex)
	if err == nil && !sends {
		err = errors.New("it does not send what XDP redirects to it (a veth needs gro on at its far end)")
	}
	return err
}
