package control

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// ServerTLS builds the TLS side of an HTTPS listener from Kea's three files:
// trust-anchor (a file of PEM certificates or a directory of them), cert-file
// and key-file. With requireClient a client must show a certificate that the
// trust anchor signed.
func ServerTLS(trustAnchor, certFile, keyFile string, requireClient bool) (*tls.Config, error) {
	pool, err := TrustAnchor(trustAnchor)
	if err != nil {
		return nil, err
	}
	cert, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("load certificate %s with key %s: %w", certFile, keyFile, err)
	}
	c := &tls.Config{Certificates: []tls.Certificate{cert}, ClientCAs: pool, MinVersion: tls.VersionTLS12}
	if requireClient {
		c.ClientAuth = tls.RequireAndVerifyClientCert
	}
	return c, nil
}

// TrustAnchor reads the certificates that a partner's certificate must chain
// to.
func TrustAnchor(path string) (*x509.CertPool, error) {
	files := []string{path}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("load trust anchor: %w", err)
	}
	if info.IsDir() {
		if files, err = filepath.Glob(filepath.Join(path, "*")); err != nil {
			return nil, fmt.Errorf("load trust anchor %s: %w", path, err)
		}
	}
	pool, found := x509.NewCertPool(), false
	for _, f := range files {
		pem, err := os.ReadFile(f)
		if err != nil && !info.IsDir() {
			return nil, fmt.Errorf("load trust anchor: %w", err)
		}
		found = pool.AppendCertsFromPEM(pem) || found
	}
	if !found {
		return nil, fmt.Errorf("load trust anchor %s: %w", path, errors.New("no PEM certificate in it"))
	}
	return pool, nil
}
