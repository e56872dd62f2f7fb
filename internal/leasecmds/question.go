package leasecmds

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"needletail/leases"
)

// question names one lease: by address, or by a client in a subnet.
type question struct {
	addr   netip.Addr // valid: by address
	subnet uint32
	hw, id []byte // one of them

	partner bool         // a partner asks
	whose   leases.Lease // the client it says the address belongs to
}

func parseQuestion(args json.RawMessage) (q question, err error) {
	var in struct {
		Addr   *string `json:"ip-address"`
		Subnet *uint32 `json:"subnet-id"`
		Type   *string `json:"identifier-type"`
		ID     *string `json:"identifier"`
		HW     string  `json:"hw-address"`
		Client string  `json:"client-id"`
		Origin json.RawMessage
	}
	if err := parse(args, &in); err != nil {
		return q, err
	}
	if in.Addr != nil {
		if q.addr, err = netip.ParseAddr(*in.Addr); err != nil || !q.addr.Is4() {
			return q, fmt.Errorf("'ip-address' must be an IPv4 address: %s", *in.Addr)
		}
		q.partner, q.whose.HType = string(in.Origin) == partnerOrigin, 1
		q.whose.HW, _ = parseHex(in.HW) // odd or absent: nobody's
		q.whose.ClientID, _ = parseHex(in.Client)
		return q, nil
	}
	switch {
	case in.Subnet == nil:
		return q, errors.New("'subnet-id' is mandatory where 'ip-address' is missing")
	case in.Type == nil || in.ID == nil:
		return q, errors.New("either 'ip-address' or both 'identifier-type' and 'identifier' must be given")
	}
	q.subnet = *in.Subnet
	raw, err := parseHex(*in.ID)
	switch {
	case err != nil:
	case *in.Type == "hw-address":
		q.hw = raw
	case *in.Type == "client-id":
		q.id = raw
	default:
		err = fmt.Errorf("identifier-type %s finds no lease; use hw-address or client-id", *in.Type)
	}
	return q, err
}

// find looks the lease up.
func (c commands) find(q question) (leases.Lease, bool) {
	if q.addr.IsValid() {
		return c.Store.Get(q.addr)
	}
	found := c.Store.ByClientID(q.id)
	if q.hw != nil {
		found = c.Store.ByHW(0, q.hw)
	}
	for _, l := range found {
		if l.SubnetID == q.subnet {
			return l, true
		}
	}
	return leases.Lease{}, false
}

// identifier reads the one argument of the get-by commands.
func identifier(args json.RawMessage, key string) ([]byte, error) {
	var in map[string]json.RawMessage
	if err := parse(args, &in); err != nil {
		return nil, err
	}
	var text string
	if json.Unmarshal(in[key], &text) != nil || text == "" {
		return nil, fmt.Errorf("'%s' is mandatory: bytes in hexadecimal, with colons", key)
	}
	return parseHex(text)
}

// parseHex reads bytes as Kea writes them, "02:00:1a", and as it also reads
// them: without colons, with blanks or single digits between separators.
func parseHex(text string) ([]byte, error) {
	if !strings.ContainsAny(text, ": ") {
		return hex.DecodeString(text)
	}
	var out bytes.Buffer
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return r == ':' || r == ' ' }) {
		if len(part) == 1 {
			part = "0" + part
		}
		b, err := hex.DecodeString(part)
		if err != nil || len(b) != 1 {
			return nil, fmt.Errorf("%q is not bytes in hexadecimal", text)
		}
		out.Write(b)
	}
	return out.Bytes(), nil
}
