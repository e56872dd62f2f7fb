package ha

import (
	"encoding/json"
	"needletail/internal/control"
	"net/netip"
	"time"
)

// The commands we send are the forms of Kea 3.x. Servers as old as 2.2.0
// accept them: they ignore keys they do not know. One trap is kept: the
// origin of dhcp-disable and dhcp-enable stays a string, because 2.2.0
// refuses an integer there.

// arguments of a command; encoding/json sorts the keys as Kea does.
type arguments map[string]any

// command encodes one command for a DHCPv4 server. args may be nil.
func command(name string, args arguments) []byte {
	m := map[string]any{"command": name, "service": []string{"dhcp4"}}
	if args != nil {
		m["arguments"] = args
	}
	b, err := json.Marshal(m)
	if err != nil {
		panic("ha: encode " + name + ": " + err.Error()) // our own values always encode
	}
	return b
}

// heartbeatCommand carries the sender's own name (since Kea 2.5.5).
func heartbeatCommand(self string) []byte {
	return command("ha-heartbeat", arguments{"server-name": self})
}

func resetCommand(self string) []byte {
	return command("ha-reset", arguments{"server-name": self})
}

// disableCommand silences the partner for at most period, whole seconds; zero
// means until it is enabled again.
func disableCommand(origin control.Origin, period time.Duration) []byte {
	args := arguments{"origin-id": origin, "origin": "ha-partner"}
	if s := int(period / time.Second); s > 0 {
		args["max-period"] = s
	}
	return command("dhcp-disable", args)
}

func enableCommand(origin control.Origin) []byte {
	return command("dhcp-enable", arguments{"origin-id": origin, "origin": "ha-partner"})
}

// syncCompleteCommand always carries all three keys: without an origin, Kea
// 2.5.5 and later release origin 2001 instead of 2000 and stay silent until
// their timer fires.
func syncCompleteCommand(self string, origin control.Origin) []byte {
	return command("ha-sync-complete-notify", arguments{"server-name": self, "origin-id": origin, "origin": origin})
}

// maintenanceCommand asks the partner to enter maintenance, or with cancel to
// leave it; state is ours, on cancel the one about to be entered.
func maintenanceCommand(self string, cancel bool, state string) []byte {
	return command("ha-maintenance-notify", arguments{"server-name": self, "cancel": cancel, "state": state})
}

// pageCommand asks for leases after from; the zero address means from the start.
func pageCommand(from netip.Addr, limit int) []byte {
	start := "start"
	if from.IsValid() {
		start = from.String()
	}
	return command("lease4-get-page", arguments{"from": start, "limit": limit})
}
