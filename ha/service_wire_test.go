package ha

import (
	"encoding/json"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"needletail/leases"
)

// Every request of the captures, sent byte for byte to our listener, is
// answered with the captured result and with arguments of the same keys and
// types; what a Kea reads in them is compared by value.
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
			a, err := n.via(t, 0).call(capture(t, name+".request"), requestTimeout)
			if err != nil {
				t.Fatal(err)
			}
			want, err := parseAnswer(capture(t, name+".response"))
			if err != nil {
				t.Fatal(err)
			}
			if a.Result != want.Result {
				t.Fatalf("result %d (%s), want %d (%s)", a.Result, a.Text, want.Result, want.Text)
			}
			compareArguments(t, name, a.Arguments, want.Arguments)
			checkEffect(t, n, name)
		})
	}
}

// prepareFor gives the node what the captured server had.
func prepareFor(t *testing.T, n *node, name string) {
	switch {
	case strings.Contains(name, "get-page"):
		var page struct{ Leases []json.RawMessage }
		a, err := parseAnswer(capture(t, name+".response"))
		if err != nil {
			t.Fatal(err)
		}
		json.Unmarshal(a.Arguments, &page)
		for _, raw := range page.Leases {
			n.putKea(raw)
		}
	case strings.HasPrefix(name, "lease4-del"):
		l := capturedLease(t, name+".request")
		var b leases.Batch
		n.store.Put(&b, &l)
		commit(n.store, &b)
	case strings.HasSuffix(name, "notify-cancel"):
		n.ask(t, "ha-maintenance-notify", arguments{"cancel": false})
	}
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

func compareArguments(t *testing.T, name string, got, want json.RawMessage) {
	t.Helper()
	if want == nil {
		return // a 2.2.0 sends none where later ones do, and reads none
	}
	g, w := decode(t, got), decode(t, want)
	if strings.Contains(name, "get-page") {
		if !reflect.DeepEqual(g, w) {
			t.Errorf("page\n%v, want\n%v", g, w)
		}
		return
	}
	for key, v := range w.(map[string]any) {
		if mine := g.(map[string]any)[key]; reflect.TypeOf(mine) != reflect.TypeOf(v) {
			t.Errorf("argument %s: %v, Kea has %v", key, mine, v)
		}
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

// An old partner's notification names no origin; it must end the silence that
// the same partner's dhcp-disable began.
func TestNotifyWithoutOriginEndsSilence(t *testing.T) {
	n := startNode(t, hubConfig(t, "server1")...)
	for i, body := range [][]byte{capture(t, "dhcp-disable.request"), capture(t, "ha-sync-complete-notify.request")} {
		a, err := n.via(t, 0).call(body, requestTimeout)
		if err != nil || a.Result != 0 {
			t.Fatalf("%+v, %v", a, err)
		}
		var off []uint32
		n.do(func() { off = n.machine.Service().Origins() })
		if got := slices.Contains(off, OriginRemote); got != (i == 0) {
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
