package twin

import (
	"context"
	"net/netip"
	"os"
	"testing"
	"time"

	"needletail/fastpath"
	"needletail/internal/config"
	"needletail/internal/frame"
	"needletail/internal/netif"
	"needletail/internal/rfc3074"
	"needletail/internal/scope"
	"needletail/leases"
	"needletail/slowpath"
)

// The interface both sides believe a frame came by: BPF_PROG_TEST_RUN wants one
// that exists, and every namespace has a loopback.
const ingress = 1

// picked are the interfaces served: one with the program, and one of a VLAN on
// it, by kernel sockets, in a subnet of its own.
var picked = []netif.Picked{
	{Interface: netif.Interface{Name: "eth0", Index: ingress, Addresses: []netip.Prefix{netip.MustParsePrefix("192.0.2.1/24")}}},
	{Interface: netif.Interface{Name: "eth0.9", Index: ingress + 1, Kind: "vlan", Parent: ingress, VLAN: 9,
		Addresses: []netip.Prefix{netip.MustParsePrefix("198.51.100.1/24")}}},
}

// pair is the program and the engine under one configuration.
type pair struct {
	t      testing.TB
	path   *fastpath.Path
	trial  *fastpath.Trial
	engine *slowpath.Engine
	worker *slowpath.Worker
	batch  leases.Batch
	reply  frame.Reply
	now    time.Time

	asked, dropped, parsed int // frames
}

func newPair(t testing.TB, document string) *pair {
	if os.Getuid() != 0 {
		t.Skip("needs root to load a BPF program")
	}
	p := &pair{t: t, now: time.Unix(1_800_000_000, 0)}
	cfg, err := config.Parse("twin", []byte(document))
	p.check(err)
	store, err := leases.Open(context.Background(), leases.Options{})
	p.check(err)
	t.Cleanup(func() { store.Close() })
	var interfaces []slowpath.Interface
	for _, i := range picked {
		interfaces = append(interfaces, slowpath.Interface{Name: i.Name, Index: i.Index, Addrs: []netip.Addr{i.Addresses[0].Addr()}})
	}
	p.engine, err = slowpath.NewEngine(cfg, store, interfaces)
	p.check(err)
	p.worker = p.engine.NewWorker()
	p.reply.Buf = make([]byte, frame.Headroom+frame.MessageMax)

	p.path, err = fastpath.Open(fastpath.Config{XDP: fastpath.Off, AFXDP: fastpath.Off})
	p.check(err)
	t.Cleanup(func() { p.path.Close() })
	territory := p.engine.Territory()
	p.check(p.path.SetRelationships(max(len(cfg.HA), 1), fastpath.Subnets(territory)))
	p.check(p.path.SetInterfaces(picked))
	p.trial, err = p.path.Trial(picked[0], picked)
	p.check(err)
	t.Cleanup(func() { p.trial.Close() })
	return p
}

func (p *pair) check(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// scope gives both sides the same scope.
func (p *pair) scope(i int, s scope.Scope) {
	p.path.SetScope(i, s)
	p.engine.Filter().SetScope(i, s)
}

// ask compares the two on one frame.
func (p *pair) ask(f []byte) {
	p.t.Helper()
	if len(f) < 14 || len(f) > 3000 { // what the kernel tests
		return
	}
	fate, err := p.trial.Ask(f, ingress)
	p.check(err)
	p.asked++
	if !fate.Dropped {
		p.same(f, fate)
		return
	}
	p.dropped++
	q, ok := received(f)
	if !ok {
		return // never reaches the engine
	}
	p.parsed++
	p.batch.Reset()
	before := p.analyzed()
	out := p.worker.Handle(&q, &p.reply, &p.batch, 0, p.now)
	if out.Reply || out.Pending {
		p.t.Errorf("the kernel drops (%s) what user space answers: %x", fate.Verdict, f)
	}
	if counts := p.analyzed() != before; counts != (fate.Verdict == "unacked") {
		p.t.Errorf("the kernel says %s, user space counts it: %v: %x", fate.Verdict, counts, f)
	}
}

// received is the query that a port makes of a frame, on the interface where the
// kernel shows it.
func received(f []byte) (q frame.Query, ok bool) {
	q.IfIndex = ingress
	ok = frame.Parse(f, frame.Meta{Trusted: true}, &q) == frame.Whole
	if tag := q.Link.Tags[0]; tag.TPID != 0 && tag.TCI&0xfff == picked[1].VLAN {
		q.IfIndex = picked[1].Index
		q.Link.Tags = [2]frame.Tag{q.Link.Tags[1]}
	}
	return q, ok
}

// analyzed is how many packets user space counted for silent partners.
func (p *pair) analyzed() (sum uint64) {
	for i := range 2 {
		sum += p.engine.Filter().Unacked(i).Analyzed
	}
	return sum
}

// same checks that what the kernel serves is not another server's to user
// space: the hashes agree.
func (p *pair) same(f []byte, fate fastpath.Fate) {
	p.t.Helper()
	q, ok := received(f)
	if fate.Verdict != "served-pass" || !ok {
		return
	}
	if v := p.engine.Filter().Judge(&q); v.Silence == slowpath.SilenceNotForUs {
		p.t.Errorf("the kernel serves what is out of user space's scope: %x", f)
	}
}

// judged is what one document and its scopes leave to each server.
type judged struct {
	name     string
	document string
	scopes   []scope.Scope
}

const balancing = `{"Dhcp4": {
  "interfaces-config": {"interfaces": ["*"]}, "lease-database": {"type": "memfile", "persist": false}, "valid-lifetime": 600,
  "hooks-libraries": [{"library": "libdhcp_lease_cmds.so"}, {"library": "libdhcp_ha.so", "parameters": {"high-availability": [
    {"this-server-name": "server1", "mode": "load-balancing", "peers": [
      {"name": "server1", "url": "http://127.0.0.1:8001/", "role": "primary"}, {"name": "server2", "url": "http://127.0.0.1:8002/", "role": "secondary"}]}
  ]}}],
  "subnet4": [
    {"id": 1, "subnet": "192.0.2.0/24", "pools": [{"pool": "192.0.2.10-192.0.2.250"}]},
    {"id": 2, "subnet": "198.51.100.0/24", "pools": [{"pool": "198.51.100.10-198.51.100.250"}]},
    {"id": 3, "subnet": "10.0.0.0/8", "pools": [{"pool": "10.0.0.10-10.0.9.250"}]}
  ]}}`

// hub has a subnet of each kind: of one relationship, of the other, of none.
const hub = `{"Dhcp4": {
  "interfaces-config": {"interfaces": ["*"]}, "lease-database": {"type": "memfile", "persist": false}, "valid-lifetime": 600,
  "hooks-libraries": [{"library": "libdhcp_lease_cmds.so"}, {"library": "libdhcp_ha.so", "parameters": {"high-availability": [
    {"this-server-name": "server3", "mode": "hot-standby", "peers": [
      {"name": "server3", "url": "http://127.0.0.1:8001/", "role": "standby"}, {"name": "server1", "url": "http://127.0.0.1:8002/", "role": "primary"}]},
    {"this-server-name": "server4", "mode": "hot-standby", "peers": [
      {"name": "server4", "url": "http://127.0.0.1:8003/", "role": "standby"}, {"name": "server2", "url": "http://127.0.0.1:8004/", "role": "primary"}]}
  ]}}],
  "subnet4": [
    {"id": 1, "subnet": "192.0.2.0/24", "user-context": {"ha-server-name": "server1"}, "pools": [{"pool": "192.0.2.10-192.0.2.250"}]},
    {"id": 2, "subnet": "198.51.100.0/24", "user-context": {"ha-server-name": "server4"}, "pools": [{"pool": "198.51.100.10-198.51.100.250"}]},
    {"id": 3, "subnet": "203.0.113.0/24", "pools": [{"pool": "203.0.113.10-203.0.113.250"}]},
    {"id": 4, "subnet": "10.0.0.0/8", "user-context": {"ha-server-name": "server2"}, "pools": [{"pool": "10.0.0.10-10.0.9.250"}]}
  ]}}`

func scopes(t testing.TB) []judged {
	territories, err := os.ReadFile("../../slowpath/testdata/territories.json") // a hub that leaves some doubt
	if err != nil {
		t.Fatal(err)
	}
	half := scope.Scope{Mode: scope.Hashed, Enabled: true, Serve: rfc3074.Server(0, 2), Interrupted: true, AckDelay: 10 * time.Second, UnackedMax: 10, Epoch: 1}
	nobody, off := half, half
	nobody.Serve, off.Enabled = rfc3074.Buckets{}, false
	standby, serving := scope.Scope{Mode: scope.Whole, Enabled: true}, scope.Scope{Mode: scope.Whole, Enabled: true, Serve: rfc3074.All}
	deaf := standby
	deaf.Interrupted, deaf.Epoch = true, 1
	return []judged{
		{"half", balancing, []scope.Scope{half}},
		{"nobody", balancing, []scope.Scope{nobody}},
		{"service off", balancing, []scope.Scope{off}},
		{"hub, first served", hub, []scope.Scope{serving, standby}},
		{"hub, second served", hub, []scope.Scope{standby, serving}},
		{"hub, first interrupted", hub, []scope.Scope{deaf, standby}},
		{"hub, first off", hub, []scope.Scope{{Mode: scope.Whole}, serving}},
		{"territories, first served", string(territories), []scope.Scope{serving, standby}},
		{"territories, second served", string(territories), []scope.Scope{standby, serving}},
	}
}

func (j judged) open(t testing.TB) *pair {
	p := newPair(t, j.document)
	for i, s := range j.scopes {
		p.scope(i, s)
	}
	return p
}
