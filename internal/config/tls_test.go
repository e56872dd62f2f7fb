package config

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"strings"
	"testing"
	"time"
)

// certificate writes a self-signed certificate and its key into the working
// directory.
func certificate(t *testing.T) { certificateAs(t, "cert.pem", "key.pem") }

func certificateAs(t *testing.T, cert, private string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "a"}, NotAfter: time.Unix(1<<33, 0)}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, private: {Type: "PRIVATE KEY", Bytes: pkcs8}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(&block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

const secured = `"control-sockets": [ { "socket-type": "https", "cert-file": "cert.pem", "key-file": "key.pem", "trust-anchor": "ANCHOR", "cert-required": false } ]`

func TestTLSLoads(t *testing.T) {
	t.Chdir(t.TempDir())
	certificate(t)
	for _, anchor := range []string{"cert.pem", "."} {
		d := mustParse(t, strings.ReplaceAll(secured, "ANCHOR", anchor))
		if got, want := d.Sockets[0].TLS, (TLS{anchor, "cert.pem", "key.pem", false}); got != want {
			t.Errorf("%+v", got)
		}
	}
	if _, err := Parse("f", []byte(`{ "Dhcp4": { `+strings.ReplaceAll(secured, "ANCHOR", "key.pem")+` } }`)); err == nil {
		t.Error("a key is no trust anchor")
	}
}

// The ARM's own example of TLS has http URLs: files decide, not the scheme.
func TestPeersUseTLSWhateverTheScheme(t *testing.T) {
	t.Chdir(t.TempDir())
	certificate(t)
	d := mustParse(t, strings.Replace(pair, `"this-server-name"`,
		`"trust-anchor": "cert.pem", "cert-file": "cert.pem", "key-file": "key.pem", "this-server-name"`, 1))
	for _, p := range d.HA[0].Peers {
		if want := (TLS{"cert.pem", "cert.pem", "key.pem", true}); p.TLS != want {
			t.Errorf("%s: %+v", p.Name, p.TLS)
		}
	}
}

// Whatever of a peer's three files is of no use is a problem of that peer.
func TestPeersTLSDoesNotLoad(t *testing.T) {
	t.Chdir(t.TempDir())
	certificate(t)
	certificateAs(t, "other.pem", "otherkey.pem")
	if err := os.WriteFile("empty.pem", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ what, anchor, cert, key, want string }{
		{"all good", "cert.pem", "cert.pem", "key.pem", ""},
		{"a key of another certificate", "cert.pem", "cert.pem", "otherkey.pem", "private key does not match public key"},
		{"a key for a certificate", "cert.pem", "key.pem", "key.pem", "failed to find"},
		{"a certificate for a key", "cert.pem", "cert.pem", "cert.pem", "found a certificate rather than a key"},
		{"no such key", "cert.pem", "cert.pem", "none.pem", "open none.pem: no such file"},
		{"an anchor without a certificate", "key.pem", "cert.pem", "key.pem", "key.pem holds no certificate"},
		{"an empty anchor", "empty.pem", "cert.pem", "key.pem", "empty.pem holds no certificate"},
		{"no such anchor", "none.pem", "cert.pem", "key.pem", "stat none.pem: no such file"},
	} {
		files := fmt.Sprintf(`"trust-anchor": %q, "cert-file": %q, "key-file": %q, `, c.anchor, c.cert, c.key)
		_, err := Parse("f", []byte(`{ "Dhcp4": { `+strings.Replace(pair, `"name": "server3"`, files+`"name": "server3"`, 1)+` } }`))
		switch {
		case c.want == "":
			if err != nil {
				t.Errorf("%s: %v", c.what, err)
			}
		case err == nil || !strings.Contains(err.Error(), "/peers/1: TLS cannot be set up: ") || !strings.Contains(err.Error(), c.want):
			t.Errorf("%s: %v, want %q", c.what, err, c.want)
		}
	}
}
