package config

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

type authDraft struct {
	kind, realm, directory opt[string]
	clients                *node
}

type clientDraft struct {
	at                                     *node
	user, userFile, password, passwordFile opt[string]
}

var authTable = table[authDraft]{"authentication", slices.Concat(
	[]key[authDraft]{
		choice("type", []string{"basic"}, func(a *authDraft) *opt[string] { return &a.kind }),
		word("realm", func(a *authDraft) *opt[string] { return &a.realm }),
		word("directory", func(a *authDraft) *opt[string] { return &a.directory }),
		part("clients", list, func(a *authDraft) **node { return &a.clients }),
	}, contextKeys[authDraft]())}

var clientTable = table[clientDraft]{"clients[]", slices.Concat(
	[]key[clientDraft]{
		word("user", func(d *clientDraft) *opt[string] { return &d.user }),
		word("user-file", func(d *clientDraft) *opt[string] { return &d.userFile }),
		word("password", func(d *clientDraft) *opt[string] { return &d.password }),
		word("password-file", func(d *clientDraft) *opt[string] { return &d.passwordFile }),
	}, contextKeys[clientDraft]())}

// authentication reads who may use an HTTP control socket (Kea:
// basic_auth_config.cc).
func (c *checker) authentication(n *node) (realm string, clients []Credential) {
	var a authDraft
	if n != nil {
		authTable.load(c, n, &a)
	}
	if a.clients != nil {
		for _, item := range a.clients.items {
			d := clientDraft{at: item}
			clientTable.load(c, item, &d)
			if credential, ok := c.credential(&d, a.directory.value); ok {
				clients = append(clients, credential)
			}
		}
	}
	return a.realm.get(socketRealmDefault), clients
}

// credential: a password-file alone holds user:password.
func (c *checker) credential(d *clientDraft, dir string) (Credential, bool) {
	if d.at.kind != object {
		return Credential{}, false
	}
	user, ok := c.secret(d.user, d.userFile, dir)
	password, ok2 := c.secret(d.password, d.passwordFile, dir)
	if !d.user.set && !d.userFile.set && d.passwordFile.set {
		user, password, _ = strings.Cut(password, ":")
	}
	switch {
	case !ok || !ok2:
		return Credential{}, false
	case user == "":
		c.fail(d.at, "this client has no user, give user, user-file, or a password-file with user:password")
		return Credential{}, false
	case strings.Contains(user, ":"):
		c.fail(d.at, "the user %q contains a colon, which basic authentication cannot carry; rename it", user)
		return Credential{}, false
	}
	return Credential{user, password}, true
}

// secret is a value given in the configuration or in a file of its own, of
// which the first line counts.
func (c *checker) secret(value, path opt[string], dir string) (string, bool) {
	switch {
	case value.set && path.set:
		c.failKey(path.at, "%s and %s cannot both be given, keep one", value.at.key, path.at.key)
		return "", false
	case !path.set:
		return value.value, true
	}
	name := path.value
	if dir != "" && !filepath.IsAbs(name) {
		name = filepath.Join(dir, name)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		c.fail(path.at, "cannot read %s: %v", path.at.key, err)
		return "", false
	}
	line, _, _ := strings.Cut(string(data), "\n")
	return strings.TrimSuffix(line, "\r"), true
}

// tls tells whether the three files are set, and tries to load them. Some but
// not all of them is a problem.
func (c *checker) tls(n *node, t *TLS) bool {
	files := map[string]string{"trust-anchor": t.TrustAnchor, "cert-file": t.CertFile, "key-file": t.KeyFile}
	var missing []string
	for name, file := range files {
		if file == "" {
			missing = append(missing, name)
		}
	}
	slices.Sort(missing)
	switch len(missing) {
	case 3:
		*t = TLS{}
		return false
	case 0:
		if err := loadTLS(t); err != nil {
			c.fail(n, "TLS cannot be set up: %v", err)
		}
	default:
		c.fail(n, "TLS needs all of trust-anchor, cert-file and key-file, add %s", strings.Join(missing, " and "))
	}
	return true
}

// loadTLS tries the files. The trust anchor may be a directory.
func loadTLS(t *TLS) error {
	if _, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile); err != nil {
		return err
	}
	info, err := os.Stat(t.TrustAnchor)
	if err != nil || info.IsDir() {
		return err
	}
	pem, err := os.ReadFile(t.TrustAnchor)
	if err != nil {
		return err
	}
	if !x509.NewCertPool().AppendCertsFromPEM(pem) {
		return fmt.Errorf("%s holds no certificate", t.TrustAnchor)
	}
	return nil
}
