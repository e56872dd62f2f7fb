package e2e

import (
	"regexp"
	"strconv"
	"testing"
	"time"
)

// perfdhcp, as a relay with a thousand clients: exchanges, renewals and
// releases at the rates it was told, and no exchange lost.
func TestPerfdhcp(t *testing.T) {
	b := newBed(t, "perfdhcp")
	load := b.host(t, "load", "192.0.2.2/24")
	a := b.serve(t, b.config(`"valid-lifetime": 3600,`, ""))
	out, err := load.Output(deadline(t, 60*time.Second), "perfdhcp", "-4", "-R", "1000", "-r", "200", "-f", "50", "-F", "20", "-p", "5", "-W", "1000000", "192.0.2.1")
	report := string(out)
	if err != nil {
		t.Logf("perfdhcp: %v", err) // its exit code also tells of a late answer
	}
	t.Logf("%s", report)
	sent, received := rows(t, report, "sent packets"), rows(t, report, "received packets")
	for i, name := range []string{"DISCOVER-OFFER", "REQUEST-ACK", "REQUEST-ACK (renewal)"} {
		if i >= len(sent) || sent[i] == 0 || received[i] < sent[i]-sent[i]/50-2 {
			t.Errorf("%s: sent %v, received %v", name, sent, received)
		}
	}
	if n, _ := strconv.Atoi(statistic(t, a, "pkt4-release-received")); n < 50 {
		t.Errorf("the server saw %d releases", n)
	}
}

func rows(t *testing.T, report, name string) (values []int) {
	t.Helper()
	for _, m := range regexp.MustCompile(name+`: (\d+)`).FindAllStringSubmatch(report, -1) {
		n, err := strconv.Atoi(m[1])
		must(t, err)
		values = append(values, n)
	}
	return values
}
