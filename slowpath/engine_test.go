package slowpath

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"needletail/internal/config"
	"needletail/internal/frame"
	"needletail/internal/transcript"
	"needletail/leases"
)

// Reloads while workers answer: every answer is of one configuration, nothing
// is lost and, with -race, nothing is torn.
func TestReloadUnderQueries(t *testing.T) {
	s := startHub(t)
	other, err := config.Parse("other", []byte(strings.NewReplacer(
		`"id": 1, `, `"id": 9, `, "192.0.2.10-192.0.2.20", "192.0.2.100-192.0.2.120").Replace(hub)))
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for n := range 2 {
		wg.Go(func() { askUntil(t, s.engine.NewWorker(), byte(n), stop) })
	}
	for i := range 40 {
		cfg := s.cfg
		if i%2 == 0 {
			cfg = other
		}
		if err := s.engine.Reload(cfg, s.ifs); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	wg.Wait()
	if got := s.engine.Stats(); got.Received[typeDiscover] != got.Silence[Answered] || got.Sent[typeOffer] != got.Silence[Answered] {
		t.Errorf("some DISCOVER got no OFFER: %+v", got)
	}
}

func askUntil(t *testing.T, w *Worker, mac byte, stop chan struct{}) {
	r := frame.Reply{Buf: make([]byte, frame.Headroom+frame.MessageMax)}
	var b leases.Batch
	q := from(frame.IP{192, 0, 2, 2})
	q.Message[offChaddr+5] = mac
	for {
		select {
		case <-stop:
			return
		default:
		}
		if o := w.Handle(q, &r, &b, 0, time.Unix(1_800_000_000, 0)); !o.Reply {
			t.Error(o.Silence)
			return
		}
		if last := r.Message()[offYiaddr+3]; last < 10 || last > 20 && last < 100 {
			t.Errorf("offered .%d", last)
			return
		}
	}
}

// Guards name as many classes as have bits; those nobody is in share one.
func TestNewEngineRefuses(t *testing.T) {
	for _, c := range []struct {
		prefix  string
		refused bool
	}{{"VENDOR_CLASS_", true}, {"gold", false}} {
		var names []string
		for i := range guardsMax + 1 {
			names = append(names, fmt.Sprintf("%q", fmt.Sprint(c.prefix, i)))
		}
		doc := strings.Replace(hub, `"id": 3,`, `"id": 3, "client-classes": [`+strings.Join(names, ",")+`],`, 1)
		err := newInMemory(t).Start([]byte(doc), []transcript.Interface{{Name: "eth0"}})
		if refused := err != nil && strings.Contains(err.Error(), "different client classes"); refused != c.refused {
			t.Errorf("%d guards by classes like %s: got %v", len(names), c.prefix, err)
		}
	}
}

func TestSilencesHaveNames(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range append(Silences(), Answered) {
		if name := s.String(); name == "" || name == "invalid" || seen[name] {
			t.Errorf("silence %d: name %q", s, name)
		} else {
			seen[name] = true
		}
	}
	if Silence(255).String() != "invalid" {
		t.Error("a value that is no silence has a name")
	}
}
