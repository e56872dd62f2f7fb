package peer

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"time"
)

// answerLimit bounds the wait for a command under load.
const answerLimit = 5 * time.Second

// ask sends a command to the control socket that keaConfig names and returns
// its arguments.
func ask(dir, command string, arguments any) error {
	conn, err := net.DialTimeout("unix", filepath.Join(dir, "control"), answerLimit)
	if err != nil {
		return fmt.Errorf("command %s: %w", command, err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(answerLimit)); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(conn, `{"command":%q}`, command); err != nil {
		return fmt.Errorf("command %s: %w", command, err)
	}
	var answer struct {
		Result    int             `json:"result"`
		Text      string          `json:"text"`
		Arguments json.RawMessage `json:"arguments"`
	}
	if err := json.NewDecoder(conn).Decode(&answer); err != nil {
		return fmt.Errorf("command %s: %w", command, err)
	}
	if answer.Result != 0 {
		return fmt.Errorf("command %s: result %d, %s", command, answer.Result, answer.Text)
	}
	return json.Unmarshal(answer.Arguments, arguments)
}

// statistics reads statistic-get-all: the newest sample of each that is a
// number.
func statistics(dir string) (map[string]uint64, error) {
	var all map[string][][]any
	if err := ask(dir, "statistic-get-all", &all); err != nil {
		return nil, err
	}
	out := make(map[string]uint64, len(all))
	for name, samples := range all {
		if len(samples) > 0 && len(samples[0]) > 0 {
			if v, ok := samples[0][0].(float64); ok {
				out[name] = uint64(v)
			}
		}
	}
	return out, nil
}

// Refused returns how many queries the server whose files are in dir has taken
// in and left to another server since it started.
func (p *Peer) Refused(dir string) (uint64, error) {
	if p.refused == nil {
		return 0, fmt.Errorf("%s does not tell what it refused", p.Name)
	}
	return p.refused(dir)
}

// keaRefused counts what Kea received and never got to the point of counting
// by type: Kea 2.2 counts a query that its HA hook drops nowhere else. Queries
// that overran its packet queue are among them, in Kea's favour.
func keaRefused(dir string) (uint64, error) {
	st, err := statistics(dir)
	if err != nil {
		return 0, err
	}
	n := st["pkt4-received"]
	for _, kind := range []string{"discover", "request", "release", "decline", "inform", "unknown"} {
		n -= min(n, st["pkt4-"+kind+"-received"])
	}
	return n, nil
}

// needletailRefused adds what the XDP program dropped for another server and
// what user space left to it.
func needletailRefused(dir string) (uint64, error) {
	var status status
	if err := ask(dir, "status-get", &status); err != nil {
		return 0, err
	}
	st, err := statistics(dir)
	v := status.FastPath.Verdicts
	return v["out-of-scope"] + v["unacked"] + st["pkt4-not-for-us"], err
}

// status is what of needletail's status-get is of use here.
type status struct {
	FastPath struct {
		Verdicts   map[string]uint64 `json:"verdicts"`
		Interfaces []attached        `json:"interfaces"`
		Reason     string            `json:"reason"` // why there is no fast path
	} `json:"fast-path"`
}

// attached is what an interface has of the fast path.
type attached struct {
	Name    string   `json:"name"`
	Driver  string   `json:"driver"`
	XDP     string   `json:"xdp"`
	Queues  int      `json:"queues"`
	AFXDP   string   `json:"af-xdp"` // copy, zero-copy, off
	Sockets int      `json:"af-xdp-queues"`
	Live    int      `json:"live-queues"`
	Remarks []string `json:"remarks"`
}

// on returns what an interface has; kernel sockets serve one that is not listed.
func (st *status) on(ifname string) attached {
	for _, a := range st.FastPath.Interfaces {
		if a.Name == ifname {
			return a
		}
	}
	return attached{Name: ifname, XDP: "off", Remarks: []string{st.FastPath.Reason}}
}

// as tells whether an interface has what a setup asks for.
func (a *attached) as(s *Setup) bool {
	switch {
	case s.XDP == "" || s.XDP == "auto":
		return true
	case s.XDP != a.XDP:
		return false
	case s.AFXDP == "on":
		return a.Sockets > 0 && a.Sockets == a.Queues
	}
	return a.Sockets == 0
}

func (a *attached) String() string {
	if a.XDP == "off" {
		return "kernel socket"
	}
	text := fmt.Sprintf("%s, %s XDP, kernel socket", a.Driver, a.XDP)
	if a.Sockets > 0 {
		text = fmt.Sprintf("%s, %s XDP, AF_XDP (%s) on %d of %d queues", a.Driver, a.XDP, a.AFXDP, a.Sockets, a.Queues)
	}
	if a.Live > 0 {
		text += ", live replies"
	}
	return text
}

// again is how often Receives asks.
const again = 100 * time.Millisecond

// Receives waits until the running server receives in the way its setup asks
// for, and returns that way in the server's own words where it tells, else what
// is known of its kind. The end of ctx is an error that says what it has instead.
func (p *Peer) Receives(ctx context.Context, s *Setup, dir string) (string, error) {
	if p.Mode != "" {
		return p.Mode, nil
	}
	for {
		var st status
		if err := ask(dir, "status-get", &st); err != nil {
			return "", err
		}
		has := st.on(s.Interface)
		if has.as(s) {
			return has.String(), nil
		}
		select {
		case <-time.After(again):
		case <-ctx.Done():
			return "", fmt.Errorf("asked for xdp %s, af-xdp %s, it receives by: %s (%s)", s.XDP, s.AFXDP, &has, strings.Join(has.Remarks, "; "))
		}
	}
}
