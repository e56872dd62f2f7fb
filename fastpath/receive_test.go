package fastpath

import (
	"bytes"
	"testing"
	"time"

	"needletail/bpf"
	"needletail/internal/frame"
)

// TestReceiveTakesAll: frames that are no queries do not hide those behind them;
// fewer queries than asked for mean that there were no more.
func TestReceiveTakesAll(t *testing.T) {
	const bad, good = 10, 10
	b := newBed(t, 1)
	path := b.open(Config{XDP: Native}, everybody)
	p := path.Worker(0)
	f := b.discover([6]byte{2, 0, 0, 0, 0, 2}, frame.ClientPort)
	qs := make([]frame.Query, good+2)
	if _, err := p.Receive(qs, 0); err != nil { // takes the socket over
		t.Fatal(err)
	}
	for i := range bad + good {
		broken := bytes.Clone(f)
		if i < bad {
			broken[len(broken)-1] ^= 1 // what the UDP checksum is for
		}
		b.send(broken)
	}
	served := path.Verdicts()[bpf.DhcpVerdictVERDICT_SERVED_RING].Frames
	for end := time.Now().Add(5 * time.Second); served < bad+good; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d of %d frames on the ring", served, bad+good)
		}
		served = path.Verdicts()[bpf.DhcpVerdictVERDICT_SERVED_RING].Frames
	}
	n, err := p.Receive(qs, 0)
	if n != good || err != nil {
		t.Errorf("%d queries of %d, %v; %+v", n, good, err, p.Stats())
	}
	p.Done(qs[:n])
}
