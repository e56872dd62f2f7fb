package ha

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// likeKea3 are the probes that a Kea 2.2.0 answers otherwise than later ones,
// whose answers ours are.
var likeKea3 = map[string]string{
	`{"command":"ha-maintenance-notify","service":["dhcp4"],"arguments":{"cancel":true,"server-name":"server2","state":"load-balancing"}}`: `[ { "arguments": { "state": "load-balancing" }, "result": 0, "text": "Server maintenance canceled." } ]`,
	`{"command":"ha-maintenance-notify","service":["dhcp4"]}`:                                                                              `result 1`,
	`{"command":"ha-maintenance-notify","service":["dhcp4"],"arguments":{}}`:                                                               `result 1`,
	`{"command":"dhcp-disable","service":["dhcp4"],"arguments":{"origin":2000}}`:                                                           `[ { "result": 0, "text": "DHCPv4 service disabled" } ]`,
}

// What a restricted listener of Kea 2.2.0 said to a series of requests, ours
// says to the same series.
func TestRestrictedListenerAnswersAsKea(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("testdata", "kea", "probes-restricted.txt"))
	if err != nil {
		t.Fatal(err)
	}
	n := startNode(t, hubConfig(t, "server1")...)
	n.pose(t, "load-balancing", nil, 0)
	probes := strings.Split(string(raw), "\n### ")[1:]
	if len(probes) < 15 {
		t.Fatalf("%d probes", len(probes))
	}
	for _, probe := range probes {
		request, answer, _ := strings.Cut(probe, "\n")
		head, want, _ := strings.Cut(answer, "\n\n")
		if newer, ok := likeKea3[request]; ok {
			head, want = "HTTP/1.1 200 OK", newer
		}
		switch status, got := n.post(t, []byte(request)); {
		case !strings.HasPrefix(head, "HTTP/1.1 "+strconv.Itoa(status)+" "):
			t.Errorf("%s: status %d, Kea %s", request, status, head)
		case strings.Contains(request, "list-commands"):
			listsAtLeast(t, got, want)
		case want == "result 1":
			if a, err := parseAnswer(got); err != nil || a.Result != 1 {
				t.Errorf("%s: %s", request, got)
			}
		case normal(t, got) != normal(t, []byte(want)):
			t.Errorf("%s:\n%s, Kea\n%s", request, got, want)
		}
	}
}

// listsAtLeast compares list-commands: sorted, the restricted ones among
// others, and every ha-* command of Kea.
func listsAtLeast(t *testing.T, got []byte, want string) {
	t.Helper()
	names := func(raw []byte) (list []string) {
		a, err := parseAnswer(raw)
		if err != nil || json.Unmarshal(a.Arguments, &list) != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		return list
	}
	ours := names(got)
	if !slices.IsSorted(ours) {
		t.Errorf("not sorted: %v", ours)
	}
	for _, name := range names([]byte(want)) {
		if strings.HasPrefix(name, "ha-") && !slices.Contains(ours, name) {
			t.Errorf("list-commands lacks %s", name)
		}
	}
}
