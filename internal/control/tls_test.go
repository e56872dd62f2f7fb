package control

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
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A client without a certificate of the trust anchor gets no answer; one with
// it does.
func TestTLSAsksForClientCertificates(t *testing.T) {
	ca := newAuthority(t, "ca")
	stranger := newAuthority(t, "stranger")
	dir := t.TempDir()
	cert, key := ca.issue(t, dir, "server")
	config, err := ServerTLS(ca.file, cert, key, true)
	if err != nil {
		t.Fatal(err)
	}
	s := serveHTTP(t, HTTPOptions{TLS: config}, NewRegistry())
	good, goodKey := ca.issue(t, dir, "client")
	bad, badKey := stranger.issue(t, dir, "other")
	for _, c := range []struct {
		name, cert, key string
		ok              bool
	}{{"of the anchor", good, goodKey, true}, {"of another", bad, badKey, false}, {"none", "", "", false}} {
		pool, _ := TrustAnchor(ca.file)
		client := &tls.Config{RootCAs: pool}
		if c.cert != "" {
			pair, err := tls.LoadX509KeyPair(c.cert, c.key)
			if err != nil {
				t.Fatal(err)
			}
			client.Certificates = []tls.Certificate{pair}
		}
		h := http.Client{Transport: &http.Transport{TLSClientConfig: client}, Timeout: 20 * time.Second}
		resp, err := h.Post("https://"+s.Addr, "application/json", strings.NewReader(`{"command":"list-commands"}`))
		if (err == nil) != c.ok {
			t.Errorf("certificate %s: answered %v, error %v", c.name, err == nil, err)
		}
		if err == nil {
			resp.Body.Close()
		}
		h.CloseIdleConnections()
	}
}

func TestTLSFilesAreNamedInErrors(t *testing.T) {
	ca := newAuthority(t, "ca")
	cert, key := ca.issue(t, t.TempDir(), "server")
	empty := filepath.Join(t.TempDir(), "empty.pem")
	os.WriteFile(empty, nil, 0o600)
	for _, c := range []struct{ anchor, cert, key, want string }{
		{"/no/anchor", cert, key, "/no/anchor"},
		{empty, cert, key, "no PEM certificate"},
		{ca.file, "/no/cert", key, "/no/cert"},
		{filepath.Dir(ca.file), cert, key, ""}, // a directory of anchors
	} {
		_, err := ServerTLS(c.anchor, c.cert, c.key, false)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("anchor %s cert %s: %v", c.anchor, c.cert, err)
		}
	}
}

type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string
}

func newAuthority(t *testing.T, name string) authority {
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	tmpl := template(name)
	tmpl.IsCA, tmpl.BasicConstraintsValid, tmpl.KeyUsage = true, true, x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, _ := x509.ParseCertificate(der)
	file := filepath.Join(t.TempDir(), name+".pem")
	writePEM(t, file, "CERTIFICATE", der)
	return authority{cert, key, file}
}

func (a authority) issue(t *testing.T, dir, name string) (certFile, keyFile string) {
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	der, err := x509.CreateCertificate(rand.Reader, template(name), a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	private, _ := x509.MarshalECPrivateKey(key)
	certFile, keyFile = filepath.Join(dir, name+".crt"), filepath.Join(dir, name+".key")
	writePEM(t, certFile, "CERTIFICATE", der)
	writePEM(t, keyFile, "EC PRIVATE KEY", private)
	return certFile, keyFile
}

func template(name string) *x509.Certificate {
	serial, _ := rand.Int(rand.Reader, big.NewInt(1<<62))
	return &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{{127, 0, 0, 1}},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
}

func writePEM(t *testing.T, file, kind string, der []byte) {
	var b bytes.Buffer
	pem.Encode(&b, &pem.Block{Type: kind, Bytes: der})
	if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}
