package ha

import (
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"needletail/leases"
)

// capture reads one body of a captured exchange.
func capture(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "kea", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func decode(t testing.TB, b []byte) (v any) {
	t.Helper()
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	return v
}

// capturedLease is the lease of a captured lease4-update or lease4-del.
func capturedLease(t testing.TB, name string) leases.Lease {
	t.Helper()
	var q struct{ Arguments json.RawMessage }
	if err := json.Unmarshal(capture(t, name), &q); err != nil {
		t.Fatal(err)
	}
	l, err := leases.ParseKea(q.Arguments, time.Unix(1, 0))
	if err != nil {
		t.Fatal(err)
	}
	return l.Lease
}

// What Kea 3.0.4 sent for the same purpose is what we send, to the last key.
func TestRequestsAreKea3s(t *testing.T) {
	sent := map[string][]byte{
		"k304-heartbeat":                        heartbeatCommand("server2"),
		"k304-dhcp-disable":                     disableCommand(2000, time.Minute),
		"k304-hub-dhcp-disable-2001":            disableCommand(2001, time.Minute),
		"k304-ha-sync-complete-notify":          syncCompleteCommand("server1", 2000),
		"k304-hub-ha-sync-complete-notify-2001": syncCompleteCommand("server4", 2001),
		"k304-ha-maintenance-notify":            maintenanceCommand("server1", false, "load-balancing"),
		"k304-ha-maintenance-notify-cancel":     maintenanceCommand("server1", true, "load-balancing"),
		"k304-lease4-get-page":                  pageCommand(netip.Addr{}, 3),
	}
	for _, name := range []string{"new", "released", "declined", "relayed"} {
		name = "k304-lease4-update-" + name
		l := capturedLease(t, name+".request")
		sent[name] = appendUpdate(nil, &l, false, abilityKnown|abilityReleased, "", t0)
	}
	for name, body := range sent {
		if got, want := decode(t, body), decode(t, capture(t, name+".request")); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: we send\n%v, Kea\n%v", name, got, want)
		}
	}
}

// What Kea 2.2.0 sent is in what we send, and the rest are keys it ignores.
func TestRequestsContainKea22s(t *testing.T) {
	page := func(from string) []byte { return pageCommand(netip.MustParseAddr(from), 3) }
	sent := map[string][]byte{
		"heartbeat-load-balancing":     heartbeatCommand("server1"),
		"kea-ctrl-agent-heartbeat":     heartbeatCommand("server1"),
		"dhcp-disable":                 disableCommand(2000, time.Minute),
		"dhcp-enable":                  enableCommand(2000),
		"ha-sync-complete-notify":      syncCompleteCommand("server1", 2000),
		"ha-reset":                     resetCommand("server1"),
		"ha-maintenance-notify":        maintenanceCommand("server1", false, "load-balancing"),
		"ha-maintenance-notify-cancel": maintenanceCommand("server1", true, "load-balancing"),
		"lease4-get-page-first":        pageCommand(netip.Addr{}, 3),
		"lease4-get-page-next":         page("192.0.2.13"),
		"lease4-get-page-last":         page("192.0.2.103"),
	}
	for _, name := range []string{"new", "new-no-client-id", "renew", "declined", "fqdn", "duid-client-id", "backlog", "to-backup", "wait-backup-ack"} {
		name = "lease4-update-" + name
		l := capturedLease(t, name+".request")
		sent[name] = appendUpdate(nil, &l, false, abilityKnown, "", t0)
	}
	for _, name := range []string{"lease4-del-release", "lease4-del-backlog"} {
		l := capturedLease(t, name+".request")
		sent[name] = appendUpdate(nil, &l, true, abilityKnown, "", t0)
	}
	ignored := map[string]bool{"server-name": true, "origin-id": true, "origin": true, "state": true}
	for name, body := range sent {
		got, want := decode(t, body).(map[string]any), decode(t, capture(t, name+".request")).(map[string]any)
		mine, _ := got["arguments"].(map[string]any)
		theirs, _ := want["arguments"].(map[string]any)
		for key := range mine {
			if _, both := theirs[key]; !both && ignored[key] {
				delete(mine, key)
			}
		}
		if len(mine) == 0 && theirs == nil {
			delete(got, "arguments")
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: we send\n%v, Kea 2.2.0\n%v", name, got, want)
		}
	}
}

// A peer that was not asked yet is told besides who sends the change, and when.
func TestRequestsToStrangers(t *testing.T) {
	l := capturedLease(t, "k304-lease4-update-new.request")
	got := decode(t, appendUpdate(nil, &l, false, 0, "server1", t0)).(map[string]any)
	want := decode(t, capture(t, "k304-lease4-update-new.request")).(map[string]any)
	args := want["arguments"].(map[string]any)
	args["server-name"], args["time"] = "server1", float64(t0.UnixMilli())
	if !reflect.DeepEqual(got, want) {
		t.Errorf("we send\n%v, want\n%v", got, want)
	}
}

// The one key where the old form differs: a string, which becomes a map. All
// else of that update is sent as it came.
func TestRelayInfoOfKea22(t *testing.T) {
	l := capturedLease(t, "lease4-update-relayed.request")
	body := decode(t, appendUpdate(nil, &l, false, abilityKnown, "", t0)).(map[string]any)
	want := decode(t, capture(t, "lease4-update-relayed.request")).(map[string]any)
	newer := decode(t, capture(t, "k304-lease4-update-relayed.request")).(map[string]any)
	want["arguments"].(map[string]any)["user-context"] = newer["arguments"].(map[string]any)["user-context"]
	delete(body["arguments"].(map[string]any), "origin")
	if !reflect.DeepEqual(body, want) {
		t.Errorf("got  %v\nwant %v", body, want)
	}
}

// Every answer captured parses as a client must parse it.
func TestAnswersOfKeaParse(t *testing.T) {
	files, _ := filepath.Glob("testdata/kea/*.response.json")
	if len(files) < 40 {
		t.Fatalf("%d captured answers", len(files))
	}
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), ".json")
		a, err := parseAnswer(capture(t, name))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if want := int(decode(t, capture(t, name)).([]any)[0].(map[string]any)["result"].(float64)); a.Result != want {
			t.Errorf("%s: result %d, want %d", name, a.Result, want)
		}
		if strings.Contains(name, "heartbeat") {
			if h, err := parseHeartbeat(a); err != nil || h.Time.Year() != 2026 {
				t.Errorf("%s: %+v, %v", name, h, err)
			}
		}
	}
}

// Odd answers to a heartbeat, and whether a real Kea takes them for good.
func TestOddHeartbeatAnswers(t *testing.T) {
	const date = `"date-time": "Sat, 21 Nov 2026 19:20:04 GMT"`
	for _, c := range []struct {
		name, body string
		good       bool
	}{
		{"complete", `[{"result":0,"arguments":{"state":"ready","scopes":["a"],"unsent-update-count":3,` + date + `}}]`, true},
		{"no scopes, no count", `[{"result":0,"arguments":{"state":"ready",` + date + `}}]`, true},
		{"extra keys, null and float values", `[{"result":0,"x":null,"arguments":{"state":"ready","y":1.5,` + date + `}}]`, true},
		{"result 3", `[{"result":3,"arguments":{"state":"ready",` + date + `}}]`, true},
		{"more elements", `[{"result":0,"arguments":{"state":"ready",` + date + `}},7]`, false},
		{"bare map", `{"result":0,"arguments":{"state":"ready",` + date + `}}`, false},
		{"result 1", `[{"result":1,"arguments":{"state":"ready",` + date + `}}]`, false},
		{"result is a float", `[{"result":0.0,"arguments":{"state":"ready",` + date + `}}]`, false},
		{"no date", `[{"result":0,"arguments":{"state":"ready"}}]`, false},
		{"ISO date", `[{"result":0,"arguments":{"state":"ready","date-time":"2026-11-21T19:20:04Z"}}]`, false},
		{"numeric zone", `[{"result":0,"arguments":{"state":"ready","date-time":"Sat, 21 Nov 2026 19:20:04 +0000"}}]`, false},
		{"no state", `[{"result":0,"arguments":{` + date + `}}]`, false},
		{"count is a string", `[{"result":0,"arguments":{"state":"ready","unsent-update-count":"1",` + date + `}}]`, false},
		{"count is negative", `[{"result":0,"arguments":{"state":"ready","unsent-update-count":-1,` + date + `}}]`, false},
		{"count is a float", `[{"result":0,"arguments":{"state":"ready","unsent-update-count":1.0,` + date + `}}]`, false},
		{"no arguments", `[{"result":0}]`, false},
		{"empty list", `[]`, false},
	} {
		a, err := parseAnswer([]byte(c.body))
		if err == nil {
			_, err = parseHeartbeat(a)
		}
		if (err == nil) != c.good {
			t.Errorf("%s: %v, want good %v", c.name, err, c.good)
		}
	}
}
