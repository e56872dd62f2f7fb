package ha

import (
	"time"

	"needletail/leases"
)

// appendUpdate encodes one lease change as the whole command that a Kea
// understands: lease4-update, or lease4-del for a deletion and for a release
// towards a partner that does not know the state released (before 2.7.0 it
// answers 1 and the relationship falls into communication-recovery). A peer that was
// not asked yet what it is may be a needletail, and is told what needletails tell:
// who sends the change, and when it was made.
func appendUpdate(b []byte, l *leases.Lease, del bool, to ability, self string, at time.Time) []byte {
	name, more := "lease4-update", `,"force-create":true`
	form := leases.KeaForm{Expire: true, PoolID: true}
	if del || l.State == leases.Released && !to.released() {
		name, more = "lease4-del", ""
	}
	b = append(append(append(b, `{"command":"`...), name...), `","service":["dhcp4"],"arguments":{`...)
	b = append(append(leases.AppendKeaFields(b, l, form), more...), `,"origin":"ha-partner"`...)
	if !to.known() {
		b = appendSender(append(b, ','), self, at)
	}
	return append(b, "}}"...)
}
