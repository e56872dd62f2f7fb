package ha

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"needletail/internal/control"
	"needletail/leases"
)

// Every request of the captures, sent byte for byte to our listener, gets the
// captured answer, byte for byte but for blanks and the order of keys.
func TestWeAnswerKeasRequests(t *testing.T) {
	files, _ := filepath.Glob("testdata/kea/*.request.json")
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), ".request.json")
		if name == "k304-released-refused-by-2.2.0" {
			continue // a refusal that belongs to 2.2.0
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := startNode(t, hubConfig(t, "server1")...)
			prepareFor(t, n, name)
			status, got := n.post(t, capture(t, name+".request"))
			if got, want := normal(t, atNoTime(t, got)), normal(t, atNoTime(t, answerTo(t, name))); status != 200 || got != want {
				t.Errorf("status %d\n%s, Kea\n%s", status, got, want)
			}
			checkEffect(t, n, name)
		})
	}
}

// answerTo is Kea's answer to a captured request.
func answerTo(t *testing.T, name string) []byte {
	switch name {
	case "ha-maintenance-notify-cancel": // 2.2.0 tells no state, we do as 3.x
		return capture(t, "k304-ha-maintenance-notify-cancel.response")
	case "dhcp-enable": // its capture was answered by a program; Kea's answer is among the probes
		return []byte(`[{"result":0,"text":"DHCP service successfully enabled"}]`)
	}
	return capture(t, name+".response")
}

// post sends a body to the node's listener of relationship 0 and returns the
// answer as it came.
func (n *node) post(t *testing.T, body []byte) (status int, answer []byte) {
	t.Helper()
	r, err := http.Post("http://"+n.links[0].conf.Self().Addr.String()+"/", "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	answer, err = io.ReadAll(r.Body)
	if kind := r.Header.Get("Content-Type"); err != nil || kind != "application/json" || r.ContentLength != int64(len(answer)) {
		t.Errorf("Content-Type %q, Content-Length %d, body of %d bytes, %v", kind, r.ContentLength, len(answer), err)
	}
	return r.StatusCode, answer
}

// normal is JSON without blanks, keys sorted; numbers stay as written.
func normal(t *testing.T, raw []byte) string {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v: %s", err, raw)
	}
	out, _ := json.Marshal(v)
	return string(out)
}

// atNoTime takes the one thing out of an answer that differs at every moment,
// after looking at its form.
func atNoTime(t *testing.T, raw []byte) []byte {
	t.Helper()
	return dateOf.ReplaceAllFunc(raw, func(m []byte) []byte {
		text := string(dateOf.FindSubmatch(m)[1])
		if at, err := time.Parse(dateLayout, text); err != nil || at.Format(dateLayout) != text {
			t.Errorf("date-time %q: %v", text, err)
		}
		return []byte(`"date-time": ""`)
	})
}

var dateOf = regexp.MustCompile(`"date-time": ?"([^"]*)"`)

// prepareFor gives the node what the captured server had.
func prepareFor(t *testing.T, n *node, name string) {
	a, err := parseAnswer(answerTo(t, name))
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case strings.Contains(name, "heartbeat"):
		h, err := parseHeartbeat(a)
		if err != nil {
			t.Fatal(err)
		}
		n.pose(t, h.State, h.Scopes, h.Unsent)
	case strings.Contains(name, "get-page"):
		var page struct{ Leases []json.RawMessage }
		json.Unmarshal(a.Arguments, &page)
		for _, raw := range page.Leases {
			n.putKea(raw)
		}
	case strings.HasPrefix(name, "lease4-del"), a.Text == "IPv4 lease updated.":
		l := capturedLease(t, name+".request")
		l.CLTT = l.CLTT.Add(-time.Minute)
		var b leases.Batch
		n.store.Put(&b, &l)
		commit(n.store, &b)
	case strings.HasSuffix(name, "notify-cancel"):
		n.pose(t, "load-balancing", nil, 0)
		n.ask(t, "ha-maintenance-notify", arguments{"cancel": false})
	case name == "ha-reset":
		n.pose(t, "communication-recovery", nil, 0)
	}
}

// pose puts the machine into a state and keeps it there.
func (n *node) pose(t *testing.T, state string, scopes []string, unsent uint64) {
	t.Helper()
	st, ok := parseState(state)
	if !ok {
		t.Fatalf("%q is no state", state)
	}
	n.do(func() {
		r := n.machine.rels[0]
		r.enter(time.Now(), st, "as captured")
		r.paused, r.served = true, scopes
		r.unsent.Add(int(unsent))
	})
}

func (n *node) putKea(raw json.RawMessage) {
	l, err := leases.ParseKea(raw, time.Now())
	if err != nil {
		n.t.Fatal(err)
	}
	var b leases.Batch
	if _, err := n.store.Put(&b, &l.Lease); err != nil {
		n.t.Fatal(err)
	}
	if err := commit(n.store, &b); err != nil {
		n.t.Fatal(err)
	}
}

// checkEffect looks at what the request has done.
func checkEffect(t *testing.T, n *node, name string) {
	t.Helper()
	switch {
	case strings.Contains(name, "lease4-update"):
		want := capturedLease(t, name+".request")
		got, ok := n.store.Get(want.Addr)
		if !ok || !reflect.DeepEqual(got, want) {
			t.Errorf("stored %+v, want %+v", got, want)
		}
	case strings.Contains(name, "lease4-del"):
		if l, ok := n.store.Get(capturedLease(t, name+".request").Addr); ok {
			t.Errorf("still there: %+v", l)
		}
	case strings.Contains(name, "dhcp-disable"):
		if n.filters.scope(0).Enabled {
			t.Error("the service is still on")
		}
	case strings.HasSuffix(name, "ha-maintenance-notify"):
		n.reach(InMaintenance)
	}
}

// Names in any encoding come out of a page as they went in by an update.
func TestNamesKeepTheirBytes(t *testing.T) {
	n := startNode(t, hubConfig(t, "server1")...)
	update := strings.Replace(string(capture(t, "lease4-update-new.request")), "host1", `h\u00f6st`, 1)
	if _, answer := n.post(t, []byte(update)); !strings.Contains(string(answer), "added") {
		t.Fatalf("%s", answer)
	}
	if _, page := n.post(t, capture(t, "lease4-get-page-first.request")); !strings.Contains(string(page), `"hostname":"h\u00f6st.example.org"`) {
		t.Errorf("%s", page)
	}
}

// An old partner's notification names no origin; it must end the silence that
// the same partner's dhcp-disable began.
func TestNotifyWithoutOriginEndsSilence(t *testing.T) {
	n := startNode(t, hubConfig(t, "server1")...)
	for i, body := range [][]byte{capture(t, "dhcp-disable.request"), capture(t, "ha-sync-complete-notify.request")} {
		a, err := n.via(t, 0).call(body, requestTimeout)
		if err != nil || a.Result != 0 {
			t.Fatalf("%+v, %v", a, err)
		}
		var off []control.Origin
		n.do(func() { off = n.machine.Service().Origins() })
		if got := slices.Contains(off, control.OriginHARemote); got != (i == 0) {
			t.Errorf("after request %d the service is off for %v", i, off)
		}
	}
}

// status-get of a hub has one element per relationship, with the keys and the
// types of a real hub's.
func TestStatusOfHub(t *testing.T) {
	n := startNode(t, hubConfig(t, "server2")...)
	raw, err := json.Marshal(n.report())
	if err != nil {
		t.Fatal(err)
	}
	want := decode(t, capture(t, "k304-hub-status-get")).(map[string]any)["arguments"].(map[string]any)
	sameKeys(t, "high-availability", decode(t, raw), want["high-availability"])
	raw, _ = json.Marshal(n.serviceReport())
	sameKeys(t, "dhcp-state", decode(t, raw), want["dhcp-state"])
}

func sameKeys(t *testing.T, at string, got, want any) {
	t.Helper()
	switch w := want.(type) {
	case map[string]any:
		g, _ := got.(map[string]any)
		if a, b := slices.Sorted(maps.Keys(g)), slices.Sorted(maps.Keys(w)); !slices.Equal(a, b) {
			t.Errorf("%s has keys %v, want %v", at, a, b)
		}
		for k := range w {
			sameKeys(t, at+"."+k, g[k], w[k])
		}
	case []any:
		g, ok := got.([]any)
		if !ok {
			t.Errorf("%s is %v, want a list", at, got)
		}
		for i := range min(len(g), len(w)) {
			sameKeys(t, at, g[i], w[i])
		}
	default:
		if got != nil && reflect.TypeOf(got) != reflect.TypeOf(want) {
			t.Errorf("%s is %v, want something like %v", at, got, want)
		}
	}
}
