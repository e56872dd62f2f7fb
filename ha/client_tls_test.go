package ha

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"needletail/internal/config"
	"needletail/internal/control"
)

// authority is a certificate authority of a test.
type authority struct {
	t    *testing.T
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	a := &authority{t: t, dir: t.TempDir()}
	a.key, _ = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	a.cert = &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test CA"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, a.cert, a.cert, &a.key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.publish(a.dir)
	return a
}

// publish writes the authority's certificate to a directory, and the next
// files of peers beside it.
func (a *authority) publish(dir string) {
	a.dir = dir
	a.write("ca", "CERTIFICATE", a.cert.Raw)
}

func (a *authority) write(name, kind string, der []byte) string {
	p := filepath.Join(a.dir, name)
	if err := os.WriteFile(p, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		a.t.Fatal(err)
	}
	return p
}

// issue makes the files of a peer. Its certificate names no address: Kea
// checks none.
func (a *authority) issue(name string) config.TLS {
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}, a.cert, &key.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	raw, _ := x509.MarshalECPrivateKey(key)
	return config.TLS{
		TrustAnchor: filepath.Join(a.dir, "ca"), RequireClientCerts: true,
		CertFile: a.write(name+".crt", "CERTIFICATE", der), KeyFile: a.write(name+".key", "EC PRIVATE KEY", raw),
	}
}

// secure gives both peers certificates and passwords.
func secure(r *config.Relationship, one, two config.TLS) *config.Relationship {
	r.RequireClientCerts = true
	for i, files := range []config.TLS{one, two} {
		r.Peers[i].TLS, r.Peers[i].User, r.Peers[i].Password = files, "ha", "secret"
	}
	return r
}

// startPairOverTLS starts a pair with certificates of ca that balances load.
func startPairOverTLS(t *testing.T, ca *authority) (n, m *node) {
	a, b := freePort(t), freePort(t)
	one, two := ca.issue("server1"), ca.issue("server2")
	n = startNode(t, secure(pairConfig("server1", "load-balancing", a, b), one, two))
	m = startNode(t, secure(pairConfig("server2", "load-balancing", a, b), one, two))
	n.reach(LoadBalancing)
	m.reach(LoadBalancing)
	return n, m
}

func TestPairOverTLS(t *testing.T) {
	n, m := startPairOverTLS(t, newAuthority(t))
	if !n.lease("192.0.2.20", 1) {
		t.Error("the update was refused")
	}

	if err := m.greet(t, func(p *config.Peer) {}); err != nil {
		t.Errorf("a client with certificate and password: %v", err)
	}
	if err := m.greet(t, func(p *config.Peer) { p.Password = "wrong" }); err == nil {
		t.Error("a wrong password is accepted")
	}
	if err := m.greet(t, func(p *config.Peer) { p.User = "" }); err == nil {
		t.Error("no password is accepted")
	}
	if err := m.greet(t, func(p *config.Peer) { p.TLS = newAuthority(t).issue("stranger") }); err == nil {
		t.Error("a stranger's certificate is accepted, or we accept a server that our trust anchor does not know")
	}
	if err := m.greet(t, func(p *config.Peer) { p.TLS = config.TLS{} }); err == nil {
		t.Error("plain HTTP is accepted")
	}
}

// A pair whose certificates and authority are replaced goes on after both have
// read their files again, and believes the old ones no longer. Files that are
// of no use change nothing.
func TestRenewedCertificates(t *testing.T) {
	ca := newAuthority(t)
	n, m := startPairOverTLS(t, ca)

	here := ca.dir
	ca.publish(t.TempDir())
	former := ca.issue("server1")
	fresh := newAuthority(t)
	fresh.publish(here)
	fresh.issue("server1")
	fresh.issue("server2")
	for _, node := range []*node{n, m, n} { // n again: it may have connected to m as it was
		if err := node.Renew(); err != nil {
			t.Fatal(err)
		}
	}
	n.replicatesTo(m, "192.0.2.20")
	m.replicatesTo(n, "192.0.2.21")
	if err := m.greet(t, func(p *config.Peer) {}); err != nil {
		t.Errorf("with the files as they are now: %v", err)
	}
	if err := m.greet(t, func(p *config.Peer) { p.TLS = former }); err == nil {
		t.Error("the authority of before is believed")
	}
	fresh.write("server2.crt", "NONSENSE", nil)
	if m.Renew() == nil {
		t.Error("a certificate that is none was read")
	}
	fresh.issue("server2")
	if err := m.greet(t, func(p *config.Peer) {}); err != nil {
		t.Errorf("after files that were of no use: %v", err)
	}
}

// replicatesTo waits until a lease of n is at m: a heartbeat in between may
// have failed.
func (n *node) replicatesTo(m *node, addr string) {
	n.t.Helper()
	waitFor(n.t, addr+" replicates", func() bool {
		n.lease(addr, 1)
		_, there := m.store.Get(netip.MustParseAddr(addr))
		return there
	})
}

// greet sends a heartbeat to the node as a peer configured otherwise would.
func (n *node) greet(t *testing.T, change func(*config.Peer)) error {
	p := *n.links[0].conf.Self()
	change(&p)
	c, err := newClient(&p, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	a, err := c.call(heartbeatCommand("server1"), time.Second)
	if err == nil {
		_, err = parseHeartbeat(a)
	}
	return err
}

// A dedicated listener with restrict-commands admits what partners need.
func TestRestrictedCommands(t *testing.T) {
	n := startNode(t, hubConfig(t, "server1")...)
	for name, want := range map[string]int{"ha-heartbeat": 0, "list-commands": 0, "ha-sync": 1, "lease4-wipe": 1, "ha-scopes": 1} {
		a, err := n.via(t, 1).call(command(name, nil), time.Second)
		if err != nil || a.Result != want {
			t.Errorf("%s: %+v, %v, want result %d", name, a, err, want)
		}
		if want == 1 && a.Text != "Forbidden" {
			t.Errorf("%s: %q, want Forbidden", name, a.Text)
		}
	}
	open := hubConfig(t, "server1")
	open[0].RestrictCommands = false
	n = startNode(t, open...)
	if a, err := n.via(t, 0).call(command("lease4-wipe", nil), time.Second); err != nil || a.Result != 3 {
		t.Errorf("restrict-commands false, lease4-wipe: %+v, %v", a, err)
	}
	if a, err := n.via(t, 1).call(command("lease4-wipe", nil), time.Second); err != nil || a.Text != "Forbidden" {
		t.Errorf("the other relationship's listener, lease4-wipe: %+v, %v", a, err)
	}
}

// Without require-client-certs a client needs no certificate, and the password
// still; with it a certificate comes first.
func TestClientCertificateIsAsked(t *testing.T) {
	ca := newAuthority(t)
	roots, err := control.TrustAnchor(ca.dir + "/ca")
	if err != nil {
		t.Fatal(err)
	}
	stranger := http.Client{Timeout: requestTimeout, Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{
		InsecureSkipVerify: true, // of the name; the chain is looked at
		VerifyConnection:   func(cs tls.ConnectionState) error { return verifyChain(cs.PeerCertificates, roots) },
	}}}
	for _, c := range []struct {
		required bool
		password string
		want     int // 0: no answer
	}{{true, "secret", 0}, {false, "secret", 200}, {false, "wrong", 401}} {
		conf := secure(pairConfig("server1", "load-balancing", freePort(t), freePort(t)), ca.issue("server1"), ca.issue("server2"))
		conf.RequireClientCerts = c.required
		startNode(t, conf)
		q, err := http.NewRequest("POST", "https://"+conf.Self().Addr.String(), bytes.NewReader(heartbeatCommand("server2")))
		if err != nil {
			t.Fatal(err)
		}
		q.Header.Set("Content-Type", "application/json")
		q.SetBasicAuth("ha", c.password)
		got := 0
		if r, err := stranger.Do(q); err == nil {
			got = r.StatusCode
			r.Body.Close()
		}
		if got != c.want {
			t.Errorf("require-client-certs %v, password %q: status %d, want %d", c.required, c.password, got, c.want)
		}
	}
}
