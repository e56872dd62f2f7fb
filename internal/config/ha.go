package config

import (
	"math"
	"slices"
	"strings"
)

// relationshipDraft is one element of high-availability as written.
type relationshipDraft struct {
	at                                             *node
	server, mode                                   opt[string]
	trust, cert, key                               opt[string]
	heartbeat, response, ack, unacked, rejected    opt[int64]
	delayed, syncTimeout, syncPage                 opt[int64]
	sendUpdates, sync, waitBackup, certs, restrict opt[bool]
	threads, machine, peers                        *node
}

// Modes and roles of the HA hook.
const (
	LoadBalancing = "load-balancing"
	HotStandby    = "hot-standby"
	PassiveBackup = "passive-backup"

	Primary   = "primary"
	Secondary = "secondary"
	Standby   = "standby"
	Backup    = "backup"
)

// relationshipTable: rows and defaults of Kea's HA hook (ha_config_parser.cc).
var relationshipTable = table[relationshipDraft]{"high-availability[]", slices.Concat(
	[]key[relationshipDraft]{
		word("this-server-name", func(r *relationshipDraft) *opt[string] { return &r.server }),
		choice("mode", []string{LoadBalancing, HotStandby, PassiveBackup}, func(r *relationshipDraft) *opt[string] { return &r.mode }),
		seconds("heartbeat-delay", func(r *relationshipDraft) *opt[int64] { return &r.heartbeat }),
		seconds("max-response-delay", func(r *relationshipDraft) *opt[int64] { return &r.response }),
		seconds("max-ack-delay", func(r *relationshipDraft) *opt[int64] { return &r.ack }),
		seconds("max-unacked-clients", func(r *relationshipDraft) *opt[int64] { return &r.unacked }),
		seconds("max-rejected-lease-updates", func(r *relationshipDraft) *opt[int64] { return &r.rejected }),
		seconds("delayed-updates-limit", func(r *relationshipDraft) *opt[int64] { return &r.delayed }),
		seconds("sync-timeout", func(r *relationshipDraft) *opt[int64] { return &r.syncTimeout }),
		number("sync-page-limit", 1, math.MaxUint32, func(r *relationshipDraft) *opt[int64] { return &r.syncPage }),
		toggle("send-lease-updates", func(r *relationshipDraft) *opt[bool] { return &r.sendUpdates }),
		toggle("sync-leases", func(r *relationshipDraft) *opt[bool] { return &r.sync }),
		toggle("wait-backup-ack", func(r *relationshipDraft) *opt[bool] { return &r.waitBackup }),
		toggle("require-client-certs", func(r *relationshipDraft) *opt[bool] { return &r.certs }),
		toggle("restrict-commands", func(r *relationshipDraft) *opt[bool] { return &r.restrict }),
		word("trust-anchor", func(r *relationshipDraft) *opt[string] { return &r.trust }),
		word("cert-file", func(r *relationshipDraft) *opt[string] { return &r.cert }),
		word("key-file", func(r *relationshipDraft) *opt[string] { return &r.key }),
		part("multi-threading", object, func(r *relationshipDraft) **node { return &r.threads }),
		part("state-machine", object, func(r *relationshipDraft) **node { return &r.machine }),
		part("peers", list, func(r *relationshipDraft) **node { return &r.peers }),
	}, contextKeys[relationshipDraft]())}

type haDraft struct{ relationships *node }

var haTable = table[haDraft]{"libdhcp_ha.so parameters", slices.Concat(
	[]key[haDraft]{
		part("high-availability", list, func(h *haDraft) **node { return &h.relationships }),
	}, contextKeys[haDraft]())}

// highAvailability reads the parameters of the HA hook: a list with one element
// for each relationship.
func (c *checker) highAvailability(hook, parameters *node, coreThreads bool) []*Relationship {
	var d haDraft
	if parameters != nil {
		haTable.load(c, parameters, &d)
	}
	if d.relationships == nil {
		if parameters.get("high-availability") == nil {
			c.fail(hook, "libdhcp_ha.so needs the parameter high-availability, add it")
		}
		return nil
	}
	if len(d.relationships.items) == 0 {
		c.fail(d.relationships, "high-availability is empty, add a relationship or remove the library")
	}
	var all []*Relationship
	for i, item := range d.relationships.items {
		if r := c.relationship(item, coreThreads); r != nil {
			r.Index = i
			all = append(all, r)
		}
	}
	return all
}

// relationship reads one relationship. Its defaults are written into the tree
// too, as Kea shows them in config-get.
func (c *checker) relationship(n *node, coreThreads bool) *Relationship {
	if !c.is(n, object) {
		return nil
	}
	setRelationshipDefaults(n)
	d := relationshipDraft{at: n}
	relationshipTable.load(c, n, &d)
	for _, name := range []string{"this-server-name", "mode", "peers"} {
		if n.get(name) == nil {
			c.fail(n, "there is no %s, add it", name)
		}
	}
	if d.peers == nil || !d.mode.set {
		return nil
	}
	r := d.values()
	r.At = n.position(c.src)
	c.threads(r, d.threads, coreThreads)
	r.Pauses = c.pauses(d.machine)
	c.peers(r, &d)
	c.roles(r, &d)
	return r
}

func (d *relationshipDraft) values() *Relationship {
	return &Relationship{
		ThisServer: strings.TrimSpace(d.server.value), Mode: d.mode.value,
		HeartbeatDelay:          inMillis(d.heartbeat.value),
		MaxResponseDelay:        inMillis(d.response.value),
		MaxAckDelay:             inMillis(d.ack.value),
		MaxUnackedClients:       uint32(d.unacked.value),
		MaxRejectedLeaseUpdates: uint32(d.rejected.value),
		DelayedUpdatesLimit:     uint32(d.delayed.value),
		SendLeaseUpdates:        d.sendUpdates.value,
		SyncLeases:              d.sync.value,
		SyncTimeout:             inMillis(d.syncTimeout.value),
		SyncPageLimit:           uint32(d.syncPage.value),
		WaitBackupAck:           d.waitBackup.value,
		RestrictCommands:        d.restrict.value,
		RequireClientCerts:      d.certs.value,
	}
}
