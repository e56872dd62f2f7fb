package netif

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Commands and flags of linux/ethtool.h that x/sys has no calls for.
const (
	ethtoolGFlags    = 0x25
	ethtoolSFlags    = 0x26
	ethtoolGChannels = 0x3c

	flagRxVLAN = 1 << 8 // ETH_FLAG_RXVLAN
)

// Device is what the driver of an interface tells about it.
type Device struct {
	Driver     string // "veth", "ixgbe", ...; "" if it does not tell
	Queues     int    // receive queues in use; 0 if it does not tell
	RxVLANTake bool   // the driver takes VLAN tags out of received frames
}

// Ethtool asks the driver of an interface. What a driver does not tell stays
// zero; only failing to ask at all is an error.
func Ethtool(ifname string) (Device, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return Device{}, fmt.Errorf("ask the driver of %s: %w", ifname, err)
	}
	defer unix.Close(fd)
	var d Device
	if info, err := unix.IoctlGetEthtoolDrvinfo(fd, ifname); err == nil {
		d.Driver = unix.ByteSliceToString(info.Driver[:])
	}
	ch := channels{cmd: ethtoolGChannels}
	if ethtool(fd, ifname, unsafe.Pointer(&ch)) == nil {
		d.Queues = int(ch.rx + ch.combined)
	}
	flags := value{cmd: ethtoolGFlags}
	if ethtool(fd, ifname, unsafe.Pointer(&flags)) == nil {
		d.RxVLANTake = flags.data&flagRxVLAN != 0
	}
	return d, nil
}

// TakeVLAN makes the driver take VLAN tags out of received frames, or leave them
// in, which an XDP program needs to see them (ethtool -K IFNAME rxvlan off).
func TakeVLAN(ifname string, take bool) error {
	how := map[bool]string{true: "on", false: "off"}[take]
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("turn rxvlan %s on %s: %w", how, ifname, err)
	}
	defer unix.Close(fd)
	flags := value{cmd: ethtoolGFlags}
	if err := ethtool(fd, ifname, unsafe.Pointer(&flags)); err != nil {
		return fmt.Errorf("read the offloads of %s: %w", ifname, err)
	}
	flags.cmd = ethtoolSFlags
	if flags.data &^= flagRxVLAN; take {
		flags.data |= flagRxVLAN
	}
	if err := ethtool(fd, ifname, unsafe.Pointer(&flags)); err != nil {
		return fmt.Errorf("turn rxvlan %s on %s (try: ethtool -K %s rxvlan %s): %w", how, ifname, ifname, how, err)
	}
	return nil
}

// channels is struct ethtool_channels.
type channels struct {
	cmd                                 uint32
	maxRx, maxTx, maxOther, maxCombined uint32
	rx, tx, other, combined             uint32
}

// value is struct ethtool_value.
type value struct{ cmd, data uint32 }

// ifreq is struct ifreq with ifr_data.
type ifreq struct {
	name [unix.IFNAMSIZ]byte
	data unsafe.Pointer
	_    [24 - unsafe.Sizeof(uintptr(0))]byte
}

func ethtool(fd int, ifname string, data unsafe.Pointer) error {
	r := ifreq{data: data}
	if len(ifname) >= len(r.name) {
		return unix.ENODEV
	}
	copy(r.name[:], ifname)
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&r)))
	if errno != 0 {
		return errno
	}
	return nil
}
