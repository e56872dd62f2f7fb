package config

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"strings"
	"testing"
	"time"
)

// certificate writes a self-signed certificate and its key into the working
// directory.
func certificate(t *testing.T) {
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
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "PRIVATE KEY", Bytes: private}} {
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
