package control

import (
	"net"
	"sync"

	"github.com/valyala/fasthttp"
)

// connections knows every open connection of an HTTP listener and whether it is
// between two requests. fasthttp's own shutdown waits for idle ones, which a
// partner keeps open for minutes.
type connections struct {
	mu     sync.Mutex // guards the rest
	state  map[net.Conn]fasthttp.ConnState
	closed bool
}

// note is fasthttp's ConnState hook.
func (c *connections) note(conn net.Conn, s fasthttp.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case s == fasthttp.StateClosed || s == fasthttp.StateHijacked:
		delete(c.state, conn)
	case c.closed && s != fasthttp.StateActive:
		conn.Close()
	default:
		c.state[conn] = s
	}
}

// closeIdle ends the connections without a request under way; the others end
// after their answer.
func (c *connections) closeIdle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for conn, s := range c.state {
		if s != fasthttp.StateActive {
			conn.Close()
		}
	}
}

// closeAll ends what is left.
func (c *connections) closeAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.state {
		conn.Close()
	}
}
