package config

import (
	"math"
	"slices"
)

type threadsDraft struct {
	enable, dedicated opt[bool]
	listener, client  opt[int64]
}

var threadsTable = table[threadsDraft]{"high-availability[].multi-threading", slices.Concat(
	[]key[threadsDraft]{
		toggle("enable-multi-threading", func(t *threadsDraft) *opt[bool] { return &t.enable }),
		toggle("http-dedicated-listener", func(t *threadsDraft) *opt[bool] { return &t.dedicated }),
		number("http-listener-threads", 0, math.MaxUint32, func(t *threadsDraft) *opt[int64] { return &t.listener }).with(stateAccepted),
		number("http-client-threads", 0, math.MaxUint32, func(t *threadsDraft) *opt[int64] { return &t.client }),
	}, contextKeys[threadsDraft]())}

// threads: where Dhcp4 is single threaded the hook is too, and then opens no
// listener of its own (Kea: ha_config.cc, validate).
func (c *checker) threads(r *Relationship, n *node, coreThreads bool) {
	if n == nil {
		return
	}
	var d threadsDraft
	threadsTable.load(c, n, &d)
	r.MultiThreading = d.enable.value && coreThreads
	r.DedicatedListener = d.dedicated.value && r.MultiThreading
	r.ClientThreads = int(d.client.value)
}

type machineDraft struct{ states *node }

var machineTable = table[machineDraft]{"high-availability[].state-machine", slices.Concat(
	[]key[machineDraft]{
		part("states", list, func(m *machineDraft) **node { return &m.states }),
	}, contextKeys[machineDraft]())}

type stateDraft struct{ state, pause opt[string] }

// haStates are the states of a server, as on the wire.
var haStates = []string{
	"backup", "communication-recovery", "hot-standby", "load-balancing", "in-maintenance",
	"partner-down", "partner-in-maintenance", "passive-backup", "ready", "syncing", "terminated", "waiting",
}

var stateTable = table[stateDraft]{"high-availability[].state-machine.states[]", slices.Concat(
	[]key[stateDraft]{
		choice("state", haStates, func(s *stateDraft) *opt[string] { return &s.state }),
		choice("pause", []string{"always", "never", "once"}, func(s *stateDraft) *opt[string] { return &s.pause }),
	}, contextKeys[stateDraft]())}

// pauses reads state-machine: state name to always, never or once.
func (c *checker) pauses(n *node) map[string]string {
	var m machineDraft
	if n != nil {
		machineTable.load(c, n, &m)
	}
	pauses := make(map[string]string)
	if m.states == nil {
		return pauses
	}
	for _, item := range m.states.items {
		var s stateDraft
		stateTable.load(c, item, &s)
		switch {
		case item.kind == object && item.get("state") == nil:
			c.fail(item, "there is no state, add its name")
		case !s.state.set:
		case pauses[s.state.value] != "":
			c.fail(s.state.at, "state %s is configured twice, remove one", s.state.value)
		default:
			pauses[s.state.value] = s.pause.value
		}
	}
	return pauses
}
