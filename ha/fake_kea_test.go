package ha

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"
)

// fakeKea answers as a real Kea does in the captures, and oddly where a test
// wants it. It keeps what it was asked.
type fakeKea struct {
	t    testing.TB
	addr netip.AddrPort

	mu    sync.Mutex
	state string
	odd   map[string]string // command to the whole body of its answer
	hang  map[string]bool   // commands that are never answered
	once  map[string]bool   // commands that are answered once
	hold  chan struct{}     // lease4-update is answered when it is closed; nil: at once
	asked []asked
	deaf  bool // keeps nothing of what it is asked
}

type asked struct {
	Command   string
	Service   []string
	Arguments map[string]any
}

func newFakeKea(t testing.TB) *fakeKea {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	k := &fakeKea{t: t, addr: netip.MustParseAddrPort(l.Addr().String()), state: "load-balancing", odd: map[string]string{}, hang: map[string]bool{}, once: map[string]bool{}}
	s := &http.Server{Handler: http.HandlerFunc(k.serve)}
	go s.Serve(l)
	t.Cleanup(func() { s.Close() })
	return k
}

func (k *fakeKea) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var q asked
	if err := json.Unmarshal(body, &q); err != nil {
		k.t.Errorf("request is not JSON: %s", body)
	}
	k.mu.Lock()
	if !k.deaf {
		k.asked = append(k.asked, q)
	}
	answer, odd := k.odd[q.Command]
	hang, hold := k.hang[q.Command], k.hold
	if k.once[q.Command] {
		k.hang[q.Command] = true
	}
	if !odd {
		answer = k.usual(q)
	}
	k.mu.Unlock()
	if hold != nil && q.Command == "lease4-update" {
		<-hold
	}
	if hang {
		<-r.Context().Done()
		return
	}
	w.Header().Set("Content-Type", "application/json")
	io.WriteString(w, answer)
}

// usual is what a Kea 2.2.0 in state k.state says.
func (k *fakeKea) usual(q asked) string {
	switch q.Command {
	case "ha-heartbeat":
		return fmt.Sprintf(`[ { "arguments": { "date-time": %q, "scopes": [ "server2" ], "state": %q, "unsent-update-count": 0 }, "result": 0, "text": "HA peer status returned." } ]`,
			time.Now().UTC().Format(http.TimeFormat), k.state)
	case "list-commands":
		return `[ { "arguments": [ "ha-heartbeat", "lease4-update" ], "result": 0 } ]`
	case "status-get":
		return `[ { "arguments": { "pid": 1 }, "result": 0 } ]`
	case "lease4-get-page":
		return `[ { "arguments": { "count": 0, "leases": [  ] }, "result": 3, "text": "0 IPv4 lease(s) found." } ]`
	}
	return `[ { "result": 0, "text": "ok" } ]`
}

func (k *fakeKea) set(f func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	f()
}

// heard returns the commands so far, without the ones every partner hears all
// the time, and forgets them.
func (k *fakeKea) heard() (names []string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, q := range k.asked {
		if !slices.Contains([]string{"ha-heartbeat", "list-commands", "status-get"}, q.Command) {
			names = append(names, q.Command)
		}
	}
	k.asked = nil
	return names
}

// withFakeKea starts server1 beside a fake Kea that is server2, and waits for
// load-balancing.
func withFakeKea(t testing.TB) (*node, *fakeKea) {
	k := newFakeKea(t)
	n := startNode(t, pairConfig("server1", "load-balancing", freePort(t), k.addr))
	n.reach(LoadBalancing)
	k.heard()
	return n, k
}

// names are all commands so far.
func (k *fakeKea) names() (names []string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, q := range k.asked {
		names = append(names, q.Command)
	}
	return names
}
