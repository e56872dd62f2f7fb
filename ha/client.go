package ha

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/valyala/fasthttp"

	"needletail/internal/config"
	"needletail/internal/control"
)

// Limits of the client side.
const (
	// requestTimeout bounds every request but the pages of a sync, connecting
	// included (Kea: config/timeouts.h, TIMEOUT_DEFAULT_HTTP_CLIENT_REQUEST).
	requestTimeout = 10 * time.Second
	// idleMax is how long a connection may lie idle and still be used again.
	// Kea's listener closes it after 30 s; stay well clear of that race.
	idleMax = 20 * time.Second
	// answerMax bounds the body of one answer, in bytes: a page of a sync.
	answerMax = 256 << 20
)

// client sends commands to one peer over persistent connections, one request
// at a time on each. It is safe for concurrent use; at most conns requests are
// on the way, further ones wait for a connection until their deadline.
type client struct {
	peer string
	url  string
	host string // Host header: the address without port, as Kea sends it
	auth string // Authorization header, empty for none
	http *fasthttp.HostClient
	wire wire

	trust *trust // nil without TLS
}

// newClient prepares a client; it connects with the first request. TLS is used
// whenever p has certificate files, whatever the scheme of its URL says.
func newClient(p *config.Peer, conns int) (*client, error) {
	c := &client{peer: p.Name, host: p.Addr.Addr().String(), url: "http://" + p.Addr.String() + "/"}
	if p.User != "" {
		c.auth = "Basic " + base64.StdEncoding.EncodeToString([]byte(p.User+":"+p.Password))
	}
	var conf *tls.Config
	if p.TLS.CertFile != "" {
		who, err := loadIdentity(p.TLS)
		if err != nil {
			return nil, fmt.Errorf("peer %s: %w", p.Name, err)
		}
		c.trust = &trust{files: p.TLS}
		c.trust.now.Store(who)
		conf = clientTLS(c.trust.now.Load)
		c.url = "https://" + p.Addr.String() + "/"
	}
	c.open(p.Addr.String(), conf, conns)
	return c, nil
}

// sibling is a client of the same peer with connections of its own.
func (c *client) sibling(conns int) *client {
	s := &client{peer: c.peer, host: c.host, url: c.url, auth: c.auth, trust: c.trust}
	s.open(c.http.Addr, c.http.TLSConfig, conns)
	return s
}

// own is a sibling with one connection, for a single exchange; done ends it, and
// so does the end of ctx, whatever is on its way.
func (c *client) own(ctx context.Context) (s *client, done func()) {
	s = c.sibling(1)
	stop := context.AfterFunc(ctx, s.close)
	return s, func() { stop(); s.close() }
}

// open prepares the connections; conf is nil without TLS.
func (c *client) open(addr string, conf *tls.Config, conns int) {
	c.http = &fasthttp.HostClient{
		Addr:                      addr,
		IsTLS:                     conf != nil,
		TLSConfig:                 conf,
		NoDefaultUserAgentHeader:  true,
		MaxConns:                  conns,
		MaxConnWaitTimeout:        requestTimeout,
		MaxIdleConnDuration:       idleMax,
		MaxIdemponentCallAttempts: 2,
		RetryIfErr:                retryOnce,
		MaxResponseBodySize:       answerMax,
		DialTimeout:               c.wire.dial,
	}
}

// retryOnce sends a request again whose connection turned out to be closed.
// Every command of the protocol but one may be repeated (see maintenance): updates
// overwrite, and deleting what is gone is a success.
func retryOnce(*fasthttp.Request, int, error) (resetTimeout, retry bool) { return false, true }

// post sends a body of a content type and hands the answer's body to read, which must
// not keep it. The HTTP status is ignored, as Kea does: only the body counts.
func (c *client) post(kind string, body []byte, timeout time.Duration, read func([]byte) error) error {
	req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(req)
	defer fasthttp.ReleaseResponse(resp)
	req.Header.SetMethod(fasthttp.MethodPost)
	req.SetRequestURI(c.url)
	req.UseHostHeader = true
	req.Header.SetHost(c.host)
	req.Header.SetContentType(kind)
	if c.auth != "" {
		req.Header.Set("Authorization", c.auth)
	}
	req.SetBodyRaw(body)
	if err := c.http.DoTimeout(req, resp, timeout); err != nil {
		return fmt.Errorf("%s at %s: %w", c.peer, c.http.Addr, err)
	}
	return read(resp.Body())
}

// call sends a command and parses its answer. The error is the transport's or
// that of an answer that is none; a refusal is an answer with its result code.
func (c *client) call(body []byte, timeout time.Duration) (answer, error) {
	return c.exchange(control.JSONType, body, timeout)
}

// exchange is call for a body of any content type.
func (c *client) exchange(kind string, body []byte, timeout time.Duration) (a answer, err error) {
	err = c.post(kind, body, timeout, func(b []byte) (err error) {
		a, err = parseAnswer(b)
		return err
	})
	return a, err
}

// close ends all connections; requests on the way fail at once, and later ones.
func (c *client) close() { c.wire.close() }
