package slowpath

import (
	"golang.org/x/sys/unix"

	"needletail/internal/frame"
)

// Where a classic BPF program finds things (linux/filter.h). Ancillary data lie
// at negative offsets.
const (
	ancillary    = 0xfffff000 // SKF_AD_OFF
	ancProtocol  = ancillary + 0
	ancPacket    = ancillary + 4 // kind of packet
	ethertypeIP  = 0x0800
	offsetMask   = 0x1fff // IPv4 fragment offset
	chaddrTail   = 30     // last four of a six-byte hardware address, in the message
	wholePacket  = 0x40000
	protocolUDP  = 17
	udpHeaderLen = 8
)

// step is an instruction whose jumps name labels; "" is the next instruction.
type step struct {
	label  string
	code   uint16
	k      uint32
	jt, jf string
}

// assemble resolves labels. Programs are constants of this file, so an unknown
// label is our own mistake.
func assemble(steps []step) []unix.SockFilter {
	at := make(map[string]int)
	for i, s := range steps {
		if s.label != "" {
			at[s.label] = i
		}
	}
	jump := func(from int, to string) uint8 {
		if to == "" {
			return 0
		}
		target, ok := at[to]
		if !ok || target <= from || target-from-1 > 255 {
			panic("socket filter: bad label " + to)
		}
		return uint8(target - from - 1)
	}
	program := make([]unix.SockFilter, len(steps))
	for i, s := range steps {
		program[i] = unix.SockFilter{Code: s.code, K: s.k, Jt: jump(i, s.jt), Jf: jump(i, s.jf)}
	}
	return program
}

const (
	ldB   = unix.BPF_LD | unix.BPF_B | unix.BPF_ABS
	ldH   = unix.BPF_LD | unix.BPF_H | unix.BPF_ABS
	ldHX  = unix.BPF_LD | unix.BPF_H | unix.BPF_IND
	ldWX  = unix.BPF_LD | unix.BPF_W | unix.BPF_IND
	ldMSH = unix.BPF_LDX | unix.BPF_B | unix.BPF_MSH // X = length of the IPv4 header
	jEq   = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
	jSet  = unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K
	ret   = unix.BPF_RET | unix.BPF_K
	retA  = unix.BPF_RET | unix.BPF_A
)

// queryFilter lets through what may be a DHCP query to this host: IPv4, UDP to
// the server port, behind up to two VLAN tags, no later fragment, and neither
// sent by this host nor addressed to another (promiscuous mode). The rest is
// for frame.Parse, which counts what it refuses.
func queryFilter() []unix.SockFilter {
	steps := []step{
		{code: ldB, k: ancPacket},
		{code: jEq, k: unix.PACKET_OTHERHOST, jt: "drop"},
		{code: jEq, k: unix.PACKET_OUTGOING, jt: "drop"},
		{code: ldH, k: 12},
		{code: jEq, k: ethertypeIP, jt: "ip0"},
		{code: jEq, k: frame.TPIDTag, jt: "tag1"},
		{code: jEq, k: frame.TPIDOuter, jf: "drop"},
		{label: "tag1", code: ldH, k: 16},
		{code: jEq, k: ethertypeIP, jt: "ip1"},
		{code: jEq, k: frame.TPIDTag, jt: "tag2"},
		{code: jEq, k: frame.TPIDOuter, jf: "drop"},
		{label: "tag2", code: ldH, k: 20},
		{code: jEq, k: ethertypeIP, jt: "ip2", jf: "drop"},
	}
	for depth, label := range []string{"ip0", "ip1", "ip2"} {
		ip := uint32(14 + 4*depth)
		steps = append(steps,
			step{label: label, code: ldB, k: ip + 9},
			step{code: jEq, k: protocolUDP, jf: "drop"},
			step{code: ldH, k: ip + 6},
			step{code: jSet, k: offsetMask, jt: "drop"},
			step{code: ldMSH, k: ip},
			step{code: ldHX, k: ip + 2},
			step{code: jEq, k: frame.ServerPort, jt: "take", jf: "drop"},
		)
	}
	steps = append(steps,
		step{label: "take", code: ret, k: wholePacket},
		step{label: "drop", code: ret, k: 0},
	)
	return assemble(steps)
}

// nothingFilter drops every packet. A socket with it holds a port without
// anything to read, and a new packet socket stays deaf until it is in its
// group.
func nothingFilter() []unix.SockFilter { return []unix.SockFilter{{Code: ret, K: 0}} }

// fanoutFilter spreads queries over workers by the client's hardware address.
// The kernel's own hash looks at addresses and ports only, which are the same
// for all clients on a link and for all clients of a relay. The program starts
// at the network header; a first VLAN tag is always out of the packet here, a
// second one is not.
func fanoutFilter() []unix.SockFilter {
	return assemble([]step{
		{code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, k: ancProtocol},
		{code: jEq, k: ethertypeIP, jt: "ip"},
		{code: ldMSH, k: 4},
		{code: ldWX, k: 4 + udpHeaderLen + chaddrTail},
		{code: unix.BPF_JMP | unix.BPF_JA, k: 2},
		{label: "ip", code: ldMSH, k: 0},
		{code: ldWX, k: udpHeaderLen + chaddrTail},
		{code: unix.BPF_ALU | unix.BPF_MUL | unix.BPF_K, k: 0x9e3779b1},
		{code: unix.BPF_ALU | unix.BPF_RSH | unix.BPF_K, k: 16},
		{code: retA},
	})
}
