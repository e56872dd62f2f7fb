package e2e

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"needletail/internal/testbed"
)

// needletail check: exit status, one line a problem, warnings too.
func TestCheck(t *testing.T) {
	b := newBed(t)
	good, err := b.Write("good.conf", b.config(`"dhcp-ddns": { "enable-updates": true },`, ""))
	must(t, err)
	code, out, _ := outcome(t, program, "check", good)
	if code != 0 || !strings.Contains(out, good+":1:14: warning: /Dhcp4/dhcp-ddns: ") {
		t.Errorf("%d\n%s", code, out)
	}
	bad, err := b.Write("bad.conf", "{ \"Dhcp4\": {\n  \"valid-lifetime\": \"x\",\n  \"nonsense\": 1,\n  \"subnet4\": [ { \"id\": 1, \"subnet\": \"192.0.2.0/24\", \"pools\": [ { \"pool\": \"10.0.0.0/24\" } ] } ] } }")
	must(t, err)
	code, out, _ = outcome(t, program, "check", bad)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if code != 1 || len(lines) != 3 {
		t.Errorf("%d, %d lines, want 3\n%s", code, len(lines), out)
	}
	for _, want := range []string{":2:21: /Dhcp4/valid-lifetime: ", ":3:3: /Dhcp4/nonsense: ", "/Dhcp4/subnet4/0/pools/0"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %s in\n%s", want, out)
		}
	}
	if code, _, errs := outcome(t, program, "check"); code != 2 || !strings.Contains(errs, "Usage:") {
		t.Errorf("check without a file: %d %q", code, errs)
	}
	if code, _, errs := outcome(t, program, "serve", "--nonsense"); code != 2 || !strings.Contains(errs, "nonsense") {
		t.Errorf("unknown flag: %d %q", code, errs)
	}
}

// A reload changes what is served, keeps leases and connections, and follows
// moved control sockets.
func TestReload(t *testing.T) {
	b := newBed(t, "udhcpc")
	config := b.config(`"valid-lifetime": 600,`, "")
	a := b.serve(t, config)
	ctx := deadline(t, 60*time.Second)
	c, err := b.Client("udhcpc", b.host(t, "client", ""))
	must(t, err)
	addr, lifetime, err := c.Bound(ctx, 0)
	must(t, err)
	if lifetime != "600" {
		t.Errorf("lifetime %s", lifetime)
	}
	moved := strings.Replace(config, `"valid-lifetime": 600,`, `"valid-lifetime": 900, "cache-threshold": 0.0,`, 1)
	moved = strings.Replace(moved, a.Socket, a.Socket+"2", 1)
	must(t, os.WriteFile(a.Config, []byte(moved), 0o644))
	if answer, err := a.Command("config-reload", ""); err != nil || answer.Result != 0 {
		t.Fatalf("%+v %v", answer, err)
	}
	if _, err := os.Lstat(a.Socket); !os.IsNotExist(err) {
		t.Errorf("the former control socket is still there: %v", err)
	}
	a.Socket += "2"
	before := len(c.Events())
	must(t, c.Renew())
	if again, lifetime, err := c.Bound(ctx, before); err != nil || again != addr || lifetime != "900" {
		t.Errorf("after the reload: %s for %s, %v; had %s", again, lifetime, err, addr)
	}
	broken := strings.Replace(moved, `"eth0"`, `5`, 1)
	must(t, os.WriteFile(a.Config, []byte(broken), 0o644))
	if answer, err := a.Command("config-reload", ""); err != nil || answer.Result != 1 || !strings.Contains(answer.Text, a.Config+":") {
		t.Errorf("a broken file: %+v %v", answer, err)
	}
	if answer, err := a.Command("config-test", broken); err != nil || answer.Result != 1 {
		t.Errorf("config-test of a broken configuration: %+v %v", answer, err)
	}
	if answer, err := a.Command("config-get", ""); err != nil || !strings.Contains(string(answer.Arguments), `"valid-lifetime":900`) {
		t.Errorf("config-get: %v\n%s", err, answer.Arguments)
	}
}

// An interface that comes later, or comes back, is served, by the fast path too.
func TestInterfacesComeAndGo(t *testing.T) {
	b := newBed(t, "udhcpc")
	config := strings.Replace(b.config("", ""), `"eth0"`, `"*"`, 1)
	must(t, b.server.Delete("eth0"))
	a := b.serve(t, config)
	must(t, a.Says(deadline(t, 20*time.Second), "DHCPSRV_NO_SOCKETS_OPEN"))
	for round := range 2 {
		takeOnFreshLink(t, b)
		waitFor(t, "the fast path to follow", func() bool { return strings.Count(a.Log(), "native XDP, 1 of 1 queues with AF_XDP") > round })
		must(t, b.server.Delete("eth0"))
	}
	must(t, a.Stop())
}

// Without re-detect an interface that comes later is served after a reload only.
func TestNoRedetection(t *testing.T) {
	b := newBed(t, "udhcpc")
	must(t, b.server.Delete("eth0"))
	a := b.serve(t, strings.Replace(b.config("", ""), `[ "eth0" ]`, `[ "*" ], "re-detect": false`, 1))
	c, err := b.Client("udhcpc", b.direct(t, "192.0.2.1/24"))
	must(t, err)
	if addr, _, err := c.Bound(deadline(t, 3*time.Second), 0); err == nil {
		t.Errorf("served by itself: %s", addr)
	}
	command(t, a, "config-reload", "")
	if _, _, err := c.Bound(deadline(t, 20*time.Second), 0); err != nil {
		t.Error("after a reload: ", err)
	}
	must(t, a.Stop())
}

// With service-sockets-require-all the server ends once its tries are used up.
func TestRequiredSockets(t *testing.T) {
	b := newBed(t)
	config := strings.Replace(b.config("", ""), `[ "eth0" ]`,
		`[ "eth0", "eth7" ], "service-sockets-require-all": true, "service-sockets-max-retries": 1, "service-sockets-retry-wait-time": 500`, 1)
	a := b.serve(t, config)
	if err := a.Wait(); err == nil || !strings.Contains(a.Log(), "service-sockets-require-all, after 1 tries again: serve interface eth7") {
		t.Errorf("ended with %v:\n%s", err, a.Log())
	}
}

// takeOnFreshLink connects server and a new client directly.
func takeOnFreshLink(t *testing.T, b bed) {
	t.Helper()
	client := b.direct(t, "192.0.2.1/24")
	c, err := b.Client("udhcpc", client)
	must(t, err)
	if _, _, err := c.Bound(deadline(t, 30*time.Second), 0); err != nil {
		t.Error(err)
	}
	c.End()
}

// dhcp-disable silences the server, dhcp-enable and a period end that.
func TestDisable(t *testing.T) {
	b := newBed(t)
	r := newRelay(t, b.host(t, "relay", "192.0.2.2/24"))
	a := b.serve(t, b.config(`"user-context": { "needletail": { "metrics": "127.0.0.1:9547" } },`, ""))
	command(t, a, "dhcp-disable", "")
	r.clients(t.Context(), 0, 10, 1)
	awaitStatistic(t, a, "pkt4-service-disabled", "10")
	if n := r.count(); n != 0 {
		t.Errorf("%d ACKs from a disabled server", n)
	}
	command(t, a, "dhcp-enable", "")
	r.clients(t.Context(), 10, 20, 1)
	waitFor(t, "ACKs", func() bool { return r.count() == 10 })
	metrics := scrape(t, b)
	for _, want := range []string{`needletail_silence_total{reason="service-disabled"} 10`, `needletail_replies_sent_total{type="ack"} 10`, "needletail_leases_writable 1", `needletail_leases{state="active",subnet="1"} 10`, "needletail_commit_seconds_count"} {
		if !strings.Contains(metrics, want) {
			t.Errorf("metrics lack %s:\n%s", want, metrics)
		}
	}
}

// What anybody can send is counted by its reason, and writes no line.
func TestPacketsAreNotLogged(t *testing.T) {
	const each = 50
	b := newBed(t)
	relay := b.host(t, "relay", "192.0.2.2/24")
	a := b.serve(t, b.config("", ""))
	query := make([]byte, 240)
	copy(query, []byte{1, 1, 6, 0})
	copy(query[28:], mac(1))
	copy(query[236:], []byte{99, 130, 83, 99})
	with := func(options ...byte) []byte { return append(bytes.Clone(query), options...) }
	kinds := map[string][]byte{
		"malformed-too-short": query[:100], "malformed-no-cookie": append(with()[:239], 0), "malformed-options": with(53, 1, 1, 61, 200),
		"malformed-message-type": with(53, 0, 255), "malformed-option-length": with(53, 1, 1, 50, 1, 1, 255),
		"malformed-overload": with(53, 1, 1, 52, 1, 9, 255), "bootp": with(255), "unknown-type": with(53, 1, 99, 255),
		"server-message": with(53, 1, 2, 255),
	}
	before := packetLines(a)
	must(t, relay.Do(func() error {
		c, err := net.Dial("udp4", "192.0.2.1:67")
		if err != nil {
			return err
		}
		defer c.Close()
		for _, message := range kinds {
			for range each {
				if _, err := c.Write(message); err != nil {
					return err
				}
			}
		}
		return nil
	}))
	for why := range kinds {
		awaitStatistic(t, a, "pkt4-silence-"+why, fmt.Sprint(each))
	}
	if after := packetLines(a); after != before {
		t.Errorf("the log grew:\n%s", strings.TrimPrefix(after, before))
	}
}

// packetLines is the log without the lines of the commands that a test sends.
func packetLines(a *testbed.Appliance) (lines string) {
	for line := range strings.Lines(a.Log()) {
		if !strings.Contains(line, "[kea-dhcp4.commands/") {
			lines += line
		}
	}
	return lines
}

func scrape(t *testing.T, b bed) string {
	t.Helper()
	var conn net.Conn
	must(t, b.server.Do(func() (err error) {
		conn, err = net.Dial("tcp", "127.0.0.1:9547") // in the namespace; the rest need not be
		return err
	}))
	defer conn.Close()
	client := http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return conn, nil }}, Timeout: 20 * time.Second}
	resp, err := client.Get("http://127.0.0.1:9547/metrics")
	must(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	must(t, err)
	return string(body)
}

func command(t *testing.T, a *testbed.Appliance, name, args string) {
	t.Helper()
	if answer, err := a.Command(name, args); err != nil || answer.Result != 0 {
		t.Fatalf("%s: %+v %v", name, answer, err)
	}
}
