package load

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"
)

// arpAsks returns an ARP request for addr, as a server with the hardware address
// 02:09:09:09:09:09 and 192.0.2.1 broadcasts it.
func arpAsks(addr uint32) []byte {
	f := []byte{
		255, 255, 255, 255, 255, 255, 2, 9, 9, 9, 9, 9, 8, 6,
		0, 1, 8, 0, 6, 4, 0, 1, 2, 9, 9, 9, 9, 9, 192, 0, 2, 1, 0, 0, 0, 0, 0, 0,
	}
	return binary.BigEndian.AppendUint32(f, addr)
}

// Who asks for the hardware address of a client gets it while the client has the
// address, and only if the client is on the link itself.
func TestClientsAnswerARP(t *testing.T) {
	cfg := config("dora", 10)
	cfg.Rate, cfg.Duration = 100, 100*time.Millisecond
	g, s := simulate(t, cfg, time.Microsecond)
	if _, err := g.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	const client3 = 10<<24 | 3
	var sent []byte
	s.deaf = func(int) bool { sent = bytes.Clone(s.buf[:etherLen+arpLen]); return true }
	ask := func(f []byte) []byte { sent = nil; g.receive(f); return sent }
	own := mac(cfg.Salt, 3)
	want := bytes.Join([][]byte{
		{2, 9, 9, 9, 9, 9}, own[:], {8, 6},
		{0, 1, 8, 0, 6, 4, 0, 2}, own[:], {10, 0, 0, 3}, {2, 9, 9, 9, 9, 9, 192, 0, 2, 1}}, nil)
	if got := ask(arpAsks(client3)); !bytes.Equal(got, want) || g.res.Resolved != 1 {
		t.Errorf("answer %x, want %x", got, want)
	}
	reply := arpAsks(client3)
	reply[etherLen+arpOp+1] = arpReply
	for name, f := range map[string][]byte{
		"nobody's": arpAsks(client3 + 100), "short": arpAsks(client3)[:etherLen+arpLen-1], "a reply": reply,
	} {
		if got := ask(f); got != nil {
			t.Errorf("%s: answered by %x", name, got)
		}
	}
	g.forget(3, &g.clients[3])
	if got := ask(arpAsks(client3)); got != nil {
		t.Errorf("a released address: answered by %x", got)
	}
	g.relays = []uint32{1}
	if got := ask(arpAsks(client3 + 1)); got != nil {
		t.Errorf("behind a relay: answered by %x", got)
	}
}
