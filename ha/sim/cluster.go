package sim

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"

	"needletail/ha"
	"needletail/internal/rfc3074"
)

// Mutation is a defect built in on purpose: each must break an invariant.
type Mutation uint8

// Mutations.
const (
	None            Mutation = iota
	AckEarly                 // the client's ACK does not wait for the partner
	SkipDisk                 // nor for the disk
	AnswerEarly              // a lease update is answered before it is on disk
	SyncOverwrites           // a sync replaces what is newer
	ServeAll                 // both servers serve all buckets in load-balancing
	IgnoreConflicts          // a lease update always overwrites, and nobody's answer is held back, as Kea does
	IgnoreSkew               // the partner's times are taken for ours
	NeverCount               // updates left unsent are not counted
	NeverMark                // nor remembered over a restart, as in Kea
	DeleteNewer              // a sync's deletion removes a lease given away since
	NoSilence                // a sync as of a Kea does not silence the partner
	LoudAfterSync            // nor is the partner silent from its end to its next heartbeat
	ServeUnready             // where updates must be refused, they are counted
	NeverOwe                 // a server counts unsent updates for the partner only
	NeverLook                // the partner's count is not looked at
	TakeOlder                // an update older than another client's lease is taken
	TakeAlone                // also one from a server that does not know that we serve alone
	RaiseDead                // a sync brings back what was deleted here
	DeleteLate               // a deletion that comes late removes a lease given away since
)

// Options of a run. The zero value of a field takes a value from the seed.
type Options struct {
	Seed     uint64
	Mode     ha.Mode
	Backup   bool // a third server, backup
	Shared   bool // one pool for all; else one per owner, tied by class HA_<owner>
	Stream   bool // sync as between needletails
	Skewed   bool // clocks differ by up to 25 s each
	Harsh    bool // the link is cut and processes are stopped, too
	Gentle   bool // no server is killed
	Chained  bool // faults come in chains, and a cut link holds what is sent over it
	Busy     bool // a client asks all the time, also when faults are over
	Kea      bool // the second server owes nothing, as a Kea
	Hub      bool // the second server, or the first, is the second of another such pair
	Mutation Mutation
}

// Cluster is one run.
type Cluster struct {
	Options
	Lifetime    time.Duration
	SyncTimeout time.Duration
	DiskTime    time.Duration
	Forget      bool // a released lease is deleted
	LowestFirst bool // free addresses are searched from the lowest: most contention

	first      int // servers of other relationships, whose names come before ours
	world      *world
	net        network
	clientLoss float64
	servers    []*server
	byName     map[string]*server
	clients    []*client
	pools      [2][]netip.Addr
	addresses  []netip.Addr

	tainted map[netip.Addr]time.Duration // promised where nobody could know better; until then
	split   *split
	splits  int
	excuses int
	acks    int
	broken  []string
}

// split is a time in which two servers served the same bucket.
type split struct {
	since   time.Duration
	both    bool // they do so now; one may pause
	excused bool // they began, or began again, while the two could not talk
}

// New prepares a run: one relationship, or two that have a server in common.
func New(o Options) []*Cluster {
	w := &world{rng: rand.New(rand.NewPCG(o.Seed, 0x6e6565646c65))}
	c := newCluster(o, w, 0)
	if !o.Hub {
		return []*Cluster{c}
	}
	other := newCluster(o, w, len(c.servers))
	join(c.servers[1], other.servers[w.rng.IntN(2)])
	return []*Cluster{c, other}
}

// join makes a hub of two servers.
func join(a, b *server) {
	b.process, b.rel = a.process, len(a.seats)
	a.seats = append(a.seats, b)
}

func newCluster(o Options, w *world, first int) *Cluster {
	c := &Cluster{Options: o, first: first, world: w, byName: map[string]*server{},
		tainted: map[netip.Addr]time.Duration{}}
	c.net = network{cut: map[[2]*server]bool{}, held: map[[2]*server][]func(){}, bad: map[[2]*server]time.Duration{}, slow: w.between(time.Millisecond, 30*time.Millisecond)}
	if w.chance(50) {
		c.net.twice = 2
		c.net.loss = 0.5
	}
	c.clientLoss = 3
	c.Lifetime = w.between(40*time.Second, 120*time.Second).Truncate(time.Second)
	c.SyncTimeout = 10 * time.Second
	c.DiskTime = w.between(time.Millisecond, 10*time.Millisecond)
	if w.chance(25) {
		c.DiskTime *= 20
	}
	c.LowestFirst = w.chance(50)
	c.Forget = w.chance(50)
	c.makeServers()
	c.makePools()
	for i := range 12 {
		c.clients = append(c.clients, &client{c: c, id: fmt.Sprintf("client-%02d-%x", i, w.rng.Uint32())})
	}
	return c
}

func (c *Cluster) makeServers() {
	w := c.world
	base := ha.Settings{
		Mode: c.Mode, Heart: w.between(200*time.Millisecond, time.Second), Ack: 3 * time.Second,
		UnackedMax: uint32(w.rng.IntN(3)), RejectedMax: 10, SendUpdates: true, SyncLeases: true,
	}
	base.Response = 5 * base.Heart
	if c.Chained {
		base.RejectedMax = 0 // all clients at once, time and again
	}
	roles := []ha.Role{ha.RolePrimary, ha.RoleSecondary}
	switch c.Mode {
	case ha.ModeLoadBalancing:
		base.DelayedMax = uint32(w.rng.IntN(3) * w.rng.IntN(10))
		if w.chance(30) {
			base.Weights = [2]int{7, 3}
		}
	case ha.ModeHotStandby:
		roles[1] = ha.RoleStandby
	case ha.ModePassiveBackup:
		roles = roles[:1]
		base.WaitBackup = true
	}
	if c.Backup || c.Mode == ha.ModePassiveBackup {
		roles = append(roles, ha.RoleBackup)
	}
	for i, role := range roles {
		base.Peers = append(base.Peers, ha.Peer{Name: fmt.Sprintf("server%d", c.first+i+1), Role: role, AutoFailover: true})
	}
	for i, p := range base.Peers {
		s := &server{process: &process{w: c.world}, c: c, index: i, name: p.Name, settings: base, table: *newTable()}
		s.seats = []*server{s}
		s.settings.This = p.Name
		if p.Role != ha.RoleBackup && c.Mode != ha.ModePassiveBackup {
			s.settings.Partner = base.Peers[1-i].Name
		}
		if c.Skewed {
			s.skew = w.between(-25*time.Second, 25*time.Second)
		}
		c.servers = append(c.servers, s)
		c.byName[s.name] = s
	}
}

// makePools makes addresses scarce: 24 for 12 clients, all of which may have one owner.
func (c *Cluster) makePools() {
	for i := range 24 {
		a := netip.AddrFrom4([4]byte{192, 0, 2, byte(10 + i)})
		c.addresses = append(c.addresses, a)
		if c.Shared {
			c.pools[0] = append(c.pools[0], a)
			c.pools[1] = c.pools[0]
			continue
		}
		c.pools[i/12] = append(c.pools[i/12], a)
	}
	if c.Mode != ha.ModeLoadBalancing {
		c.pools[0] = c.addresses
	}
}

// active returns the servers that may serve clients by themselves.
func (c *Cluster) active() []*server {
	if c.Mode == ha.ModePassiveBackup {
		return c.servers[:1]
	}
	return c.servers[:2]
}

func (s *server) serves() rfc3074.Buckets {
	if !s.up || s.stopped || !s.enabled() {
		return rfc3074.Buckets{}
	}
	return s.scope.Serve
}

// observe looks at who serves what, after every step: Apart, and splits.
func (c *Cluster) observe() {
	act := c.active()
	if len(act) < 2 {
		return
	}
	a, b := act[0], act[1]
	if a.m == nil || b.m == nil {
		return
	}
	x, y := a.serves(), b.serves()
	both := false
	for i := range x {
		both = both || x[i]&y[i] != 0
	}
	normal := c.normal()
	switch {
	case both && (c.split == nil || !c.split.both):
		c.splitBegins(!c.net.good(a, b, c.notice(a)))
	case both && normal:
		c.breaks("Apart: both serve the same buckets in %s", a.state())
	case !both && normal && c.split != nil:
		c.world.logf("--- together again")
		c.split = nil
	}
	if c.split != nil {
		c.split.both = both
	}
	if normal {
		a.behind, b.behind = false, false
	}
}

// splitBegins notes that both servers serve the same bucket, for the first time or
// again since they were together.
func (c *Cluster) splitBegins(excused bool) {
	if c.split == nil {
		c.split = &split{since: c.world.now}
		c.splits++
	}
	c.split.excused = c.split.excused || excused
	c.world.logf("--- both serve the same buckets; excused %v", c.split.excused)
}

// normal reports whether both servers live, in the normal state of their mode.
func (c *Cluster) normal() bool {
	a, b := c.servers[0], c.servers[1]
	return a.up && b.up && a.state() == b.state() && (a.state() == ha.LoadBalancing || a.state() == ha.HotStandby)
}

// notice is the latest moment an obstacle may have ended such that every server
// has noticed: time for a heartbeat under way to fail and for another one.
func (c *Cluster) notice(s *server) time.Duration {
	return c.world.now - 2*s.settings.Heart - max(s.settings.Heart, s.settings.Response/3)
}

// promised checks One when a client takes an ACK.
func (c *Cluster) promised(k *client) {
	c.acks++
	for _, o := range c.clients {
		if o == k || !o.holds() || o.addr != k.addr {
			continue
		}
		if c.tainted[k.addr] > c.world.now {
			c.world.logf("--- %s given to %s and %s, excused", k.addr, o.id, k.id)
			c.excuses++
			continue
		}
		c.breaks("One: %s is promised to %s (until %.3f, by %s) and now to %s (by %s)", k.addr, o.id, o.until.Seconds(), o.from.name, k.id, k.from.name)
	}
}

const broken = "BROKEN " // in front of such a line of the trace

func (c *Cluster) breaks(format string, a ...any) {
	c.world.logf(broken+format, a...)
	c.broken = append(c.broken, fmt.Sprintf(format, a...))
}

// excused reports whether what a server promises now may be promised to
// another client too: see the package's documentation.
func (s *server) excused() bool {
	c, p := s.c, s.partner()
	if c.split != nil && c.split.excused {
		return true
	}
	if p == nil {
		return false
	}
	alone := s.state() == ha.PartnerDown || s.state() == ha.CommunicationRecovery
	return alone && s.behind && s.blind || c.Shared && s.policy.Partner == ha.Queue
}
