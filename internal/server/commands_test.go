package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"

	"needletail/internal/config"
	"needletail/internal/control"
	"needletail/internal/netif"
	"needletail/leases"
	"needletail/slowpath"
)

// What status-get tells of threads: the keys and forms of an answer of Kea 3.0.4,
// values by the configuration.
func TestThreadingStatus(t *testing.T) {
	for text, want := range map[string]string{
		``: fmt.Sprintf(`{"multi-threading-enabled":true,"packet-queue-size":64,"packet-queue-statistics":[0.0,0.0,0.0],"thread-pool-size":%d}`, processors),
		`"multi-threading": { "enable-multi-threading": true, "thread-pool-size": 2, "packet-queue-size": 32 }`: `{"multi-threading-enabled":true,"packet-queue-size":32,"packet-queue-statistics":[0.0,0.0,0.0],"thread-pool-size":2}`,
		`"multi-threading": { "enable-multi-threading": false, "thread-pool-size": 2 }`:                         `{"multi-threading-enabled":false}`,
	} {
		cfg, err := config.Parse("f", []byte(`{ "Dhcp4": { `+text+` } }`))
		if err != nil {
			t.Fatal(err)
		}
		st, reg := control.NewStatus(), control.NewRegistry()
		st.Register(reg)
		threadingStatus(st, func() *config.Dhcp4 { return cfg })
		got, err := json.Marshal(reg.Call(t.Context(), "status-get", nil).Arguments)
		if err != nil || string(got) != want {
			t.Errorf("%s:\n%s, %v, want\n%s", text, got, err, want)
		}
	}
}

// refusing are ports that open on no interface.
type refusing struct{ err error }

func (refusing) Workers() int                         { return 0 }
func (refusing) Worker(int) slowpath.Port             { return nil }
func (r refusing) SetInterfaces([]netif.Picked) error { return r.err }
func (refusing) Stats() slowpath.PortStats            { return slowpath.PortStats{} }
func (refusing) Close() error                         { return nil }

// Sockets are ready only if every one is open; if not, status-get says why, and
// whether that will be tried again. Nothing asked for is nothing missing.
func TestSocketStatus(t *testing.T) {
	taken := errors.Join(errors.New("a"), errors.Join(errors.New("b")))
	for _, c := range []struct {
		name    string
		wanted  []config.InterfaceName
		retries int
		err     error
		want    map[string]any
	}{
		{"all open", []config.InterfaceName{{Name: "lo"}}, 0, nil, map[string]any{"status": "ready"}},
		{"all open, tries left", []config.InterfaceName{{Name: "lo"}}, 1, nil, map[string]any{"status": "ready"}},
		{"taken", []config.InterfaceName{{Name: "lo"}}, 0, taken, map[string]any{"status": "failed", "errors": []string{"a", "b"}}},
		{"taken, tries left", []config.InterfaceName{{Name: "lo"}}, 1, taken, map[string]any{"status": "retrying", "errors": []string{"a", "b"}}},
		{"missing", []config.InterfaceName{{Name: "none0"}}, 0, nil, map[string]any{"status": "failed",
			"errors": []string{"serve interface none0: " + netif.ErrNoInterface.Error(), "no interface configured to listen to DHCP traffic"}}},
		{"none asked for", nil, 0, nil, map[string]any{"status": "ready"}},
	} {
		cfg, err := config.Parse("test", []byte(`{ "Dhcp4": { "lease-database": { "type": "memfile", "persist": false } } }`))
		if err != nil {
			t.Fatal(err)
		}
		cfg.Interfaces.Names, cfg.Interfaces.RetryMax, cfg.Interfaces.RetryWait = c.wanted, c.retries, time.Hour
		engine, err := slowpath.NewEngine(cfg, storeWith(t, 0), nil)
		if err != nil {
			t.Fatal(err)
		}
		s := &Server{engine: engine, workers: &workers{sets: []PortSet{refusing{c.err}}}, log: slog.New(slog.DiscardHandler)}
		if before := s.socketStatus().(map[string]any); before["status"] != "failed" || before["errors"] == nil {
			t.Errorf("%s: before interfaces were looked at: %v", c.name, before)
		}
		_ = s.serveInterfaces(cfg)
		s.newRetry(cfg)
		if got := s.socketStatus(); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// config-test refuses what a start with the same options refuses.
func TestConfigTestKnowsTheDirectories(t *testing.T) {
	s := &Server{o: Options{Dirs: DirsFrom(func(name string) string {
		return map[string]string{"KEA_DHCP_DATA_DIR": "/confined"}[name]
	})}}
	for name, want := range map[string]int{"/confined/leases": control.ResultSuccess, "/elsewhere/leases": control.ResultError} {
		args := control.NewArguments(json.RawMessage(`{ "Dhcp4": { "lease-database": { "type": "memfile", "name": "` + name + `" } } }`))
		if r := s.configTest(t.Context(), args); r.Result != want {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// leases-reclaim says so when the leases stay as they are.
func TestReclaimTellsFailure(t *testing.T) {
	s := &Server{store: storeOnDisk(t), core: &Core{Owned: new(Owned)}, log: slog.New(slog.DiscardHandler)}
	if r := s.reclaim(t.Context(), nil); r.Result != control.ResultSuccess {
		t.Errorf("%+v", r)
	}
	fill(t, s.store, 3)
	if err := s.store.Close(); err != nil {
		t.Fatal(err)
	}
	if r := s.reclaim(t.Context(), nil); r.Result != control.ResultError || !strings.Contains(r.Text, leases.ErrClosed.Error()) {
		t.Errorf("%+v", r)
	}
}
