package ha

import "needletail/internal/config"

// cautions says what of a relationship works and is seldom meant: Kea accepts
// it and tells it in the log (Kea: ha_config_parser.cc, ha_config.cc).
func cautions(r *config.Relationship, core config.Threading) (said []string) {
	say := func(is bool, what string) {
		if is {
			said = append(said, what)
		}
	}
	partner := r.Partner() != nil
	say(!r.SendLeaseUpdates, "send-lease-updates is off: the other servers do not hear of leases given here")
	say(partner && !r.SyncLeases, "sync-leases is off: leases given while this server was away stay unknown to it")
	say(partner && r.SendLeaseUpdates != r.SyncLeases,
		"send-lease-updates and sync-leases differ: only one of the two ways for a lease between the servers is open")
	if self := r.Self(); partner && self != nil {
		say(!self.AutoFailover, "auto-failover of this server is off: when its partner is down, an administrator must give it the partner's clients")
	}
	switch {
	case !core.Enabled:
		say(true, "multi-threading of Dhcp4 is off, and with it that of HA: there is no dedicated listener, partners must come by a control socket")
	case !r.MultiThreading:
		say(true, "multi-threading of HA is off though that of Dhcp4 is on: there is no dedicated listener, partners must come by a control socket")
	}
	return said
}
