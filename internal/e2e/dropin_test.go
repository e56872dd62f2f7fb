package e2e

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// keaName is the appliance under the name kea-dhcp4.
func keaName(t *testing.T) string {
	t.Helper()
	link := filepath.Join(t.TempDir(), "kea-dhcp4")
	must(t, os.Symlink(program, link))
	return link
}

// outcome runs a program to its end.
func outcome(t *testing.T, name string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(deadline(t, 30*time.Second), name, args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// The command line of kea-dhcp4, measured at 2.2.0: which options there are,
// which exit code they have, what goes to which output.
func TestKeaCommandLine(t *testing.T) {
	kea, dir := keaName(t), t.TempDir()
	good, bad := filepath.Join(dir, "good.conf"), filepath.Join(dir, "bad.conf")
	must(t, os.WriteFile(good, []byte(`{ "Dhcp4": { "subnet4": [] } }`), 0o644))
	must(t, os.WriteFile(bad, []byte("{ \"Dhcp4\": {\n  \"bad\": 1 } }"), 0o644))
	for _, c := range []struct {
		args           string
		code           int
		stdout, stderr string
	}{
		{"-v", 0, "0.1.0\n", ""},
		{"-V", 0, "linked with:", ""},
		{"-W", 0, "needletail 0.1.0", ""},
		{"-t " + good, 0, "", ""},
		{"-T " + good, 0, "", ""},
		{"-X -t " + good, 0, "", ""},
		{"-dt " + good, 0, "", ""},
		{"-t" + good, 0, "", ""},
		{"-t " + bad, 1, "", "Syntax check failed with: " + bad + ":2:3: /Dhcp4/bad"},
		{"-t " + good + " -c " + bad, 1, "", "Syntax check failed with: " + bad}, // the last file given
		{"-t " + bad + " -T " + good, 0, "", ""},
		{"-c " + bad + " -t " + good, 0, "", ""},
		{"-t /no/file", 1, "", "Syntax check failed with: "},
		{"-c " + bad, 1, "", "Failed to apply configuration"},
		{"-c /no/file", 1, "", "Failed to apply configuration"},
		{"", 1, "", "Configuration file not specified."},
		{"-z", 1, "", "Usage: kea-dhcp4"},
		{"-c", 1, "", "Usage: kea-dhcp4"},
		{"-c " + good + " more", 1, "", "Extraneous parameters."},
		{"-c " + good + " -p 99999", 1, "", "Failed to parse server port number: [99999], 1-65535 allowed."},
		{"-c " + good + " -P 0", 1, "", "Failed to parse client port number: [0], 1-65535 allowed."},
	} {
		code, stdout, stderr := outcome(t, kea, strings.Fields(c.args)...)
		if code != c.code || !strings.Contains(stdout, c.stdout) || !strings.Contains(stderr, c.stderr) {
			t.Errorf("kea-dhcp4 %s: %d\nstdout %q want %q\nstderr %q want %q", c.args, code, stdout, c.stdout, stderr, c.stderr)
		}
	}
}

// A start as Debian's unit does it, a reload, a refused reload, and an end: the
// lines and files that scripts look for.
func TestDropIn(t *testing.T) {
	b := newBed(t)
	kea, ctx := keaName(t), deadline(t, 60*time.Second)
	file, err := b.Write("kea-dhcp4.conf", b.config("", ""))
	must(t, err)
	env := []string{"KEA_PIDFILE_DIR=" + b.Dir, "KEA_LOCKFILE_DIR=" + b.Dir, "KEA_DHCP_DATA_DIR=" + b.Dir, "KEA_CONTROL_SOCKET_DIR=" + b.Dir}
	a, err := b.Start(b.server, []string{kea, "-c", file}, env...)
	must(t, err)
	a.Config, a.Socket = file, b.Socket(b.server)
	must(t, a.Says(ctx, "durability=sync"))
	must(t, a.Says(ctx, "DHCP4_STARTED"))
	must(t, a.Says(ctx, "server version 0.1.0 started"))
	pidFile := filepath.Join(b.Dir, "kea-dhcp4.kea-dhcp4.pid")
	if pid, err := os.ReadFile(pidFile); string(pid) != fmt.Sprintf("%d\n", a.PID()) {
		t.Errorf("pid file %q, %v; process %d", pid, err, a.PID())
	}
	second, err := b.Start(b.server, []string{kea, "-c", file}, env...)
	must(t, err)
	if err := second.Wait(); err == nil || !strings.Contains(second.Log(), "Failed to initialize server: already running") {
		t.Errorf("a second server with the same configuration: %v\n%s", err, second.Log())
	}
	must(t, a.Signal(syscall.SIGHUP))
	must(t, a.Says(ctx, "dynamic server reconfiguration succeeded with file: "+file))
	_, err = b.Write("kea-dhcp4.conf", `{ "Dhcp4": { "nonsense": 1 } }`)
	must(t, err)
	must(t, a.Signal(syscall.SIGHUP))
	must(t, a.Says(ctx, "dynamic server reconfiguration failed with file: "+file))
	if answer, err := a.Command("version-get", ""); err != nil || answer.Text != "0.1.0" {
		t.Errorf("after a refused reload: %+v, %v", answer, err)
	}
	must(t, a.Stop())
	must(t, a.Says(ctx, "DHCP4_SHUTDOWN"))
	for _, gone := range []string{pidFile, a.Socket, a.Socket + ".lock"} {
		if _, err := os.Lstat(gone); !os.IsNotExist(err) {
			t.Errorf("%s is left behind", gone)
		}
	}
}

// As a user without any capability but those of Debian's unit for Kea, the server
// starts with packet sockets and serves, and says once what the fast path lacks.
func TestCapabilitiesOfKeasUnit(t *testing.T) {
	const nobody = 65534
	b := newBed(t, "setpriv", "udhcpc")
	must(t, os.Chown(b.Dir, nobody, nobody))
	kea := filepath.Join(b.Dir, "kea-dhcp4")
	must(t, os.Symlink(program, kea))
	file, err := b.Write("kea-dhcp4.conf", b.config("", ""))
	must(t, err)
	const capabilities = "-all,+net_bind_service,+net_raw"
	a, err := b.Start(b.server, []string{"setpriv", fmt.Sprint("--reuid=", nobody), fmt.Sprint("--regid=", nobody), "--clear-groups",
		"--bounding-set=" + capabilities, "--inh-caps=" + capabilities, "--ambient-caps=" + capabilities,
		kea, "-c", file}, "KEA_PIDFILE_DIR="+b.Dir, "KEA_LOCKFILE_DIR="+b.Dir, "KEA_DHCP_DATA_DIR="+b.Dir)
	must(t, err)
	must(t, a.Started(deadline(t, 30*time.Second)))
	c, err := b.Client("udhcpc", b.host(t, "client", ""))
	must(t, err)
	if addr, _, err := c.Bound(deadline(t, 30*time.Second), 0); err != nil || !strings.HasPrefix(addr, "192.0.") {
		t.Errorf("the client has %q, %v; the server wrote:\n%s", addr, err, a.Log())
	}
	if log := a.Log(); strings.Count(log, "NEEDLETAIL_FASTPATH_OFF") != 1 || !strings.Contains(log, "CAP_BPF is missing, needed to load the XDP program (systemd: AmbientCapabilities=)") {
		t.Errorf("want one warning of the fast path that names what is missing:\n%s", log)
	}
	must(t, a.Stop())
}

// Files outside the directories of the environment are refused, unless -X.
func TestKeaDirectories(t *testing.T) {
	b := newBed(t)
	kea := keaName(t)
	file, err := b.Write("kea-dhcp4.conf", b.config("", ""))
	must(t, err)
	for _, variable := range []string{"KEA_DHCP_DATA_DIR", "KEA_CONTROL_SOCKET_DIR"} {
		env := []string{"KEA_PIDFILE_DIR=" + b.Dir, variable + "=/elsewhere"}
		a, err := b.Start(b.server, []string{kea, "-c", file}, env...)
		must(t, err)
		if err := a.Wait(); err == nil || !strings.Contains(a.Log(), "Failed to apply configuration") || !strings.Contains(a.Log(), variable) {
			t.Errorf("%s: %v\n%s", variable, err, a.Log())
		}
		a, err = b.Start(b.server, []string{kea, "-X", "-c", file}, env...)
		must(t, err)
		must(t, a.Started(deadline(t, 30*time.Second)))
		must(t, a.Stop())
	}
}

// A refused configuration touches nothing: no file, no socket.
func TestRefusedTouchesNothing(t *testing.T) {
	b := newBed(t)
	text := strings.Replace(b.config("", ""), "192.0.16.0 - 192.0.255.254", "10.0.0.1 - 10.0.0.9", 1)
	file, err := b.Write("bad.conf", text)
	must(t, err)
	a, err := b.Start(b.server, []string{program, "serve", "-c", file})
	must(t, err)
	if err := a.Wait(); err == nil {
		t.Error("exit code 0")
	}
	if !strings.Contains(a.Log(), "Failed to apply configuration: "+file+":") || !strings.Contains(a.Log(), "/Dhcp4/subnet4/0/pools/0") {
		t.Errorf("it wrote:\n%s", a.Log())
	}
	entries, err := os.ReadDir(b.Dir)
	must(t, err)
	if len(entries) != 1 {
		t.Errorf("the directory now holds %v", entries)
	}
}

// READY, RELOADING, STOPPING and signs of life reach a service manager.
func TestNotify(t *testing.T) {
	b := newBed(t)
	path := filepath.Join(b.Dir, "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	must(t, err)
	defer conn.Close()
	file, err := b.Write("n.conf", b.config("", ""))
	must(t, err)
	a, err := b.Start(b.server, []string{program, "serve", "-c", file}, "NOTIFY_SOCKET="+path, "WATCHDOG_USEC=200000")
	must(t, err)
	hear := listen(t, conn)
	hear("READY=1")
	hear("WATCHDOG=1")
	must(t, a.Signal(syscall.SIGHUP))
	hear("RELOADING=1")
	hear("READY=1")
	must(t, a.Signal(syscall.SIGTERM))
	hear("STOPPING=1")
	must(t, a.Wait())
}

func listen(t *testing.T, conn *net.UnixConn) func(string) {
	buf := make([]byte, 4096)
	return func(want string) {
		t.Helper()
		conn.SetReadDeadline(time.Now().Add(20 * time.Second))
		for {
			n, err := conn.Read(buf)
			if err != nil {
				t.Fatalf("waiting for %s: %v", want, err)
			}
			if strings.HasPrefix(string(buf[:n]), want) {
				return
			}
		}
	}
}

// Options -p and -P: a relay that talks to port 1067 is answered on port 1068.
func TestPorts(t *testing.T) {
	b := newBed(t, "perfdhcp")
	file, err := b.Write("p.conf", b.config("", ""))
	must(t, err)
	a, err := b.Start(b.server, []string{keaName(t), "-c", file, "-p", "1067", "-P", "1068"}, "KEA_PIDFILE_DIR="+b.Dir)
	must(t, err)
	must(t, a.Started(deadline(t, 30*time.Second)))
	out, err := b.host(t, "load", "192.0.2.2/24").Output(deadline(t, 30*time.Second), "perfdhcp", "-4", "-r", "20", "-n", "20", "-R", "20", "-N", "1067", "-L", "1068", "-W", "1000000", "192.0.2.1")
	if received := rows(t, string(out), "received packets"); err != nil || len(received) < 2 || received[1] < 18 {
		t.Errorf("%v\n%s", err, out)
	}
	must(t, a.Stop())
}
