package ha

import (
	"context"
	"errors"
	"time"
)

// backlogPiece is how many queued updates go to a needletail in one request.
const backlogPiece = 512

// sendBacklog sends the queue of communication-recovery, oldest first, until
// it is empty and sealed; it stops at the first update that is not accepted
// (Kea: ha_service.cc, asyncSendLeaseUpdatesFromBacklog).
func (l *link) sendBacklog(ctx context.Context, from Drain) error {
	l.partner.learn(requestTimeout)
	var piece [backlogPiece]Update
	for !from.Seal() {
		n := from.Peek(piece[:])
		if n == 0 {
			return errors.New("the backlog has overflowed or closed")
		}
		sent, err := l.partner.sendUpdates(ctx, piece[:n])
		from.Drop(sent)
		if err != nil {
			return err
		}
	}
	return nil
}

// sendUpdates sends updates in order and returns how many were accepted.
func (p *peer) sendUpdates(ctx context.Context, us []Update) (int, error) {
	if p.ability().batch() {
		return p.sendBatch(us)
	}
	for i := range us {
		if err := ctx.Err(); err != nil {
			return i, err
		}
		body := appendUpdate(nil, &us[i].Lease, us[i].Delete, p.ability().released())
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
	a, err := p.demand(applyName, appendApply(nil, p.link.conf.ThisServer, time.Now(), entries), requestTimeout)
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
