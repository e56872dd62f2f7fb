package testbed

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"needletail/internal/netif/nettest"
)

// Appliance is a server process on a host.
type Appliance struct {
	Host    *nettest.Namespace
	Config  string // file
	Socket  string // control socket, as Settings has it
	process *nettest.Process
	out     *lines
}

// Start runs a server; args are its whole command line. It returns at once.
func (b *Bed) Start(h *nettest.Namespace, args []string, env ...string) (*Appliance, error) {
	a := &Appliance{Host: h, out: new(lines)}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr = a.out, a.out
	cmd.Env = append(os.Environ(), env...)
	var err error
	a.process, err = h.Start(cmd)
	return a, err
}

// Serve writes a configuration and runs `binary serve` on it until it says
// that it has started.
func (b *Bed) Serve(ctx context.Context, h *nettest.Namespace, binary, config string) (*Appliance, error) {
	file, err := b.Write(h.Name+".conf", config)
	if err != nil {
		return nil, err
	}
	a, err := b.Start(h, []string{binary, "serve", "-c", file})
	if err != nil {
		return nil, err
	}
	a.Config, a.Socket = file, b.Socket(h)
	return a, a.Started(ctx)
}

// Write makes a file of the bed.
func (b *Bed) Write(name, text string) (string, error) {
	path := filepath.Join(b.Dir, name)
	return path, os.WriteFile(path, []byte(text), 0o644)
}

// Socket is the place for the control socket of the server on h.
func (b *Bed) Socket(h *nettest.Namespace) string { return filepath.Join(b.Dir, h.Name+".sock") }

// Started waits for the line that Kea's scripts wait for, too.
func (a *Appliance) Started(ctx context.Context) error { return a.Says(ctx, " started") }

// Says waits until the server has written text.
func (a *Appliance) Says(ctx context.Context, text string) error {
	ended := false
	err := await(ctx, fmt.Sprintf("%q in the log", text), func() bool {
		if strings.Contains(a.out.String(), text) {
			return true
		}
		select {
		case <-a.process.Done():
			ended = !strings.Contains(a.out.String(), text)
			return true
		default:
			return false
		}
	})
	if ended {
		err = errors.New("the server ended")
	}
	if err != nil {
		return fmt.Errorf("%w; it wrote:\n%s", err, a.out.String())
	}
	return nil
}

// Log is all that the server wrote.
func (a *Appliance) Log() string { return a.out.String() }

// PID is the server's process.
func (a *Appliance) PID() int { return a.process.Cmd.Process.Pid }

// Signal sends a signal.
func (a *Appliance) Signal(s syscall.Signal) error { return syscall.Kill(a.PID(), s) }

// Kill ends the server as a power cut would, and waits until it is gone.
func (a *Appliance) Kill() {
	a.process.Cmd.Process.Kill()
	<-a.process.Done()
}

// Stop ends the server by SIGTERM and returns how it ended.
func (a *Appliance) Stop() error {
	a.Signal(syscall.SIGTERM)
	return a.process.Wait()
}

// Wait returns when the server has ended, with its error.
func (a *Appliance) Wait() error { return a.process.Wait() }

// Done is closed when the server has ended.
func (a *Appliance) Done() <-chan struct{} { return a.process.Done() }

// Answer is what a command on the control socket returned.
type Answer struct {
	Result    int
	Text      string
	Arguments json.RawMessage
}

// Command sends a command to the control socket. args may be "".
func (a *Appliance) Command(name, args string) (Answer, error) {
	conn, err := net.Dial("unix", a.Socket)
	if err != nil {
		return Answer{}, err
	}
	defer conn.Close()
	request := fmt.Sprintf(`{"command":%q}`, name)
	if args != "" {
		request = fmt.Sprintf(`{"command":%q,"arguments":%s}`, name, args)
	}
	if _, err := io.WriteString(conn, request); err != nil {
		return Answer{}, err
	}
	var answer Answer
	err = json.NewDecoder(conn).Decode(&answer)
	return answer, err
}

// lines collects what a process writes; its lock lets it be read meanwhile.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}
