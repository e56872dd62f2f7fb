package slowpath

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"time"

	"needletail/internal/config"
	"needletail/internal/frame"
	"needletail/internal/rfc3074"
	"needletail/internal/scope"
	"needletail/leases"
)

const benchConfig = `{"Dhcp4": {
  "interfaces-config": {"interfaces": ["*"]},
  "lease-database": {"type": "memfile", "persist": false},
  "valid-lifetime": 3600, "renew-timer": 900, "rebind-timer": 1800,
  "option-data": [
    {"name": "domain-name-servers", "data": "192.0.2.53, 192.0.2.54"},
    {"name": "domain-name", "data": "example.org"}, {"name": "ntp-servers", "data": "192.0.2.123"}
  ],
  "subnet4": [{"id": 1, "subnet": "10.0.0.0/16", "pools": [{"pool": "10.0.0.10 - 10.0.255.254"}],
    "option-data": [{"name": "routers", "data": "10.0.0.1"}]}]
}}`

// bench is an engine in memory with one worker and one client's queries.
type bench struct {
	*testing.B
	engine *Engine
	worker *Worker
	store  *leases.Store
	batch  leases.Batch
	reply  frame.Reply
	now    time.Time
}

// benchHA makes benchConfig one of two servers.
const benchHA = `"hooks-libraries": [{"library": "libdhcp_lease_cmds.so"}, {"library": "libdhcp_ha.so", "parameters": {"high-availability": [{
    "this-server-name": "a", "mode": "load-balancing", "peers": [
      {"name": "a", "url": "http://127.0.0.1:8001/", "role": "primary"}, {"name": "b", "url": "http://127.0.0.1:8002/", "role": "secondary"}]}]}}],
  "valid-lifetime"`

func newBench(b *testing.B) *bench { return newBenchOf(b, benchConfig) }

func newBenchOf(b *testing.B, doc string) *bench {
	cfg, err := config.Parse("bench", []byte(doc))
	if err != nil {
		b.Fatal(err)
	}
	store, err := leases.Open(context.Background(), leases.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { store.Close() })
	e, err := NewEngine(cfg, store, []Interface{{Name: "eth0", Index: 1, Addrs: []netip.Addr{netip.MustParseAddr("10.0.0.1")}}})
	if err != nil {
		b.Fatal(err)
	}
	n := &bench{B: b, engine: e, worker: e.NewWorker(), store: store, now: time.Unix(1_800_000_000, 0)}
	n.reply.Buf = make([]byte, frame.Headroom+frame.MessageMax)
	return n
}

// broadcast is a query as a client without address sends it.
func broadcast(message []byte) *frame.Query {
	return &frame.Query{Message: message, IfIndex: 1, Link: frame.Link{Dst: allBroadcast, SrcPort: portClient, DstPort: portServer}}
}

func (n *bench) handle(q *frame.Query) Outcome {
	return n.worker.Handle(q, &n.reply, &n.batch, 0, n.now)
}

func (n *bench) settle() {
	done := make(chan struct{})
	n.store.Submit(&n.batch, func(*leases.Batch, error) { close(done) })
	<-done
	n.store.Settle(&n.batch)
	n.batch.Reset()
}

// bind makes the client of the queries hold a lease and returns its address.
func (n *bench) bind() (addr [4]byte) {
	if o := n.handle(broadcast(benchDiscover())); !o.Reply {
		n.Fatal(o)
	}
	copy(addr[:], n.reply.Message()[offYiaddr:])
	if o := n.handle(broadcast(benchRequest(addr))); !o.Reply || !o.Pending {
		n.Fatal(o)
	}
	n.settle()
	return addr
}

var benchOptions = []byte{61, 7, 1, 2, 0, 0, 0, 0, 1, 57, 2, 5, 0xdc, 55, 7, 1, 3, 6, 15, 42, 51, 54, 12, 4, 'h', 'o', 's', 't', 255}

func benchDiscover() []byte { return rawQuery(append([]byte{53, 1, 1}, benchOptions...)...) }

func benchRequest(a [4]byte) []byte {
	head := []byte{53, 1, 3, 50, 4, a[0], a[1], a[2], a[3], 54, 4, 10, 0, 0, 1}
	return rawQuery(append(head, benchOptions...)...)
}

func benchRenew(a [4]byte) []byte {
	m := rawQuery(append([]byte{53, 1, 3}, benchOptions...)...)
	copy(m[offCiaddr:], a[:])
	return m
}

func BenchmarkDiscover(b *testing.B) {
	n := newBench(b)
	q := broadcast(benchDiscover())
	b.ReportAllocs()
	for b.Loop() {
		if o := n.handle(q); !o.Reply {
			b.Fatal(o)
		}
	}
}

// BenchmarkDiscoverMany is DISCOVER by ever other clients, which allocates
// addresses.
func BenchmarkDiscoverMany(b *testing.B) {
	n := newBench(b)
	q := broadcast(benchDiscover())
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		i = (i + 1) % 60000
		q.Message[offChaddr+4], q.Message[offChaddr+5] = byte(i>>8), byte(i)
		q.Message[offOptions+9], q.Message[offOptions+10] = byte(i>>8), byte(i)
		if o := n.handle(q); !o.Reply {
			b.Fatal(o)
		}
	}
}

// changing runs a query that changes a lease each time; emptying the batch is
// part of it, committing is not.
func (n *bench) changing(q *frame.Query) {
	n.ReportAllocs()
	for n.Loop() {
		if o := n.handle(q); !o.Pending {
			n.Fatal(o)
		}
		n.batch.Reset()
	}
}

func BenchmarkRequest(b *testing.B) {
	n := newBench(b)
	addr := n.bind()
	n.now = n.now.Add(30 * time.Minute)
	n.changing(broadcast(benchRequest(addr)))
}

func BenchmarkRenew(b *testing.B) {
	n := newBench(b)
	addr := n.bind()
	n.now = n.now.Add(30 * time.Minute)
	q := broadcast(benchRenew(addr))
	q.Link.Dst, q.Link.Src = [4]byte{10, 0, 0, 1}, addr
	n.changing(q)
}

func BenchmarkRenewCached(b *testing.B) {
	n := newBench(b)
	q := broadcast(benchRenew(n.bind()))
	q.Link.Dst = [4]byte{10, 0, 0, 1}
	n.now = n.now.Add(time.Minute)
	b.ReportAllocs()
	for b.Loop() {
		if o := n.handle(q); !o.Reply || o.Pending {
			b.Fatal(o)
		}
	}
}

func BenchmarkOutOfScope(b *testing.B) {
	n := newBenchOf(b, strings.Replace(benchConfig, `"valid-lifetime"`, benchHA, 1))
	n.engine.filter.SetScope(0, scope.Scope{Mode: scope.Hashed, Enabled: true, Serve: rfc3074.Buckets{}})
	q := broadcast(benchDiscover())
	b.ReportAllocs()
	for b.Loop() {
		if o := n.handle(q); o.Silence != SilenceNotForUs {
			b.Fatal(o)
		}
	}
}

func BenchmarkOutOfScopeInterrupted(b *testing.B) {
	n := newBenchOf(b, strings.Replace(benchConfig, `"valid-lifetime"`, benchHA, 1))
	n.engine.filter.SetScope(0, scope.Scope{Mode: scope.Hashed, Enabled: true, Interrupted: true})
	q := broadcast(benchDiscover())
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		i++
		q.Message[offChaddr+4], q.Message[offChaddr+5] = byte(i>>8), byte(i)
		if o := n.handle(q); o.Silence != SilenceNotForUs {
			b.Fatal(o)
		}
	}
}
