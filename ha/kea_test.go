package ha

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"needletail/internal/config"
	"needletail/internal/control"
	"needletail/leases"
)

const (
	keaBinary = "/usr/sbin/kea-dhcp4"
	keaHooks  = "/usr/lib/x86_64-linux-gnu/kea/hooks"
)

// realKea is a kea-dhcp4 process of Debian, its HA listener on loopback. It
// opens no DHCP socket: these tests are about the protocol between servers.
type realKea struct {
	t      *testing.T
	dir    string
	self   string // server1 or server2
	mode   string
	peers  []*config.Peer
	leases []string // lines of the lease file at the first start
	extra  string   // more members of the relationship, each ending in a comma
	agent  bool     // single threaded, behind a kea-ctrl-agent at its address
	cmd    *exec.Cmd
	ca     *exec.Cmd
}

func newRealKea(t *testing.T, self, mode string, peers []*config.Peer) *realKea {
	if _, err := os.Stat(keaBinary); err != nil {
		t.Skip("needs Debian's kea-dhcp4-server: ", err)
	}
	dir, err := os.MkdirTemp("", "kea") // a short path: it holds a UNIX socket
	if err != nil {
		t.Fatal(err)
	}
	k := &realKea{t: t, dir: dir, self: self, mode: mode, peers: peers}
	t.Cleanup(func() {
		k.kill()
		if t.Failed() {
			log, _ := os.ReadFile(filepath.Join(dir, "log"))
			lines := slices.DeleteFunc(strings.Split(string(log), "\n"), func(l string) bool {
				return strings.HasSuffix(l, "'ha-heartbeat'") // waiting for a state asks all the time
			})
			t.Logf("end of Kea's log:\n%s", strings.Join(lines[max(0, len(lines)-60):], "\n"))
		}
		os.RemoveAll(dir)
	})
	return k
}

const keaConfig = `{ "Dhcp4": {
 "interfaces-config": { "interfaces": [ ] },
 "control-socket": { "socket-type": "unix", "socket-name": "%[1]s/ctl" },
 "lease-database": { "type": "memfile", "persist": true, "name": "%[1]s/leases4.csv", "lfc-interval": 0 },
 "multi-threading": { "enable-multi-threading": %[7]t, "thread-pool-size": 2, "packet-queue-size": 64 },
 "valid-lifetime": 600, "store-extended-info": true,
 "hooks-libraries": [
  { "library": "%[2]s/libdhcp_lease_cmds.so" },
  { "library": "%[2]s/libdhcp_ha.so", "parameters": { "high-availability": [ {
    "this-server-name": "%[3]s", "mode": "%[4]s",%[8]s
    "heartbeat-delay": 300, "max-response-delay": 2000, "max-ack-delay": 1000, "max-unacked-clients": 0,
    "sync-page-limit": 10, "delayed-updates-limit": %[5]d,
    "multi-threading": { "enable-multi-threading": %[7]t, "http-dedicated-listener": %[7]t, "http-listener-threads": 2, "http-client-threads": 2 },
    "peers": [ %[6]s ] } ] } } ],
 "subnet4": [ { "id": 1, "subnet": "192.0.2.0/24", "pools": [ { "pool": "192.0.2.10 - 192.0.2.189" } ] } ],
 "loggers": [ { "name": "kea-dhcp4", "severity": "INFO", "output_options": [ { "output": "%[1]s/log", "flush": true } ] } ]
} }`

// start runs the process; also again, after kill, with the leases it had.
func (k *realKea) start() {
	k.t.Helper()
	delayed, peers := 0, []string{}
	if k.mode == "load-balancing" {
		delayed = 100
	}
	for _, p := range k.peers {
		peers = append(peers, fmt.Sprintf(`{ "name": %q, "url": %q, "role": %q, "auto-failover": true, "basic-auth-user": %q, "basic-auth-password": %q }`, p.Name, p.URL, p.Role, p.User, p.Password))
	}
	conf := fmt.Sprintf(keaConfig, k.dir, keaHooks, k.self, k.mode, delayed, strings.Join(peers, ", "), !k.agent, k.extra)
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(k.dir, name), []byte(text), 0o644); err != nil {
			k.t.Fatal(err)
		}
	}
	write("conf", conf)
	if k.cmd == nil && len(k.leases) > 0 {
		write("leases4.csv", "address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname,state,user_context\n"+
			strings.Join(k.leases, "\n")+"\n")
	}
	k.cmd = exec.Command(keaBinary, "-c", filepath.Join(k.dir, "conf"))
	k.cmd.Env = append(os.Environ(), "KEA_PIDFILE_DIR="+k.dir, "KEA_LOCKFILE_DIR="+k.dir)
	if err := k.cmd.Start(); err != nil {
		k.t.Fatal(err)
	}
	waitFor(k.t, "Kea listens", func() bool {
		c, err := net.Dial("unix", filepath.Join(k.dir, "ctl"))
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	if k.agent {
		k.startAgent()
	}
}

// startAgent runs a kea-ctrl-agent where the partner looks for this server.
func (k *realKea) startAgent() {
	var at netip.AddrPort
	for _, p := range k.peers {
		if p.Name == k.self {
			at = p.Addr
		}
	}
	conf := filepath.Join(k.dir, "agent")
	text := fmt.Sprintf(`{ "Control-agent": { "http-host": %q, "http-port": %d,
 "control-sockets": { "dhcp4": { "socket-type": "unix", "socket-name": "%s/ctl" } } } }`, at.Addr(), at.Port(), k.dir)
	if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
		k.t.Fatal(err)
	}
	k.ca = exec.Command("/usr/sbin/kea-ctrl-agent", "-c", conf)
	k.ca.Env = append(os.Environ(), "KEA_PIDFILE_DIR="+k.dir, "KEA_LOCKFILE_DIR="+k.dir)
	if err := k.ca.Start(); err != nil {
		k.t.Skip("needs Debian's kea-ctrl-agent: ", err)
	}
}

// kill ends the process as a power failure would.
func (k *realKea) kill() {
	for _, c := range []*exec.Cmd{k.cmd, k.ca} {
		if c != nil && c.ProcessState == nil {
			c.Process.Kill()
			c.Wait()
		}
	}
}

// ask runs a command on the control socket.
func (k *realKea) ask(command string, args any) (r answer) {
	k.t.Helper()
	c, err := net.Dial("unix", filepath.Join(k.dir, "ctl"))
	if err != nil {
		k.t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(20 * time.Second))
	q := map[string]any{"command": command}
	if args != nil {
		q["arguments"] = args
	}
	json.NewEncoder(c).Encode(q)
	raw, err := io.ReadAll(c)
	if err != nil {
		k.t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &r); err != nil {
		k.t.Fatalf("%s: %s: %v", command, raw, err)
	}
	return r
}

func (k *realKea) reach(want State) {
	k.t.Helper()
	waitFor(k.t, "Kea reaches "+want.String(), func() bool {
		h, err := parseHeartbeat(k.ask("ha-heartbeat", nil))
		return err == nil && h.State == want.String()
	})
}

// state is lease4-get's state of an address; -1 where it has no lease.
func (k *realKea) state(addr string) int {
	a := k.ask("lease4-get", map[string]string{"ip-address": addr})
	if a.Result == control.ResultEmpty {
		return -1
	}
	var l struct{ State int }
	json.Unmarshal(a.Arguments, &l)
	return l.State
}

// leaseTable is all leases of a lease4-get-all answer, by address, without what
// differs by version.
func leaseTable(t *testing.T, raw json.RawMessage) map[string]string {
	t.Helper()
	var in struct{ Leases []map[string]any }
	if err := json.Unmarshal(raw, &in); err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, l := range in.Leases {
		b, _ := json.Marshal(l)
		out[l["ip-address"].(string)] = string(b)
	}
	return out
}

func (k *realKea) table() map[string]string {
	return leaseTable(k.t, k.ask("lease4-get-all", nil).Arguments)
}

// table asks the node over its own HTTP listener, as a partner would.
func (n *node) table(t *testing.T) map[string]string {
	a, err := n.via(t, 0).call(command("lease4-get-all", nil), requestTimeout)
	if err != nil {
		t.Fatal(err)
	}
	return leaseTable(t, a.Arguments)
}

// via is a client of the node's listener of relationship i.
func (n *node) via(t *testing.T, i int) *client {
	c, err := newClient(n.links[i].conf.Self(), 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.close)
	return c
}

func (n *node) ask(t *testing.T, name string, args arguments) answer {
	t.Helper()
	raw, _ := json.Marshal(args)
	if args == nil {
		raw = nil
	}
	r := n.reg.Call(t.Context(), name, raw)
	return answer{Result: r.Result, Text: r.Text}
}

// apply has the node take a lease that a needletail sends, at a time of its clock.
func (n *node) apply(t *testing.T, from string, at time.Time, l *leases.Lease) answer {
	t.Helper()
	raw, err := json.Marshal(arguments{"server-name": from, "time": at.UnixMilli()})
	if err != nil {
		t.Fatal(err)
	}
	args := control.NewArguments(raw).Attach(appendPut([]byte{binaryVersion}, l))
	r := n.reg.Run(t.Context(), applyName, args)
	return answer{Result: r.Result, Text: r.Text}
}

// decline makes the address unusable and replicates that.
func (n *node) decline(addr string) {
	var b leases.Batch
	b.Query(0, 0)
	l := leases.Lease{Addr: netip.MustParseAddr(addr), SubnetID: 1, CLTT: time.Unix(time.Now().Unix(), 0), ValidLft: 120, State: leases.Declined}
	if _, err := n.store.Put(&b, &l); err != nil {
		n.t.Fatal(err)
	}
	if !n.replicate(&b) {
		n.t.Error("the decline was refused")
	}
}
