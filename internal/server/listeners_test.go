package server

import (
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"needletail/internal/config"
	"needletail/internal/control"

	"github.com/prometheus/client_golang/prometheus"
)

// A control socket through which partners come outlasts their heartbeats.
func TestControlSocketsOutlastHeartbeats(t *testing.T) {
	with := func(delays ...time.Duration) *config.Dhcp4 {
		cfg := new(config.Dhcp4)
		for _, d := range delays {
			cfg.HA = append(cfg.HA, &config.Relationship{HeartbeatDelay: d})
		}
		return cfg
	}
	for _, c := range []struct {
		cfg  *config.Dhcp4
		want time.Duration
	}{
		{with(), 30 * time.Second},
		{with(time.Second), 30 * time.Second},
		{with(time.Minute, time.Second), 3 * time.Minute},
	} {
		if got := idleFor(c.cfg); got != c.want {
			t.Errorf("%d relationships: %s, want %s", len(c.cfg.HA), got, c.want)
		}
	}
}

// A reload may change passwords and certificates of a listener that stays where
// it is; one that fails leaves what there was.
func TestListenersChangeInPlace(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := netip.MustParseAddrPort(free.Addr().String())
	free.Close()
	l := &listeners{registry: control.NewRegistry(), metrics: prometheus.NewRegistry(), log: slog.New(slog.DiscardHandler)}
	defer l.close()
	set := func(password string, more ...config.ControlSocket) error {
		cfg := &config.Dhcp4{Sockets: append([]config.ControlSocket{
			{Type: "http", Addr: addr, Clients: []config.Credential{{User: "a", Password: password}}}}, more...)}
		return l.set(t.Context(), cfg)
	}
	status := func(password string) int {
		r, err := http.NewRequest("POST", "http://"+addr.String(), strings.NewReader(`{"command":"list-commands"}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.SetBasicAuth("a", password)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		return answer.StatusCode
	}
	if err := set("one"); err != nil {
		t.Fatal(err)
	}
	if status("one") != 200 || status("two") != 401 {
		t.Error("the first password does not count")
	}
	if err := set("two"); err != nil {
		t.Fatal(err)
	}
	if status("one") != 401 || status("two") != 200 {
		t.Error("the second password does not count")
	}
	if err := set("three", config.ControlSocket{Type: "unix", Name: "/nonexistent/ctl"}); err == nil {
		t.Error("a socket in no directory was opened")
	}
	if status("two") != 200 {
		t.Error("a change that failed changed the password")
	}
	broken := config.ControlSocket{Type: "http", Addr: addr, TLS: config.TLS{TrustAnchor: "/nonexistent", CertFile: "/nonexistent", KeyFile: "/nonexistent"}}
	if err := l.set(t.Context(), &config.Dhcp4{Sockets: []config.ControlSocket{broken}}); err == nil {
		t.Error("certificates that are not there were read")
	}
	if status("two") != 200 {
		t.Error("certificates that are not there ended the listener")
	}
}
