package ha

import (
	"context"
	"errors"
	"time"

	"needletail/internal/control"
	"needletail/leases"
)

// backlogPiece is how many queued updates go to a needletail in one request.
const backlogPiece = 512

// sendBacklog sends the queue of communication-recovery, oldest first, until
// it is empty and sealed; it stops at the first update that is not accepted
// (Kea: ha_service.cc, asyncSendLeaseUpdatesFromBacklog).
func (l *link) sendBacklog(ctx context.Context, store *leases.Store, from Drain) error {
	l.partner.learn(requestTimeout)
	var piece [backlogPiece]Update
	var at [backlogPiece]int
	for !from.Seal() {
		n := from.Peek(piece[:])
		if n == 0 {
			return errors.New("the backlog has overflowed or closed")
		}
		left := withoutStale(store, piece[:n], at[:])
		sent, err := l.partner.sendUpdates(ctx, piece[:left])
		if sent < left {
			n = at[sent]
		}
		from.Drop(n)
		if err != nil {
			return err
		}
	}
	return nil
}

// withoutStale leaves out deletions of addresses that have a lease again, of which
// the partner may know by now from a sync: it would delete that one. The new lease
// is an update of its own, further back. at gets where the others were.
func withoutStale(store *leases.Store, us []Update, at []int) (left int) {
	for i := range us {
		if us[i].Delete {
			if _, again := store.Get(us[i].Lease.Addr); again {
				continue
			}
		}
		us[left], at[left] = us[i], i
		left++
	}
	return left
}

// sendUpdates sends updates in order and returns how many were accepted.
func (p *peer) sendUpdates(ctx context.Context, us []Update) (int, error) {
	if len(us) == 0 {
		return 0, nil
	}
	if p.ability().batch() {
		return p.sendBatch(us)
	}
	for i := range us {
		if err := ctx.Err(); err != nil {
			return i, err
		}
		body := appendUpdate(nil, &us[i].Lease, us[i].Delete, p.ability(), p.link.conf.ThisServer, time.Now())
		if _, err := p.demand("queued lease update", body, requestTimeout); err != nil {
			return i, err
		}
	}
	return len(us), nil
}

func (p *peer) sendBatch(us []Update) (int, error) {
	var entries []byte
	for i := range us {
		if us[i].Delete {
			entries = appendDelete(entries, us[i].Lease.Addr, us[i].At)
		} else {
			entries = appendPut(entries, &us[i].Lease)
		}
	}
	body := appendApply(nil, p.link.conf.ThisServer, time.Now(), entries)
	a, err := p.ctl.insist(applyName, control.AttachedType, body, requestTimeout)
	if err != nil {
		return 0, err
	}
	refused, err := parseApplied(a)
	if err != nil || len(refused) == 0 {
		return len(us), err
	}
	first := len(us)
	for i := range refused {
		first = min(first, i)
	}
	return first, refusal("queued lease update", p.name, refused[first])
}
