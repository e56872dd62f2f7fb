package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"needletail/internal/netif/nettest"
	"needletail/internal/testbed"
	"needletail/internal/transcript"
	"needletail/internal/transcript/wire"
	"needletail/leases"
)

// daemon is the real binary as a transcript.Server: one namespace for it, one
// for its clients, a veth pair for each interface. Time cannot be set for it,
// nor scopes; transcripts that do are not for it.
type daemon struct {
	t          *testing.T
	bed        *testbed.Bed
	wire       *wire.Wire
	app        *testbed.Appliance
	interfaces []string // a wildcard would leave out those without an address
}

func newDaemon(t *testing.T) *daemon {
	lab := nettest.ForTest(t)
	bed, err := testbed.Open(t.Context(), lab)
	must(t, err)
	w, err := wire.Open(lab)
	must(t, err)
	t.Cleanup(func() {
		w.Close()
		bed.Close()
	})
	return &daemon{t: t, bed: bed, wire: w}
}

// Start implements transcript.Server.
func (d *daemon) Start(doc []byte, ifs []transcript.Interface) error {
	for _, i := range ifs {
		if _, err := d.wire.Connect(i); err != nil {
			return err
		}
		d.interfaces = append(d.interfaces, i.Name)
	}
	text, err := d.document(doc)
	if err != nil {
		return err
	}
	d.app, err = d.bed.Serve(deadline(d.t, 30*time.Second), d.wire.Server, program, text)
	return err
}

// document adds what a daemon needs and a transcript does not say.
func (d *daemon) document(doc []byte) (_ string, err error) {
	var whole map[string]map[string]json.RawMessage
	if err := json.Unmarshal(doc, &whole); err != nil {
		return "", err
	}
	dhcp4 := whole["Dhcp4"]
	dhcp4["lease-database"] = fmt.Appendf(nil, `{ "type": "memfile", "persist": true, "name": "%s/leases.csv" }`, d.bed.Dir)
	dhcp4["control-socket"] = fmt.Appendf(nil, `{ "socket-type": "unix", "socket-name": "%s" }`, d.bed.Socket(d.wire.Server))
	var interfaces map[string]any
	if err := json.Unmarshal(dhcp4["interfaces-config"], &interfaces); err != nil {
		return "", err
	}
	interfaces["interfaces"] = d.interfaces
	if dhcp4["interfaces-config"], err = json.Marshal(interfaces); err != nil {
		return "", err
	}
	dhcp4["loggers"] = []byte(`[ { "name": "kea-dhcp4", "severity": "INFO", "output_options": [ { "output": "stdout" } ] }, { "name": "kea-dhcp4.commands", "severity": "WARN" } ]`)
	text, err := json.Marshal(whole)
	return string(text), err
}

// Reload implements transcript.Server.
func (d *daemon) Reload(doc []byte) error {
	text, err := d.document(doc)
	if err != nil {
		return err
	}
	if err := os.WriteFile(d.app.Config, []byte(text), 0o644); err != nil {
		return err
	}
	answer, err := d.app.Command("config-reload", "")
	if err == nil && answer.Result != 0 {
		err = fmt.Errorf("config-reload: %s", answer.Text)
	}
	return err
}

// Restart implements transcript.Server: the power fails.
func (d *daemon) Restart() (err error) {
	text, err := os.ReadFile(d.app.Config)
	if err != nil {
		return err
	}
	d.app.Kill()
	d.app, err = d.bed.Serve(deadline(d.t, 30*time.Second), d.wire.Server, program, string(text))
	return err
}

// Advance implements transcript.Server: the daemon's clock cannot be set, but a
// short time can be waited for.
func (d *daemon) Advance(pass time.Duration) error {
	time.Sleep(pass)
	return nil
}

// Do implements transcript.Server: leases is what a daemon can show.
func (d *daemon) Do(s transcript.Step) ([]string, error) {
	if s.Verb != "leases" {
		return nil, fmt.Errorf("%w: %s", transcript.ErrCannot, s.Verb)
	}
	answer, err := d.app.Command("lease4-get-all", "")
	if err != nil {
		return nil, err
	}
	var list struct{ Leases []leaseJSON }
	if err := json.Unmarshal(answer.Arguments, &list); err != nil {
		return nil, err
	}
	if len(list.Leases) == 0 {
		return []string{"no leases"}, nil
	}
	slices.SortFunc(list.Leases, func(a, b leaseJSON) int { return a.Addr.Compare(b.Addr) })
	var lines []string
	for _, l := range list.Leases {
		lines = append(lines, l.String())
	}
	return lines, nil
}

// leaseJSON is a lease as Kea's commands show it.
type leaseJSON struct {
	Addr     netip.Addr      `json:"ip-address"`
	Subnet   uint32          `json:"subnet-id"`
	State    leases.State    `json:"state"`
	Lifetime uint32          `json:"valid-lft"`
	MAC      string          `json:"hw-address"`
	ClientID string          `json:"client-id"`
	Hostname string          `json:"hostname"`
	Context  json.RawMessage `json:"user-context"`
}

// String is the line of a transcript.
func (l leaseJSON) String() string {
	line := fmt.Sprintf("lease %s subnet=%d %s lft=%d", l.Addr, l.Subnet, l.State, l.Lifetime)
	for _, part := range []struct{ name, value string }{
		{"mac", l.MAC}, {"cid", strings.ReplaceAll(l.ClientID, ":", "")}, {"host", l.Hostname}, {"context", string(l.Context)},
	} {
		if part.value != "" {
			line += " " + part.name + "=" + part.value
		}
	}
	return line
}

// Exchange implements transcript.Server. Why there is no reply, the statistics
// tell.
func (d *daemon) Exchange(q transcript.Query) (transcript.Reply, error) {
	before, err := d.silences()
	if err != nil {
		return transcript.Reply{}, err
	}
	if err := d.wire.Send(q); err != nil {
		return transcript.Reply{}, err
	}
	for range 100 {
		if r, err := d.wire.Hear(q, 20*time.Millisecond); !errors.Is(err, wire.ErrSilent) {
			return r, err
		}
		now, err := d.silences()
		if err != nil {
			return transcript.Reply{}, err
		}
		for name, n := range now {
			if n != before[name] {
				return transcript.Reply{Silence: strings.TrimPrefix(name, silencePrefix)}, nil
			}
		}
	}
	return transcript.Reply{}, fmt.Errorf("neither a reply nor a silence; the server wrote:\n%s", d.app.Log())
}

const silencePrefix = "pkt4-silence-"

// silences are the counters that say why a query got no reply.
func (d *daemon) silences() (map[string]string, error) {
	answer, err := d.app.Command("statistic-get-all", "")
	if err != nil {
		return nil, err
	}
	var raw map[string][][]json.RawMessage
	if err := json.Unmarshal(answer.Arguments, &raw); err != nil {
		return nil, err
	}
	counts := make(map[string]string)
	for name, samples := range raw {
		if strings.HasPrefix(name, silencePrefix) && len(samples) > 0 {
			counts[name] = string(samples[0][0])
		}
	}
	return counts, nil
}
