package slowpath

import (
	"context"
	"flag"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"needletail/internal/config"
	"needletail/internal/frame"
	"needletail/internal/transcript"
	"needletail/leases"
)

var rewrite = flag.Bool("rewrite", false, "write the transcripts' answers anew instead of comparing; read the diff")

// TestTranscripts runs testdata/*.txt on the engine in memory.
func TestTranscripts(t *testing.T) {
	for _, f := range transcript.Files(t, "testdata/*.txt") {
		t.Run(f.Title(), func(t *testing.T) {
			if *rewrite {
				f.Rewrite(t, newInMemory(t))
			} else {
				f.Check(t, newInMemory(t), nil)
			}
		})
	}
}

// inMemory is an engine with one worker, as a transcript.Server.
type inMemory struct {
	t      testing.TB
	dir    string
	now    time.Time
	clock  atomic.Int64 // now for the store's goroutines, unix s
	cfg    *config.Dhcp4
	ifs    []Interface
	store  *leases.Store
	engine *Engine
	worker *Worker
	batch  leases.Batch
	reply  frame.Reply
}

func newInMemory(t testing.TB) *inMemory {
	s := &inMemory{t: t, dir: t.TempDir(), now: time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)}
	s.clock.Store(s.now.Unix())
	s.reply.Buf = make([]byte, frame.Headroom+frame.MessageMax)
	t.Cleanup(func() {
		if s.store != nil {
			s.store.Close()
		}
	})
	return s
}

func (s *inMemory) Start(doc []byte, ifs []transcript.Interface) (err error) {
	if s.cfg, err = config.Parse("transcript", doc); err != nil {
		return err
	}
	for i, from := range ifs {
		s.ifs = append(s.ifs, Interface{Name: from.Name, Index: i + 1, Addrs: from.Addrs})
	}
	return s.open()
}

// simulated is the transcript's clock.
type simulated struct{ s *inMemory }

func (c simulated) Now() time.Time { return time.Unix(c.s.clock.Load(), 0) }

func (s *inMemory) open() (err error) {
	s.store, err = leases.Open(context.Background(), leases.Options{Dir: s.dir, Durability: leases.None, Clock: simulated{s}})
	if err != nil {
		return err
	}
	if s.engine, err = NewEngine(s.cfg, s.store, s.ifs); err != nil {
		return err
	}
	s.worker = s.engine.NewWorker()
	return nil
}

func (s *inMemory) Restart() error {
	if err := s.store.Close(); err != nil {
		return err
	}
	return s.open()
}

func (s *inMemory) Reload(doc []byte) error {
	cfg, err := config.Parse("transcript", doc)
	if err != nil {
		return err
	}
	return s.engine.Reload(cfg, s.ifs)
}

func (s *inMemory) Advance(d time.Duration) error {
	s.now = s.now.Add(d)
	s.clock.Store(s.now.Unix())
	return nil
}

func (s *inMemory) Exchange(from transcript.Query) (transcript.Reply, error) {
	q := frame.Query{Message: from.Message, IfIndex: s.index(from.Interface)}
	copy(q.Link.SrcMAC[:], from.SrcMAC)
	q.Link.Src, q.Link.SrcPort = from.Src.Addr().As4(), from.Src.Port()
	q.Link.Dst, q.Link.DstPort = from.Dst.Addr().As4(), from.Dst.Port()
	o := s.worker.Handle(&q, &s.reply, &s.batch, 0, s.now)
	if o.Pending != (s.batch.Len() > 0) {
		return transcript.Reply{}, fmt.Errorf("pending is %t with %d changes", o.Pending, s.batch.Len())
	}
	if err := s.commit(); err != nil {
		return transcript.Reply{}, err
	}
	if !o.Reply {
		return transcript.Reply{Silence: o.Silence.String(), Pending: o.Pending}, nil
	}
	to := s.reply.To
	return transcript.Reply{
		Message: slices.Clone(s.reply.Message()[:s.reply.Len]), DstMAC: net.HardwareAddr(slices.Clone(to.DstMAC[:])),
		Dst: netip.AddrPortFrom(netip.AddrFrom4(to.Dst), to.DstPort), Src: netip.AddrFrom4(to.Src),
	}, nil
}

func (s *inMemory) commit() error {
	if s.batch.Len() > 0 {
		done := make(chan error, 1)
		s.store.Submit(&s.batch, func(_ *leases.Batch, err error) { done <- err })
		if err := <-done; err != nil {
			return err
		}
		s.store.Settle(&s.batch)
	}
	s.batch.Reset()
	return nil
}

func (s *inMemory) index(name string) int {
	for _, i := range s.ifs {
		if i.Name == name {
			return i.Index
		}
	}
	return 99
}

func (s *inMemory) Do(step transcript.Step) ([]string, error) {
	switch step.Verb {
	case "leases":
		return transcript.Leases(s.store), nil
	case "reclaim":
		n, _ := s.store.Reclaim(&s.batch, s.now, 1000, nil)
		return []string{fmt.Sprintf("reclaimed %d", n)}, s.commit()
	case "unacked":
		return transcript.Unacked(s.engine.Filter().Unacked(0)), nil
	case "scope":
		i, sc := step.Scope()
		s.engine.Filter().SetScope(i, sc)
		return nil, nil
	}
	return nil, fmt.Errorf("no such step: %s", step.Verb)
}
