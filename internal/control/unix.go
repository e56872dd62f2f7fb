package control

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"
)

const (
	unixRequestMax  = 64 << 20         // bytes of one command; a config-set may be long
	unixReadTimeout = 10 * time.Second // for a whole command (Kea: config/timeouts.h)
	unixPieceMax    = 64 << 10         // bytes written between two deadlines
	unixConnMax     = 64               // connections at once; beyond it: closed unanswered
	unixAcceptPause = time.Second      // after an accept that failed
)

// unixServer accepts on one socket. Its goroutines are the accept loop and one
// per connection, at most unixConnMax; Close waits for all of them.
type unixServer struct {
	ctx      context.Context // of commands: a command under way outlives Close
	closing  context.Context
	listener *net.UnixListener
	registry *Registry
	log      *slog.Logger
	slots    chan struct{}
	busy     sync.WaitGroup
}

// ServeUnix answers commands on a UNIX socket as Kea does: one command a
// connection, read until the JSON document is complete, a bare map as answer,
// then the connection is closed. The socket file has mode 0660. A socket left
// by a dead server is removed; that it is dead is proved by the lock beside it
// (path + ".lock", as Kea does). The server runs until Close or ctx ends.
func ServeUnix(ctx context.Context, path string, r *Registry, log *slog.Logger) (*Server, error) {
	lock, err := lockSocket(path)
	if err != nil {
		return nil, err
	}
	l, err := listenUnix(path)
	if err != nil {
		lock.release()
		return nil, err
	}
	closing, cancel := context.WithCancel(ctx)
	u := &unixServer{ctx: ctx, closing: closing, listener: l, registry: r, log: log, slots: make(chan struct{}, unixConnMax)}
	u.busy.Add(1)
	go u.accept()
	context.AfterFunc(closing, func() { l.Close() })
	return &Server{Addr: path, close: func() error {
		cancel()
		err := l.Close()
		u.busy.Wait()
		lock.release()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		return err
	}}, nil
}

func listenUnix(path string) (*net.UnixListener, error) {
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("open control socket %s: %w", path, err)
	}
	if err := os.Chmod(path, 0o660); err != nil {
		l.Close()
		return nil, fmt.Errorf("open control socket %s: %w", path, err)
	}
	return l, nil
}

func (u *unixServer) accept() {
	defer u.busy.Done()
	for {
		c, err := u.listener.AcceptUnix()
		if u.closing.Err() != nil || errors.Is(err, net.ErrClosed) {
			if err == nil {
				c.Close()
			}
			return
		}
		if err != nil { // out of descriptors, say: that passes
			u.log.Error("control socket: accept", "error", err)
			time.Sleep(unixAcceptPause)
			continue
		}
		select {
		case u.slots <- struct{}{}:
			u.busy.Add(1)
			go u.serve(c)
		default:
			c.Close()
		}
	}
}

// serve answers one connection. Whatever the peer does, it ends: reading and
// every piece written have a deadline.
func (u *unixServer) serve(c *net.UnixConn) {
	defer u.busy.Done()
	defer func() { <-u.slots }()
	defer c.Close()
	c.SetReadDeadline(time.Now().Add(unixReadTimeout))
	stop := context.AfterFunc(u.closing, func() { c.SetReadDeadline(time.Unix(1, 0)) })
	doc, err := readDocument(c)
	stop()
	if errors.Is(err, io.EOF) {
		return // connected and left without a word, or in the middle of one
	}
	w := bufio.NewWriterSize(pieceWriter{c}, unixPieceMax)
	if u.answer(doc, err).writeTo(w) == nil {
		w.Flush()
	}
}

func (u *unixServer) answer(doc []byte, err error) Response {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return Errorf("Connection over control channel timed out")
	case err != nil:
		return refusal(err)
	}
	cmd, err := parseCommand(doc)
	if err != nil {
		return refusal(err)
	}
	u.log.Info("Received command '"+cmd.name+"'", "id", "COMMAND_RECEIVED")
	return u.registry.Call(u.ctx, cmd.name, cmd.args)
}

// readDocument reads until one JSON document is complete; what follows it is
// not looked at.
func readDocument(r io.Reader) (json.RawMessage, error) {
	var doc json.RawMessage
	err := json.NewDecoder(io.LimitReader(r, unixRequestMax)).Decode(&doc)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, io.EOF
	}
	return doc, err
}

// pieceWriter gives the reader of an answer unixReadTimeout for each piece.
type pieceWriter struct{ c *net.UnixConn }

func (p pieceWriter) Write(b []byte) (int, error) {
	p.c.SetWriteDeadline(time.Now().Add(unixReadTimeout))
	return p.c.Write(b)
}
