package bpf

import (
	"bytes"
	"encoding/binary"
	"testing"

	"golang.org/x/sys/unix"

	"needletail/internal/rfc3074"
)

// socket gives the first queue an AF_XDP socket, to which nothing is sent here.
func (k *kernel) socket() {
	k.t.Helper()
	fd, err := unix.Socket(unix.AF_XDP, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		k.t.Skip("the kernel has no AF_XDP: ", err)
	}
	k.t.Cleanup(func() { unix.Close(fd) })
	if err := k.Sockets.Put(uint32(0), uint32(fd)); err != nil {
		k.t.Skip("a socket must be ready first, and is in package fastpath: ", err)
	}
}

// TestRedirect: a served query goes to the socket of its queue, behind what the
// program found in it. Every other frame, and one that no buffer surely takes,
// stays as it came.
func TestRedirect(t *testing.T) {
	k := load(t)
	k.relationships(1)
	k.scope(0, hashed(rfc3074.All))
	mac, id := [6]byte{2, 0, 0, 0, 0, 2}, []byte{1, 2, 0, 0, 0, 0, 1}
	long := discover(mac, nil)
	long.options = bytes.Repeat(opt(43, make([]byte, 200)...), 7)
	long.options = append(long.options, options(opt(53, 1))...)
	tagged, reply := discover(mac, id), discover(mac, nil)
	tagged.tags, tagged.ipOptions, reply.op = []uint16{0x88a8, 0x8100}, 8, 2

	for _, at := range []int{0, 1} { // sockets
		if at == 1 {
			k.socket()
		}
		for name, c := range map[string]struct {
			q       query
			verdict string   // without a socket
			hint    DhcpHint // of a query that the socket takes
		}{
			"by hardware address": {discover(mac, nil), "served-pass", DhcpHint{Message: 42, Type: 1, Bucket: 45}},
			"by client id": {tagged, "served-pass", DhcpHint{Message: 42 + 8 + 8, Type: 1,
				ClientId: 42 + 8 + 8 + bootpLen + 5, ClientIdLen: 7, Bucket: rfc3074.Hash(id)}},
			"too long":  {q: long, verdict: "served-pass"},
			"BOOTREPLY": {q: reply, verdict: "not-request"},
		} {
			f := c.q.frame()
			before := k.counters()
			action, out := k.withMeta(nil, f)
			verdict := k.since(before)
			var h DhcpHint
			if n := len(out) - len(f); n == HintLen {
				if _, err := binary.Decode(out[:n], binary.NativeEndian, &h); err != nil {
					t.Fatal(err)
				}
				out = out[n:]
			}
			want, wantAction := DhcpHint{}, uint32(xdpPass)
			if at == 1 && c.hint.Type != 0 {
				want, wantAction, c.verdict = c.hint, xdpRedirect, "served-ring"
				want.Magic, want.MessageLen = uint32(DhcpMagicMAGIC_HINT), uint16(len(f))-want.Message
			}
			if action != wantAction || verdict != c.verdict || h != want {
				t.Errorf("%s, %d sockets: action %d, %s, %+v; want %d, %s, %+v", name, at, action, verdict, h, wantAction, c.verdict, want)
			}
			if !bytes.Equal(out, f) {
				t.Errorf("%s, %d sockets: the frame has changed", name, at)
			}
		}
	}
}
