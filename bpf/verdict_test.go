package bpf

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/cilium/ebpf"

	"needletail/internal/rfc3074"
)

// TestVerdicts has a row for every way out of the program but the redirect,
// which TestRedirect shows.
func TestVerdicts(t *testing.T) {
	k := load(t)
	k.relationships(1)
	k.scope(0, hashed(rfc3074.Server(0, 2)))
	// RFC 3074 hash of 020000000002 is 45, the secondary's (seen with Kea 2.2).
	mine, theirs := [6]byte{1, 2, 0, 0, 0, 0}, [6]byte{2, 0, 0, 0, 0, 2}
	for rfc3074.Hash(mine[:])%2 != 0 {
		mine[5]++
	}
	for name, c := range map[string]struct {
		change func(q *query)
		raw    func(frame []byte)
		cut    int // bytes off the end
		action uint32
		want   string
	}{
		"served":          {change: func(q *query) { *q = discover(mine, nil) }, action: xdpPass, want: "served-pass"},
		"another's":       {action: xdpDrop, want: "out-of-scope"},
		"tagged":          {change: func(q *query) { q.tags = []uint16{0x8100} }, action: xdpDrop, want: "out-of-scope"},
		"QinQ":            {change: func(q *query) { q.tags = []uint16{0x88a8, 0x8100} }, action: xdpDrop, want: "out-of-scope"},
		"three tags":      {change: func(q *query) { q.tags = []uint16{0x88a8, 0x8100, 0x8100} }, action: xdpPass, want: "odd-header"},
		"IP options":      {change: func(q *query) { q.ipOptions = 40 }, action: xdpDrop, want: "out-of-scope"},
		"padded frame":    {change: func(q *query) { q.pad = 30 }, action: xdpDrop, want: "out-of-scope"},
		"IPv6":            {raw: func(f []byte) { f[12], f[13] = 0x86, 0xdd }, action: xdpPass, want: "not-dhcp"},
		"ARP":             {raw: func(f []byte) { f[13] = 6 }, action: xdpPass, want: "not-dhcp"},
		"TCP":             {raw: func(f []byte) { f[23] = 6 }, action: xdpPass, want: "not-dhcp"},
		"to a client":     {change: func(q *query) { q.port = 68 }, action: xdpPass, want: "not-dhcp"},
		"IP version 5":    {raw: func(f []byte) { f[14] = 0x55 }, action: xdpPass, want: "odd-header"},
		"IP header of 16": {raw: func(f []byte) { f[14] = 0x44 }, action: xdpPass, want: "odd-header"},
		"UDP too short":   {raw: func(f []byte) { f[38], f[39] = 0, 7 }, action: xdpPass, want: "odd-header"},
		"UDP below IP":    {raw: func(f []byte) { f[39]-- }, action: xdpPass, want: "odd-header"},
		"first fragment":  {raw: func(f []byte) { f[20] = 0x20 }, action: xdpPass, want: "fragment"},
		"last fragment":   {raw: func(f []byte) { f[21] = 1 }, action: xdpPass, want: "fragment"},
		"do not fragment": {raw: func(f []byte) { f[20] = 0x40 }, action: xdpDrop, want: "out-of-scope"},
		"routed":          {change: func(q *query) { q.dst = [4]byte{192, 0, 2, 9} }, action: xdpPass, want: "not-local"},
		"BOOTREPLY":       {change: func(q *query) { q.op = 2 }, action: xdpPass, want: "not-request"},
		"hlen 17":         {change: func(q *query) { q.hlen = 17 }, action: xdpPass, want: "odd-hlen"},
		"no identifier":   {change: func(q *query) { q.hlen = 0 }, action: xdpPass, want: "no-identifier"},
		"empty client id": {change: func(q *query) { q.options = options(opt(53, 1), opt(61)) }, action: xdpDrop, want: "out-of-scope"},
		"no cookie":       {raw: func(f []byte) { f[42+236]++ }, action: xdpPass, want: "no-cookie"},
		"BOOTP":           {change: func(q *query) { q.options = options() }, action: xdpPass, want: "no-type"},
		"no end":          {change: func(q *query) { q.options = opt(53, 1) }, action: xdpPass, want: "no-end"},
		"end beyond UDP":  {change: func(q *query) { q.options = opt(53, 1); q.pad = 1 }, raw: func(f []byte) { f[len(f)-1] = 255 }, action: xdpPass, want: "no-end"},
		"length missing":  {change: func(q *query) { q.options = append(opt(53, 1), 12) }, action: xdpPass, want: "option-overrun"},
		"data missing":    {change: func(q *query) { q.options = append(opt(53, 1), 12, 2, 0) }, action: xdpPass, want: "option-overrun"},
		"type twice":      {change: func(q *query) { q.options = options(opt(53, 1), opt(53, 1)) }, action: xdpPass, want: "repeated-option"},
		"client id twice": {change: func(q *query) { q.options = options(opt(61, 1, 2), opt(53, 1), opt(61, 3)) }, action: xdpPass, want: "repeated-option"},
		"address twice":   {change: func(q *query) { q.options = options(opt(53, 1), opt(50, 1, 2, 3, 4), opt(50, 1, 2, 3, 4)) }, action: xdpPass, want: "repeated-option"},
		"overload":        {change: func(q *query) { q.options = options(opt(53, 1), opt(52, 1)) }, action: xdpPass, want: "overload"},
		"empty type":      {change: func(q *query) { q.options = options(opt(53)) }, action: xdpPass, want: "odd-length"},
		"long type":       {change: func(q *query) { q.options = options(opt(53, 1, 1)) }, action: xdpPass, want: "odd-length"},
		"odd address":     {change: func(q *query) { q.options = options(opt(53, 1), opt(50, 1, 2, 3)) }, action: xdpPass, want: "odd-length"},
		"odd server":      {change: func(q *query) { q.options = options(opt(53, 3), opt(54)) }, action: xdpPass, want: "odd-length"},
		"type 0":          {change: func(q *query) { q.options = options(opt(53, 0)) }, action: xdpPass, want: "other-type"},
		"OFFER":           {change: func(q *query) { q.options = options(opt(53, 2)) }, action: xdpPass, want: "other-type"},
		"LEASEQUERY":      {change: func(q *query) { q.options = options(opt(53, 10)) }, action: xdpPass, want: "other-type"},
		"pads":            {change: func(q *query) { q.options = append(make([]byte, 60), options(opt(53, 1))...) }, action: xdpDrop, want: "out-of-scope"},
		"62 pads":         {change: func(q *query) { q.options = append(make([]byte, 62), options(opt(53, 1))...) }, action: xdpDrop, want: "out-of-scope"},
		"63 pads":         {change: func(q *query) { q.options = append(make([]byte, 63), options(opt(53, 1))...) }, action: xdpPass, want: "too-many-options"},
		"long": {change: func(q *query) {
			q.options = append(bytes.Repeat(opt(43, make([]byte, 250)...), 6), options(opt(53, 1))...)
		}, action: xdpDrop, want: "out-of-scope"},
		"too long": {change: func(q *query) {
			q.options = append(bytes.Repeat(opt(43, make([]byte, 250)...), 8), options(opt(53, 1))...)
		}, action: xdpPass, want: "odd-header"},
		"no padding": {change: func(q *query) { q.options = options(opt(53, 1)) }, action: xdpDrop, want: "out-of-scope"},
	} {
		t.Run(name, func(t *testing.T) {
			k.t = t
			q := discover(theirs, nil)
			if c.change != nil {
				c.change(&q)
			}
			f := q.frame()
			if c.raw != nil {
				c.raw(f)
			}
			if action, verdict := k.run(f); action != c.action || verdict != c.want {
				t.Errorf("action %d, %s; want %d, %s", action, verdict, c.action, c.want)
			}
		})
	}
}

// Every message type that HA looks at is judged (Kea: query_filter.cc).
func TestJudgedTypes(t *testing.T) {
	k := load(t)
	k.relationships(1)
	k.scope(0, hashed(rfc3074.Buckets{}))
	judged := map[byte]bool{1: true, 3: true, 4: true, 7: true, 8: true}
	for kind := range 256 {
		q := discover([6]byte{2}, nil)
		q.options = options(opt(53, byte(kind)))
		want := "other-type"
		if judged[byte(kind)] {
			want = "out-of-scope"
		}
		if _, verdict := k.run(q.frame()); verdict != want {
			t.Errorf("message type %d: %s, want %s", kind, verdict, want)
		}
	}
}

func TestDisabledServiceDropsEveryType(t *testing.T) {
	k := load(t)
	k.relationships(1)
	s := hashed(rfc3074.All)
	s.Enabled, s.Interrupted = 0, 1
	k.scope(0, s)
	for _, kind := range []byte{1, 3, 4, 7, 8, 10} {
		q := discover([6]byte{2}, nil)
		q.options = options(opt(53, kind))
		if action, verdict := k.run(q.frame()); action != xdpDrop || verdict != "disabled" {
			t.Errorf("message type %d: action %d, %s", kind, action, verdict)
		}
	}
	if got := k.census(0); got != (census{}) {
		t.Errorf("a disabled service counted %+v", got)
	}
}

func TestModes(t *testing.T) {
	k := load(t)
	f := discover([6]byte{2}, nil).frame()
	check := func(want string) {
		t.Helper()
		if _, verdict := k.run(f); verdict != want {
			t.Errorf("%s, want %s", verdict, want)
		}
	}
	check("no-scope") // nothing is configured
	k.relationships(1)
	check("no-scope") // no scope yet
	k.scope(0, DhcpScope{Enabled: 1})
	check("served-pass") // no HA
	whole := DhcpScope{Enabled: 1, Mode: uint8(DhcpModeMODE_WHOLE)}
	k.scope(0, whole)
	check("out-of-scope")
	whole.Serve = rfc3074.All
	k.scope(0, whole)
	check("served-pass")
	q := discover([6]byte{2}, nil)
	q.hlen = 0
	f = q.frame()
	check("served-pass") // hot-standby needs no identifier
}

// TestTruncated cuts a frame at every byte: nothing but the whole may be
// dropped.
func TestTruncated(t *testing.T) {
	k := load(t)
	k.relationships(1)
	k.scope(0, hashed(rfc3074.Buckets{}))
	for _, tags := range [][]uint16{nil, {0x8100}, {0x88a8, 0x8100}} {
		q := discover([6]byte{2}, []byte{1, 2, 3, 4, 5, 6, 7})
		q.tags, q.ipOptions = tags, 8
		f := q.frame()
		for n := 14; n < len(f); n++ { // the kernel tests no frame below an Ethernet header
			if action, verdict := k.run(f[:n]); action != xdpPass || verdict != "truncated" {
				t.Fatalf("%d tags, cut to %d of %d bytes: action %d, %s", len(tags), n, len(f), action, verdict)
			}
		}
		if action, _ := k.run(f); action != xdpDrop {
			t.Fatal("the whole frame is not dropped")
		}
		// The same, with lengths that agree with the cut: the options end early.
		message := 14 + 4*len(tags) + ipLen + 8 + udpLen
		for n := message + bootpLen; n < len(f); n++ {
			g := append([]byte(nil), f[:n]...)
			ip := 14 + 4*len(tags)
			binary.BigEndian.PutUint16(g[ip+2:], uint16(n-ip))
			binary.BigEndian.PutUint16(g[message-4:], uint16(n-message+udpLen))
			if action, verdict := k.run(g); action != xdpPass {
				t.Fatalf("message cut to %d bytes: action %d, %s", n-message, action, verdict)
			}
		}
	}
}

func TestLocalAddress(t *testing.T) {
	k := load(t)
	k.relationships(1)
	k.scope(0, hashed(rfc3074.Buckets{}))
	q := discover([6]byte{2}, nil)
	q.options = options(opt(53, 3))
	q.dst, q.src, q.ciaddr = [4]byte{192, 0, 2, 1}, [4]byte{192, 0, 2, 10}, [4]byte{192, 0, 2, 10}
	if _, verdict := k.run(q.frame()); verdict != "not-local" {
		t.Errorf("unicast renewal to another host: %s", verdict)
	}
	if err := k.Addresses.Put(q.dst, uint8(1)); err != nil {
		t.Fatal(err)
	}
	if _, verdict := k.run(q.frame()); verdict != "out-of-scope" {
		t.Errorf("unicast renewal to this host: %s", verdict)
	}
}

// Frames of a VLAN with an interface of its own are not this one's to judge, by
// the outer tag, whatever its priority.
func TestOtherVLAN(t *testing.T) {
	k := load(t)
	k.relationships(1)
	k.scope(0, hashed(rfc3074.Buckets{}))
	if err := k.Vlans.Put(uint32(0), DhcpVlanSet{Served: [64]uint64{1: 1 << 36, 63: 1 << 63}}); err != nil { // 100 and 4095
		t.Fatal(err)
	}
	for _, c := range []struct {
		tags  []uint16 // TPIDs
		outer byte     // high byte of the outer TCI
		id    byte     // low byte
		want  string
	}{
		{nil, 0, 0, "out-of-scope"},
		{[]uint16{0x8100}, 0, 100, "other-vlan"},
		{[]uint16{0x8100}, 0xe0, 100, "other-vlan"},
		{[]uint16{0x8100}, 0x0f, 255, "other-vlan"},
		{[]uint16{0x8100}, 0, 101, "out-of-scope"},
		{[]uint16{0x8100}, 1, 100, "out-of-scope"},
		{[]uint16{0x88a8, 0x8100}, 0, 100, "other-vlan"},
		{[]uint16{0x88a8, 0x8100}, 0, 7, "out-of-scope"}, // the inner one is 100
	} {
		q := discover([6]byte{2}, nil)
		q.tags = c.tags
		f := q.frame()
		if len(c.tags) > 0 {
			f[14], f[15] = c.outer, c.id
		}
		if _, verdict := k.run(f); verdict != c.want {
			t.Errorf("%+v: %s", c, verdict)
		}
	}
}

// TestRelationships: by giaddr, else ciaddr of a unicast query, else interface;
// else undecided.
func TestRelationships(t *testing.T) {
	k := load(t)
	k.relationships(3)
	k.scope(0, DhcpScope{Enabled: 1, Mode: uint8(DhcpModeMODE_WHOLE)})
	k.scope(1, DhcpScope{Enabled: 1, Mode: uint8(DhcpModeMODE_WHOLE), Serve: rfc3074.All})
	k.subnets(map[DhcpSubnetKey]uint32{
		{PrefixLen: 32 + 8, Addr: addr(10, 0, 0, 0)}:   0,
		{PrefixLen: 32 + 16, Addr: addr(10, 1, 0, 0)}:  1,
		{PrefixLen: 32 + 24, Addr: addr(10, 2, 0, 0)}:  2, // no scope yet
		{PrefixLen: 64, Ifindex: k.ingress()}:          0,
		{PrefixLen: 64, Ifindex: k.ingress() + 70_000}: 1,
	})
	if err := k.Addresses.Put([4]byte{192, 0, 2, 1}, uint8(1)); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(q *query)
		want   string
	}{
		"by interface":         {func(q *query) {}, "out-of-scope"},
		"by giaddr":            {func(q *query) { q.giaddr = [4]byte{10, 1, 2, 3} }, "served-pass"},
		"shorter prefix":       {func(q *query) { q.giaddr = [4]byte{10, 3, 2, 3} }, "out-of-scope"},
		"giaddr over ciaddr":   {func(q *query) { q.giaddr, q.ciaddr = [4]byte{10, 1, 2, 3}, [4]byte{10, 3, 2, 3} }, "served-pass"},
		"by ciaddr":            {func(q *query) { q.dst, q.ciaddr = [4]byte{192, 0, 2, 1}, [4]byte{10, 1, 2, 3} }, "served-pass"},
		"broadcast renewal":    {func(q *query) { q.ciaddr = [4]byte{10, 1, 2, 3} }, "out-of-scope"},
		"unknown giaddr":       {func(q *query) { q.giaddr = [4]byte{11, 1, 2, 3} }, "undecided"},
		"unknown ciaddr":       {func(q *query) { q.dst, q.ciaddr = [4]byte{192, 0, 2, 1}, [4]byte{11, 1, 2, 3} }, "undecided"},
		"source address only":  {func(q *query) { q.dst, q.src = [4]byte{192, 0, 2, 1}, [4]byte{10, 1, 2, 3} }, "undecided"},
		"no scope":             {func(q *query) { q.giaddr = [4]byte{10, 2, 0, 3} }, "no-scope"},
		"subnet selection":     {func(q *query) { q.options = options(opt(53, 1), opt(118, 10, 1, 0, 0)) }, "undecided"},
		"relay information":    {func(q *query) { q.options = options(opt(53, 1), opt(82, 1, 2, 9, 9, 2, 1, 9)) }, "out-of-scope"},
		"link selection":       {func(q *query) { q.options = options(opt(53, 1), opt(82, 1, 1, 9, 5, 4, 10, 1, 0, 0)) }, "undecided"},
		"odd relay info":       {func(q *query) { q.options = options(opt(53, 1), opt(82, 1, 9, 9)) }, "odd-relay-info"},
		"odd relay info end":   {func(q *query) { q.options = options(opt(53, 1), opt(82, 1)) }, "odd-relay-info"},
		"endless relay info":   {func(q *query) { q.options = options(opt(53, 1), opt(82, make([]byte, 40)...)) }, "odd-relay-info"},
		"repeated relay info":  {func(q *query) { q.options = options(opt(53, 1), opt(82, 1, 0), opt(82, 1, 0)) }, "repeated-option"},
		"empty relay info":     {func(q *query) { q.options = options(opt(53, 1), opt(82)) }, "out-of-scope"},
		"relay info at giaddr": {func(q *query) { q.giaddr = [4]byte{10, 1, 2, 3}; q.options = options(opt(53, 1), opt(82, 1, 0)) }, "served-pass"},
	} {
		q := discover([6]byte{2}, nil)
		c.change(&q)
		if _, verdict := k.run(q.frame()); verdict != c.want {
			t.Errorf("%s: %s, want %s", name, verdict, c.want)
		}
	}
}

// TestEveryRelationship: as many as there may be, each with a scope and clients of
// its own.
func TestEveryRelationship(t *testing.T) {
	const most = 64
	k := load(t)
	k.relationships(most)
	places := make(map[DhcpSubnetKey]uint32)
	for i := range uint32(most) {
		places[DhcpSubnetKey{PrefixLen: 32 + 24, Addr: addr(10, 0, byte(i), 0)}] = i
		s := DhcpScope{Enabled: 1, Mode: uint8(DhcpModeMODE_WHOLE), Interrupted: 1, Epoch: i, UnackedMax: 9}
		if i%3 == 0 {
			s.Serve = rfc3074.All
		}
		k.scope(i, s)
	}
	k.subnets(places)
	for i := range uint32(most) {
		q := discover([6]byte{2}, nil)
		q.giaddr = [4]byte{10, 0, byte(i), 1}
		want, counted := "unacked", census{analyzed: 1, connecting: 1}
		if i%3 == 0 {
			want, counted = "served-pass", census{}
		}
		if _, verdict := k.run(q.frame()); verdict != want {
			t.Errorf("relationship %d: %s, want %s", i, verdict, want)
		}
		if got := k.census(i*2 + i%2); got != counted {
			t.Errorf("relationship %d counts %+v, want %+v", i, got, counted)
		}
	}
	if err := k.Scopes.Put(uint32(most), k.box(DhcpScope{})); err == nil {
		t.Error("one relationship more has a scope")
	}
}

func addr(a, b, c, d byte) uint32 { return binary.NativeEndian.Uint32([]byte{a, b, c, d}) }

// ingress is the interface that BPF_PROG_TEST_RUN claims: the loopback's index.
func (k *kernel) ingress() uint32 { return 1 }

func (k *kernel) subnets(entries map[DhcpSubnetKey]uint32) {
	k.t.Helper()
	spec, err := Spec()
	if err != nil {
		k.t.Fatal(err)
	}
	box, err := ebpf.NewMap(spec.Maps["subnet_box"])
	if err != nil {
		k.t.Fatal(err)
	}
	defer box.Close()
	for key, relationship := range entries {
		if err := box.Put(key, relationship); err != nil {
			k.t.Fatal(err)
		}
	}
	if err := k.Subnets.Put(uint32(0), box); err != nil {
		k.t.Fatal(err)
	}
}
