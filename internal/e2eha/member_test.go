package e2eha

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"needletail/internal/netif/nettest"
	"needletail/internal/testbed"
)

// member is one server of a site, through all its lives.
type member struct {
	*testbed.Appliance // its present process
	t                  *testing.T
	site               *site
	name               string // as a peer
	host               *nettest.Namespace
	kea                bool
	agent              bool // a single-threaded Kea behind a kea-ctrl-agent
	dir                string
	binary             string // of a needletail; program
	config             string
	logs               []string // of processes that are gone
}

// add makes server number n of the site, with its configuration. It does not
// start it.
func (s *site) add(n int, o setup) *member {
	s.t.Helper()
	m := &member{t: s.t, site: s, name: fmt.Sprint("server", n), host: s.host(n), kea: o.isKea(n), agent: o.agent && o.isKea(n)}
	m.dir = filepath.Join(s.bed.Dir, m.name)
	must(s.t, os.Mkdir(m.dir, 0o755))
	if m.kea {
		s.needs("kea-dhcp4")
	}
	if m.agent {
		s.needs("kea-ctrl-agent")
	}
	m.config = o.config(m, n)
	s.members = append(s.members, m)
	s.t.Cleanup(m.explain)
	return m
}

func (s *site) needs(programs ...string) {
	s.t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			if _, err := os.Stat("/usr/sbin/" + p); err != nil {
				s.t.Skipf("%s is not installed (make deps)", p)
			}
		}
	}
}

func (m *member) socket() string { return filepath.Join(m.dir, "ctl") }

// start runs the server; again after its end, with the files it left.
func (m *member) start() {
	m.t.Helper()
	if m.Appliance != nil {
		m.logs = append(m.logs, m.Log())
	}
	file := filepath.Join(m.dir, "conf")
	must(m.t, os.WriteFile(file, []byte(m.config), 0o644))
	args, env := []string{cmp.Or(m.binary, program), "serve", "-c", file}, []string(nil)
	if m.kea {
		os.Remove(m.socket() + ".lock")
		args, env = []string{"/usr/sbin/kea-dhcp4", "-c", file}, []string{"KEA_PIDFILE_DIR=" + m.dir, "KEA_LOCKFILE_DIR=none"}
	}
	a, err := m.site.bed.Start(m.host, args, env...)
	must(m.t, err)
	a.Config, a.Socket = file, m.socket()
	m.Appliance = a
	if m.kea {
		must(m.t, a.Says(deadline(m.t), "DHCP4_STARTED"))
	} else {
		must(m.t, a.Started(deadline(m.t)))
	}
	if m.agent {
		m.startAgent()
	}
}

// startAgent runs a kea-ctrl-agent where the partner looks for this server.
func (m *member) startAgent() {
	m.t.Helper()
	file := filepath.Join(m.dir, "agent")
	text := fmt.Sprintf(`{ "Control-agent": { "http-host": "10.77.0.%s", "http-port": 8000,
 "control-sockets": { "dhcp4": { "socket-type": "unix", "socket-name": %q } } } }`, strings.TrimPrefix(m.name, "server"), m.socket())
	must(m.t, os.WriteFile(file, []byte(text), 0o644))
	_, err := m.site.bed.Start(m.host, []string{"/usr/sbin/kea-ctrl-agent", "-c", file}, "KEA_PIDFILE_DIR="+m.dir, "KEA_LOCKFILE_DIR=none")
	must(m.t, err)
}

// explain shows what the servers said, if the test failed.
func (m *member) explain() {
	if !m.t.Failed() || m.Appliance == nil {
		return
	}
	for i, log := range append(m.logs, m.Log()) {
		lines := slices.DeleteFunc(strings.Split(log, "\n"), func(l string) bool { return strings.Contains(l, "COMMAND_RECEIVED") })
		m.t.Logf("%s, process %d:\n%s", m.name, i+1, strings.Join(lines[max(0, len(lines)-60):], "\n"))
	}
}

// ask runs a command on the control socket, which must work.
func (m *member) ask(name, args string) testbed.Answer {
	m.t.Helper()
	a, err := m.Command(name, args)
	if err != nil {
		m.t.Fatalf("%s at %s: %v", name, m.name, err)
	}
	return a
}

// do is ask for a command that must succeed.
func (m *member) do(name, args string) {
	m.t.Helper()
	if a := m.ask(name, args); a.Result != 0 {
		m.t.Fatalf("%s at %s: %d %s", name, m.name, a.Result, a.Text)
	}
}

// relation is one relationship in status-get.
type relation struct {
	Mode    string `json:"ha-mode"`
	Servers struct {
		Local struct {
			Role, State string
			Name        string `json:"server-name"`
			Scopes      []string
		}
		Remote *struct {
			Role        string
			Name        string   `json:"server-name"`
			State       string   `json:"last-state"`
			Scopes      []string `json:"last-scopes"`
			Interrupted bool     `json:"communication-interrupted"`
			Unacked     int      `json:"unacked-clients"`
		}
	} `json:"ha-servers"`
}

// relations is what status-get tells; none while the server does not answer.
func (m *member) relations() []relation {
	a, err := m.Command("status-get", "")
	if err != nil {
		return nil
	}
	var in struct {
		HA []relation `json:"high-availability"`
	}
	json.Unmarshal(a.Arguments, &in)
	return in.HA
}

// state of a relationship, by index.
func (m *member) state(i int) string {
	if all := m.relations(); i < len(all) {
		return all[i].Servers.Local.State
	}
	return ""
}

// reach waits for a state of the first relationship.
func (m *member) reach(state string) {
	m.t.Helper()
	waitFor(m.t, m.name+" to reach "+state, func() bool { return m.state(0) == state })
}

// reach has several servers get to a state.
func reach(state string, all ...*member) {
	for _, m := range all {
		m.t.Helper()
		m.reach(state)
	}
}
