package peer

import (
	"context"
	"encoding/json"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func plain() Setup {
	return Setup{
		Interface: "lo", Server: netip.MustParseAddr("10.0.0.1"), Prefix: netip.MustParsePrefix("10.0.0.0/8"),
		First: netip.MustParseAddr("10.16.0.0"), Last: netip.MustParseAddr("10.111.255.255"), Lifetime: time.Hour,
	}
}

// setups are all kinds of configuration that a measurement asks for.
func setups() map[string]Setup {
	all := map[string]Setup{"plain": plain()}
	for name, change := range map[string]func(*Setup){
		"cache":        func(s *Setup) { s.Cache = 0.25 },
		"subnets":      func(s *Setup) { s.Subnets = 1000 },
		"relays":       func(s *Setup) { s.Agents = 16 },
		"workers":      func(s *Setup) { s.Workers = 1 },
		"pair":         func(s *Setup) { s.HA = pair(0, "") },
		"pair, second": func(s *Setup) { s.HA = pair(1, "") },
		"hot standby":  func(s *Setup) { s.HA = pair(1, "hot-standby") },
	} {
		s := plain()
		change(&s)
		all[name] = s
	}
	return all
}

func pair(i int, mode string) *Pair {
	return &Pair{Index: i, URLs: [2]string{"http://127.0.0.1:8001/", "http://127.0.0.2:8001/"},
		Delay: time.Second, Dead: 10 * time.Second, Ack: 2 * time.Second, Unacked: 10, Mode: mode}
}

// check lets a server judge the configuration written for it.
func check(t *testing.T, p *Peer, s Setup, args func(command) []string) {
	t.Helper()
	path, err := p.Find()
	if err != nil {
		t.Skip(err)
	}
	c, err := p.prepare(&s, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, args(c)...)
	cmd.Env = append(os.Environ(), c.env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %v\n%s", cmd.Args, err, out)
	}
}

func TestKeaAccepts(t *testing.T) {
	for name, s := range setups() {
		t.Run(name, func(t *testing.T) {
			check(t, Kea(), s, func(c command) []string { return []string{"-t", c.args[1]} })
		})
	}
}

func TestDhcpdAccepts(t *testing.T) {
	for _, name := range []string{"plain", "relays"} {
		t.Run(name, func(t *testing.T) {
			check(t, ISC(), setups()[name], func(c command) []string {
				return []string{"-4", "-t", "-cf", c.args[slices.Index(c.args, "-cf")+1], "-lf", c.args[slices.Index(c.args, "-lf")+1]}
			})
		})
	}
}

func TestDnsmasqAccepts(t *testing.T) {
	for _, name := range []string{"plain", "relays"} {
		t.Run(name, func(t *testing.T) {
			check(t, Dnsmasq(), setups()[name], func(c command) []string { return append(c.args, "--test") })
		})
	}
}

func TestNeedletailAccepts(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the server")
	}
	binary := filepath.Join(t.TempDir(), "needletail")
	if out, err := exec.Command("go", "build", "-o", binary, "needletail/cmd/needletail").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	all := setups()
	hubs := plain()
	hubs.Subnets, hubs.Spokes = 64, 64
	all["relationships"] = hubs
	for name, s := range all {
		s.Durability, s.XDP, s.AFXDP = "sync", "native", "on"
		if name == "plain" {
			s.Durability = Memory
		}
		t.Run(name, func(t *testing.T) {
			check(t, Needletail(binary), s, func(c command) []string { return []string{"check", c.args[2]} })
		})
	}
}

// Every relay that clients are behind has its place in the configuration, and
// lies outside the pool.
func TestRelays(t *testing.T) {
	s := plain()
	if r := s.Relays(); r != nil {
		t.Errorf("relays of clients on the link: %v", r)
	}
	s.Agents = 16
	for _, r := range s.Relays() {
		if !s.Prefix.Contains(r) || r.Compare(s.First) >= 0 && r.Compare(s.Last) <= 0 {
			t.Errorf("relay %s lies outside %s or in the pool", r, s.Prefix)
		}
	}
	b, err := json.Marshal(keaSubnets(&s))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range s.Relays() {
		if !strings.Contains(string(b), `"`+r.String()+`"`) {
			t.Errorf("relay %s is missing in %s", r, b)
		}
	}
	s.Agents, s.Subnets = 0, 100
	if n := len(s.Relays()); n != 100 {
		t.Errorf("%d relays for 100 subnets", n)
	}
}

func TestPoolEnd(t *testing.T) {
	s := plain()
	if got := s.poolEnd(256); got != netip.MustParseAddr("10.16.0.255") {
		t.Error(got)
	}
	if got := s.poolEnd(1 << 30); got != s.Last {
		t.Error(got)
	}
}

// serveControl answers each command on the control socket of dir; of several
// lines one after the other, the last for good.
func serveControl(t *testing.T, dir string, answers map[string]string) {
	t.Helper()
	l, err := net.Listen("unix", filepath.Join(dir, "control"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			var q struct{ Command string }
			if json.NewDecoder(conn).Decode(&q) == nil {
				now, later, more := strings.Cut(answers[q.Command], "\n")
				if more {
					answers[q.Command] = later
				}
				conn.Write([]byte(now))
			}
			conn.Close()
		}
	}()
}

func TestRefused(t *testing.T) {
	dir := t.TempDir()
	serveControl(t, dir, map[string]string{
		"statistic-get-all": `{"result":0,"arguments":{"pkt4-received":[[100,"t"],[90,"t"]],"pkt4-discover-received":[[20,"t"]],"pkt4-request-received":[[10,"t"]],"pkt4-not-for-us":[[5,"t"]],"odd":[["x","t"]]}}`,
		"status-get":        `{"result":0,"arguments":{"fast-path":{"verdicts":{"out-of-scope":1000,"unacked":30,"served-ring":7}}}}`,
	})
	if n, err := Kea().Refused(dir); n != 70 || err != nil {
		t.Errorf("Kea refused %d, %v; want 100-20-10", n, err)
	}
	if n, err := Needletail("x").Refused(dir); n != 1035 || err != nil {
		t.Errorf("needletail refused %d, %v; want 1000+30+5", n, err)
	}
	if _, err := Dnsmasq().Refused(dir); err == nil {
		t.Error("dnsmasq tells what it refused")
	}
	if _, err := Kea().Refused(t.TempDir()); err == nil {
		t.Error("no socket, no error")
	}
}

// A server answers through kernel sockets before its fast path is attached:
// what was asked for is waited for, and nothing else passes for it.
func TestReceives(t *testing.T) {
	const slow = `{"result":0,"arguments":{"fast-path":{"xdp":"native","interfaces":[]}}}`
	const fast = `{"result":0,"arguments":{"fast-path":{"xdp":"native","interfaces":[{"name":"lo","driver":"veth","xdp":"native","queues":1,"af-xdp":"copy","af-xdp-queues":1,"live-queues":1}]}}}`
	const generic = `{"result":0,"arguments":{"fast-path":{"interfaces":[{"name":"lo","driver":"veth","xdp":"generic","queues":1,"af-xdp":"off","af-xdp-queues":0,"remarks":["no native XDP"]}]}}}`
	for _, c := range []struct {
		name, xdp, afxdp string
		answers          []string
		want, fails      string
	}{
		{"attached at once", "native", "on", []string{fast}, "veth, native XDP, AF_XDP (copy) on 1 of 1 queues, live replies", ""},
		{"attached later", "native", "on", []string{slow, slow, fast}, "veth, native XDP, AF_XDP (copy) on 1 of 1 queues, live replies", ""},
		{"never attached", "native", "on", []string{slow}, "", "kernel socket"},
		{"another mode", "native", "on", []string{generic}, "", "generic XDP, kernel socket (no native XDP)"},
		{"not asked for", "off", "off", []string{slow}, "kernel socket", ""},
		{"attached unasked", "off", "off", []string{fast}, "", "native XDP"},
		{"no AF_XDP wanted", "native", "off", []string{fast}, "", "AF_XDP"},
	} {
		dir := t.TempDir()
		serveControl(t, dir, map[string]string{"status-get": strings.Join(c.answers, "\n")})
		s := plain()
		s.XDP, s.AFXDP = c.xdp, c.afxdp
		ctx, stop := context.WithTimeout(t.Context(), 350*time.Millisecond)
		how, err := Needletail("x").Receives(ctx, &s, dir)
		stop()
		switch {
		case c.fails == "" && (err != nil || how != c.want):
			t.Errorf("%s: %q, %v; want %q", c.name, how, err, c.want)
		case c.fails != "" && (err == nil || !strings.Contains(err.Error(), c.fails)):
			t.Errorf("%s: %q, %v; want an error with %q", c.name, how, err, c.fails)
		}
	}
	if how, err := Kea().Receives(t.Context(), &Setup{}, t.TempDir()); err != nil || how != "raw socket" {
		t.Error(how, err)
	}
	if _, err := Needletail("x").Receives(t.Context(), &Setup{}, t.TempDir()); err == nil {
		t.Error("a server that does not tell passes")
	}
}
