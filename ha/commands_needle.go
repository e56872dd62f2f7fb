package ha

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"net/netip"
	"sync"
	"time"

	"needletail/internal/control"
	"needletail/leases"
)

// batches are reused: an apply holds one while its changes go to disk.
var batches = sync.Pool{New: func() any { return new(leases.Batch) }}

// applyHandler takes a needletail partner's lease changes. It answers when all
// of them are on disk.
func (d *Driver) applyHandler(ctx context.Context, args *control.Arguments) control.Response {
	b := batches.Get().(*leases.Batch)
	defer batches.Put(b)
	var out applied
	var bad error
	err := d.hear(ctx, args, func(l *link, clock Clock, late bool) {
		out, bad = d.applyEntries(b, l, args.Attached(), clock, late)
	})
	if err := errors.Join(err, bad, commit(d.opt.Store, b)); err != nil {
		return control.Failed(err)
	}
	if out.Failed == nil {
		return control.Response{Text: "lease changes applied"}
	}
	return control.Response{Text: "some lease changes were refused", Arguments: out}
}

// applyEntries takes the changes of a message, or refuses all of them as late. The
// error is about the message; what is refused stands in out.
func (d *Driver) applyEntries(b *leases.Batch, l *link, raw []byte, clock Clock, late bool) (out applied, err error) {
	n := 0
	err = decodeEntries(raw, func(e *entry) error {
		e.Lease.CLTT, e.At = clock.Ours(e.Lease.CLTT), clock.Ours(e.At)
		err := errLate
		if !late {
			err = d.applyEntry(b, l, e, clock)
		}
		if err != nil {
			out.Failed = append(out.Failed, refusedChange{Index: n, Result: resultOf(err), Text: err.Error()})
		}
		n++
		return nil
	})
	return out, err
}

func (d *Driver) applyEntry(b *leases.Batch, l *link, e *entry, clock Clock) error {
	d.touch(e.Lease.Addr)
	now := time.Now()
	if e.Op == opDelete {
		d.opt.Store.DeleteAt(b, e.Lease.Addr, e.At, func(have *leases.Lease, ours bool) bool {
			return Overtaken(have, ours, e.At, clock, now)
		})
		return nil
	}
	own, first := d.servesAlone(e.Lease.SubnetID), l.conf.SelfIndex() == 0
	done, err := d.opt.Store.PutUnless(b, &e.Lease, func(have *leases.Lease, ours bool) bool {
		return Outlived(have, &e.Lease, clock, now) || Contest(own, first && ours, have, &e.Lease, now)
	})
	if err == nil && !done {
		err = errPromised
	}
	return err
}

// errPromised refuses a change that would promise an address to two clients.
var errPromised = control.Refusef(resultContested, "the address is another client's here")

// resultOf tells a conflict, which the sender counts against the client, from
// an error, which it counts against us, and from what it counts against nobody.
func resultOf(err error) int {
	if leases.Misplaced(err) {
		return control.ResultConflict
	}
	return control.Failed(err).Result
}

// openHandler begins a needletail's sync from us: from here on the partner is
// sent every change. A backup hears them anyway, and no client waits for its sync.
func (d *Driver) openHandler(ctx context.Context, args *control.Arguments) control.Response {
	sent := args.IntOr("time", 0, math.MaxInt64, 0) // by the peer's clock, unix ms
	l, from, err := d.sender(ctx, args)
	switch {
	case err != nil:
	case from == nil:
		err = errNobody
	default:
		from.isNeedletail()
		from.synced.opened(time.UnixMilli(sent), time.Now())
		err = d.do(func() {
			from.stream.begin(time.Now(), l.syncTimeout())
			if from == l.partner {
				d.step(l.index, StreamOpened{})
			}
		})
	}
	if err != nil {
		return control.Failed(err)
	}
	return control.Response{Text: "changes are sent from now on", Arguments: opened{time.Now().UnixMilli()}}
}

// errNobody refuses a sync of a server that has no part in the relationship.
var errNobody = errors.New("'server-name' must be another server of the relationship")

// pageMax bounds the page a needletail may ask for.
const pageMax = 100000

// pageHandler answers one page of that sync.
func (d *Driver) pageHandler(ctx context.Context, args *control.Arguments) control.Response {
	var from netip.Addr // none: the first page
	if args.Has("from") {
		from = args.Addr("from")
	}
	limit := args.Int("limit", 1, pageMax)
	_, peer, err := d.sender(ctx, args)
	if err == nil && peer == nil {
		err = errNobody
	}
	if err != nil {
		return control.Failed(err)
	}
	if !peer.stream.touch(time.Now()) {
		return control.Errorf("no sync is open: it was interrupted and must begin anew")
	}
	return control.Response{Arguments: d.pageOf(from, int(limit))}
}

// pageOf encodes the leases after from. The first page begins with all
// deletions we remember: what was leased again since comes after.
func (d *Driver) pageOf(from netip.Addr, limit int) json.RawMessage {
	var entries []byte
	if !from.IsValid() {
		gone, _ := d.opt.Store.Deleted(0, math.MaxInt)
		for _, t := range gone {
			entries = appendDelete(entries, addrOf(t.Addr), time.Unix(t.At, 0))
		}
	}
	page := d.opt.Store.Page(from, limit)
	for i := range page {
		entries = appendPut(entries, &page[i])
	}
	b := appendMessage([]byte(`{"entries":"`), entries)
	if len(page) == limit {
		b = append(append(b, `","next":"`...), page[limit-1].Addr.String()...)
	}
	return append(b, `"}`...)
}

func addrOf(a uint32) netip.Addr {
	return netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, a)))
}
