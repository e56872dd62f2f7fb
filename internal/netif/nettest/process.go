package nettest

import (
	"context"
	"fmt"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// grace is how long a process has to end after SIGTERM.
const grace = 3 * time.Second

// Process is a command running in a namespace. It ends with the lab at the
// latest.
type Process struct {
	Cmd  *exec.Cmd
	done chan struct{}
	err  error // of Wait; valid after done
	stop sync.Once
}

// Start runs cmd in the namespace, as the leader of a process group.
func (n *Namespace) Start(cmd *exec.Cmd) (*Process, error) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = new(syscall.SysProcAttr)
	}
	cmd.SysProcAttr.Setpgid = true
	if err := n.Do(cmd.Start); err != nil { // a child inherits the thread's namespace
		return nil, fmt.Errorf("start %s in %s: %w", cmd.Path, n.Name, err)
	}
	p := &Process{Cmd: cmd, done: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	if err := n.lab.later(func() error { p.Stop(); return nil }); err != nil {
		return nil, err
	}
	return p, nil
}

// Output runs a command in the namespace to its end and returns what it wrote
// to both outputs. The process is killed when ctx ends.
func (n *Namespace) Output(ctx context.Context, name string, args ...string) ([]byte, error) {
	var out []byte
	err := n.Do(func() (err error) {
		out, err = exec.CommandContext(ctx, name, args...).CombinedOutput()
		return err
	})
	return out, err
}

// Wait returns when the process has ended, with its error.
func (p *Process) Wait() error {
	<-p.done
	return p.err
}

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Stop ends the process and what it started in its group: SIGTERM first,
// SIGKILL after a grace period.
func (p *Process) Stop() {
	p.stop.Do(func() {
		group := -p.Cmd.Process.Pid
		select {
		case <-p.done: // gone; its group may hold others
			syscall.Kill(group, syscall.SIGKILL)
			return
		default:
		}
		syscall.Kill(group, syscall.SIGTERM)
		select {
		case <-p.done:
		case <-time.After(grace):
		}
		syscall.Kill(group, syscall.SIGKILL)
	})
	<-p.done
}
