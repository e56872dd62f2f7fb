package config

import "strconv"

// Defaults of the HA hook in Kea 3.x (ha_config_parser.cc, HA_CONFIG_DEFAULTS
// and its siblings). Times are milliseconds.
var relationshipDefaults = []struct {
	name  string
	value node
}{
	{"heartbeat-delay", numeral(10000)},
	{"max-response-delay", numeral(60000)},
	{"max-ack-delay", numeral(10000)},
	{"max-unacked-clients", numeral(10)},
	{"max-rejected-lease-updates", numeral(10)},
	{"send-lease-updates", truth(true)},
	{"sync-leases", truth(true)},
	{"sync-timeout", numeral(60000)},
	{"sync-page-limit", numeral(10000)},
	{"wait-backup-ack", truth(false)},
	{"require-client-certs", truth(true)},
	{"restrict-commands", truth(true)},
	{"multi-threading", node{kind: object}},
}

const delayedUpdatesDefault = 100 // in load-balancing; elsewhere 0

func numeral(n int64) node {
	return node{kind: integer, num: n, literal: strconv.FormatInt(n, 10)}
}

func truth(b bool) node {
	return node{kind: boolean, literal: strconv.FormatBool(b)}
}

// setRelationshipDefaults writes the defaults into the tree.
func setRelationshipDefaults(n *node) {
	limit := numeral(0)
	if mode := n.get("mode"); mode != nil && mode.literal == LoadBalancing {
		limit = numeral(delayedUpdatesDefault)
	}
	n.setDefault("delayed-updates-limit", limit)
	for _, d := range relationshipDefaults {
		n.setDefault(d.name, d.value)
	}
	if mt := n.get("multi-threading"); mt.kind == object {
		mt.setDefault("enable-multi-threading", truth(true))
		mt.setDefault("http-dedicated-listener", truth(true))
		mt.setDefault("http-listener-threads", numeral(0))
		mt.setDefault("http-client-threads", numeral(0))
	}
	setForEach(n.get("peers"), "auto-failover", truth(true))
	setForEach(n.get("state-machine").get("states"), "pause", node{kind: text, literal: "never"})
}

func setForEach(n *node, name string, value node) {
	if n == nil || n.kind != list {
		return
	}
	for _, item := range n.items {
		if item.kind == object {
			item.setDefault(name, value)
		}
	}
}
