package fastpath

import (
	"encoding/binary"
	"runtime"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"needletail/bpf"
)

// testRun is union bpf_attr as BPF_PROG_TEST_RUN reads it (linux/bpf.h).
type testRun struct {
	program, result   uint32
	dataLen, outLen   uint32
	data, out         uint64
	repeat, duration  uint32
	ctxLen, ctxOutLen uint32
	ctx, ctxOut       uint64
	flags, cpu, batch uint32
	_                 uint32
}

// liveRun runs a program for frames that leave by one queue. It is on the heap, where
// nothing moves, since attr holds addresses of the rest as numbers.
type liveRun struct {
	attr testRun
	ctx  runContext
	data []byte // a frame of the shortest length behind the metadata that tells the program what it is
}

func newLiveRun(program *ebpf.Program, queue int) *liveRun {
	const meta = int(unsafe.Sizeof(bpf.DhcpOutgoing{}))
	data := binary.NativeEndian.AppendUint32(nil, uint32(bpf.DhcpMagicMAGIC_OUTGOING))
	data = binary.NativeEndian.AppendUint32(data, uint32(queue))
	data = append(data, make([]byte, liveLen)...)
	r := &liveRun{ctx: runContext{Data: uint32(meta), DataEnd: uint32(len(data))}, data: data}
	r.attr = testRun{
		program: uint32(program.FD()), flags: unix.BPF_F_TEST_XDP_LIVE_FRAMES,
		dataLen: uint32(len(data)), data: uint64(uintptr(unsafe.Pointer(&data[0]))),
		ctxLen: uint32(unsafe.Sizeof(r.ctx)), ctx: uint64(uintptr(unsafe.Pointer(&r.ctx))),
	}
	return r
}

// frames runs the program for so many frames; after EINTR for some of them. The call
// is a raw one, as in xsk's Kick and for its reason.
func (r *liveRun) frames(n uint32) error {
	r.attr.repeat = n
	_, _, errno := unix.RawSyscall(unix.SYS_BPF, unix.BPF_PROG_TEST_RUN, uintptr(unsafe.Pointer(&r.attr)), unsafe.Sizeof(r.attr))
	runtime.KeepAlive(r)
	if errno != 0 {
		return errno
	}
	return nil
}
