package peer

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"needletail/internal/netif/nettest"
)

// Peer is a DHCP server that can be measured.
type Peer struct {
	Name       string
	Binary     string // a path, or a name found in PATH or a sbin directory
	Durability string // what is safe before an ACK leaves
	Mode       string // how it receives; "": Receives asks
	// Pool is how many addresses it gets; 0: all there are. Its clients are fewer, and
	// come again when none is left.
	Pool uint32
	// Broadcast has new clients ask for broadcast answers.
	Broadcast bool

	versionFlag string
	version     func(output string) string
	prepare     func(*Setup, string) (command, error)
	load        func(binary string, s *Setup, dir, csv string) error // nil: the server reads no such file
	refused     func(dir string) (uint64, error)                     // nil: the server does not tell
}

type command struct{ args, env []string }

// Find returns the path of the server's program; an error if it is not
// installed.
func (p *Peer) Find() (string, error) {
	if path, err := exec.LookPath(p.Binary); err == nil {
		return filepath.Abs(path)
	}
	for _, dir := range []string{"/usr/sbin", "/usr/local/sbin", "/sbin"} {
		if path, err := exec.LookPath(filepath.Join(dir, p.Binary)); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s is not installed (no program %s)", p.Name, p.Binary)
}

// Version asks the program for its version; "unknown" if it does not tell.
func (p *Peer) Version() string {
	path, err := p.Find()
	if err != nil {
		return "not installed"
	}
	out, err := exec.Command(path, p.versionFlag).CombinedOutput()
	if err != nil && len(out) == 0 {
		return "unknown"
	}
	return p.version(string(out))
}

// Start runs the server in a namespace with its files in dir, which must
// exist. What it prints goes to dir/output.
func (p *Peer) Start(ns *nettest.Namespace, s *Setup, dir string) (*nettest.Process, error) {
	path, err := p.Find()
	if err != nil {
		return nil, err
	}
	c, err := p.prepare(s, dir)
	if err != nil {
		return nil, fmt.Errorf("configure %s: %w", p.Name, err)
	}
	out, err := os.OpenFile(filepath.Join(dir, "output"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", p.Name, err)
	}
	defer out.Close() // the child has its own
	cmd := exec.Command(path, c.args...)
	cmd.Env = append(os.Environ(), c.env...)
	cmd.Stdout, cmd.Stderr = out, out
	return ns.Start(cmd)
}

// Import makes the leases of a file in the CSV form of Kea's memfile those of
// the server that will start with its files in dir.
func (p *Peer) Import(s *Setup, dir, csv string) error {
	path, err := p.Find()
	if err != nil {
		return err
	}
	if p.load == nil {
		return fmt.Errorf("%s does not read Kea's lease file", p.Name)
	}
	if err := p.load(path, s, dir, csv); err != nil {
		return fmt.Errorf("import leases into %s: %w", p.Name, err)
	}
	return nil
}
