package slowpath

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"needletail/internal/netif/nettest"
	"needletail/internal/transcript"
)

// TestTranscriptsAgainstKea plays testdata/kea-*.txt to a real kea-dhcp4: it must
// say what the engine says. We are the relay, so plain sockets do.
func TestTranscriptsAgainstKea(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for silences")
	}
	if _, err := exec.LookPath("kea-dhcp4"); err != nil {
		t.Skip("needs Debian's kea-dhcp4-server: ", err)
	}
	for _, f := range transcript.Files(t, "testdata/kea-*.txt") {
		t.Run(f.Title(), func(t *testing.T) { f.Check(t, &realKea{t: t, lab: nettest.ForTest(t)}, withoutReason) })
	}
}

// withoutReason drops why an answer is missing, which nobody can see.
func withoutReason(_, want string) string {
	if strings.HasPrefix(want, "silence") {
		return "silence"
	}
	return want
}

// realKea is a kea-dhcp4 in a namespace as a transcript.Server.
type realKea struct {
	t      *testing.T
	lab    *nettest.Lab
	client *nettest.Namespace
}

// startWait is how long Kea may take to listen.
const startWait = 20 * time.Second

// answerWait is how long a reply may take before it is a silence.
const answerWait = 700 * time.Millisecond

func (k *realKea) Start(doc []byte, ifs []transcript.Interface) error {
	server, err := k.lab.Namespace("kea")
	if err != nil {
		return err
	}
	if k.client, err = k.lab.Namespace("relay"); err != nil {
		return err
	}
	if err := k.lab.Veth(server, "eth0", k.client, "eth0"); err != nil {
		return err
	}
	for _, c := range []struct {
		in   *nettest.Namespace
		addr string
	}{{server, "192.0.2.1/24"}, {k.client, "192.0.2.2/24"}, {server, "203.0.113.2/24"}, {k.client, "203.0.113.1/24"}} {
		if err := c.in.Address("eth0", c.addr); err != nil {
			return err
		}
	}
	return k.serve(server, doc)
}

// serve starts Kea and waits until it listens.
func (k *realKea) serve(in *nettest.Namespace, doc []byte) error {
	var m map[string]map[string]any
	if err := json.Unmarshal(doc, &m); err != nil {
		return err
	}
	m["Dhcp4"]["interfaces-config"] = map[string]any{"interfaces": []string{"eth0/192.0.2.1"}, "dhcp-socket-type": "udp"}
	doc, err := json.Marshal(m)
	if err != nil {
		return err
	}
	dir := k.t.TempDir()
	file := filepath.Join(dir, "kea.conf")
	if err := os.WriteFile(file, doc, 0o644); err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command("kea-dhcp4", "-c", file)
	cmd.Env = append(os.Environ(), "KEA_PIDFILE_DIR="+dir, "KEA_LOCKFILE_DIR="+dir)
	cmd.Stdout, cmd.Stderr = log, log
	p, err := in.Start(cmd)
	if err != nil {
		return err
	}
	k.t.Cleanup(p.Stop)
	for end := time.Now().Add(startWait); ; time.Sleep(20 * time.Millisecond) {
		said, err := os.ReadFile(log.Name())
		if err != nil {
			return err
		}
		if bytes.Contains(said, []byte("DHCP4_STARTED")) {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("kea-dhcp4 did not start: %s", said)
		}
	}
}

func (k *realKea) Exchange(q transcript.Query) (r transcript.Reply, err error) {
	err = k.client.Do(func() error {
		c, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(q.Src))
		if err != nil {
			return err
		}
		defer c.Close()
		if _, err := c.WriteToUDPAddrPort(q.Message, q.Dst); err != nil {
			return err
		}
		buf := make([]byte, 4096)
		c.SetReadDeadline(time.Now().Add(answerWait))
		n, from, err := c.ReadFromUDPAddrPort(buf)
		if err != nil {
			return nil // silence
		}
		r = transcript.Reply{Message: buf[:n], Dst: q.Src, Src: from.Addr()}
		return nil
	})
	return r, err
}

func (k *realKea) Advance(time.Duration) error          { return transcript.ErrCannot }
func (k *realKea) Restart() error                       { return transcript.ErrCannot }
func (k *realKea) Reload([]byte) error                  { return transcript.ErrCannot }
func (k *realKea) Do(transcript.Step) ([]string, error) { return nil, transcript.ErrCannot }
