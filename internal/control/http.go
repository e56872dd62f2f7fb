package control

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
)

const (
	httpReadTimeout = 10 * time.Second // for a whole request (Kea: http listener)
	httpIdleTimeout = 30 * time.Second // between requests (Kea: http listener)
	httpLastAnswers = 2 * time.Second  // for commands under way when the listener closes
	httpBodyMax     = 64 << 20         // bytes of one request
	httpStrangerMax = 64 << 10         // bytes of one request without the credentials asked for
	httpConnMax     = 1024             // connections at once; beyond it: refused with status 503
)

// Content types of requests, exactly so: Kea refuses parameters.
const (
	JSONType = "application/json" // of a command, and of every answer
	// AttachedType is a command in one line, a line feed, and bytes that are the
	// command's own to read. In the JSON they would be looked at several times first.
	AttachedType = "application/vnd.needletail"
)

// HTTPOptions say where and for whom to listen.
type HTTPOptions struct {
	Addr        string // address:port
	TLS         *tls.Config
	Credentials []Credential  // basic authentication; empty: none asked
	Realm       string        // for the 401 answer
	Allow       []string      // commands allowed (restrict-commands); nil: all
	IdleTimeout time.Duration // 0: 30 s. Keep it above the partner's heartbeat-delay
}

// IdleFor is an IdleTimeout for a listener that partners use: as long as Kea's,
// and longer than a partner is silent between heartbeats, even if one is lost. A
// request that meets the end of its connection is a failed one to Kea.
func IdleFor(heartbeat time.Duration) time.Duration { return max(httpIdleTimeout, 3*heartbeat) }

// Credential is one user of basic authentication.
type Credential struct{ User, Password string }

// httpServer answers as Kea's listener does, byte for byte where a Kea reads
// it: a list around every answer, a Content-Length, application/json without
// parameters, a Date; errors below the command level are a bare map.
type httpServer struct {
	ctx      context.Context
	registry *Registry
	rules    atomic.Pointer[rules]
}

// rules are what Change replaces, whole.
type rules struct {
	gate  gate
	allow []string
	tls   *tls.Config // nil: plain HTTP
}

func (h *httpServer) change(o HTTPOptions) {
	h.rules.Store(&rules{newGate(o.Credentials, o.Realm), o.Allow, o.TLS})
}

// door is the listener, which puts TLS over new connections by the rules of the
// moment.
type door struct {
	net.Listener
	server *httpServer
}

// Accept implements net.Listener.
func (d door) Accept() (net.Conn, error) {
	c, err := d.Listener.Accept()
	if t := d.server.rules.Load().tls; err == nil && t != nil {
		c = tls.Server(c, t)
	}
	return c, err
}

// ServeHTTP answers commands over HTTP or HTTPS until Close or ctx ends.
func ServeHTTP(ctx context.Context, o HTTPOptions, r *Registry, log *slog.Logger) (*Server, error) {
	l, err := net.Listen("tcp", o.Addr)
	if err != nil {
		return nil, fmt.Errorf("open HTTP control socket %s: %w", o.Addr, err)
	}
	addr := l.Addr().String()
	h := &httpServer{ctx: ctx, registry: r}
	h.change(o)
	l = door{l, h}
	f := h.fasthttp(o.IdleTimeout)
	open := &connections{state: make(map[net.Conn]fasthttp.ConnState)}
	f.ConnState = open.note
	closing, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := f.Serve(l); err != nil && closing.Err() == nil {
			log.Error("HTTP control socket stopped", "address", addr, "error", err)
		}
	}()
	context.AfterFunc(closing, func() { l.Close() })
	return &Server{Addr: addr, change: h.change, close: func() error {
		cancel()
		open.closeIdle()
		limit, end := context.WithTimeout(context.Background(), httpLastAnswers)
		defer end()
		err := f.ShutdownWithContext(limit)
		open.closeAll()
		<-done
		if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, net.ErrClosed) {
			return nil
		}
		return err
	}}, nil
}

func (h *httpServer) fasthttp(idle time.Duration) *fasthttp.Server {
	if idle == 0 {
		idle = httpIdleTimeout
	}
	return &fasthttp.Server{
		Handler:               h.handle,
		ErrorHandler:          func(c *fasthttp.RequestCtx, _ error) { fault(c, fasthttp.StatusBadRequest) },
		ReadTimeout:           httpReadTimeout,
		IdleTimeout:           idle,
		MaxRequestBodySize:    httpBodyMax,
		HeaderReceived:        h.received,
		Concurrency:           httpConnMax,
		NoDefaultServerHeader: true,
		TCPKeepalive:          true,
		CloseOnShutdown:       true,
		Logger:                quiet{},
	}
}

// received looks at a head before its body is read. The Host is of no use here, and
// fasthttp refuses one that is an IPv6 address without brackets, as a Kea writes
// it. Memory is kept from whoever does not know a password: a request within the
// bound gets the usual answer, see handle.
func (h *httpServer) received(header *fasthttp.RequestHeader) fasthttp.RequestConfig {
	header.SetHost("")
	if !h.rules.Load().gate.admits(header.Peek("Authorization")) {
		return fasthttp.RequestConfig{MaxRequestBodySize: httpStrangerMax}
	}
	return fasthttp.RequestConfig{}
}

// handle serves one request. The order is Kea's: the form of the request, then
// who asks, then the command.
func (h *httpServer) handle(c *fasthttp.RequestCtx) {
	if !wellFormed(&c.Request) {
		fault(c, fasthttp.StatusBadRequest)
		return
	}
	now := h.rules.Load()
	if !now.gate.admits(c.Request.Header.Peek("Authorization")) {
		c.Response.Header.Set("WWW-Authenticate", now.gate.challenge)
		fault(c, fasthttp.StatusUnauthorized)
		return
	}
	doc, attached := apart(&c.Request)
	cmd, err := parseCommand(doc)
	switch {
	case errors.Is(err, errNotJSON):
		fault(c, fasthttp.StatusBadRequest)
	case err != nil:
		reply(c, refusal(err))
	case now.allow != nil && !slices.Contains(now.allow, cmd.name):
		fault(c, fasthttp.StatusForbidden)
	default:
		reply(c, h.registry.Run(h.ctx, cmd.name, NewArguments(cmd.args).Attach(attached)))
	}
}

// wellFormed is what Kea's listener demands of a request (Kea:
// http/post_request_json.cc): POST, a Content-Length, this content type and no
// parameter to it. A chunked body has no Content-Length. Ours also takes AttachedType.
func wellFormed(r *fasthttp.Request) bool {
	return r.Header.IsPost() && r.Header.ContentLength() >= 0 && (is(r, JSONType) || is(r, AttachedType))
}

func is(r *fasthttp.Request, kind string) bool {
	return bytes.EqualFold(r.Header.ContentType(), []byte(kind))
}

// apart returns the command of a request and what is attached to it, nil for nothing.
func apart(r *fasthttp.Request) (doc, attached []byte) {
	if !is(r, AttachedType) {
		return r.Body(), nil
	}
	doc, attached, _ = bytes.Cut(r.Body(), []byte{'\n'})
	return doc, attached
}

func reply(c *fasthttp.RequestCtx, r Response) {
	c.Response.Header.SetContentType(JSONType)
	w := bufio.NewWriter(c.Response.BodyWriter())
	w.WriteByte('[')
	if err := r.writeTo(w); err != nil {
		c.Response.ResetBody()
		fault(c, fasthttp.StatusInternalServerError)
		return
	}
	w.WriteByte(']')
	w.Flush()
}

// fault answers below the command level: a bare map, whose result is the
// status.
func fault(c *fasthttp.RequestCtx, status int) {
	c.SetStatusCode(status)
	c.Response.Header.SetContentType(JSONType)
	fmt.Fprintf(c, `{ "result": %d, "text": "%s" }`, status, fasthttp.StatusMessage(status))
}

// quiet drops fasthttp's own lines: whoever connects could write our log.
type quiet struct{}

func (quiet) Printf(string, ...any) {}
