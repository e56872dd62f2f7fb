package bpf

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/cilium/ebpf"
)

// withMeta runs the program on a frame behind metadata.
func (k *kernel) withMeta(meta, frame []byte) (action uint32, out []byte) {
	k.t.Helper()
	o := &ebpf.RunOptions{
		Data: append(bytes.Clone(meta), frame...), DataOut: make([]byte, 4096),
		Context: struct{ Data, DataEnd, DataMeta, Ingress, Queue, Egress uint32 }{
			Data: uint32(len(meta)), DataEnd: uint32(len(meta) + len(frame)), Ingress: k.ingress()},
	}
	action, err := k.DhcpPrograms.Dhcp.Run(o)
	if err != nil {
		k.t.Fatal(err)
	}
	return action, o.DataOut
}

// meta is struct outgoing.
func meta(magic, queue uint32) []byte {
	return binary.NativeEndian.AppendUint32(binary.NativeEndian.AppendUint32(nil, magic), queue)
}

// waiting puts a reply with a length of the test's choice into the ring.
func (k *kernel) waiting(r DhcpReply) {
	k.t.Helper()
	var ring DhcpReplyRing
	if err := k.ReplyRings.Lookup(uint32(0), &ring); err != nil {
		k.t.Fatal(err)
	}
	at := ring.Tail % uint32(DhcpLiveLIVE_REPLIES)
	ring.Tail++
	if err := k.Replies.Put(at, r); err != nil {
		k.t.Fatal(err)
	}
	if err := k.ReplyRings.Put(uint32(0), ring); err != nil {
		k.t.Fatal(err)
	}
}

// loadOutgoing loads the program with room for replies.
func loadOutgoing(t *testing.T) *kernel {
	needRoot(t)
	spec, err := Spec()
	if err != nil {
		t.Fatal(err)
	}
	spec.Maps["replies"].MaxEntries = uint32(DhcpLiveLIVE_REPLIES)
	k := &kernel{t: t}
	if err := spec.LoadAndAssign(&k.DhcpObjects, nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { k.DhcpObjects.Close() })
	if err := k.Exits.Put(uint32(0), k.ingress()); err != nil {
		t.Fatal(err)
	}
	return k
}

// A frame of user space's making takes the next reply of its ring and leaves;
// every reply goes once.
func TestOutgoing(t *testing.T) {
	k := loadOutgoing(t)
	blank := make([]byte, DhcpLiveLIVE_LEN)
	ours := meta(uint32(DhcpMagicMAGIC_OUTGOING), 0)
	for i, n := range []int{int(DhcpLiveLIVE_LEN), 342, 1500, len(DhcpReply{}.Frame)} {
		r := DhcpReply{Len: uint32(n)}
		for k := range r.Frame {
			r.Frame[k] = byte(i + k)
		}
		k.waiting(r)
		action, out := k.withMeta(ours, blank)
		if action != xdpRedirect || !bytes.Equal(out, append(bytes.Clone(ours), r.Frame[:n]...)) {
			t.Errorf("%d bytes: action %d, %d bytes out", n, action, len(out))
		}
		if action, _ := k.withMeta(ours, blank); action != xdpDrop {
			t.Errorf("an empty ring: action %d", action)
		}
	}
}

// What user space cannot have meant is dropped, not sent.
func TestOutgoingRefused(t *testing.T) {
	k := loadOutgoing(t)
	blank := make([]byte, DhcpLiveLIVE_LEN)
	for _, n := range []uint32{0, uint32(DhcpLiveLIVE_LEN) - 1, uint32(len(DhcpReply{}.Frame)) + 1, 1 << 31} {
		k.waiting(DhcpReply{Len: n})
		if action, _ := k.withMeta(meta(uint32(DhcpMagicMAGIC_OUTGOING), 0), blank); action != xdpDrop {
			t.Errorf("a reply of %d bytes: action %d", n, action)
		}
	}
	k.waiting(DhcpReply{Len: 300})
	if action, _ := k.withMeta(meta(uint32(DhcpMagicMAGIC_OUTGOING), 1), blank); action != xdpDrop {
		t.Errorf("a queue without a ring: action %d", action)
	}
}

// Metadata of another program's hand changes nothing of the verdict.
func TestForeignMetadata(t *testing.T) {
	k := loadOutgoing(t)
	k.relationships(1)
	k.scope(0, hashed([4]uint64{}))
	k.waiting(DhcpReply{Len: 300})
	f := discover([6]byte{2, 0, 0, 0, 0, 1}, nil).frame()
	for _, m := range [][]byte{meta(uint32(DhcpMagicMAGIC_HINT), 0), meta(0, 0), {1, 2, 3, 4}} {
		if action, out := k.withMeta(m, f); action != xdpDrop || !bytes.Equal(out[len(m):], f) {
			t.Errorf("metadata %x: action %d, frame changed: %v", m, action, !bytes.Equal(out[len(m):], f))
		}
	}
	var ring DhcpReplyRing
	if err := k.ReplyRings.Lookup(uint32(0), &ring); err != nil || ring.Head != 0 {
		t.Errorf("a reply was taken: %+v, %v", ring, err)
	}
}
