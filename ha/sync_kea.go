package ha

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"needletail/internal/control"
	"needletail/leases"
)

// syncKea fetches all pages of a Kea and tells it when that is done. The
// partner is silent meanwhile: each page is preceded by a dhcp-disable that
// restarts its timer. If anything fails after the first one, the partner is
// enabled again (Kea: ha_service.cc, asyncSyncLeases).
func (l *link) syncKea(ctx context.Context, from *peer, pages *client, period time.Duration, m *merger) error {
	l.touched.begin()
	defer l.touched.end()
	limit := int(l.conf.SyncPageLimit)
	if limit == 0 {
		limit = pageDefault
	}
	var last netip.Addr
	for page := 0; ; page++ {
		if _, err := from.demand("dhcp-disable", disableCommand(l.origin(), period), requestTimeout); err != nil {
			if page > 0 {
				err = errors.Join(err, l.release(from))
			}
			return err
		}
		n, to, err := l.page(pages, last, limit, m)
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return errors.Join(err, l.release(from))
		}
		if n < limit {
			if err := m.finish(); err != nil { // on disk before the partner goes on without us
				return errors.Join(err, l.release(from))
			}
			return l.complete(from)
		}
		if !last.Less(to) { // the next page would be this one again, for ever
			err := fmt.Errorf("lease4-get-page of %s: a full page ends at %v, which is not after %v", from.name, to, last)
			return errors.Join(err, l.release(from))
		}
		last = to
	}
}

// origin is by which we disable a partner's service.
func (l *link) origin() control.Origin { return control.OriginHARemote + control.Origin(l.index) }

// release lets the partner serve again.
func (l *link) release(from *peer) error {
	_, err := from.demand("dhcp-enable", enableCommand(l.origin()), requestTimeout)
	return err
}

// complete tells the partner that the sync is over. One that does not know the
// notification is enabled instead.
func (l *link) complete(from *peer) error {
	a, err := from.ctl.call(syncCompleteCommand(l.conf.ThisServer, l.origin()), requestTimeout)
	switch {
	case err != nil:
		return err
	case a.Result == control.ResultUnsupported:
		return l.release(from)
	case a.Result != control.ResultSuccess && a.Result != control.ResultEmpty:
		return refusal("ha-sync-complete-notify", from.name, a)
	}
	return nil
}

// page fetches and merges one page. It returns how many leases the page had
// and the last address: a lease that does not parse counts and is skipped, and
// its address still leads to the next page.
func (l *link) page(from *client, last netip.Addr, limit int, m *merger) (n int, to netip.Addr, err error) {
	a, err := from.demand("lease4-get-page", pageCommand(last, limit), l.syncTimeout())
	if err != nil {
		return 0, to, err
	}
	var in struct{ Leases []json.RawMessage }
	if err := json.Unmarshal(a.Arguments, &in); err != nil {
		return 0, to, fmt.Errorf("lease4-get-page of %s: %w", from.peer, err)
	}
	now, bad := time.Now(), 0
	for _, raw := range in.Leases {
		lease, err := leases.ParseKea(raw, now)
		if err != nil {
			bad++
			to = addressOf(raw, to)
			continue
		}
		to = lease.Addr
		if err := m.lease(&lease.Lease); err != nil {
			return 0, to, err
		}
	}
	if bad > 0 {
		l.log.Warn("leases of a sync page do not parse and are skipped", "from", from.peer, "leases", bad)
	}
	return len(in.Leases), to, m.flush()
}

// addressOf finds the address of a lease that does not parse otherwise.
func addressOf(raw json.RawMessage, former netip.Addr) netip.Addr {
	var in struct {
		Addr netip.Addr `json:"ip-address"`
	}
	if json.Unmarshal(raw, &in) != nil || !in.Addr.Is4() {
		return former
	}
	return in.Addr
}
