package suite

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"needletail/bench/load"
	"needletail/bench/peer"
	"needletail/bench/record"
)

// Suite is one run of comparisons. It is used by one goroutine.
type Suite struct {
	Run     string    // names the run in every record
	Out     io.Writer // records, one JSON line each
	Say     func(format string, args ...any)
	Dir     string        // scratch space; a real disk, since syncs are measured
	Command string        // what the user typed
	Trial   time.Duration // of a search
	Confirm time.Duration // of the run that confirms what a search found; 0: none
	Steps   int           // halvings of a search
	Clients int
	Medium  load.Medium // of the generator; AnyMedium or "": the best for each contender
	env     record.Environment
	peaks   map[string]*load.Result // highest DORA rates found, by contender
}

// prepare fills what does not change during a run.
func (s *Suite) prepare() {
	if s.env.CPU == "" {
		s.env = record.Machine()
		s.peaks = make(map[string]*load.Result)
	}
}

// medium is how the generator sends to a contender. A socket counts a whole page
// for each live frame against its receive buffer, so that Kea, which leaves the
// buffer at its default size, loses queries at a third of the rate that it
// otherwise serves: only a program of the contender's own gets live frames.
func (s *Suite) medium(c Contender) load.Medium {
	if (s.Medium == "" || s.Medium == load.AnyMedium) && (c.XDP == "" || c.XDP == "off") {
		return load.AFXDPMedium
	}
	return s.Medium
}

// write adds what is known of the run to a record and writes it. A server that
// answered wrongly has failed, which the record shows too.
func (s *Suite) write(r *record.Record) error {
	r.Run, r.Time, r.Command, r.Environment = s.Run, time.Now().UTC(), s.Command, s.env
	if err := record.Write(s.Out, r); err != nil {
		return err
	}
	if r.Result != nil && r.Result.Lies() != "" {
		return fmt.Errorf("%s, %s: %w: %s", r.Work, r.Server.Name, load.ErrWrong, r.Result.Lies())
	}
	return nil
}

// about describes the running servers of a site for its records: durability
// as configured, the way of receiving as the servers themselves tell.
func (st *site) about(p *peer.Peer, setup *peer.Setup) record.Server {
	r := record.Server{Name: p.Name, Version: st.version, Durability: p.Durability, Mode: st.active, Servers: len(st.running)}
	if p.Durability == "" {
		r.Durability = setup.Durability
	}
	if st.held != nil {
		r.Mode += fmt.Sprintf(", held to %g processors", st.held.Processors)
	}
	return r
}

// room makes a fresh directory for one server.
func (s *Suite) room(name string) (string, error) {
	dir, err := os.MkdirTemp(s.Dir, strings.ReplaceAll(name, "/", "-")+"-")
	if err != nil {
		return "", fmt.Errorf("make room for %s: %w", name, err)
	}
	return dir, nil
}

// tail returns the end of what a server printed and logged, for an error.
func tail(dir string) string {
	var out []string
	for _, name := range []string{"output", "server.log", "boot.log"} {
		if b, err := os.ReadFile(filepath.Join(dir, name)); err == nil && len(b) > 0 {
			lines := strings.Split(strings.TrimSpace(string(b)), "\n")
			out = append(out, lines[max(0, len(lines)-5):]...)
		}
	}
	return strings.Join(out, "\n")
}

// measured runs the generator once and charges processor time.
func (s *Suite) measured(ctx context.Context, g *load.Generator, pids []int) (*load.Result, record.CPU, error) {
	own, servers := record.OwnCPU(), processes(pids)
	r, err := g.Run(ctx)
	return r, record.CPU{Generator: record.OwnCPU() - own, Server: processes(pids) - servers}, err
}

// processes returns the processor seconds of several processes; one that has
// ended counts for nothing.
func processes(pids []int) float64 {
	sum := 0.0
	for _, pid := range pids {
		if cpu, err := record.ProcessCPU(pid); err == nil {
			sum += cpu
		}
	}
	return sum
}

// pause waits, but not past the end of ctx.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
