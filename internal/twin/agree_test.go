package twin

import (
	"net/netip"
	"testing"

	"needletail/internal/transcript"
)

// TestTranscripts asks about every query of every transcript: plain, tagged, with
// IPv4 options, from elsewhere, cut short at every byte of the frame and of the
// options, and with every option byte made hostile.
func TestTranscripts(t *testing.T) {
	frames := transcripts(t)
	for _, j := range scopes(t) {
		t.Run(j.name, func(t *testing.T) {
			p := j.open(t)
			mangled := make(map[string]bool) // options; the bytes before them do not differ in kind
			for _, f := range frames {
				p.ask(f)
				p.ask(tagged(f, 0x81, 0, 0, 100))
				p.ask(tagged(f, 0x81, 0, 0, 9)) // another interface's
				p.ask(tagged(f, 0x88, 0xa8, 0, 7, 0x81, 0, 0, 100))
				p.ask(tagged(f, 0x88, 0xa8, 0, 7, 0x81, 0, 0, 100, 0x81, 0, 0, 1))
				for _, g := range [][]byte{lengthened(f, 4), lengthened(f, 40)} {
					for n := ipAt; n < messageAt+40+4; n++ { // the headers
						p.ask(g[:n])
					}
					p.ask(g)
				}
				for _, relay := range places {
					p.ask(relayed(f, relay))
				}
				if options := string(f[optionsAt:]); !testing.Short() && !mangled[options] {
					mangled[options] = true
					p.mangle(f)
				}
			}
			t.Logf("%d frames, %d mangled: %d dropped, of them %d whole queries", p.asked, len(mangled), p.dropped, p.parsed)
			if p.parsed < len(frames)/8 {
				t.Error("too few drops to compare anything")
			}
		})
	}
}

func (p *pair) mangle(f []byte) {
	for n := 14; n < len(f); n++ {
		p.ask(f[:n])
	}
	options := min(len(f)-optionsAt, 128)
	for n := range options {
		p.ask(cut(f, n))
		g := append([]byte(nil), f...)
		for _, b := range []byte{0, 1, 52, 53, 61, 255} {
			g[optionsAt+n] = b
			p.ask(g)
		}
	}
}

// TestDropsMatter: without the scopes the engine would have answered, so the
// comparison can fail.
func TestDropsMatter(t *testing.T) {
	frames := transcripts(t)
	p := newPair(t, balancing)
	j := scopes(t)[1]
	p.path.SetScope(0, j.scopes[0])
	fails := &counter{TB: t}
	p.t = fails
	for _, f := range frames {
		p.ask(f)
	}
	if fails.n == 0 {
		t.Error("a kernel that drops what the engine answers was not noticed")
	}
}

// counter counts errors instead of reporting them.
type counter struct {
	testing.TB
	n int
}

func (c *counter) Errorf(string, ...any) { c.n++ }

// FuzzKernelDropsNoAnswer: any frame. What the kernel drops, user space would
// not answer. The seeds are every transcript's frames, tagged and with options that
// lie about their lengths, and one cut short at every byte, as TestTranscripts cuts all.
func FuzzKernelDropsNoAnswer(f *testing.F) {
	frames := transcripts(f)
	lied := make(map[string]bool) // options
	for i, seed := range frames {
		f.Add(seed)
		f.Add(tagged(seed, 0x81, 0, 0, 100))
		f.Add(tagged(seed, 0x88, 0xa8, 0, 7, 0x81, 0, 0, 100))
		f.Add(lengthened(seed, 8))
		f.Add(relayed(seed, places[i%len(places)]))
		f.Add(cut(seed, (len(seed)-optionsAt)/2))
		if options := string(seed[optionsAt:]); !lied[options] {
			lied[options] = true
			for _, g := range liars(seed) {
				f.Add(g)
				f.Add(tagged(g, 0x81, 0, 0, 100))
			}
		}
	}
	whole := tagged(lengthened(frames[0], 8), 0x88, 0xa8, 0, 7, 0x81, 0, 0, 100)
	for n := range whole {
		f.Add(whole[:n])
	}
	var pairs []*pair
	for _, j := range scopes(f) {
		pairs = append(pairs, j.open(f))
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		for _, p := range pairs {
			p.t = t
			p.ask(frame)
		}
	})
}

// FuzzOptions puts any options into a frame whose lengths and checksums are
// right, so that every input reaches the walk.
func FuzzOptions(f *testing.F) {
	relays := append([][4]byte{{}, {198, 51, 100, 1}, {203, 0, 113, 1}}, places...)
	for i, seed := range transcripts(f) {
		if len(seed) > optionsAt {
			f.Add(seed[optionsAt:], byte(i), seed[messageAt+2])
		}
	}
	f.Add([]byte{53, 1, 1, 82, 6, 5, 4, 10, 0, 0, 1, 255}, byte(0), byte(6))       // link selection
	f.Add([]byte{53, 1, 1, 61, 255, 1, 2, 3, 255}, byte(1), byte(6))               // longer than the message
	f.Add([]byte{53, 1, 1, 61, 2, 1, 2, 61, 1, 3, 255}, byte(1), byte(6))          // in pieces
	f.Add(append(make([]byte, 70), 53, 1, 1, 255), byte(1), byte(6))               // more pads than the bound
	f.Add([]byte{53, 1, 1, 60, 5, 'm', 'o', 'd', 'e', 'm', 255}, byte(8), byte(6)) // what a guard admits
	f.Add([]byte{52, 1, 3, 53, 1, 3, 50, 4, 10, 0, 0, 10, 255}, byte(2), byte(0))  // overload, no address
	var pairs []*pair
	for _, j := range scopes(f) {
		pairs = append(pairs, j.open(f))
	}
	f.Fuzz(func(t *testing.T, options []byte, relay, hlen byte) {
		if len(options) > 1200 {
			return
		}
		m := make([]byte, 240, 240+len(options))
		m[0], m[1], m[2], m[9] = 1, 1, hlen%20, 200
		copy(m[24:28], relays[int(relay)%len(relays)][:])
		copy(m[28:], []byte{2, 0, 0, 0, relay, hlen})
		copy(m[236:], []byte{99, 130, 83, 99})
		frame := wrap(transcript.Query{Message: append(m, options...), Src: netip.MustParseAddrPort("0.0.0.0:68")})
		for _, p := range pairs {
			p.t = t
			p.ask(frame)
		}
	})
}
