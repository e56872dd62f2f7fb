package leases

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"needletail/internal/keastring"
)

// KeaLease is a lease map as it came, with what a Lease cannot say.
type KeaLease struct {
	Lease
	ForceCreate bool   // "force-create"
	HasValidLft bool   // false: the subnet's default is wanted
	HasTime     bool   // "expire" or "cltt" was there; else CLTT is the parser's now
	Origin      string // "origin" as raw JSON, "" if absent
}

// keaMap is the wire form. Pointers tell absence.
type keaMap struct {
	Addr        *string         `json:"ip-address"`
	Subnet      *int64          `json:"subnet-id"`
	Pool        *int64          `json:"pool-id"`
	HW          *string         `json:"hw-address"`
	ID          *string         `json:"client-id"`
	CLTT        *int64          `json:"cltt"`
	Expire      *int64          `json:"expire"`
	Valid       *int64          `json:"valid-lft"`
	Fwd         *bool           `json:"fqdn-fwd"`
	Rev         *bool           `json:"fqdn-rev"`
	Hostname    json.RawMessage `json:"hostname"`
	State       *int64          `json:"state"`
	Context     json.RawMessage `json:"user-context"`
	Comment     json.RawMessage `json:"comment"`
	ForceCreate *bool           `json:"force-create"`
	Origin      json.RawMessage `json:"origin"`
}

// ParseKea reads Kea's JSON map of a lease: the arguments of lease4-add and
// lease4-update, or an element of a lease4-get-page answer. Its checks are
// Kea's (lease_cmds, lease_parser.cc); keys it does not know are ignored. A
// relay-agent-info in the old string form becomes the map form. Whether the
// subnet exists and has the address is found out by Put and Merge.
func ParseKea(data []byte, now time.Time) (KeaLease, error) {
	var m keaMap
	if err := json.Unmarshal(data, &m); err != nil {
		return KeaLease{}, fmt.Errorf("lease: %w", err)
	}
	out := KeaLease{Origin: string(m.Origin)}
	if m.Addr == nil {
		return out, errors.New("lease: ip-address is missing")
	}
	var err error
	if out.Addr, err = netip.ParseAddr(*m.Addr); err != nil || !out.Addr.Is4() {
		return out, fmt.Errorf("lease: ip-address %q is not an IPv4 address", *m.Addr)
	}
	for _, step := range []func(*keaMap, *KeaLease) error{parseIdentity, parseNumbers, parseNames} {
		if err := step(&m, &out); err != nil {
			return out, fmt.Errorf("lease %v: %w", out.Addr, err)
		}
	}
	if err := parseTimes(&m, &out, now); err != nil {
		return out, fmt.Errorf("lease %v: %w", out.Addr, err)
	}
	return out, nil
}

func parseIdentity(m *keaMap, out *KeaLease) (err error) {
	if m.HW == nil {
		return errors.New("hw-address is missing")
	}
	if out.HW, err = parseColonHex(*m.HW); err != nil {
		return fmt.Errorf("hw-address %q: %w", *m.HW, err)
	}
	out.HType = 1 // Kea's text form has no hardware type; it takes Ethernet too
	if m.ID != nil && *m.ID != "" {
		if out.ClientID, err = parseColonHex(*m.ID); err != nil {
			return fmt.Errorf("client-id %q: %w", *m.ID, err)
		}
	}
	return checkLengths(out.HW, out.ClientID, nil, nil)
}

func parseNumbers(m *keaMap, out *KeaLease) error {
	for _, f := range []struct {
		name string
		from *int64
		to   *uint32
	}{{"subnet-id", m.Subnet, &out.SubnetID}, {"pool-id", m.Pool, &out.PoolID}, {"valid-lft", m.Valid, &out.ValidLft}} {
		if f.from == nil {
			continue
		}
		if *f.from < 0 || *f.from > Infinite {
			return fmt.Errorf("%s %d is out of range", f.name, *f.from)
		}
		*f.to = uint32(*f.from)
	}
	if m.State != nil {
		if *m.State < 0 || *m.State > int64(Released) {
			return fmt.Errorf("state %d: want 0 to 3", *m.State)
		}
		out.State = State(*m.State)
	}
	out.HasValidLft = m.Valid != nil
	out.ForceCreate = m.ForceCreate != nil && *m.ForceCreate
	return nil
}

func parseNames(m *keaMap, out *KeaLease) (err error) {
	if out.Hostname, err = parseHostname(m.Hostname); err != nil {
		return fmt.Errorf("hostname: %w", err)
	}
	out.FQDNFwd = m.Fwd != nil && *m.Fwd
	out.FQDNRev = m.Rev != nil && *m.Rev
	if (out.FQDNFwd || out.FQDNRev) && out.Hostname == "" {
		return errors.New("no hostname, and fqdn-fwd or fqdn-rev is true")
	}
	context := m.Context
	if string(context) == "null" {
		context = nil
	}
	if len(context) > 0 && context[0] != '{' {
		return errors.New("user-context is not a map")
	}
	if m.Comment != nil && string(m.Comment) != "null" {
		comment, err := keastring.Parse(m.Comment)
		if err != nil {
			return fmt.Errorf("comment: %w", err)
		}
		if len(context) > 0 {
			return errors.New("both comment and user-context")
		}
		context = append(keastring.Append([]byte(`{"comment":`), comment), '}')
	}
	if len(context) > 0 {
		out.UserContext = newRelayInfo(context)
	}
	return checkLengths(nil, nil, []byte(out.Hostname), out.UserContext)
}

func parseTimes(m *keaMap, out *KeaLease, now time.Time) error {
	cltt := now.Unix()
	switch {
	case m.Expire != nil:
		cltt = *m.Expire - int64(out.ValidLft)
		if *m.Expire <= 0 || out.HasValidLft && cltt < 0 {
			return fmt.Errorf("expire %d must be positive and not less than valid-lft %d", *m.Expire, out.ValidLft)
		}
	case m.CLTT != nil:
		cltt = *m.CLTT
		if cltt <= 0 {
			return fmt.Errorf("cltt %d must be positive", cltt)
		}
	}
	if cltt < 0 || cltt > clttMax {
		return fmt.Errorf("the transaction time %d is out of range", cltt)
	}
	out.CLTT = time.Unix(cltt, 0)
	out.HasTime = m.Expire != nil || m.CLTT != nil
	return nil
}

// parseColonHex reads 1:02:0a or, without colons, 01020a; "" is nil.
func parseColonHex(s string) ([]byte, error) {
	if s == "" {
		return nil, nil
	}
	if !strings.Contains(s, ":") {
		return hex.DecodeString(s)
	}
	out := make([]byte, 0, (len(s)+1)/3)
	for part := range strings.SplitSeq(s, ":") {
		v, err := strconv.ParseUint(part, 16, 8)
		if err != nil || len(part) > 2 {
			return nil, fmt.Errorf("%q is not a byte in hexadecimal", part)
		}
		out = append(out, byte(v))
	}
	return out, nil
}

// parseHex0x reads 0x0102.
func parseHex0x(s string) ([]byte, error) {
	digits, ok := strings.CutPrefix(s, "0x")
	if !ok {
		return nil, fmt.Errorf("%q does not start with 0x", s)
	}
	return hex.DecodeString(digits)
}

// parseHostname reads a host name, in lower case as Kea keeps names. Absent or
// null is the empty name.
func parseHostname(raw json.RawMessage) (string, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return "", nil
	}
	s, err := keastring.Parse(raw)
	return lowerASCII(s), err
}

// lowerASCII changes ASCII letters only: other bytes are in an encoding nobody
// knows.
func lowerASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
