package leasecmds

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"net/netip"
	"strings"
	"time"

	"needletail/internal/control"
	"needletail/leases"
)

// question names one lease: by address, or by a client in a subnet.
type question struct {
	addr   netip.Addr // valid: by address
	subnet uint32
	hw, id []byte // one of them

	partner bool         // a partner asks
	whose   leases.Lease // the client it says the address belongs to, and since when
}

func parseQuestion(args *control.Arguments) (q question, err error) {
	if args.Has("ip-address") {
		q.addr = args.Addr("ip-address")
		q.partner = args.Has("origin") && string(args.Value("origin")) == partnerOrigin
		q.whose.HType = 1
		q.whose.HW, _ = parseHex(args.StringOr("hw-address", "")) // odd or absent: nobody's
		q.whose.ClientID, _ = parseHex(args.StringOr("client-id", ""))
		if expire, valid := number(args, "expire"), number(args, "valid-lft"); valid > 0 && valid < expire {
			q.whose.CLTT = time.Unix(expire-valid, 0)
		}
		return q, args.Err()
	}
	q.subnet = uint32(args.Int("subnet-id", 0, math.MaxUint32))
	switch kind := args.String("identifier-type"); kind {
	case "hw-address":
		q.hw = identifier(args, "identifier")
	case "client-id":
		q.id = identifier(args, "identifier")
	default:
		args.Fail("identifier-type %s finds no lease; use hw-address or client-id", kind)
	}
	return q, args.Err()
}

// number returns a number that a partner sends along, 0 if there is none.
func number(args *control.Arguments, name string) (n int64) {
	if args.Has(name) && json.Unmarshal(args.Value(name), &n) != nil {
		return 0
	}
	return n
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

// identifier reads an argument that is bytes in hexadecimal.
func identifier(args *control.Arguments, name string) []byte {
	text := args.String(name)
	if text == "" {
		args.Fail("'%s' parameter must not be empty", name)
	}
	id, err := parseHex(text)
	if err != nil {
		args.Fail("bad '%s' parameter: %w", name, err)
	}
	return id
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
