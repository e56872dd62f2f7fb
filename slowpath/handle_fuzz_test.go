package slowpath

import (
	"bytes"
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"needletail/internal/config"
	"needletail/internal/frame"
	"needletail/leases"
)

// fuzzConfig has few addresses, so that clients fight for them.
const fuzzConfig = `{"Dhcp4": {
  "interfaces-config": {"interfaces": ["*"]},
  "lease-database": {"type": "memfile", "persist": false},
  "valid-lifetime": 600, "min-valid-lifetime": 60, "max-valid-lifetime": 3600, "decline-probation-period": 300,
  "store-extended-info": true, "calculate-tee-times": true,
  "shared-networks": [{"name": "net", "interface": "eth0", "subnet4": [
    {"id": 1, "subnet": "192.0.2.0/24", "pools": [{"pool": "192.0.2.10-192.0.2.11"}, {"pool": "192.0.2.12-192.0.2.12", "client-class": "VENDOR_CLASS_x"}]},
    {"id": 2, "subnet": "198.51.100.0/24", "pools": [{"pool": "198.51.100.10-198.51.100.10"}],
     "option-data": [{"name": "domain-name", "data": "example.org"}, {"name": "routers", "data": "198.51.100.1"}]}
  ]}]
}}`

// fuzzed is an engine under a random conversation, and what it promised.
type fuzzed struct {
	t        *testing.T
	store    *leases.Store
	worker   *Worker
	batch    leases.Batch
	reply    frame.Reply
	now      time.Time
	promises map[[4]byte]promise
}

// promise is an ACK a client received.
type promise struct {
	hw, id  []byte
	expires int64
}

// same tells whether a client is the one of the promise, as Kea tells clients
// apart (Lease4::belongsToClient).
func (p *promise) same(hw, id []byte) bool {
	if p.id != nil && id != nil {
		return bytes.Equal(p.id, id)
	}
	return bytes.Equal(p.hw, hw)
}

func newFuzzed(t *testing.T) *fuzzed {
	cfg, err := config.Parse("fuzz", []byte(fuzzConfig))
	if err != nil {
		t.Fatal(err)
	}
	store, err := leases.Open(context.Background(), leases.Options{})
	if err != nil {
		t.Fatal(err)
	}
	e, err := NewEngine(cfg, store, []Interface{{Name: "eth0", Index: 1, Addrs: []netip.Addr{netip.MustParseAddr("192.0.2.1")}}})
	if err != nil {
		t.Fatal(err)
	}
	z := &fuzzed{t: t, store: store, worker: e.NewWorker(), now: time.Unix(1_800_000_000, 0), promises: map[[4]byte]promise{}}
	z.reply.Buf = make([]byte, frame.Headroom+frame.MessageMax)
	return z
}

// addresses are what clients ask for: those of the pools and two others.
var addresses = [][4]byte{{192, 0, 2, 10}, {192, 0, 2, 11}, {192, 0, 2, 12}, {198, 51, 100, 10}, {192, 0, 2, 99}, {10, 0, 0, 1}}

// step takes a conversation's next three bytes: what and who, which address,
// how many bytes of options follow, and plays them. It returns the rest.
func (z *fuzzed) step(data []byte) []byte {
	what, who, addr, extra := data[0]%8, data[0]>>3%4, addresses[int(data[1])%len(addresses)], int(data[2])
	data = data[3:]
	extra = min(extra, len(data))
	options, rest := data[:extra], data[extra:]
	var m []byte
	q := frame.Query{IfIndex: 1, Link: frame.Link{Dst: allBroadcast, SrcPort: portClient, DstPort: portServer}}
	switch what {
	case 0:
		m = rawQuery(53, 1, typeDiscover)
	case 1:
		m = rawQuery(53, 1, typeRequest, 50, 4, addr[0], addr[1], addr[2], addr[3], 54, 4, 192, 0, 2, 1)
	case 2:
		m = rawQuery(53, 1, typeRequest, 50, 4, addr[0], addr[1], addr[2], addr[3])
	case 3:
		m = rawQuery(53, 1, typeRequest)
		copy(m[offCiaddr:], addr[:])
		q.Link.Dst = [4]byte{192, 0, 2, 1}
	case 4:
		m = rawQuery(53, 1, typeRelease)
		copy(m[offCiaddr:], addr[:])
	case 5:
		m = rawQuery(53, 1, typeDecline, 50, 4, addr[0], addr[1], addr[2], addr[3])
	case 6:
		z.now = z.now.Add(time.Duration(len(options)) * 10 * time.Second)
		return rest
	default:
		m = bytes.Clone(options) // anything at all
		z.play(&q, m)
		return rest
	}
	m[offChaddr+5] = who
	m = append(m, options...)
	z.play(&q, append(m, optEnd))
	return rest
}

func (z *fuzzed) play(q *frame.Query, m []byte) {
	q.Message = m
	before := bytes.Clone(m)
	o := z.worker.Handle(q, &z.reply, &z.batch, 7, z.now)
	if !bytes.Equal(before, m) {
		z.t.Fatal("Handle changed the query")
	}
	if o.Pending != (z.batch.Len() > 0) || o.Reply != (o.Silence == Answered) {
		z.t.Fatalf("%+v with %d changes", o, z.batch.Len())
	}
	done := make(chan struct{})
	if z.batch.Len() > 0 {
		hlen := int(m[offHLen])
		if hw, _ := z.batch.Client(0); !bytes.Equal(hw, m[offChaddr:offChaddr+hlen]) {
			z.t.Fatalf("changes of %x are said to be of client %x", m[offChaddr:offChaddr+hlen], hw)
		}
		z.store.Submit(&z.batch, func(*leases.Batch, error) { close(done) })
		<-done
		z.store.Settle(&z.batch)
	}
	z.batch.Reset()
	var p message
	if p.parse(m) != Answered {
		if o.Reply || o.Pending {
			z.t.Fatalf("answered what does not parse: %x", m)
		}
		return
	}
	z.forget(&p, o)
	if o.Reply {
		z.check(&p, z.reply.Message()[:z.reply.Len])
	}
}

// forget drops the promise a RELEASE or DECLINE gives up.
func (z *fuzzed) forget(m *message, o Outcome) {
	switch o.Silence {
	case SilenceReleased:
		delete(z.promises, m.ciaddr())
	case SilenceDeclined:
		delete(z.promises, m.addrOption(optRequested))
	}
}

// check holds a reply against its query and against the promises made before.
func (z *fuzzed) check(m *message, reply []byte) {
	r, err := dhcpv4.FromBytes(reply)
	if err != nil {
		z.t.Fatalf("the reply does not parse: %v: %x", err, reply)
	}
	if _, hard := messageLimit(m); len(reply) > hard || !bytes.Equal(reply[offXID:offSecs], m.raw[offXID:offSecs]) ||
		!bytes.Equal(reply[offChaddr:offSname], m.raw[offChaddr:offSname]) {
		z.t.Fatalf("wrong length, xid or chaddr: %x", reply)
	}
	if agent := m.option(optAgent); len(agent) > 0 && m.typ != typeInform && !bytes.Equal(r.Options[optAgent], agent) {
		z.t.Fatalf("option 82 came back as %x", r.Options[optAgent])
	}
	if r.MessageType() != dhcpv4.MessageTypeAck || m.typ == typeInform {
		return
	}
	addr := [4]byte(reply[offYiaddr:])
	id, hw := bytes.Clone(m.clientID()), bytes.Clone(m.hw())
	if p, ok := z.promises[addr]; ok && p.expires > z.now.Unix() && !p.same(hw, id) {
		z.t.Fatalf("%v is promised to two clients", addr)
	}
	for a, p := range z.promises {
		if p.same(hw, id) && a != addr {
			delete(z.promises, a) // it asked for another one
		}
	}
	z.promises[addr] = promise{hw, id, z.now.Unix() + int64(number([4]byte(r.Options[optLeaseTime])))}
}

// FuzzHandle plays random conversations of four clients for four addresses.
// Nothing may crash, every reply parses and belongs to its query, and no
// address is promised to two clients at once.
func FuzzHandle(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 0, 0, 9, 0, 0, 10, 0, 0})
	f.Add([]byte{1, 0, 0, 9, 1, 0, 17, 3, 0, 4, 0, 0, 6, 0, 2, 0, 0, 17, 0, 0})
	f.Add(append([]byte{1, 0, 4, 61, 2, 1, 1, 7, 0, 250}, rawQuery(53, 1, 1, 82, 4, 5, 2, 1, 1, 255)...))
	f.Add([]byte{1, 0, 0, 5, 0, 0, 9, 0, 0, 6, 0, 40, 3, 0, 0, 11, 0, 12, 82, 6, 1, 4, 0, 1, 2, 3, 57, 2, 2, 64})
	f.Add([]byte{1, 2, 3, 60, 1, 'x', 8, 2, 0, 2, 2, 0, 12, 2, 0, 18, 4, 9, 81, 7, 4, 0, 0, 2, 'a', 'b', 0})
	// A renewal from the lease cache must not promise more than is left.
	cached := append([]byte{1, 0, 0, 6, 0, 10}, make([]byte, 10)...)
	cached = append(append(cached, 3, 0, 0, 6, 0, 51), make([]byte, 51)...)
	f.Add(append(cached, 9, 0, 0))
	f.Fuzz(func(t *testing.T, data []byte) {
		z := newFuzzed(t)
		defer z.store.Close()
		for steps := 0; len(data) >= 3 && steps < 200; steps++ {
			data = z.step(data)
		}
	})
}
