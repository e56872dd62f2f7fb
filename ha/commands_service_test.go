package ha

import (
	"encoding/json"
	"testing"
	"time"

	"needletail/internal/config"
	"needletail/internal/control"
)

// A user's dhcp-disable holds whatever becomes of the relationships, and one
// dhcp-enable ends it: with HA and without it is the same switch.
func TestUsersDisableOutlivesRelationships(t *testing.T) {
	k := newFakeKea(t)
	reg, status, network := control.NewRegistry(), control.NewStatus(), control.NewNetworkState(control.AfterFunc)
	network.Register(reg)
	f := new(filters)
	o := Options{
		Config: &config.Dhcp4{Subnets: testSubnets(), HA: []*config.Relationship{pairConfig("server1", "load-balancing", freePort(t), k.addr)}},
		Store:  testStore(t, ""), Scopes: f, Unacked: f, Registry: reg, Status: status, Network: network, Log: testLog("server1"),
	}
	call := func(name, args string) {
		t.Helper()
		var raw json.RawMessage
		if args != "" {
			raw = json.RawMessage(args)
		}
		if r := reg.Call(t.Context(), name, raw); r.Result != 0 {
			t.Fatalf("%s: %+v", name, r)
		}
	}
	var d *Driver
	start := func() {
		t.Helper()
		var err error
		if d, err = Start(o); err != nil {
			t.Fatal(err)
		}
		waitFor(t, "load-balancing", func() (there bool) {
			d.do(func() { there = d.machine.Status(0, time.Now()).State == LoadBalancing })
			return there
		})
	}
	serving := func(when string, want bool) {
		t.Helper()
		if got := network.Enabled() && f.scope(0).Enabled; got != want {
			t.Errorf("%s: serving %v, want %v", when, got, want)
		}
	}
	call("dhcp-disable", `{"max-period":3600}`)
	start()
	serving("disabled without HA, which came then", false)
	d.Close()
	if got := network.Disabled(); len(got) != 1 || got[0] != control.OriginUser {
		t.Errorf("HA is gone: disabled by %v", got)
	}
	start()
	serving("disabled, new relationships", false)
	call("dhcp-enable", "")
	serving("enabled", true)
	call("dhcp-disable", "")
	serving("disabled with HA", false)
	d.Close()
	call("dhcp-enable", "")
	if !network.Enabled() {
		t.Error("enabled without HA, which was there when it was disabled: not serving")
	}
	start()
	defer d.Close()
	serving("nobody disables", true)
}
