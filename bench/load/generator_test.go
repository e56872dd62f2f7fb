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
	frank   bool // sends back the client's identifier and the relay's option
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
	r := make([]byte, headersLen+fixedLen+cookieLen+40)
	m := r[headersLen:]
	copy(m, q[:fixedLen+cookieLen])
	m[0] = 2
	copy(m[offYiaddr+1:offYiaddr+4], m[offChaddr+3:offChaddr+6])
	m[offYiaddr] = 10
	o := append(m[:fixedLen+cookieLen], 53, 1, wants(kind), 54, 4, 192, 0, 2, 1, 51, 4, 0, 0, 2, 0)
	for at := fixedLen + cookieLen; e.frank && q[at] != 255; at += 2 + int(q[at+1]) {
		if q[at] == 61 || q[at] == 82 {
			o = append(o, q[at:at+2+int(q[at+1])]...)
		}
	}
	o = append(o, 255)
	(&envelope{srcPort: 67, dstPort: 68}).put(r, len(o))
	r = r[:headersLen+len(o)]
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
	g, s := simulate(t, cfg, time.Microsecond)
	s.echo = e
	r, err := g.Run(t.Context())
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
		r, err := g.Run(t.Context())
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

// put overwrites the data of an option of an answer by zeros and the given
// bytes, or makes it one that nobody reads if there are none.
func put(r []byte, code uint8, data ...byte) []byte {
	o := r[headersLen+fixedLen+cookieLen:]
	for i := 0; o[i] != 255; i += 2 + int(o[i+1]) {
		if o[i] != code {
			continue
		}
		clear(o[i+2 : i+2+int(o[i+1])])
		copy(o[i+2:], data)
		if len(data) == 0 {
			o[i] = 224
		}
	}
	return r
}

func TestWrongAnswersFail(t *testing.T) {
	msg := func(r []byte) []byte { return r[headersLen:] }
	acks := func(lie func(r []byte) []byte) func(uint8, []byte) []byte {
		return func(k uint8, r []byte) []byte {
			if k == request {
				return lie(r)
			}
			return r
		}
	}
	always := func(lie func(r []byte) []byte) func(uint8, []byte) []byte {
		return func(_ uint8, r []byte) []byte { return lie(r) }
	}
	late := func(r *Result) uint64 { return r.Late }
	wrong := func(r *Result) uint64 { return r.Wrong }
	for name, c := range map[string]struct {
		lie   func(kind uint8, r []byte) []byte
		count func(*Result) uint64
		some  bool // not every exchange fails
	}{
		"another xid":                  {lie: always(func(r []byte) []byte { msg(r)[offXid] ^= 1; return r }), count: late},
		"another client":               {lie: always(func(r []byte) []byte { msg(r)[offChaddr+5] ^= 1; return r }), count: func(r *Result) uint64 { return r.Strangers }},
		"another address than offered": {lie: acks(func(r []byte) []byte { msg(r)[offYiaddr+3] ^= 1; return r }), count: wrong},
		"no address":                   {lie: acks(func(r []byte) []byte { clear(msg(r)[offYiaddr : offYiaddr+4]); return r }), count: wrong},
		"one address for all": {lie: always(func(r []byte) []byte {
			binary.BigEndian.PutUint32(msg(r)[offYiaddr:], 0x0a000001)
			return r
		}), count: func(r *Result) uint64 { return r.Duplicates }, some: true},
		"one address for all, no lease time": {lie: always(func(r []byte) []byte {
			binary.BigEndian.PutUint32(msg(r)[offYiaddr:], 0x0a000001)
			return put(r, 51)
		}), count: wrong},
		"no lease time":                     {lie: acks(func(r []byte) []byte { return put(r, 51) }), count: wrong},
		"a lease of no time":                {lie: acks(func(r []byte) []byte { return put(r, 51, 0) }), count: wrong},
		"no server identifier in the offer": {lie: always(func(r []byte) []byte { return put(r, 54) }), count: wrong},
		"no server identifier in the ack":   {lie: acks(func(r []byte) []byte { return put(r, 54) }), count: wrong},
		"another server than offered":       {lie: acks(func(r []byte) []byte { return put(r, 54, 192, 0, 2, 2) }), count: wrong},
		"another relay":                     {lie: always(func(r []byte) []byte { msg(r)[offGiaddr] ^= 1; return r }), count: wrong},
		"another relay in the ack":          {lie: acks(func(r []byte) []byte { msg(r)[offGiaddr] ^= 1; return r }), count: wrong},
		"another client's identifier":       {lie: always(func(r []byte) []byte { return put(r, 61, 1, 2, 3, 4, 5, 6, 7) }), count: wrong},
		"another client's circuit":          {lie: always(func(r []byte) []byte { return put(r, 82, 1, 4, 9, 9, 9, 9) }), count: wrong},
		"ack for an offer":                  {lie: always(func(r []byte) []byte { return put(r, 53, ack) }), count: late},
		"nak":                               {lie: acks(func(r []byte) []byte { return put(r, 53, nak) }), count: func(r *Result) uint64 { return r.Naks }},
		"truncated":                         {lie: always(func(r []byte) []byte { return r[:len(r)-12] }), count: func(r *Result) uint64 { return r.Failed }},
	} {
		cfg := config("dora", 3000)
		cfg.Relays = append(cfg.Relays, cfg.Server.Next())
		g, s := simulate(t, cfg, time.Microsecond)
		s.lie, s.frank = c.lie, true
		r, err := g.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if r.Failed == 0 || c.count(r) == 0 || !c.some && r.Completed > 0 {
			t.Errorf("%s: not noticed: %+v", name, r)
		}
		if sum := r.Wrong + r.Duplicates; sum > r.Failed {
			t.Errorf("%s: %d exchanges failed, %d are wrong and %d duplicates", name, r.Failed, r.Wrong, r.Duplicates)
		}
	}
}

// What RFC 3046 and RFC 6842 ask a server to send back it may send back, and
// a server that knows neither may leave it out.
func TestRightAnswersPass(t *testing.T) {
	for _, frank := range []bool{true, false} {
		for _, mix := range []string{"dora", "dora:1,inform:1,renew:1"} {
			cfg := config(mix, 3000)
			cfg.Relays = append(cfg.Relays, cfg.Server.Next())
			g, s := simulate(t, cfg, time.Microsecond)
			s.frank = frank
			r, err := g.Run(t.Context())
			if err != nil || r.Wrong+r.Duplicates > 0 || r.Completed < 1900 {
				t.Errorf("%s, sent back %v: %+v, %v", mix, frank, r, err)
			}
		}
	}
	// A lease time in the answer to an INFORM is forbidden (RFC 2131 section 4.3.5).
	g, s := simulate(t, config("dora", 3000), time.Microsecond)
	s.lie = func(k uint8, r []byte) []byte {
		if k == inform {
			return put(r, 51)
		}
		return r
	}
	for _, mix := range []Mix{{DORA: 1}, {Inform: 1}} {
		g.Set(mix, 10000, 100*time.Millisecond, false)
		if r, err := g.Run(t.Context()); err != nil || r.Completed != 1000 || r.Wrong > 0 {
			t.Errorf("%v: %+v, %v", mix, r, err)
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
