package e2eha

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// liar is a partner that is no server at all: it says what a test wants.
type liar struct {
	beat func() string // the answer to a heartbeat; others are answered with success
}

// run lets it listen where server2 should be.
func (l *liar) run(t *testing.T, s *site) {
	t.Helper()
	h := s.host(2)
	var ln net.Listener
	must(t, h.Do(func() (err error) {
		ln, err = net.Listen("tcp", "10.77.0.2:8000")
		return err
	}))
	server := &http.Server{Handler: l}
	t.Cleanup(func() { server.Close() })
	go server.Serve(ln)
}

// ServeHTTP implements http.Handler.
func (l *liar) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var in struct{ Command string }
	json.Unmarshal(body, &in)
	answer := `[ { "result": 0, "text": "as you wish" } ]`
	if in.Command == "ha-heartbeat" {
		answer = l.beat()
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", fmt.Sprint(len(answer)))
	io.WriteString(w, answer)
}

func heartbeat(state string, skew time.Duration) string {
	return fmt.Sprintf(`[ { "result": 0, "text": "", "arguments": { "state": %q, "date-time": %q, "scopes": [ "server2" ], "unsent-update-count": 0 } } ]`,
		state, time.Now().Add(skew).UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT"))
}

// A partner whose clock is more than a minute off: the relationship is
// terminated, and each goes on alone with its own clients.
func TestClockSkew(t *testing.T) {
	for _, skew := range []time.Duration{-75 * time.Second, 75 * time.Second} {
		t.Run(skew.String(), func(t *testing.T) {
			long(t)
			s := newSite(t)
			m := s.add(1, setup{})
			(&liar{beat: func() string { return heartbeat("load-balancing", skew) }}).run(t, s)
			m.start()
			m.reach("terminated")
			must(t, m.Says(deadline(t), "clock"))
			w := s.swarm()
			w.these("its own clients", owned(0, 50))
			w.silent("the partner's clients", owned(1, 50), time.Second)
		})
	}
}

// A partner that answers nonsense, or accepts connections and never answers, is
// no partner: all clients are served without it.
func TestPartnerTalksNonsense(t *testing.T) {
	long(t)
	for name, answer := range map[string]string{
		"nothing":        "",
		"no JSON":        "<html><body>502 Bad Gateway</body></html>",
		"a bare map":     `{ "result": 0, "arguments": { "state": "ready" } }`,
		"no arguments":   `[ { "result": 0 } ]`,
		"odd types":      `[ { "result": "0", "arguments": [ 1, 2 ] } ]`,
		"unknown state":  heartbeat("asleep", 0),
		"deep nesting":   strings.Repeat("[", 100000),
		"no end":         `[ { "result": 0, "text": "` + strings.Repeat("x", 1<<20),
		"result 1":       `[ { "result": 1, "text": "no" } ]`,
		"another's date": strings.ReplaceAll(heartbeat("ready", 0), "GMT", "+0000"),
	} {
		t.Run(strings.ReplaceAll(name, " ", "-"), func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			m := s.add(1, setup{})
			(&liar{beat: func() string { return answer }}).run(t, s)
			serveAlone(t, s, m)
		})
	}
}

func TestPartnerNeverAnswers(t *testing.T) {
	long(t)
	s := newSite(t)
	m := s.add(1, setup{})
	h := s.host(2)
	must(t, h.Do(func() error {
		ln, err := net.Listen("tcp", "10.77.0.2:8000") // the kernel accepts, nobody else does
		t.Cleanup(func() { ln.Close() })
		return err
	}))
	serveAlone(t, s, m)
}

func serveAlone(t *testing.T, s *site, m *member) {
	t.Helper()
	m.start()
	m.reach("partner-down")
	w := s.swarm()
	w.all("alone", 0, 50)
	w.kept(m)
}

// A partner that is fine and then takes no lease update any more: the clients'
// answers must not wait for it for ever.
func TestPartnerTakesNoUpdates(t *testing.T) {
	long(t)
	s := newSite(t)
	m := s.add(1, setup{})
	l := &liar{beat: func() string { return heartbeat("load-balancing", 0) }}
	h := s.host(2)
	var ln net.Listener
	must(t, h.Do(func() (err error) {
		ln, err = net.Listen("tcp", "10.77.0.2:8000")
		return err
	}))
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if body, _ := io.ReadAll(r.Body); strings.Contains(string(body), "lease4-update") {
			<-r.Context().Done() // never
			return
		}
		l.ServeHTTP(w, r)
	})}
	t.Cleanup(func() { server.Close() })
	go server.Serve(ln)
	m.start()
	w := s.swarm()
	w.these("nobody takes updates", owned(0, 50))
	w.kept(m)
}
