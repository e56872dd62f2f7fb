package ha

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"sync/atomic"

	"needletail/internal/config"
	"needletail/internal/control"
)

// identity is what a client shows and whom it believes.
type identity struct {
	cert  tls.Certificate
	roots *x509.CertPool
}

// trust is the identity that all clients of a peer use, and where it is read from.
type trust struct {
	files config.TLS
	now   atomic.Pointer[identity]
}

func loadIdentity(t config.TLS) (*identity, error) {
	cert, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("load cert-file and key-file: %w", err)
	}
	roots, err := control.TrustAnchor(t.TrustAnchor)
	if err != nil {
		return nil, err
	}
	return &identity{cert, roots}, nil
}

// clientTLS verifies the peer's chain against the trust anchor and not its
// host name: peers are addresses, and Kea checks no name either. Every
// connection asks for the identity of the moment, so files can be renewed.
func clientTLS(now func() *identity) *tls.Config {
	return &tls.Config{
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return &now().cert, nil
		},
		InsecureSkipVerify: true, // replaced by VerifyConnection, which skips only the name
		VerifyConnection: func(cs tls.ConnectionState) error {
			return verifyChain(cs.PeerCertificates, now().roots)
		},
	}
}

// renew reads the files again. What they hold counts for the next connections,
// once change is called; those that lie idle are not used again.
func (p *peer) renew() (change func(), err error) {
	t := p.ctl.trust
	if t == nil {
		return func() {}, nil
	}
	fresh, err := loadIdentity(t.files)
	if err != nil {
		return nil, fmt.Errorf("peer %s: %w", p.name, err)
	}
	return func() {
		t.now.Store(fresh)
		for _, c := range p.clients() {
			c.http.CloseIdleConnections()
		}
	}, nil
}

func verifyChain(chain []*x509.Certificate, roots *x509.CertPool) error {
	if len(chain) == 0 {
		return errors.New("the peer sent no certificate")
	}
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: between, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	return err
}
