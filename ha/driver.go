package ha

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"needletail/internal/config"
	"needletail/internal/control"
	"needletail/internal/scope"
	"needletail/leases"
)

// Scopes is where the driver puts scopes: both filters. One call is one store.
type Scopes interface{ SetScope(i int, s scope.Scope) }

// Unacked is where the driver reads what the filters counted for relationship i
// since the epoch of its present scope began.
type Unacked interface{ Unacked(i int) scope.Unacked }

// Options of a Driver. All fields are required but Network, Status, Where and
// Log.
type Options struct {
	Config   *config.Dhcp4
	Store    *leases.Store
	Scopes   Scopes
	Unacked  Unacked
	Registry *control.Registry // the commands are registered here
	Status   *control.Status
	Network  *control.NetworkState // lends who disables service, with the commands for it, until Close
	// Where names the relays or subnets that relationship i's unacked clients
	// came through; nil if unknown.
	Where func(i int) []string
	Log   *slog.Logger
	// MarkDir keeps marks over a restart (see Mark); empty: they are not kept.
	MarkDir string
}

// Driver connects the state machine to the world: it owns the connections to
// the peers, the timers and the listeners, and executes the machine's effects.
// One goroutine, loop, owns the machine; nothing on a packet's way waits for it.
type Driver struct {
	// Fixed once Start returns.
	opt     Options
	log     *slog.Logger
	links   []*link
	filter  []map[uint32]bool // per relationship: subnets it syncs; nil for all
	absence time.Duration     // see TakenOverAfter

	inputs  chan func()   // run by loop
	reports chan struct{} // capacity 1: some link has a report
	stop    context.CancelFunc
	ctx     context.Context
	tasks   sync.WaitGroup

	// The rest belongs to loop.
	machine *Machine
	wake    time.Time // zero: no need
	waiting map[uint64]chan<- Answer
	token   uint64
}

// Start begins all relationships of a configuration in state waiting and opens
// their listeners. It fails without leaving anything behind.
func Start(o Options) (_ *Driver, err error) {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	d := &Driver{
		opt: o, log: o.Log,
		inputs: make(chan func(), 64), reports: make(chan struct{}, 1),
		waiting: map[uint64]chan<- Answer{},
	}
	d.ctx, d.stop = context.WithCancel(context.Background())
	defer func() {
		if err != nil {
			d.Close()
		}
	}()
	settings, err := d.prepare()
	if err != nil {
		return nil, err
	}
	for i := range settings {
		settings[i].Alone, settings[i].Read = marks{o.MarkDir}.get(settings[i].This)
	}
	now := time.Now()
	var out Output
	d.machine, out = New(settings, now)
	for _, l := range d.links {
		l.machine = d.machine
		l.policy.Store(&Policy{})
	}
	d.wake = out.Wake
	d.register()
	if err := d.listen(); err != nil {
		return nil, err
	}
	for _, l := range d.links {
		for _, p := range l.peers {
			d.task(func() { p.run(d.ctx) })
		}
	}
	d.execute(out.Effects) // scopes are in the filters before the first packet
	d.borrowService()
	d.task(d.loop)
	return d, nil
}

// prepare builds links and settings out of the configuration.
func (d *Driver) prepare() ([]Settings, error) {
	c := d.opt.Config
	var all []Settings
	for i, r := range c.HA {
		s, err := newSettings(r, &c.Needletail)
		if err != nil {
			return nil, err
		}
		l, err := d.newLink(i, r, s.Partner)
		if err != nil {
			return nil, fmt.Errorf("relationship %d: %w", i, err)
		}
		for _, what := range cautions(r, c.Threading) {
			l.log.Warn(what)
		}
		all, d.links = append(all, s), append(d.links, l)
		d.filter = append(d.filter, syncFilter(c, r))
		d.absence = shortest(d.absence, s.Absence())
	}
	return all, nil
}

func (d *Driver) newLink(i int, r *config.Relationship, partner string) (*link, error) {
	l := &link{index: i, conf: r, log: d.log.With("relationship", r.ThisServer), poke: d.poke, parkedMax: parkedMax(d.opt.Config)}
	for _, p := range r.Peers {
		if p.Name == r.ThisServer {
			continue
		}
		to, err := newPeer(p, r, l)
		if err != nil {
			return nil, err
		}
		l.peers = append(l.peers, to)
		if p.Name == partner {
			l.partner = to
		}
	}
	slices.SortFunc(l.peers, func(a, b *peer) int { return cmp.Compare(a.name, b.name) })
	return l, nil
}

// task starts a goroutine that Close waits for.
func (d *Driver) task(run func()) {
	d.tasks.Add(1)
	go func() {
		defer d.tasks.Done()
		run()
	}()
}

// poke tells loop that a link has a report.
func (d *Driver) poke() {
	select {
	case d.reports <- struct{}{}:
	default:
	}
}

// Recount has the machine look at relationship i's unacked clients now: a
// filter has seen more of them than the scope's UnackedMax. It does not wait; an
// i that a reload has taken away is nobody's.
func (d *Driver) Recount(i int) {
	if i < len(d.links) {
		d.links[i].recount.Store(true)
		d.poke()
	}
}

// Close ends all relationships: listeners first, then heartbeats, syncs and
// updates. Replies that wait for a partner are refused.
func (d *Driver) Close() {
	for _, l := range d.links {
		if l.server != nil {
			l.server.Close()
		}
	}
	d.stop()
	for _, l := range d.links {
		for _, p := range l.peers {
			p.close()
		}
	}
	d.tasks.Wait()
	d.returnService()
	d.unregister()
}
