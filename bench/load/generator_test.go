package load

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"
)

// echo is a Link with a small DHCP server behind it. lie changes an answer
// before it is sent.
type echo struct {
	buf     [2048]byte
	answers [][]byte
	seen    int
	deaf    func(seen int) bool
	lie     func(kind uint8, reply []byte) []byte
}

func (e *echo) Buffer() []byte             { return e.buf[:] }
func (e *echo) Flush() error               { return nil }
func (e *echo) Wait(d time.Duration) error { time.Sleep(d); return nil }

func (e *echo) Commit(n int) {
	e.seen++
	if e.deaf != nil && e.deaf(e.seen) {
		return
	}
	q := e.buf[headersLen:n]
	kind := q[fixedLen+cookieLen+2]
	if wants(kind) == 0 {
		return
	}
	r := make([]byte, headersLen+fixedLen+cookieLen+20)
	m := r[headersLen:]
	copy(m, q[:fixedLen+cookieLen])
	m[0] = 2
	copy(m[offYiaddr+1:offYiaddr+4], m[offChaddr+3:offChaddr+6])
	m[offYiaddr] = 10
	n = copy(m[fixedLen+cookieLen:], []byte{53, 1, wants(kind), 54, 4, 192, 0, 2, 1, 51, 4, 0, 0, 2, 0, 255})
	(&envelope{srcPort: 67, dstPort: 68}).put(r, fixedLen+cookieLen+n)
	if e.lie != nil {
		r = e.lie(kind, r)
	}
	if r != nil {
		e.answers = append(e.answers, r)
	}
}

func (e *echo) Receive(f func([]byte)) error {
	all := e.answers
	e.answers = nil
	for _, a := range all {
		f(a)
	}
	return nil
}

func config(mix string, clients int) Config {
	m, err := ParseMix(mix)
	if err != nil {
		panic(err)
	}
	return Config{
		Clients: clients, Mix: m, Rate: 20000, Duration: 100 * time.Millisecond, Timeout: 50 * time.Millisecond,
		Server: netip.MustParseAddr("192.0.2.1"), ClientID: true,
	}
}

func run(t *testing.T, cfg Config, e *echo) *Result {
	t.Helper()
	g, err := New(cfg, e)
	if err != nil {
		t.Fatal(err)
	}
	r, err := g.Run()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestEveryExchangeCompletes(t *testing.T) {
	e := &echo{}
	g, err := New(config("dora", 500), e)
	if err != nil {
		t.Fatal(err)
	}
	for _, mix := range []string{"dora", "renew", "rebind", "init-reboot", "inform", "renew:8,rebind:1,dora:1", "release"} {
		m, err := ParseMix(mix)
		if err != nil {
			t.Fatal(err)
		}
		g.Set(m, 10000, 40*time.Millisecond, false)
		r, err := g.Run()
		if err != nil {
			t.Fatal(err)
		}
		if r.Completed != 400 || r.Failed != 0 || r.Skipped != 0 {
			t.Errorf("%s: completed %d, failed %d, skipped %d, want 400, 0, 0", mix, r.Completed, r.Failed, r.Skipped)
		}
	}
	if g.Bound() != 40 { // 400 bound, 40 more by the mix, 400 released
		t.Errorf("bound at the end: %d, want 40", g.Bound())
	}
}

func TestWrongAnswersFail(t *testing.T) {
	msg := func(r []byte) []byte { return r[headersLen:] }
	for name, c := range map[string]struct {
		lie   func(kind uint8, r []byte) []byte
		count func(*Result) uint64
	}{
		"another xid":    {func(_ uint8, r []byte) []byte { msg(r)[offXid] ^= 1; return r }, func(r *Result) uint64 { return r.Late }},
		"another client": {func(_ uint8, r []byte) []byte { msg(r)[offChaddr+5] ^= 1; return r }, func(r *Result) uint64 { return r.Strangers }},
		"another address than offered": {func(k uint8, r []byte) []byte {
			if k == request {
				msg(r)[offYiaddr+3] ^= 1
			}
			return r
		}, func(r *Result) uint64 { return r.Wrong }},
		"one address for all": {func(_ uint8, r []byte) []byte {
			binary.BigEndian.PutUint32(msg(r)[offYiaddr:], 0x0a000001)
			return r
		}, func(r *Result) uint64 { return r.Duplicates }},
		"ack for an offer": {func(_ uint8, r []byte) []byte { msg(r)[fixedLen+cookieLen+2] = ack; return r }, func(r *Result) uint64 { return r.Late }},
		"nak": {func(k uint8, r []byte) []byte {
			if k == request {
				msg(r)[fixedLen+cookieLen+2] = nak
			}
			return r
		}, func(r *Result) uint64 { return r.Naks }},
		"truncated": {func(_ uint8, r []byte) []byte { return r[:len(r)-12] }, func(r *Result) uint64 { return r.Failed }},
	} {
		r := run(t, config("dora", 3000), &echo{lie: c.lie})
		if r.Failed == 0 || c.count(r) == 0 {
			t.Errorf("%s: not noticed: %+v", name, r)
		}
	}
}

func TestSilenceIsLossWithoutRetransmission(t *testing.T) {
	r := run(t, config("dora", 3000), &echo{deaf: func(n int) bool { return n%10 == 0 }})
	if r.Failed == 0 || r.Completed+r.Failed != 2000 {
		t.Errorf("completed %d, failed %d of 2000", r.Completed, r.Failed)
	}
}

func TestRetransmissionRecovers(t *testing.T) {
	cfg := config("dora", 3000)
	cfg.Retransmit, cfg.BackOff, cfg.Timeout = true, 10*time.Millisecond, 5*time.Second
	r := run(t, cfg, &echo{deaf: func(n int) bool { return n%3 == 0 }})
	if r.Failed != 0 || r.Retransmitted == 0 || r.Completed != 2000 {
		t.Errorf("completed %d, failed %d, retransmitted %d", r.Completed, r.Failed, r.Retransmitted)
	}
}

func TestDeckKeepsProportions(t *testing.T) {
	m, err := ParseMix("dora:1,renew:8,release:1")
	if err != nil {
		t.Fatal(err)
	}
	d := deck{mix: m}
	var got Mix
	for range 1000 {
		got[d.next()]++
	}
	if want := (Mix{DORA: 100, Renew: 800, Release: 100}); got != want {
		t.Errorf("dealt %v, want %v", got, want)
	}
}

func TestWheelWakesOnceAndInTime(t *testing.T) {
	w := newWheel()
	for c := range uint32(1000) {
		w.add(c, int64(c)*3e6)
	}
	woken := make(map[uint32]bool)
	for now := int64(0); now <= 3010e6; now += 7e6 {
		w.advance(now, func(c uint32, deadline int64) {
			if woken[c] || deadline/wheelTick > now/wheelTick {
				t.Errorf("client %d woken at %d for %d, before: %v", c, now, deadline, woken[c])
			}
			woken[c] = true
		})
	}
	if len(woken) != 1000 {
		t.Errorf("%d of 1000 woken", len(woken))
	}
}

// With Fresh only clients without a lease begin a DORA; without, the oldest
// lease's starts over.
func TestFreshClients(t *testing.T) {
	for _, fresh := range []bool{true, false} {
		cfg := config("dora", 500) // for 2000 exchanges
		cfg.Fresh = fresh
		r := run(t, cfg, &echo{})
		if want := map[bool]uint64{true: 500, false: 2000}[fresh]; r.Completed > want || r.Completed+r.Skipped != 2000 || fresh != (r.Loss > 0.7) {
			t.Errorf("fresh %v: %d done, %d skipped, loss %.2f", fresh, r.Completed, r.Skipped, r.Loss)
		}
	}
}
