package ha

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/netip"

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
	l.touched.begin()
	defer l.touched.end()
	if _, err := from.demand(openName, command(openName, arguments{"server-name": l.conf.ThisServer}), requestTimeout); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	pages := make(chan fetched, 1)
	go l.fetch(ctx, conn, pages)
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
	return l.complete(from, originRemote+l.index)
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
	switch {
	case e.Op == opDelete:
		return m.deletion(e)
	case e.Lease.State == leases.Released || e.Lease.State == leases.Reclaimed:
		return m.ended(&e.Lease)
	}
	return m.lease(&e.Lease)
}

// ended takes over that a lease has been released or reclaimed, which leaves
// the client's last transaction time as it was: between two with the same time
// the ended one is newer. A Kea cannot tell; there the lease stays until it
// expires.
func (m *merger) ended(l *leases.Lease) error {
	have, ok := m.store.Get(l.Addr)
	if !ok || have.State != leases.Active || !have.CLTT.Equal(l.CLTT) || m.only != nil && !m.only[l.SubnetID] {
		return m.lease(l)
	}
	m.touched.unless(l.Addr, func() {
		if _, err := m.store.Put(m.filling, l); err == nil {
			m.changed++
		}
	})
	return nil
}

// deletion removes a lease that the partner has deleted since our copy of it
// was last heard of; within the same second the lease stays.
func (m *merger) deletion(e *entry) error {
	m.touched.unless(e.Lease.Addr, func() {
		l, ok := m.store.Get(e.Lease.Addr)
		if !ok || !l.CLTT.Before(e.At) || m.only != nil && !m.only[l.SubnetID] {
			return
		}
		m.store.Delete(m.filling, l.Addr)
		m.changed++
	})
	if m.filling.Len() >= mergeBatch {
		return m.flush()
	}
	return nil
}
