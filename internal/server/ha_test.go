package server

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"os"
	"testing"
	"time"

	"needletail/internal/config"
	"needletail/internal/control"
	"needletail/leases"
	"needletail/slowpath"

	"github.com/prometheus/client_golang/prometheus"
)

// selfSigned writes cert.pem and key.pem into the working directory.
func selfSigned(t *testing.T, name string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Unix(1<<33, 0)}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(&block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// A certificate that was replaced is shown after a reload, though the
// configuration, which names its file, is the same.
func TestReloadRenewsCertificatesOfHA(t *testing.T) {
	t.Chdir(t.TempDir())
	selfSigned(t, "former")
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := free.Addr().String()
	free.Close()
	cfg, err := config.Parse("f", fmt.Appendf(nil, `{ "Dhcp4": { "hooks-libraries": [ { "library": "libdhcp_ha.so", "parameters": { "high-availability": [ {
		"this-server-name": "s1", "mode": "passive-backup", "require-client-certs": false,
		"trust-anchor": "cert.pem", "cert-file": "cert.pem", "key-file": "key.pem",
		"peers": [ { "name": "s1", "url": "https://%s/", "role": "primary" } ] } ] } } ] } }`, addr))
	if err != nil {
		t.Fatal(err)
	}
	part, err := HighAvailability(nil)(t.Context(), coreFor(t, cfg), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer part.Close()
	shown := func() string {
		c, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		return c.ConnectionState().PeerCertificates[0].Subject.CommonName
	}
	if got := shown(); got != "former" {
		t.Errorf("shows the certificate of %q", got)
	}
	selfSigned(t, "renewed")
	if err := part.Reload(cfg); err != nil {
		t.Fatal(err)
	}
	if got := shown(); got != "renewed" {
		t.Errorf("after the reload shows the certificate of %q", got)
	}
}

// coreFor is what a part joins, without ports.
func coreFor(t *testing.T, cfg *config.Dhcp4) *Core {
	log := slog.New(slog.DiscardHandler)
	store, err := leases.Open(t.Context(), leases.Options{Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	engine, err := slowpath.NewEngine(cfg, store, nil)
	if err != nil {
		t.Fatal(err)
	}
	return &Core{
		Store: store, Engine: engine, Registry: control.NewRegistry(), Status: control.NewStatus(),
		Service: control.NewNetworkState(control.AfterFunc), Metrics: prometheus.NewRegistry(), Owned: new(Owned), Log: log,
	}
}
