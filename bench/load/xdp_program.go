package load

import (
	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

// Offsets into a frame without tags and IP options, which is all the
// generator receives.
const (
	offEtherType = 12
	offProtocol  = etherLen + 9
	offUDPSource = etherLen + ipLen
)

// Offsets of struct xdp_md and its actions (linux/bpf.h).
const (
	mdData    = 0
	mdDataEnd = 4
	mdQueue   = 16
	xdpPass   = 2
)

// answers is an XDP program that gives a DHCP server's answers to the socket
// of their queue and leaves everything else, ARP above all, to the kernel.
func answers(sockets *ebpf.Map) *ebpf.ProgramSpec {
	return &ebpf.ProgramSpec{Type: ebpf.XDP, License: "Apache-2.0", Instructions: asm.Instructions{
		asm.LoadMem(asm.R2, asm.R1, mdData, asm.Word),
		asm.LoadMem(asm.R3, asm.R1, mdDataEnd, asm.Word),
		asm.Mov.Reg(asm.R4, asm.R2),
		asm.Add.Imm(asm.R4, headersLen),
		asm.JGT.Reg(asm.R4, asm.R3, "pass"),
		asm.LoadMem(asm.R4, asm.R2, offEtherType, asm.Half),
		asm.JNE.Imm(asm.R4, int32(htons(0x0800)), "pass"),
		asm.LoadMem(asm.R4, asm.R2, offProtocol, asm.Byte),
		asm.JNE.Imm(asm.R4, 17, "pass"),
		asm.LoadMem(asm.R4, asm.R2, offUDPSource, asm.Half),
		asm.JNE.Imm(asm.R4, int32(htons(67)), "pass"),
		asm.LoadMem(asm.R2, asm.R1, mdQueue, asm.Word),
		asm.LoadMapPtr(asm.R1, sockets.FD()),
		asm.Mov.Imm(asm.R3, xdpPass),
		asm.FnRedirectMap.Call(),
		asm.Return(),
		asm.Mov.Imm(asm.R0, xdpPass).WithSymbol("pass"),
		asm.Return(),
	}}
}
