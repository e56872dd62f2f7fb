package control

import (
	"encoding/json"
	"slices"
	"testing"
	"time"
)

// fakeTimers runs what was promised for a moment when advance reaches it.
type fakeTimers struct {
	now     time.Duration
	pending []*fakeTimer
}

type fakeTimer struct {
	of *fakeTimers
	at time.Duration
	f  func()
}

func (c *fakeTimers) after(d time.Duration, f func()) Timer {
	t := &fakeTimer{c, c.now + d, f}
	c.pending = append(c.pending, t)
	return t
}

func (t *fakeTimer) Stop() bool {
	i := slices.Index(t.of.pending, t)
	if i >= 0 {
		t.of.pending = slices.Delete(t.of.pending, i, i+1)
	}
	return i >= 0
}

func (t *fakeTimer) Left() time.Duration { return t.at - t.of.now }

func (c *fakeTimers) advance(d time.Duration) {
	c.now += d
	for _, t := range slices.Clone(c.pending) {
		if t.at <= c.now && slices.Contains(c.pending, t) {
			c.pending = slices.Delete(c.pending, slices.Index(c.pending, t), slices.Index(c.pending, t)+1)
			t.f()
		}
	}
}

func TestNetworkState(t *testing.T) {
	const s = time.Second
	type step struct {
		do   func(*NetworkState, *fakeTimers)
		want bool
	}
	disable := func(o Origin, p time.Duration) func(*NetworkState, *fakeTimers) {
		return func(n *NetworkState, _ *fakeTimers) { n.Disable(o, p) }
	}
	enable := func(o Origin) func(*NetworkState, *fakeTimers) {
		return func(n *NetworkState, _ *fakeTimers) { n.Enable(o) }
	}
	pass := func(d time.Duration) func(*NetworkState, *fakeTimers) {
		return func(_ *NetworkState, c *fakeTimers) { c.advance(d) }
	}
	for name, steps := range map[string][]step{
		"origins are counted apart": {
			{disable(OriginUser, 0), false}, {disable(OriginHARemote, 0), false},
			{enable(OriginUser), false}, {enable(OriginHARemote), true}},
		"an administrator does not lift what HA disabled": {
			{disable(OriginHALocal, 0), false}, {enable(OriginUser), false}},
		"a period ends by itself": {
			{disable(OriginHARemote, 60*s), false}, {pass(59 * s), false}, {pass(s), true}},
		"a new period replaces the old": {
			{disable(OriginHARemote, 10*s), false}, {pass(5 * s), false}, {disable(OriginHARemote, 10*s), false},
			{pass(5 * s), false}, {pass(5 * s), true}},
		"disabling without a period leaves the older timer running": {
			{disable(OriginHARemote, 10*s), false}, {disable(OriginHARemote, 0), false}, {pass(10 * s), true}},
		"enabling cancels the timer": {
			{disable(OriginUser, 10*s), false}, {enable(OriginUser), true}, {disable(OriginUser, 0), false}, {pass(20 * s), false}},
		"each origin has its own timer": {
			{disable(OriginUser, 10*s), false}, {disable(OriginHARemote+1, 20*s), false}, {pass(10 * s), false}, {pass(10 * s), true}},
		"a new configuration forgets HA, not the user": {
			{disable(OriginHALocal+3, 0), false}, {disable(OriginHARemote, 0), false}, {disable(OriginUser, 0), false},
			{func(n *NetworkState, _ *fakeTimers) { n.ResetHA() }, false}, {enable(OriginUser), true}},
	} {
		t.Run(name, func(t *testing.T) {
			clock := new(fakeTimers)
			n := NewNetworkState(clock.after)
			for i, step := range steps {
				step.do(n, clock)
				if n.Enabled() != step.want {
					t.Fatalf("step %d: enabled %v, want %v (disabled by %v)", i, n.Enabled(), step.want, n.Disabled())
				}
			}
		})
	}
}

// What another switch takes over is told whole, and this one knows nothing of
// it any more.
func TestHandOver(t *testing.T) {
	clock := new(fakeTimers)
	n := NewNetworkState(clock.after)
	n.Disable(OriginDB, 0)
	n.Disable(OriginUser, time.Minute)
	clock.advance(20 * time.Second)
	want := []Held{{OriginUser, 40 * time.Second}, {OriginDB, 0}}
	if got := n.HandOver(); !slices.Equal(got, want) {
		t.Errorf("handed over %v, want %v", got, want)
	}
	if !n.Enabled() || len(clock.pending) > 0 || len(n.HandOver()) > 0 {
		t.Errorf("still disabled by %v, %d timers", n.Disabled(), len(clock.pending))
	}
}

func TestNetworkCommands(t *testing.T) {
	for _, c := range []struct {
		command, args string
		result        int
		disabled      []Origin
	}{
		{"dhcp-disable", ``, 0, []Origin{1}},
		{"dhcp-disable", `{"origin":"ha-partner"}`, 0, []Origin{2000}},
		{"dhcp-disable", `{"origin":"user"}`, 0, []Origin{1}},
		{"dhcp-disable", `{"origin":2001}`, 0, []Origin{2001}},
		{"dhcp-disable", `{"origin":"ha-partner","origin-id":2002}`, 0, []Origin{2002}},
		{"dhcp-disable", `{"origin":"x"}`, 1, nil},
		{"dhcp-disable", `{"origin-id":"x"}`, 1, nil},
		{"dhcp-disable", `{"max-period":0}`, 1, nil},
		{"dhcp-disable", `{"max-period":-1}`, 1, nil},
		{"dhcp-disable", `{"max-period":"5"}`, 1, nil},
		{"dhcp-disable", `[]`, 1, nil},
		{"dhcp-disable", `null`, 1, nil},
		{"dhcp-enable", `{"origin":[]}`, 1, nil},
	} {
		r, n := NewRegistry(), NewNetworkState(new(fakeTimers).after)
		n.Register(r)
		var args json.RawMessage
		if c.args != "" {
			args = json.RawMessage(c.args)
		}
		got := r.Call(t.Context(), c.command, args)
		if got.Result != c.result || !slices.Equal(n.Disabled(), c.disabled) {
			t.Errorf("%s %s: %+v, disabled by %v; want result %d, %v", c.command, c.args, got, n.Disabled(), c.result, c.disabled)
		}
	}
}

func TestNetworkStateReport(t *testing.T) {
	n := NewNetworkState(new(fakeTimers).after)
	for _, o := range []Origin{1, 1001, 2000, 3001} {
		n.Disable(o, 0)
	}
	got, _ := json.Marshal(n.State())
	const want = `{"globally-disabled":true,"disabled-by-user":true,"disabled-by-local-command":[1001],"disabled-by-remote-command":[2000],"disabled-by-db-connection":[3001]}`
	if string(got) != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}
