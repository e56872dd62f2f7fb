package ha

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/netip"
	"time"

	"needletail/leases"
)

// needlePage is how many leases and deletions one page between needletails
// holds, whatever sync-page-limit says: about 2 MB of JSON.
const needlePage = 25000

// fetched is one page on its way from the network to the merger.
type fetched struct {
	entries []byte
	err     error
}

// syncNeedle fetches everything from a needletail, which stays in service: it
// was told to send every change from now on, and those win over what the pages
// say (see touched). The next page is fetched while the last is merged.
func (l *link) syncNeedle(ctx context.Context, from *peer, conn *client, m *merger) error {
	from.synced.begin(func() { l.touched.begin() })
	defer l.touched.end()
	if err := l.open(from, m); err != nil {
		return err
	}
	pages, end := l.fetching(ctx, conn)
	defer end()
	for p := range pages {
		if p.err != nil {
			return p.err
		}
		if err := decodeEntries(p.entries, m.entry); err != nil {
			return fmt.Errorf("%s of %s: %w", pageName, from.name, err)
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := m.finish(); err != nil { // on disk before the partner relies on it
		return err
	}
	return l.complete(from)
}

// open begins the sync. The answer tells the clock of a peer that is asked for no
// heartbeats.
func (l *link) open(from *peer, m *merger) error {
	asked := time.Now()
	a, err := from.demand(openName, command(openName, arguments{"server-name": l.conf.ThisServer, "time": asked.UnixMilli()}), requestTimeout)
	if err != nil {
		return err
	}
	var in opened
	if from == l.partner || len(a.Arguments) == 0 {
		return nil
	}
	if err := json.Unmarshal(a.Arguments, &in); err != nil {
		return fmt.Errorf("%s of %s: %w", openName, from.name, err)
	}
	half := time.Since(asked) / 2
	m.clock = Clock{time.UnixMilli(in.Time).Sub(asked.Add(half)).Round(time.Second)}
	return nil
}

// fetching starts to fetch the pages over conn. end gives up what is not here yet
// and waits until nothing of it goes on.
func (l *link) fetching(ctx context.Context, conn *client) (_ <-chan fetched, end func()) {
	ctx, stop := context.WithCancel(ctx)
	pages := make(chan fetched, 1)
	go l.fetch(ctx, conn, pages)
	return pages, func() {
		stop()
		conn.close() // nobody waits for the page on its way
		for range pages {
		}
	}
}

// fetch delivers the pages in order and closes the channel after the last, the
// first error or the end of ctx.
func (l *link) fetch(ctx context.Context, from *client, pages chan<- fetched) {
	defer close(pages)
	var next netip.Addr
	for {
		var p fetched
		p.entries, next, p.err = l.needlePage(from, next)
		select {
		case pages <- p:
		case <-ctx.Done():
			return
		}
		if p.err != nil || !next.IsValid() {
			return
		}
	}
}

func (l *link) needlePage(from *client, after netip.Addr) (entries []byte, next netip.Addr, err error) {
	a, err := from.demand(pageName, syncPageCommand(l.conf.ThisServer, after, needlePage), l.syncTimeout())
	if err != nil {
		return nil, next, err
	}
	var page syncPage
	if err := json.Unmarshal(a.Arguments, &page); err != nil {
		return nil, next, fmt.Errorf("%s of %s: %w", pageName, from.peer, err)
	}
	if page.Next != "" {
		if next, err = netip.ParseAddr(page.Next); err != nil {
			return nil, next, fmt.Errorf("%s of %s: %w", pageName, from.peer, err)
		}
	}
	entries, err = base64.StdEncoding.DecodeString(page.Entries)
	return entries, next, err
}

// entry merges one entry of a page.
func (m *merger) entry(e *entry) error {
	if e.Op == opDelete {
		return m.deletion(e.Lease.Addr, m.clock.Ours(e.At))
	}
	return m.take(&e.Lease, func(have, got *leases.Lease, by leases.Source) bool {
		return leases.Supersedes(have, got, by) || m.clock.Ends(have, got, by.Ours)
	})
}

// deletion removes a lease that the partner has deleted since our copy of it
// was last heard of.
func (m *merger) deletion(a netip.Addr, at time.Time) error {
	m.touched.look(a, func(updated bool) {
		if updated {
			return
		}
		_, gone := m.store.DeleteAt(m.filling, a, at, func(have *leases.Lease, _ bool) bool {
			return m.foreign(have) || !Buried(have, at)
		})
		if gone {
			m.changed++
		}
	})
	return m.full()
}
