package slowpath

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"needletail/internal/config"
	"needletail/internal/frame"
	"needletail/internal/netif"
	"needletail/internal/netif/nettest"
	"needletail/internal/transcript"
	"needletail/internal/transcript/wire"
	"needletail/leases"
)

// TestTranscriptsOverVeth runs the engine's transcripts through the kernel
// ports and a pump: the same words must come out of a wire.
func TestTranscriptsOverVeth(t *testing.T) {
	for _, f := range transcript.Files(t, "testdata/*.txt") {
		t.Run("raw/"+f.Title(), func(t *testing.T) { f.Check(t, newOverVeth(t, false), wire.ChosenByKernel) })
		if !testing.Short() {
			t.Run("udp/"+f.Title(), func(t *testing.T) { f.Check(t, newOverVeth(t, true), throughUDP) })
		}
	}
}

var (
	directed   = regexp.MustCompile(`via=frame( |$)`)
	directedTo = regexp.MustCompile(`to=\S+ mac=\S+`)
)

// throughUDP is what becomes of an answer without packet sockets: a client that
// has no address yet can only be reached by broadcast.
func throughUDP(got, want string) string {
	if strings.Contains(want, "via=frame") {
		want = directed.ReplaceAllString(want, "via=broadcast$1")
		want = directedTo.ReplaceAllString(want, "to=255.255.255.255:68 mac=ff:ff:ff:ff:ff:ff")
	}
	return wire.ChosenByKernel(got, want)
}

// overVeth is an engine behind kernel ports and a pump in a namespace, with the
// clients in another, as a transcript.Server. What needs no network is the
// engine's in memory.
type overVeth struct {
	*inMemory
	udp   bool
	clock wire.Clock
	wire  *wire.Wire
	ports *Ports
	stop  func() error
}

func newOverVeth(t *testing.T, udp bool) *overVeth {
	w, err := wire.Open(nettest.ForTest(t))
	if err != nil {
		t.Fatal(err)
	}
	s := &overVeth{inMemory: newInMemory(t), udp: udp, wire: w}
	s.clock.Set(s.now)
	t.Cleanup(func() {
		if s.stop != nil {
			if err := s.stop(); err != nil {
				t.Error(err)
			}
		}
		w.Close()
	})
	return s
}

func (s *overVeth) Start(doc []byte, ifs []transcript.Interface) (err error) {
	if s.cfg, err = s.parse(doc); err != nil {
		return err
	}
	for _, i := range ifs {
		index, err := s.wire.Connect(i)
		if err != nil {
			return err
		}
		s.ifs = append(s.ifs, Interface{Name: i.Name, Index: index, Addrs: i.Addrs})
	}
	return s.open()
}

func (s *overVeth) parse(doc []byte) (*config.Dhcp4, error) {
	if s.udp && !bytes.Contains(doc, []byte("dhcp-socket-type")) {
		doc = bytes.Replace(doc, []byte(`"interfaces-config":{`), []byte(`"interfaces-config":{"dhcp-socket-type":"udp",`), 1)
	}
	return config.Parse("transcript", doc)
}

// open starts store, engine, ports and pump.
func (s *overVeth) open() (err error) {
	s.store, err = leases.Open(context.Background(), leases.Options{Dir: s.dir, Durability: leases.None, Clock: &s.clock})
	if err != nil {
		return err
	}
	if s.engine, err = NewEngine(s.cfg, s.store, s.ifs); err != nil {
		return err
	}
	opener := OpenRaw
	if s.udp {
		opener = OpenUDP
	}
	err = s.wire.Server.Do(func() error {
		all, err := netif.List()
		if err != nil {
			return err
		}
		var patterns []netif.Pattern
		for _, i := range s.ifs {
			patterns = append(patterns, netif.Pattern{Name: i.Name})
		}
		picked, _ := netif.Pick(all, patterns)
		s.ports, err = opener(PortOptions{Interfaces: picked, Routing: s.cfg.Interfaces.OutboundRoute})
		return err
	})
	if err != nil {
		return err
	}
	p := NewPump(PumpOptions{Port: s.ports.Worker(0), Handler: s.engine.NewWorker(), Store: s.store, Clock: &s.clock})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	s.stop = func() error {
		cancel()
		s.stop = nil
		if err := <-ended; err != nil {
			return err
		}
		return s.ports.Close()
	}
	return nil
}

func (s *overVeth) Restart() error {
	if err := s.stop(); err != nil {
		return err
	}
	if err := s.store.Close(); err != nil {
		return err
	}
	return s.open()
}

func (s *overVeth) Reload(doc []byte) error {
	cfg, err := s.parse(doc)
	if err != nil {
		return err
	}
	return s.engine.Reload(cfg, s.ifs)
}

func (s *overVeth) Advance(d time.Duration) error {
	s.now = s.now.Add(d)
	s.clock.Set(s.now)
	return nil
}

// Exchange sends the query and waits until the engine has had it. Whether there
// must be a reply, the engine's counters tell, so silence needs no waiting.
func (s *overVeth) Exchange(q transcript.Query) (transcript.Reply, error) {
	if s.udp && q.Src.Addr().IsUnspecified() && q.Dst.Addr() != netip.AddrFrom4(frame.BroadcastIP) {
		return transcript.Reply{}, fmt.Errorf("%w: the kernel drops a packet from %v to %v before UDP", transcript.ErrCannot, q.Src, q.Dst)
	}
	before := s.engine.Stats()
	if err := s.wire.Send(q); err != nil {
		return transcript.Reply{}, err
	}
	for range 3000 {
		if why, ok := silenceSince(&before, s.engine.Stats()); ok && why != Answered {
			return transcript.Reply{Silence: why.String()}, nil
		} else if ok {
			r, err := s.wire.Hear(q, 3*time.Second)
			if err != nil {
				err = fmt.Errorf("the engine replied: %w; %+v", err, s.ports.Stats())
			}
			return r, err
		}
		time.Sleep(time.Millisecond)
	}
	return transcript.Reply{}, fmt.Errorf("the query did not reach the engine: %+v", s.ports.Stats())
}

func silenceSince(before *Stats, now Stats) (Silence, bool) {
	for i := range now.Silence {
		if now.Silence[i] != before.Silence[i] {
			return Silence(i), true
		}
	}
	return 0, false
}
