package leases

import (
	"bytes"
	"encoding/json"
	"strconv"

	"needletail/internal/keastring"
)

// KeaForm says which of Kea's dialects of a lease map is wanted.
type KeaForm struct {
	// Expire: "expire" in place of "cltt", as in lease4-update and lease4-del;
	// answers to lease4-get and lease4-get-page have "cltt".
	Expire bool
	// PoolID: "pool-id" if it is not 0 (Kea 2.3.8 and later).
	PoolID bool
	// OldRelayInfo: relay-agent-info as a string, as before Kea 2.3.2.
	OldRelayInfo bool
}

// AppendKea appends the lease as Kea's JSON map.
func AppendKea(dst []byte, l *Lease, f KeaForm) []byte {
	dst = append(dst, '{')
	dst = AppendKeaFields(dst, l, f)
	return append(dst, '}')
}

// AppendKeaFields appends the members of Kea's map without the braces, for
// commands that add members of their own (force-create, origin). Keys are in
// Kea's order, which sorts them.
func AppendKeaFields(dst []byte, l *Lease, f KeaForm) []byte {
	if len(l.ClientID) > 0 {
		dst = append(appendColonHex(append(dst, `"client-id":"`...), l.ClientID), `",`...)
	}
	if f.Expire {
		dst = append(dst, `"expire":`...)
		dst = strconv.AppendInt(dst, keaExpire(l), 10)
	} else {
		dst = append(dst, `"cltt":`...)
		dst = strconv.AppendInt(dst, l.CLTT.Unix(), 10)
	}
	dst = strconv.AppendBool(append(dst, `,"fqdn-fwd":`...), l.FQDNFwd)
	dst = strconv.AppendBool(append(dst, `,"fqdn-rev":`...), l.FQDNRev)
	dst = keastring.Append(append(dst, `,"hostname":`...), l.Hostname)
	dst = appendColonHex(append(dst, `,"hw-address":"`...), l.HW)
	dst = l.Addr.AppendTo(append(dst, `","ip-address":"`...))
	dst = append(dst, '"')
	if f.PoolID && l.PoolID != 0 {
		dst = strconv.AppendUint(append(dst, `,"pool-id":`...), uint64(l.PoolID), 10)
	}
	dst = strconv.AppendUint(append(dst, `,"state":`...), uint64(l.State), 10)
	dst = strconv.AppendUint(append(dst, `,"subnet-id":`...), uint64(l.SubnetID), 10)
	if len(l.UserContext) > 0 {
		context := l.UserContext
		if f.OldRelayInfo {
			context = oldRelayInfo(context)
		}
		dst = append(append(dst, `,"user-context":`...), context...)
	}
	return strconv.AppendUint(append(dst, `,"valid-lft":`...), uint64(l.ValidLft), 10)
}

// keaExpire is cltt + valid-lft; an infinite lease keeps its 2^32-1 seconds.
func keaExpire(l *Lease) int64 { return l.CLTT.Unix() + int64(l.ValidLft) }

const hexLower = "0123456789abcdef"

// appendColonHex appends 01:02:0a.
func appendColonHex(dst, b []byte) []byte {
	for i, c := range b {
		if i > 0 {
			dst = append(dst, ':')
		}
		dst = append(dst, hexLower[c>>4], hexLower[c&15])
	}
	return dst
}

// AppendRelayInfo appends the user context that keeps option 82 with a lease,
// as Kea does with store-extended-info: content is what follows the option's
// length byte.
func AppendRelayInfo(dst, content []byte) []byte {
	dst = append(dst, `{"ISC":{"relay-agent-info":`...)
	return append(appendRelayMap(dst, content), "}}"...)
}

// Sub-options of option 82 that get a member of their own.
const (
	subRemoteID = 2  // RFC 3046
	subRelayID  = 12 // RFC 6925
)

func appendRelayMap(dst, content []byte) []byte {
	dst = append(dst, '{')
	if id := subOption(content, subRelayID); id != nil {
		dst = append(appendUpperHex(append(dst, `"relay-id":"`...), id), `",`...)
	}
	if id := subOption(content, subRemoteID); id != nil {
		dst = append(appendUpperHex(append(dst, `"remote-id":"`...), id), `",`...)
	}
	return append(appendUpperHex(append(dst, `"sub-options":"0x`...), content), `"}`...)
}

func appendUpperHex(dst, b []byte) []byte {
	const upper = "0123456789ABCDEF"
	for _, c := range b {
		dst = append(dst, upper[c>>4], upper[c&15])
	}
	return dst
}

// subOption finds a sub-option of option 82's content; nil if absent or cut.
func subOption(content []byte, code byte) []byte {
	for len(content) >= 2 && len(content) >= 2+int(content[1]) {
		if content[0] == code {
			return content[2 : 2+int(content[1])]
		}
		content = content[2+int(content[1]):]
	}
	return nil
}

// relayKey is the member of user-context.ISC that both forms share.
const relayKey = "relay-agent-info"

// oldRelayInfo turns the map form of relay-agent-info into the string form;
// whatever else the context holds stays.
func oldRelayInfo(context []byte) []byte {
	return mapRelayInfo(context, func(raw json.RawMessage) json.RawMessage {
		var m struct {
			Sub string `json:"sub-options"`
		}
		if json.Unmarshal(raw, &m) != nil || m.Sub == "" {
			return raw
		}
		return keastring.Append(nil, m.Sub)
	})
}

// newRelayInfo turns the string form into the map form, as newer Keas do on
// receipt.
func newRelayInfo(context []byte) []byte {
	return mapRelayInfo(context, func(raw json.RawMessage) json.RawMessage {
		var s string
		if json.Unmarshal(raw, &s) != nil {
			return raw
		}
		content, err := parseHex0x(s)
		if err != nil {
			return raw
		}
		return appendRelayMap(nil, content)
	})
}

// mapRelayInfo applies f to user-context.ISC.relay-agent-info, if there.
func mapRelayInfo(context []byte, f func(json.RawMessage) json.RawMessage) []byte {
	if !bytes.Contains(context, []byte(relayKey)) {
		return context
	}
	var top, isc map[string]json.RawMessage
	if json.Unmarshal(context, &top) != nil || json.Unmarshal(top["ISC"], &isc) != nil || isc[relayKey] == nil {
		return context
	}
	isc[relayKey] = f(isc[relayKey])
	inner, err := json.Marshal(isc)
	if err != nil {
		return context
	}
	top["ISC"] = inner
	if out, err := json.Marshal(top); err == nil {
		return out
	}
	return context
}
