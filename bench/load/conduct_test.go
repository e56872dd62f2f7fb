package load

import (
	"context"
	"encoding/binary"
	"maps"
	"slices"
	"testing"
	"time"
)

// While the generator is held up exchanges go on falling due, and their wait
// counts from then: what a stall costs is not left out because nobody was able
// to ask during it.
func TestLatencyCountsFromWhenAnExchangeWasDue(t *testing.T) {
	cfg := config("dora", 2000)
	cfg.Rate, cfg.Duration, cfg.Timeout = 1000, time.Second, time.Second
	g, s := simulate(t, cfg, 10*time.Microsecond)
	s.hold.at, s.hold.d = int64(400*time.Millisecond), int64(300*time.Millisecond)
	r, err := g.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// 300 of 1,000 waited, evenly between nothing and 300 ms.
	q := r.Latency["dora"]
	if r.Completed != 1000 || q.P50 > 5000 || q.P90 < 180e3 || q.P90 > 220e3 || q.Max < 290e3 {
		t.Errorf("%d done, latencies %+v", r.Completed, q)
	}
	if r.Offer.P90 < 180e3 {
		t.Errorf("latencies of offers %+v", r.Offer)
	}
}

func TestQuantiles(t *testing.T) {
	h := newHistogram()
	for us := range int64(100000) {
		h.record((us + 1) * 1000)
	}
	q := h.quantiles()
	for want, got := range map[int64]int64{50000: q.P50, 90000: q.P90, 99000: q.P99, 99900: q.P999, 99990: q.P9999, 100000: q.Max} {
		if got < want-want/1000 || got > want+want/1000 {
			t.Errorf("%d µs, want %d, of %+v", got, want, q)
		}
	}
	if q.Count != 100000 || q.Mean < 49950 || q.Mean > 50050 {
		t.Errorf("%+v", q)
	}
}

// RFC 2131 section 4.1: 4, 8, 16, 32 and 64 seconds between transmissions, each
// give or take one; secs tells how long the client has tried.
func TestBackOff(t *testing.T) {
	cfg := config("dora", 1)
	cfg.Rate, cfg.Duration, cfg.Timeout, cfg.Retransmit = 1, time.Second, 200*time.Second, true
	g, s := simulate(t, cfg, time.Microsecond)
	var times, secs []float64
	s.deaf = func(int) bool {
		times = append(times, float64(s.clock)/1e9)
		secs = append(secs, float64(binary.BigEndian.Uint16(s.buf[headersLen+offSecs:])))
		return true
	}
	r, err := g.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	waits := []float64{4, 8, 16, 32, 64, 64}
	if r.Failed != 1 || len(times) != len(waits)+1 {
		t.Fatalf("sent at %.1f s, lost %d", times, r.Failed)
	}
	exact := 0
	for i, want := range waits {
		got := times[i+1] - times[i]
		if got < want-1.01 || got > want+1.01 {
			t.Errorf("wait %d: %.2f s, want %.0f s give or take one", i, got, want)
		}
		if got > want-0.002 && got < want+0.002 {
			exact++
		}
	}
	if exact == len(waits) {
		t.Error("every client waits for the same time")
	}
	for i, at := range times {
		if want := at - times[0]; secs[i] > want+0.01 || secs[i] < want-1.01 {
			t.Errorf("secs %.0f after %.2f s", secs[i], want)
		}
	}
}

// A query is what the generator sent, as RFC 2131 sections 4.3.6 and 4.4.1 (tables
// 4 and 5) describe it.
type query struct {
	kind      uint8
	broadcast bool // Ethernet and IP
	ciaddr    bool // the client's address; the source address too
	requested bool // option 50, the client's address
	server    bool // option 54, the server's identifier
	list      bool // option 55
}

func TestMessagesOfEveryExchange(t *testing.T) {
	for _, c := range []struct {
		exchanges []string // each begun once; the messages of the last count
		want      []query
	}{
		{[]string{"dora"}, []query{
			{kind: discover, broadcast: true, list: true},
			{kind: request, broadcast: true, requested: true, server: true, list: true}, // SELECTING
		}},
		{[]string{"dora", "renew"}, []query{{kind: request, ciaddr: true, list: true}}},
		{[]string{"dora", "rebind"}, []query{{kind: request, broadcast: true, ciaddr: true, list: true}}},
		{[]string{"dora", "init-reboot"}, []query{{kind: request, broadcast: true, requested: true, list: true}}},
		{[]string{"dora", "inform"}, []query{{kind: inform, broadcast: true, ciaddr: true, list: true}}},
		{[]string{"dora", "release"}, []query{{kind: release, ciaddr: true, server: true}}},
		{[]string{"dora", "decline"}, []query{{kind: decline, broadcast: true, requested: true, server: true}}},
	} {
		cfg := config("dora", 1)
		cfg.ServerMAC = [6]byte{2, 9, 9, 9, 9, 9}
		g, s := simulate(t, cfg, time.Microsecond)
		var got []query
		s.deaf = func(int) bool {
			got = append(got, read(t, s.buf[:], &cfg))
			return false
		}
		for _, name := range c.exchanges {
			mix, err := ParseMix(name)
			if err != nil {
				t.Fatal(err)
			}
			got = nil
			g.Set(mix, 10, 100*time.Millisecond, false)
			if r, err := g.Run(t.Context()); err != nil || r.Completed != 1 {
				t.Fatalf("%s: %+v, %v", name, r, err)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%v:\ngot  %+v\nwant %+v", c.exchanges, got, c.want)
		}
	}
}

// read checks what all queries of the only client have in common and returns
// the rest. The echo gives client 0 the address 10.0.0.0.
func read(t *testing.T, f []byte, cfg *Config) query {
	t.Helper()
	const addr = 10 << 24
	ip, m := f[etherLen:], f[headersLen:]
	options := make(map[uint8][]byte)
	for o := m[fixedLen+cookieLen:]; o[0] != 255; o = o[2+int(o[1]):] {
		options[o[0]] = o[2 : 2+int(o[1])]
	}
	word := func(b []byte) uint32 { return binary.BigEndian.Uint32(b) }
	q := query{kind: options[53][0], ciaddr: word(m[offCiaddr:]) == addr}
	_, q.requested = options[50]
	_, q.server = options[54]
	_, q.list = options[55]
	to := word(ip[16:])
	switch q.broadcast = to == 0xffffffff; {
	case q.broadcast != ([6]byte(f) == [6]byte{255, 255, 255, 255, 255, 255}):
		t.Errorf("to %x by Ethernet, %x by IP", f[:6], to)
	case !q.broadcast && ([6]byte(f) != cfg.ServerMAC || to != addrU32(cfg.Server)):
		t.Errorf("to %x, %x, not to the server", f[:6], to)
	}
	own := mac(cfg.Salt, 0)
	switch {
	case q.ciaddr != (word(ip[12:]) == addr) || !q.ciaddr && word(m[offCiaddr:])+word(ip[12:]) != 0:
		t.Errorf("from %x, ciaddr %x", ip[12:16], m[offCiaddr:offCiaddr+4])
	case q.requested && word(options[50]) != addr:
		t.Errorf("asks for %x", options[50])
	case q.server && word(options[54]) != word([]byte{192, 0, 2, 1}):
		t.Errorf("to server %x", options[54])
	case [6]byte(f[6:]) != own || [6]byte(m[offChaddr:]) != own || string(options[61]) != "\x01"+string(own[:]):
		t.Errorf("from %x, chaddr %x, identifier %x", f[6:12], m[offChaddr:offChaddr+6], options[61])
	case word(m[offGiaddr:]) != 0 || options[82] != nil:
		t.Errorf("by a relay: options %v", slices.Sorted(maps.Keys(options)))
	}
	return q
}

// An interrupted run ends at once, tells rates of the time there was, and
// leaves no client waiting.
func TestInterruptedRun(t *testing.T) {
	cfg := config("dora", 2000)
	cfg.Rate, cfg.Duration, cfg.Timeout = 1000, 10*time.Second, time.Hour
	g, s := simulate(t, cfg, 10*time.Microsecond)
	ctx, interrupt := context.WithCancel(t.Context())
	s.deaf = func(int) bool {
		if s.clock > int64(2*time.Second) {
			interrupt()
		}
		return s.clock > int64(time.Second) // so that exchanges are open
	}
	r, err := g.Run(ctx)
	if err == nil || r == nil || !r.Interrupted || r.Seconds < 1.9 || r.Seconds > 2.1 {
		t.Fatalf("%+v, %v", r, err)
	}
	if r.Completed < 990 || r.Failed != 0 || r.PerSecond < 450 || r.PerSecond > 550 || r.Blemish(0.001) != "interrupted" {
		t.Errorf("%+v, %q", r, r.Blemish(0.001))
	}
	if g.waiting != 0 || g.idle.len()+g.bound.len() != 2000 {
		t.Errorf("%d wait, %d idle, %d bound", g.waiting, g.idle.len(), g.bound.len())
	}
	s.deaf = nil
	g.Set(cfg.Mix, 1000, time.Second, false)
	if r, err := g.Run(t.Context()); err != nil || r.Completed != 1000 || r.Interrupted {
		t.Errorf("the next run: %+v, %v", r, err)
	}
	search := Search{Start: 100, Max: 200, Trial: time.Second}
	if r, err := search.Run(ctx, g, cfg.Mix); err == nil || r != nil {
		t.Errorf("search: %+v, %v", r, err)
	}
}

// RFC 2131 section 4.1: the flag is for clients that cannot be sent unicasts
// before they have their address.
func TestBroadcastFlag(t *testing.T) {
	for _, on := range []bool{false, true} {
		cfg := config("dora", 1)
		cfg.Broadcast = on
		g, s := simulate(t, cfg, time.Microsecond)
		var flags []uint16
		s.deaf = func(int) bool {
			flags = append(flags, binary.BigEndian.Uint16(s.buf[headersLen+offFlags:]))
			return false
		}
		for _, mix := range []Mix{{DORA: 1}, {Renew: 1}, {InitReboot: 1}} {
			g.Set(mix, 10, 100*time.Millisecond, false)
			if r, err := g.Run(t.Context()); err != nil || r.Completed != 1 {
				t.Fatalf("%v: %+v, %v", mix, r, err)
			}
		}
		want := []uint16{0, 0, 0, 0}
		if on {
			want = []uint16{0x8000, 0x8000, 0, 0x8000}
		}
		if !slices.Equal(flags, want) {
			t.Errorf("asked for %v: flags %x, want %x", on, flags, want)
		}
	}
}

// A refused client begins anew within its exchange, which becomes a DORA.
func TestRefusedClientsRestart(t *testing.T) {
	cfg := config("dora", 10)
	cfg.Restart = true
	g, s := simulate(t, cfg, time.Microsecond)
	g.Set(cfg.Mix, 100, 100*time.Millisecond, false)
	if r, err := g.Run(t.Context()); err != nil || r.Completed != 10 {
		t.Fatalf("%+v, %v", r, err)
	}
	refused := make(map[byte]bool)
	s.lie = func(k uint8, r []byte) []byte {
		if client := r[headersLen+offChaddr+5]; k == request && client < 4 && !refused[client] {
			refused[client] = true
			return put(r, 53, nak)
		}
		return r
	}
	g.Set(Mix{InitReboot: 1}, 100, 100*time.Millisecond, false)
	r, err := g.Run(t.Context())
	if err != nil || r.Failed != 0 || r.Naks != 4 || r.Done[InitReboot] != 6 || r.Done[DORA] != 4 || r.Begun[InitReboot] != 10 {
		t.Errorf("%+v, %v", r, err)
	}
	if r.Latency["dora"].Count != 4 || g.Bound() != 10 {
		t.Errorf("latencies %+v, %d bound", r.Latency, g.Bound())
	}
	s.lie = func(k uint8, r []byte) []byte {
		if k == request {
			return put(r, 53, nak)
		}
		return r
	}
	g.cfg.BackOff = 20 * time.Millisecond // of a timeout of 50
	g.Set(Mix{InitReboot: 1}, 100, 100*time.Millisecond, true)
	if r, err := g.Run(t.Context()); err != nil || r.Failed != 10 || r.Naks < 20 || r.Naks > 60 {
		t.Errorf("all refused: %+v, %v", r, err)
	}
}
