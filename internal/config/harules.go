package config

import (
	"slices"
	"strings"
)

// roleRules are the conditions on the roles in each mode (Kea: ha_config.cc,
// validate).
var roleRules = map[string]struct{ required, forbidden []string }{
	LoadBalancing: {[]string{Primary, Secondary}, []string{Standby}},
	HotStandby:    {[]string{Primary, Standby}, []string{Secondary}},
	PassiveBackup: {[]string{Primary}, []string{Secondary, Standby}},
}

// roles checks a relationship as a whole.
func (c *checker) roles(r *Relationship, d *relationshipDraft) {
	if d.server.set {
		c.thisServer(r, d.server.at)
	}
	count := make(map[string]int)
	for _, p := range r.Peers {
		count[p.Role]++
	}
	for _, role := range []string{Primary, Secondary, Standby} {
		if count[role] > 1 {
			c.fail(d.peers, "there are %d peers with role %s, keep one", count[role], role)
		}
	}
	rules := roleRules[r.Mode]
	for _, role := range rules.required {
		if count[role] == 0 {
			c.fail(d.peers, "mode %s needs a peer with role %s, add one", r.Mode, role)
		}
	}
	for _, role := range rules.forbidden {
		if count[role] > 0 {
			c.fail(d.peers, "mode %s has no peer with role %s, change its role", r.Mode, role)
		}
	}
	if r.WaitBackupAck && r.Mode != PassiveBackup {
		c.fail(d.waitBackup.at, "wait-backup-ack is for mode passive-backup only, set it to false")
	}
	if r.DelayedUpdatesLimit > 0 && r.Mode != LoadBalancing {
		c.fail(d.delayed.at, "delayed-updates-limit is for mode load-balancing only, set it to 0")
	}
}

func (c *checker) thisServer(r *Relationship, n *node) {
	switch {
	case r.ThisServer == "":
		c.fail(n, "this-server-name is blank, give the name of one of the peers")
	case r.Self() == nil:
		c.fail(n, "%q is not among the peers (%s), correct it or add the peer", r.ThisServer, strings.Join(peerNames(r), ", "))
	}
}

func peerNames(r *Relationship) []string {
	names := make([]string, len(r.Peers))
	for i, p := range r.Peers {
		names[i] = p.Name
	}
	return names
}

// relationships checks several relationships against each other: no name
// twice, and all hot-standby unless our own setting lifts that rule of Kea's
// (ha_config_parser.cc, validateRelationships).
func (c *checker) relationships(all []*Relationship, loadBalancing bool) {
	seen := make(map[string]bool)
	for _, r := range all {
		for _, p := range r.Peers {
			if seen[p.Name] {
				c.wrong(p.At, "peer %q belongs to another relationship as well, names must differ between relationships", p.Name)
			}
		}
		for _, p := range r.Peers {
			seen[p.Name] = true
		}
		allowed := r.Mode == HotStandby || loadBalancing && r.Mode == LoadBalancing
		if len(all) > 1 && !allowed {
			c.wrong(r.At, "several relationships must all be hot-standby, this one is %s; Kea has no other way, needletail allows load-balancing with user-context.needletail.hub-load-balancing", r.Mode)
		}
	}
}

// Active returns the servers that hold a scope of their own, the primary
// first, then in load-balancing the secondary: the order of the scope hash.
func (r *Relationship) Active() []*Peer {
	var active []*Peer
	for _, role := range []string{Primary, Secondary} {
		for _, p := range r.Peers {
			if p.Role == role && (role == Primary || r.Mode == LoadBalancing) {
				active = append(active, p)
			}
		}
	}
	return active
}

// SelfIndex is this server's place in Active, -1 for a standby or backup.
func (r *Relationship) SelfIndex() int {
	return slices.IndexFunc(r.Active(), func(p *Peer) bool { return p.Name == r.ThisServer })
}

// Partner is the server that takes over: the other of primary and secondary or
// standby. It is nil for a backup and in passive-backup.
func (r *Relationship) Partner() *Peer {
	self := r.Self()
	if self == nil || self.Role == Backup {
		return nil
	}
	for _, p := range r.Peers {
		if p != self && p.Role != Backup {
			return p
		}
	}
	return nil
}
