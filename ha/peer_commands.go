package ha

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"needletail/internal/control"
)

// refusal is the error of an answer that should have been a success.
func refusal(what, peer string, a answer) error {
	return fmt.Errorf("%s refused by %s with result %d: %s", what, peer, a.Result, a.Text)
}

// demand sends a command that must succeed (result 0 or 3).
func (c *client) demand(what string, body []byte, timeout time.Duration) (answer, error) {
	return c.insist(what, control.JSONType, body, timeout)
}

// insist is demand for a body of any content type.
func (c *client) insist(what, kind string, body []byte, timeout time.Duration) (answer, error) {
	a, err := c.exchange(kind, body, timeout)
	if err == nil && a.Result != control.ResultSuccess && a.Result != control.ResultEmpty {
		err = refusal(what, c.peer, a)
	}
	return a, err
}

func (p *peer) demand(what string, body []byte, timeout time.Duration) (answer, error) {
	return p.ctl.demand(what, body, timeout)
}

// heartbeat asks the peer for its state.
func (p *peer) heartbeat(self string, timeout time.Duration) HeartbeatDone {
	if timeout <= 0 {
		timeout = requestTimeout
	}
	a, err := p.beats.call(heartbeatCommand(self), timeout)
	at := time.Now()
	var h partnerStatus
	if err == nil {
		h, err = parseHeartbeat(a)
	}
	state, ok := parseState(h.State)
	if err == nil && !ok {
		err = fmt.Errorf("ha-heartbeat: unknown state %q", h.State)
	}
	if err != nil {
		p.known.forget()
		return HeartbeatDone{Err: err.Error()}
	}
	p.route.choose(p.ability())
	return HeartbeatDone{State: state, Time: h.Time, At: at, Scopes: h.Scopes, Unsent: h.Unsent}
}

// reset sends ha-reset.
func (p *peer) reset(self string) error {
	_, err := p.demand("ha-reset", resetCommand(self), requestTimeout)
	return err
}

// maintenance sends ha-maintenance-notify over a new connection, as a Kea does:
// one that has been idle may turn out to be closed, and a cancel must not be
// sent again for that. If the first one worked, the second would be refused. A
// Kea answers a cancel with its new state since 2.7.5.
func (p *peer) maintenance(ctx context.Context, self string, cancel bool, state State) MaintenanceDone {
	c, done := p.ctl.own(ctx)
	defer done()
	if cancel {
		c.http.MaxIdemponentCallAttempts = 1
	}
	a, err := c.call(maintenanceCommand(self, cancel, state.String()), requestTimeout)
	if err != nil {
		return MaintenanceDone{Result: control.ResultError, Silent: true, Err: err.Error()}
	}
	var args struct{ State string }
	json.Unmarshal(a.Arguments, &args) // absent or odd: no state
	st, _ := parseState(args.State)
	return MaintenanceDone{Result: a.Result, Err: a.Text, State: st}
}
