package ha

import (
	"time"

	"needletail/internal/control"
)

// report is the member high-availability of status-get: one element per
// relationship.
func (d *Driver) report() any {
	out := make([]any, 0, len(d.links))
	err := d.do(func() {
		now := time.Now()
		for i, l := range d.links {
			out = append(out, l.report4(d.machine.Status(i, now)))
		}
	})
	if err != nil {
		return nil
	}
	return out
}

// report4 describes one relationship (Kea: ha_service.cc, processStatusGet;
// communication_state.cc, getReport). A backup and passive-backup mode have no
// remote part.
func (l *link) report4(s Status) any {
	servers := arguments{"local": arguments{
		"role": s.Role.String(), "scopes": list(s.Scopes), "state": s.State.String(),
		"server-name": l.conf.ThisServer, "system-time": timestamp(s.HasSkew, s.LocalTime),
	}}
	if l.partner != nil {
		servers["remote"] = l.remote(s)
	}
	return arguments{"ha-mode": s.Mode.String(), "ha-servers": servers}
}

func (l *link) remote(s Status) any {
	var skew any
	if s.HasSkew {
		skew = s.Skew
	}
	role := ""
	for _, p := range l.conf.Peers {
		if p.Name == l.partner.name {
			role = p.Role
		}
	}
	return arguments{
		"age": int(s.Age / time.Second), "analyzed-packets": s.Counted.Analyzed,
		"clock-skew": skew, "communication-interrupted": s.Interrupted,
		"connecting-clients": s.Counted.Connecting, "in-touch": s.InTouch,
		"last-scopes": list(s.LastScopes), "last-state": s.Partner.String(),
		"role": role, "server-name": l.partner.name,
		"system-time":     timestamp(s.HasSkew, s.PartnerTime),
		"unacked-clients": s.Counted.Unacked, "unacked-clients-left": s.UnackedLeft,
	}
}

// timestamp is UTC as status-get writes it, null while unknown.
func timestamp(known bool, t time.Time) any {
	if !known {
		return nil
	}
	return t.UTC().Format(reportLayout)
}

// serviceReport is the member dhcp-state: who disables the service.
func (d *Driver) serviceReport() any {
	var origins []control.Origin
	if d.do(func() { origins = d.machine.Service().Origins() }) != nil {
		return nil
	}
	return control.ServiceState(origins)
}
