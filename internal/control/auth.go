package control

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"strings"
)

// gate verifies basic authentication (RFC 7617). Credentials are kept and
// compared as digests, so that the time a check takes tells neither how much
// of a password was right nor how long it is.
type gate struct {
	digests   [][sha256.Size]byte // of user:password; empty: open
	challenge string
}

func newGate(users []Credential, realm string) gate {
	g := gate{challenge: `Basic realm="` + strings.ReplaceAll(realm, `"`, `\"`) + `"`}
	for _, u := range users {
		g.digests = append(g.digests, sha256.Sum256([]byte(u.User+":"+u.Password)))
	}
	return g
}

// admits checks the value of an Authorization header against all users.
func (g *gate) admits(header []byte) bool {
	if len(g.digests) == 0 {
		return true
	}
	scheme, token, _ := bytes.Cut(header, []byte(" "))
	if !bytes.EqualFold(scheme, []byte("Basic")) {
		return false
	}
	pair, err := base64.StdEncoding.DecodeString(string(bytes.TrimSpace(token)))
	if err != nil {
		return false
	}
	got := sha256.Sum256(pair)
	ok := 0
	for i := range g.digests {
		ok |= subtle.ConstantTimeCompare(got[:], g.digests[i][:])
	}
	return ok == 1
}
