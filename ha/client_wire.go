package ha

import (
	"context"
	"net"
	"sync"
	"time"
)

// wire opens a client's connections and can end all of them at once: a server
// that stops must not wait for the timeout of a page.
type wire struct {
	mu     sync.Mutex // guards the rest
	closed bool
	next   int
	ends   map[int]func() // of open connections and dials
}

// dial opens a connection. A timeout of 0 is the usual one.
func (w *wire) dial(addr string, timeout time.Duration) (net.Conn, error) {
	if timeout <= 0 || timeout > requestTimeout {
		timeout = requestTimeout
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	id, ok := w.add(cancel)
	if !ok {
		return nil, net.ErrClosed
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	w.remove(id)
	if err != nil {
		return nil, err
	}
	if id, ok = w.add(func() { conn.Close() }); !ok {
		conn.Close()
		return nil, net.ErrClosed
	}
	return &wireConn{conn, func() { w.remove(id) }}, nil
}

// add notes how to end something; false once the wire is closed.
func (w *wire) add(end func()) (id int, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return 0, false
	}
	if w.ends == nil {
		w.ends = map[int]func(){}
	}
	w.next++
	w.ends[w.next] = end
	return w.next, true
}

func (w *wire) remove(id int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.ends, id)
}

// close ends every connection and every dial, now and later.
func (w *wire) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	for _, end := range w.ends {
		end()
	}
}

// wireConn forgets itself when it is closed.
type wireConn struct {
	net.Conn
	forget func()
}

func (c *wireConn) Close() error {
	c.forget()
	return c.Conn.Close()
}
