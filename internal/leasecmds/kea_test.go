package leasecmds

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"needletail/internal/config"
	"needletail/internal/control"
	"needletail/leases"
)

// captured is when the real server answered: the cltt it gave to what came
// without a time.
var captured = time.Unix(1795289685, 0)

func newRegistry(t *testing.T) (*control.Registry, *leases.Store) {
	s, err := leases.Open(context.Background(), leases.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	err = s.Configure([]leases.Network{{Subnets: []leases.Subnet{{ID: 1, Prefix: netip.MustParsePrefix("192.0.2.0/24"),
		Pools: []leases.Pool{{First: netip.MustParseAddr("192.0.2.10"), Last: netip.MustParseAddr("192.0.2.189")}}}}}})
	if err != nil {
		t.Fatal(err)
	}
	conf := &config.Dhcp4{Subnets: []*config.Subnet{{ID: 1, Prefix: netip.MustParsePrefix("192.0.2.0/24"),
		Lifetime: config.Lifetimes{Default: 600 * time.Second}}}}
	r := control.NewRegistry()
	Register(r, Options{Store: s, Config: func() *config.Dhcp4 { return conf }, Place: confined, Now: func() time.Time { return captured }})
	return r, s
}

// confined lets lease4-write write wherever no path has a "secret" in it.
func confined(name string) (string, error) {
	if strings.Contains(name, "secret") {
		return "", errors.New("not there")
	}
	return name, nil
}

// call runs a command and returns its answer as JSON would carry it.
func call(t *testing.T, r *control.Registry, name string, args string) (result int, arguments any) {
	t.Helper()
	var raw json.RawMessage
	if args != "" {
		raw = json.RawMessage(args)
	}
	resp := r.Call(t.Context(), name, raw)
	switch a := resp.Arguments.(type) {
	case nil:
		return resp.Result, nil
	case control.Stream:
		var b bytes.Buffer
		if err := a(&b); err != nil {
			t.Fatal(err)
		}
		raw = b.Bytes()
	case json.RawMessage:
		raw = a
	}
	if err := json.Unmarshal(raw, &arguments); err != nil {
		t.Fatalf("%s: %s: %v", name, raw, err)
	}
	return resp.Result, arguments
}

// What a real server answered to each command in turn is what we answer: the
// result and every argument. Where Kea has 1 since it has no better code, 3.x
// and we answer 4, a conflict; DNS updates are off in both.
func TestAnswersAreKeas(t *testing.T) {
	raw, err := os.ReadFile("testdata/kea-2.2.0.json")
	if err != nil {
		t.Fatal(err)
	}
	var rows []struct {
		Request struct {
			Command   string
			Arguments json.RawMessage
		}
		Response struct {
			Result    int
			Text      string
			Arguments any
		}
	}
	if err := json.Unmarshal(raw, &rows); err != nil || len(rows) != 29 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	conflicts := map[int]bool{2: true, 3: true, 20: true, 22: true} // rows where 3.x answers 4
	r, _ := newRegistry(t)
	for i, row := range rows {
		result, args := call(t, r, row.Request.Command, string(row.Request.Arguments))
		want := row.Response.Result
		if conflicts[i] {
			want = control.ResultConflict
		}
		if result != want {
			t.Errorf("row %d, %s %s: result %d, want %d", i, row.Request.Command, row.Request.Arguments, result, want)
		}
		if !reflect.DeepEqual(args, row.Response.Arguments) {
			t.Errorf("row %d, %s: arguments\n%v, want\n%v", i, row.Request.Command, args, row.Response.Arguments)
		}
	}
}

// The checks of section lease_parser.cc, and what 3.x answers where they fail.
func TestChecks(t *testing.T) {
	const ip, hw = `"ip-address":"192.0.2.50",`, `"hw-address":"02:00:00:00:00:01"`
	for _, c := range []struct {
		name, command, args string
		want                int
	}{
		{"no arguments", "lease4-add", ``, 1},
		{"not a map", "lease4-add", `[]`, 1},
		{"no address", "lease4-add", `{` + hw + `}`, 1},
		{"IPv6", "lease4-add", `{"ip-address":"2001:db8::1",` + hw + `}`, 1},
		{"bad hardware address", "lease4-add", `{` + ip + `"hw-address":"xyz"}`, 1},
		{"unknown subnet", "lease4-add", `{` + ip + hw + `,"subnet-id":7}`, 4},
		{"address of another subnet", "lease4-add", `{"ip-address":"198.51.100.1",` + hw + `,"subnet-id":1}`, 4},
		{"no subnet has it", "lease4-add", `{"ip-address":"198.51.100.1",` + hw + `}`, 4},
		{"outside pools is fine", "lease4-add", `{"ip-address":"192.0.2.5",` + hw + `}`, 0},
		{"subnet 0 is by address", "lease4-add", `{` + ip + hw + `,"subnet-id":0}`, 0},
		{"expire before it began", "lease4-add", `{` + ip + hw + `,"expire":5,"valid-lft":600}`, 1},
		{"flag without hostname", "lease4-add", `{` + ip + hw + `,"fqdn-rev":true}`, 1},
		{"state 4 is for IPv6", "lease4-add", `{` + ip + hw + `,"state":4}`, 1},
		{"context not a map", "lease4-add", `{` + ip + hw + `,"user-context":"x"}`, 1},
		{"comment and context", "lease4-add", `{` + ip + hw + `,"user-context":{},"comment":"x"}`, 1},
		{"unknown keys", "lease4-add", `{` + ip + hw + `,"colour":"red"}`, 0},
		{"update of nothing", "lease4-update", `{` + ip + hw + `}`, 4},
		{"update of nothing, forced", "lease4-update", `{` + ip + hw + `,"force-create":true}`, 0},
		{"update in unknown subnet", "lease4-update", `{` + ip + hw + `,"subnet-id":7,"force-create":true}`, 4},
		{"declined as a partner sends it", "lease4-update", `{` + ip + `"hw-address":"","state":1,"valid-lft":120,"expire":1795289800,"subnet-id":1,"force-create":true}`, 0},
		{"get without subnet", "lease4-get", `{"identifier-type":"hw-address","identifier":"02:00"}`, 1},
		{"get by odd identifier", "lease4-get", `{"identifier-type":"flex-id","identifier":"02:00","subnet-id":1}`, 1},
		{"page limit 0", "lease4-get-page", `{"from":"start","limit":0}`, 1},
		{"page without limit", "lease4-get-page", `{"from":"start"}`, 1},
		{"page from nowhere", "lease4-get-page", `{"from":"here","limit":1}`, 1},
		{"empty page", "lease4-get-page", `{"from":"start","limit":5}`, 3},
		{"all of nothing", "lease4-get-all", ``, 3},
		{"all without subnets", "lease4-get-all", `{}`, 1},
		{"empty hostname", "lease4-get-by-hostname", `{"hostname":""}`, 1},
		{"by state", "lease4-get-by-state", `{"state":"declined"}`, 3},
		{"by number", "lease4-get-by-state", `{"state":2,"subnet-id":1}`, 3},
		{"by unknown state", "lease4-get-by-state", `{"state":"happy"}`, 1},
		{"registered is for IPv6", "lease4-get-by-state", `{"state":4}`, 1},
		{"wipe of unknown subnet", "lease4-wipe", `{"subnet-id":9}`, 1},
		{"delete nothing", "lease4-del", `{"ip-address":"192.0.2.50"}`, 3},
		{"write nowhere", "lease4-write", `{"filename":"/nonexistent/leases"}`, 5},
		{"write where it may not", "lease4-write", `{"filename":"/tmp/secret/leases"}`, 1},
		{"write without name", "lease4-write", `{}`, 1},
	} {
		r, _ := newRegistry(t)
		if got, _ := call(t, r, c.command, c.args); got != c.want {
			t.Errorf("%s: result %d, want %d", c.name, got, c.want)
		}
	}
}

func TestByStateAndWrite(t *testing.T) {
	r, _ := newRegistry(t)
	call(t, r, "lease4-add", `{"ip-address":"192.0.2.50","hw-address":"","state":1,"valid-lft":60}`)
	call(t, r, "lease4-add", `{"ip-address":"192.0.2.51","hw-address":"02:00:00:00:00:02"}`)
	for state, want := range map[string]int{`"declined"`: 1, `1`: 1, `"assigned"`: 1, `0`: 1, `3`: 0} {
		_, args := call(t, r, "lease4-get-by-state", `{"state":`+state+`}`)
		if got := len(args.(map[string]any)["leases"].([]any)); got != want {
			t.Errorf("state %s: %d leases, want %d", state, got, want)
		}
	}
	name := t.TempDir() + "/leases4.csv"
	if got, _ := call(t, r, "lease4-write", `{"filename":"`+name+`"}`); got != 0 {
		t.Errorf("lease4-write: %d", got)
	}
	if text, _ := os.ReadFile(name); !bytes.Contains(text, []byte("192.0.2.51,02:00:00:00:00:02")) {
		t.Errorf("written:\n%s", text)
	}
}

// lease4-add does not take an address that a client got in the meantime.
func TestAddOverwritesNothing(t *testing.T) {
	_, s := newRegistry(t)
	conf := &config.Dhcp4{Subnets: []*config.Subnet{{ID: 1, Prefix: netip.MustParsePrefix("192.0.2.0/24"), Lifetime: config.Lifetimes{Default: time.Hour}}}}
	r := control.NewRegistry()
	Register(r, Options{Store: s, Config: func() *config.Dhcp4 { return conf }, Taking: func(ctx context.Context, args *control.Arguments, a netip.Addr, change Change) error {
		var b leases.Batch
		l := leases.Lease{Addr: a, SubnetID: 1, HType: 1, HW: []byte{2, 0, 0, 0, 0, 0x0b}, CLTT: captured, ValidLft: 600}
		if _, err := s.Put(&b, &l); err != nil {
			t.Fatal(err)
		}
		return TakeAll(ctx, args, a, change)
	}})
	got, _ := call(t, r, "lease4-add", `{"ip-address":"192.0.2.20","hw-address":"02:00:00:00:00:0a"}`)
	if l, _ := s.Get(netip.MustParseAddr("192.0.2.20")); got != 4 || l.HW[5] != 0x0b {
		t.Errorf("result %d, and the lease is %x's", got, l.HW)
	}
}
