package fastpath

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"needletail/internal/frame"
	"needletail/internal/scope"
)

// The relays of unacked clients are known, also of clients that were there in
// the epoch before; those of other clients are not among them.
func TestUnackedRelays(t *testing.T) {
	b := newBed(t, 1)
	nobody := scope.Scope{Mode: scope.Hashed, Enabled: true, Interrupted: true, AckDelay: 10 * time.Second, UnackedMax: 9, Epoch: 1}
	p := b.open(Config{XDP: Native}, nobody)
	send := func(client, secs, relay byte) {
		f := b.discover([6]byte{2, 0, 0, 0, 3, client}, frame.ClientPort)
		f[42+9] = secs
		if relay > 0 {
			copy(f[42+24:], []byte{192, 0, 2, relay})
		}
		f[40], f[41] = 0, 0 // no UDP checksum
		b.send(f)
	}
	expect := func(counted uint64, relays ...string) {
		t.Helper()
		for end := time.Now().Add(5 * time.Second); p.Unacked(0).Analyzed < counted && time.Now().Before(end); time.Sleep(time.Millisecond) {
		}
		var want []netip.Addr
		for _, r := range relays {
			want = append(want, netip.MustParseAddr(r))
		}
		if got := p.UnackedRelays(0); !slices.Equal(got, want) {
			t.Errorf("%v, want %v; %+v", got, want, p.Unacked(0))
		}
	}
	expect(0)
	send(1, 11, 7)
	send(2, 11, 7)
	send(3, 11, 9)
	send(4, 11, 0)
	send(5, 0, 8)
	expect(5, "0.0.0.0", "192.0.2.7", "192.0.2.9")
	nobody.Epoch = 2
	p.SetScope(0, nobody)
	expect(0)
	send(1, 11, 8)  // moved, and unacked at once
	send(3, 0, 9)   // not yet
	send(3, 11, 10) // then it is, and has moved
	expect(3, "192.0.2.8", "192.0.2.10")
	if got := p.UnackedRelays(1); got != nil {
		t.Errorf("of another relationship: %v", got)
	}
}
