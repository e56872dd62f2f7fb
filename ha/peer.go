package ha

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"needletail/internal/config"
)

// controlConns is how many connections carry everything but lease updates,
// heartbeats and the pages of a sync.
const controlConns = 4

// peer is another server of a relationship: the ways to it and what it was
// found to understand.
type peer struct {
	name    string
	backup  bool
	link    *link
	timeout time.Duration // of a lease update

	beats *client // heartbeats, one connection: they never wait behind anything
	ctl   *client // commands
	bulk  *client // lease updates, one connection per lane
	lanes []*lane
	route route

	stream  stream   // a sync it makes from us
	synced  begun    // our last sync from it
	clock   sighting // where it is asked for no heartbeats
	known   known
	failing atomic.Bool // the last update to a backup failed; it was logged
	sent    outcomes
}

// outcomes count the lease updates to one peer.
type outcomes struct {
	updated, conflicted, failed, dropped atomic.Uint64
}

func newPeer(p *config.Peer, r *config.Relationship, l *link) (*peer, error) {
	lanes := min(r.ClientThreads, lanesMax)
	if lanes <= 0 {
		lanes = lanesDefault
	}
	ctl, err := newClient(p, controlConns)
	if err != nil {
		return nil, err
	}
	out := &peer{name: p.Name, backup: p.Role == RoleBackup.String(), link: l,
		beats: ctl.sibling(1), ctl: ctl, bulk: ctl.sibling(lanes),
		timeout: min(requestTimeout, max(r.MaxResponseDelay, time.Second))}
	for range lanes {
		out.lanes = append(out.lanes, newLane(out))
	}
	return out, nil
}

// close ends every connection to the peer, now and later.
func (p *peer) close() {
	for _, c := range p.clients() {
		c.close()
	}
}

// clients are all ways to the peer.
func (p *peer) clients() []*client { return []*client{p.beats, p.ctl, p.bulk} }

// run carries updates until ctx ends.
func (p *peer) run(ctx context.Context) {
	var wg sync.WaitGroup
	for _, l := range p.lanes {
		wg.Go(func() { l.run(ctx) })
	}
	if p.backup {
		wg.Go(func() { p.keepKnown(ctx) })
	}
	wg.Wait()
}

// settled takes in the outcome of one update. Only the active partner's moves
// the machine; a backup's failure is a log line when it begins and ends.
func (p *peer) settled(o outcome, t ticket, why string) {
	switch o {
	case updated:
		p.sent.updated.Add(1)
	case conflicted, contested:
		p.sent.conflicted.Add(1)
	case failed:
		p.sent.failed.Add(1)
		p.known.forget() // it may come back as another program
	}
	if !p.backup {
		p.link.settled(o, t, why)
		return
	}
	if bad := o == failed; p.failing.Swap(bad) != bad {
		p.link.log.Log(context.Background(), levelOf(bad), "lease updates to a backup", "peer", p.name, "failing", bad, "reason", why)
	}
}

func levelOf(bad bool) slog.Level {
	if bad {
		return slog.LevelWarn
	}
	return slog.LevelInfo
}
