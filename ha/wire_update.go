package ha

import (
	"needletail/leases"
)

// appendUpdate encodes one lease change as the whole command that a Kea
// understands: lease4-update, or lease4-del for a deletion and for a release
// towards a partner that does not know the state released (before 2.7.0 it
// answers 1 and the relationship falls into communication-recovery).
func appendUpdate(b []byte, l *leases.Lease, del, released bool) []byte {
	name, tail := "lease4-update", `,"force-create":true,"origin":"ha-partner"}}`
	form := leases.KeaForm{Expire: true, PoolID: true}
	if del || l.State == leases.Released && !released {
		name, tail = "lease4-del", `,"origin":"ha-partner"}}`
	}
	b = append(append(append(b, `{"command":"`...), name...), `","service":["dhcp4"],"arguments":{`...)
	return append(leases.AppendKeaFields(b, l, form), tail...)
}
