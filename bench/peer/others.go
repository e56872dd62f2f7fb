package peer

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
)

// iscPool bounds the pool dhcpd gets: it goes through its lists of free and of active
// leases one by one (measured: 56 ms of processor for a new lease with 262,144 free
// ones, 0.5 ms with 32,768), and needs minutes to start with millions. A search takes
// some 40,000.
const iscPool = 3 << 14

// ISC is ISC dhcpd, which syncs its lease file before every answer. The one
// safe faster way that its manual has is delayed-ack, which is used here with
// the 28 it advises and its default for the longest delay.
func ISC() *Peer {
	return &Peer{
		Name: "isc-dhcpd", Pool: iscPool, Binary: "dhcpd", Durability: "fsync by delayed-ack 28", Mode: "raw socket",
		version: firstLine, versionFlag: "--version",
		prepare: func(s *Setup, dir string) (command, error) {
			life := int(s.Lifetime.Seconds())
			conf := fmt.Sprintf("authoritative;\nping-check false;\ndelayed-ack 28;\nmax-ack-delay 250000;\n"+
				"dhcp-cache-threshold %d;\ndefault-lease-time %d;\nmax-lease-time %d;\ndb-time-format local;\nsubnet %s netmask %s {\n  range %s %s;\n}\n",
				int(100*s.Cache), life, life, s.Prefix.Masked().Addr(), netmask(s.Prefix), s.First, s.poolEnd(iscPool))
			file, leases := filepath.Join(dir, "dhcpd.conf"), filepath.Join(dir, "dhcpd.leases")
			if err := os.WriteFile(file, []byte(conf), 0o644); err != nil {
				return command{}, err
			}
			args := []string{"-4", "-f", "-q", "-cf", file, "-lf", leases, "-pf", filepath.Join(dir, "pid"), s.Interface}
			return command{args: args}, os.WriteFile(leases, nil, 0o644)
		},
	}
}

// dnsmasqPool bounds dnsmasq's pool and leases: it searches its leases one by
// one for every query and writes its whole lease file anew at each change, so
// its rate falls with their number; the manual's own limit is 1,000.
const dnsmasqPool = 1 << 16

// Dnsmasq keeps leases in memory and rewrites its whole lease file at each
// change. It answers one query at a time. For every client that can be answered
// directly it makes a neighbour entry, of which the kernel has 1,024 (gc_thresh3): none
// more gets an answer. So its clients ask for broadcasts.
func Dnsmasq() *Peer {
	return &Peer{
		Name: "dnsmasq", Pool: dnsmasqPool, Broadcast: true, Binary: "dnsmasq", Durability: "file rewritten, never synced", Mode: "UDP socket",
		version: firstLine, versionFlag: "--version",
		prepare: func(s *Setup, dir string) (command, error) {
			args := []string{
				"--keep-in-foreground", "--port=0", "--no-ping", "--user=root", "--conf-file=/dev/null", "--quiet-dhcp",
				"--log-facility=" + filepath.Join(dir, "server.log"), "--dhcp-authoritative", fmt.Sprintf("--dhcp-lease-max=%d", dnsmasqPool),
				"--pid-file=" + filepath.Join(dir, "pid"), "--dhcp-leasefile=" + filepath.Join(dir, "leases"),
				"--interface=" + s.Interface,
				fmt.Sprintf("--dhcp-range=%s,%s,%s,%d", s.First, s.poolEnd(dnsmasqPool), netmask(s.Prefix), int(s.Lifetime.Seconds())),
			}
			return command{args: args}, nil
		},
	}
}

// poolEnd is the last address of the pool, or of its first n addresses.
func (s *Setup) poolEnd(n uint32) netip.Addr {
	first, last := binary.BigEndian.Uint32(s.First.AsSlice()), binary.BigEndian.Uint32(s.Last.AsSlice())
	return addr(min(last, first+n-1))
}

func netmask(p netip.Prefix) string { return net.IP(net.CIDRMask(p.Bits(), 32)).String() }

func firstLine(out string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(out), "\n")
	return line
}
