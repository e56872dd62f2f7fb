package leasecmds

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"needletail/internal/config"
	"needletail/internal/control"
	"needletail/leases"
)

// What may not be taken from a partner is answered so that it does no harm:
// 4 makes the sender drop its client's answer, 3 is a deletion already done. An
// administrator's commands are obeyed.
func TestPartnerRefused(t *testing.T) {
	_, s := newRegistry(t)
	r := control.NewRegistry()
	fromPartner := func(_ context.Context, partner bool, have, got *leases.Lease) bool {
		return partner && string(have.HW) != string(got.HW)
	}
	conf := &config.Dhcp4{Subnets: []*config.Subnet{{ID: 1, Prefix: netip.MustParsePrefix("192.0.2.0/24"), Lifetime: config.Lifetimes{Default: time.Hour}}}}
	Register(r, Options{Store: s, Config: func() *config.Dhcp4 { return conf }, Refuses: fromPartner, RefusesDeletion: fromPartner})
	const a, b = `"hw-address":"02:00:00:00:00:0a"`, `"hw-address":"02:00:00:00:00:0b"`
	const partner = `,"force-create":true,"origin":"ha-partner"`
	for _, c := range []struct {
		name, command, args string
		want                int
		holder              byte // last byte of the hardware address that has the lease then, 0: none
	}{
		{"a new lease", "lease4-update", a + partner, 0, 0x0a},
		{"the same client's", "lease4-update", a + partner, 0, 0x0a},
		{"another client's, by a partner", "lease4-update", b + partner, 4, 0x0a},
		{"its deletion", "lease4-del", b + partner, 3, 0x0a},
		{"a deletion by address only", "lease4-del", `"origin":1`, 0, 0},
		{"a lease again", "lease4-update", a + partner, 0, 0x0a},
		{"another client's, by hand", "lease4-update", b, 0, 0x0b},
		{"the client's own deletion", "lease4-del", b + partner, 0, 0},
	} {
		if got, _ := call(t, r, c.command, `{"ip-address":"192.0.2.20","subnet-id":1,`+c.args+`}`); got != c.want {
			t.Errorf("%s: result %d, want %d", c.name, got, c.want)
		}
		l, ok := s.Get(netip.MustParseAddr("192.0.2.20"))
		if ok != (c.holder != 0) || ok && l.HW[5] != c.holder {
			t.Errorf("%s: then the lease is %v of %x", c.name, ok, l.HW)
		}
	}
}
