package testbed

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"needletail/internal/netif/nettest"
)

// Client is a real DHCP client on a host. Its events are what its script saw.
type Client struct {
	Kind    string // dhclient, udhcpc, dhcpcd
	Host    *nettest.Namespace
	dir     string
	events  string // file: a line "EVENT ADDRESS LIFETIME SERVER" for each
	process *nettest.Process
	out     *lines
	server  string // see Server
}

// script is what every client calls when something happened. It sets the
// address of eth0 and writes the event down; nothing else of the machine is
// touched. The three clients name things differently.
const script = `#!/bin/sh
event=${reason:-$1}
address=${new_ip_address:-$ip}
mask=${new_subnet_mask:-${subnet:-255.255.255.0}}
lifetime=${new_dhcp_lease_time:-$lease}
server=${new_dhcp_server_identifier:-$serverid}
case $event in
PREINIT|deconfig) ip link set eth0 up; ip -4 addr flush dev eth0 ;;
BOUND|RENEW|REBIND|REBOOT|bound|renew) ip addr replace "$address/$mask" dev eth0 ;;
EXPIRE|RELEASE|STOP) ip -4 addr flush dev eth0 ;;
esac
echo "$event $address $lifetime $server" >>EVENTS
exit 0
`

// Client starts a client of a kind on a host.
func (b *Bed) Client(kind string, h *nettest.Namespace) (*Client, error) {
	c := &Client{Kind: kind, Host: h, dir: filepath.Join(b.Dir, h.Name+"-"+kind), out: new(lines)}
	c.events = filepath.Join(c.dir, "events")
	if err := os.Mkdir(c.dir, 0o755); err != nil {
		return nil, err
	}
	if err := os.WriteFile(c.path("script"), []byte(strings.ReplaceAll(script, "EVENTS", c.events)), 0o755); err != nil {
		return nil, err
	}
	if err := os.WriteFile(c.path("conf"), nil, 0o644); err != nil {
		return nil, err
	}
	return c, c.start()
}

func (c *Client) path(name string) string { return filepath.Join(c.dir, name) }

func (c *Client) start() (err error) {
	cmd, err := c.command()
	if err != nil {
		return err
	}
	cmd.Stdout, cmd.Stderr = c.out, c.out
	c.process, err = c.Host.Start(cmd)
	return err
}

func (c *Client) command() (*exec.Cmd, error) {
	switch c.Kind {
	case "dhclient":
		return exec.Command("dhclient", "-d", "-4", "-cf", c.path("conf"), "-lf", c.path("leases"), "-pf", c.path("pid"), "-sf", c.path("script"), "eth0"), nil
	case "udhcpc":
		return exec.Command("udhcpc", "-f", "-i", "eth0", "-s", c.path("script"), "-t", "10", "-T", "1", "-A", "1", "-x", "hostname:"+c.Host.Name), nil
	case "dhcpcd":
		// It keeps sockets and leases in fixed places, so it gets its own.
		return exec.Command("unshare", "-m", "sh", "-c", "mount -t tmpfs none /run && mount -t tmpfs none /var/lib/dhcpcd && exec \"$@\"", "sh",
			"dhcpcd", "-B", "-4", "-f", c.path("conf"), "-c", c.path("script"), "--noarp", "--noipv4ll", "-t", "20", "eth0"), nil
	}
	return nil, fmt.Errorf("no client %q", c.Kind)
}

// Events are the lines so far.
func (c *Client) Events() []string {
	b, err := os.ReadFile(c.events)
	if err != nil {
		return nil
	}
	return strings.Split(strings.TrimRight(string(b), "\n"), "\n")
}

// Bound waits for an event that confirms an address, after the first `after`
// events, and returns the address and the lifetime in seconds as text.
func (c *Client) Bound(ctx context.Context, after int) (addr, lifetime string, err error) {
	err = await(ctx, c.Kind+" to be bound", func() bool {
		for i, line := range c.Events() {
			f := strings.Fields(line)
			if i >= after && len(f) >= 2 && strings.Contains("BOUND RENEW REBIND REBOOT bound renew", f[0]) {
				addr, lifetime, c.server = f[1], at(f, 2), at(f, 3)
				return true
			}
		}
		return false
	})
	if err != nil {
		err = fmt.Errorf("%w; it wrote:\n%s", err, c.out.String())
	}
	return addr, lifetime, err
}

// Server is the identifier of the server that Bound heard of last.
func (c *Client) Server() string { return c.server }

// at is field i, "" if there is none.
func at(fields []string, i int) string {
	if i < len(fields) {
		return fields[i]
	}
	return ""
}

// Renew makes the client confirm its lease now. dhclient has no such command:
// it does at its renewal time.
func (c *Client) Renew() error {
	switch c.Kind {
	case "udhcpc":
		return syscall.Kill(c.process.Cmd.Process.Pid, syscall.SIGUSR1)
	case "dhcpcd":
		return syscall.Kill(c.process.Cmd.Process.Pid, syscall.SIGHUP)
	}
	return nil
}

// Release makes the client give its lease back and ends it.
func (c *Client) Release(ctx context.Context) error {
	switch c.Kind {
	case "udhcpc":
		if err := syscall.Kill(c.process.Cmd.Process.Pid, syscall.SIGUSR2); err != nil {
			return err
		}
		if err := await(ctx, "the release", func() bool {
			return strings.Contains(c.out.String(), "eleas") && strings.Contains(c.out.String(), "nter")
		}); err != nil {
			return err
		}
	case "dhclient":
		out, err := c.Host.Output(ctx, "dhclient", "-r", "-4", "-cf", c.path("conf"), "-lf", c.path("leases"), "-pf", c.path("pid"), "-sf", c.path("script"), "eth0")
		if err != nil {
			return fmt.Errorf("dhclient -r: %w\n%s", err, out)
		}
	case "dhcpcd":
		if err := syscall.Kill(c.process.Cmd.Process.Pid, syscall.SIGALRM); err != nil {
			return err
		}
	}
	c.End()
	return nil
}

// End stops the client without a word to the server.
func (c *Client) End() { c.process.Stop() }
