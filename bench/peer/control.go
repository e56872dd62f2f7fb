package peer

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
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
	var status struct {
		FastPath struct {
			Verdicts map[string]uint64 `json:"verdicts"`
		} `json:"fast-path"`
	}
	if err := ask(dir, "status-get", &status); err != nil {
		return 0, err
	}
	st, err := statistics(dir)
	v := status.FastPath.Verdicts
	return v["out-of-scope"] + v["unacked"] + st["pkt4-not-for-us"], err
}

// fastPathLine is how needletail logs what it made of an interface.
var fastPathLine = regexp.MustCompile(`fast path interface=\S+ has="([^"]*)"`)

// Active returns how the running server receives, in its own words where it
// tells, else what is known of its kind.
func (p *Peer) Active(dir string) string {
	if p.Mode != "" {
		return p.Mode
	}
	b, err := os.ReadFile(filepath.Join(dir, "server.log"))
	if err != nil {
		return "unknown"
	}
	lines := fastPathLine.FindAllStringSubmatch(string(b), -1)
	if len(lines) == 0 {
		return "kernel socket"
	}
	mode, _, _ := strings.Cut(strings.TrimPrefix(lines[len(lines)-1][1], "driver "), ";")
	return mode
}
