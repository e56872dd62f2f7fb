package ha

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// refusal is the error of an answer that should have been a success.
func refusal(what, peer string, a answer) error {
	return fmt.Errorf("%s refused by %s with result %d: %s", what, peer, a.Result, a.Text)
}

// demand sends a command that must succeed (result 0 or 3).
func (p *peer) demand(what string, body []byte, timeout time.Duration) (answer, error) {
	a, err := p.ctl.call(body, timeout)
	if err == nil && a.Result != resultSuccess && a.Result != resultEmpty {
		err = refusal(what, p.name, a)
	}
	return a, err
}

// heartbeat asks the peer for its state. After silence, the first good answer
// is followed by asking what the peer understands: it may be another program.
func (p *peer) heartbeat(self string, timeout time.Duration) HeartbeatDone {
	if timeout <= 0 {
		timeout = requestTimeout
	}
	a, err := p.beats.call(heartbeatCommand(self), timeout)
	var h partnerStatus
	if err == nil {
		h, err = parseHeartbeat(a)
	}
	state, ok := ParseState(h.State)
	if err == nil && !ok {
		err = fmt.Errorf("ha-heartbeat: unknown state %q", h.State)
	}
	if err != nil {
		p.can.Store(0)
		return HeartbeatDone{Err: err.Error()}
	}
	if !p.ability().known() {
		p.discover(timeout)
	}
	p.route.choose(p.ability())
	return HeartbeatDone{State: state, Time: h.Time, Scopes: h.Scopes, Unsent: h.Unsent}
}

// discover finds out what the peer understands from its list of commands and
// from its status: Kea shows dhcp-state since 2.7.1, and lease state 3 exists
// since 2.7.0. A peer that refuses to tell is taken for a Kea 2.2, and one that
// does not answer at all remains unknown, which is treated alike.
func (p *peer) discover(timeout time.Duration) {
	can := abilityKnown
	a, err := p.ctl.call(command("list-commands", nil), timeout)
	if err != nil {
		return
	}
	var names []string
	if json.Unmarshal(a.Arguments, &names) == nil && slices.Contains(names, applyName) {
		can |= abilityNeedle
	}
	if a, err := p.ctl.call(command("status-get", nil), timeout); err == nil {
		var status map[string]json.RawMessage
		if json.Unmarshal(a.Arguments, &status) == nil && status["dhcp-state"] != nil {
			can |= abilityReleased
		}
	}
	p.can.Store(uint32(can))
}

// reset sends ha-reset.
func (p *peer) reset(self string) error {
	_, err := p.demand("ha-reset", resetCommand(self), requestTimeout)
	return err
}

// maintenance sends ha-maintenance-notify. A Kea answers a cancel with its new
// state since 2.7.5.
func (p *peer) maintenance(self string, cancel bool, state State) MaintenanceDone {
	a, err := p.ctl.call(maintenanceCommand(self, cancel, state.String()), requestTimeout)
	if err != nil {
		return MaintenanceDone{Result: resultError, Silent: true, Err: err.Error()}
	}
	var args struct{ State string }
	json.Unmarshal(a.Arguments, &args) // absent or odd: no state
	st, _ := ParseState(args.State)
	return MaintenanceDone{Result: a.Result, Err: a.Text, State: st}
}
