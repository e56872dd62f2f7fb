package slowpath

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/insomniacslk/dhcp/dhcpv4"
)

// query makes a message with these fixed fields and options.
func rawQuery(options ...byte) []byte {
	m := make([]byte, offOptions, 600)
	m[offOp], m[offHType], m[offHLen] = bootRequest, htypeEthernet, 6
	copy(m[offXID:], []byte{1, 2, 3, 4})
	copy(m[offChaddr:], []byte{2, 0, 0, 0, 0, 1})
	binary.BigEndian.PutUint32(m[offCookie:], cookie)
	return append(m, options...)
}

func TestParse(t *testing.T) {
	discover := []byte{53, 1, 1}
	cases := []struct {
		name string
		raw  []byte
		want Silence
	}{
		{"a DISCOVER", rawQuery(53, 1, 1, 255), Answered},
		{"pads before, between and after", rawQuery(0, 53, 1, 1, 0, 0, 255, 0, 0), Answered},
		{"no end option, as Kea takes it", rawQuery(discover...), Answered},
		{"nothing behind the end option counts", rawQuery(53, 1, 1, 255, 50, 9), Answered},
		{"one byte short of the options", rawQuery()[:offOptions-1], SilenceTooShort},
		{"a reply", replace(rawQuery(53, 1, 1), offOp, 2), SilenceNotRequest},
		{"hardware address longer than chaddr", replace(rawQuery(53, 1, 1), offHLen, 17), SilenceBadHardware},
		{"no magic cookie", replace(rawQuery(53, 1, 1), offCookie, 0), SilenceNoCookie},
		{"an option leaves the message", rawQuery(53, 1, 1, 61, 200, 1), SilenceBadOptions},
		{"a code without length", rawQuery(53, 1, 1, 61), SilenceBadOptions},
		{"no message type", rawQuery(255), SilenceBootp},
		{"message type of two bytes", rawQuery(53, 2, 1, 1, 255), SilenceBadType},
		{"message type twice", rawQuery(53, 1, 1, 53, 1, 1, 255), SilenceBadType},
		{"an OFFER", rawQuery(53, 1, 2, 255), SilenceServerMessage},
		{"a LEASEQUERY", rawQuery(53, 1, 10, 255), SilenceUnknownType},
		{"requested address of three bytes", rawQuery(53, 1, 3, 50, 3, 1, 2, 3), SilenceBadOptionLength},
		{"client identifier of one byte", rawQuery(53, 1, 1, 61, 1, 0), SilenceBadOptionLength},
		{"overload of a field that is not", rawQuery(53, 1, 1, 52, 1, 4, 255), SilenceBadOverload},
		{"overload twice", rawQuery(53, 1, 1, 52, 1, 1, 52, 1, 1, 255), SilenceBadOverload},
		{"an option leaves the file field", replace(rawQuery(53, 1, 1, 52, 1, 1, 255), offFile, 61, 200), SilenceBadOverload},
	}
	for _, c := range cases {
		var m message
		if got := m.parse(c.raw); got != c.want {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}

func replace(m []byte, at int, with ...byte) []byte {
	copy(m[at:], with)
	return m
}

// RFC 3396 section 7: the pieces are joined in the order of the options field,
// file, sname.
func TestParseJoinsPieces(t *testing.T) {
	raw := rawQuery(53, 1, 1, 61, 2, 'a', 'b', 52, 1, 3, 61, 1, 'c', 255)
	copy(raw[offFile:], []byte{61, 1, 'd', 12, 1, 'h', 255})
	copy(raw[offSname:], []byte{61, 1, 'e', 255})
	var m message
	if s := m.parse(raw); s != Answered {
		t.Fatal(s)
	}
	if got := string(m.clientID()); got != "abcde" {
		t.Errorf("client identifier %q, want abcde", got)
	}
	if got := string(m.option(optHostName)); got != "h" {
		t.Errorf("host name %q, want h", got)
	}
}

func TestParseAgent(t *testing.T) {
	a := parseAgent([]byte{1, 2, 'i', 'f', 5, 4, 10, 0, 0, 1, 11, 4, 10, 0, 0, 2, 19, 0, 2, 1, 'r', 12, 9, 'x'})
	if number(a.link) != 0x0a000001 || number(a.override) != 0x0a000002 || !a.port || string(a.remoteID) != "r" {
		t.Errorf("got %+v", a)
	}
	if a.relayID != nil {
		t.Error("a sub-option that leaves the option was read")
	}
}

// FuzzParse holds the parser against insomniacslk/dhcp: both must accept the
// same messages and find the same options in them. They differ by design in
// what both documents leave open: a missing end option, option overload (the
// oracle reads the options field only) and the lengths we insist on.
func FuzzParse(f *testing.F) {
	f.Add(rawQuery(53, 1, 1, 255))
	f.Add(rawQuery(53, 1, 3, 50, 4, 192, 0, 2, 10, 54, 4, 192, 0, 2, 1, 55, 3, 1, 3, 6, 255))
	f.Add(rawQuery(53, 1, 1, 61, 2, 'a', 'b', 61, 1, 'c', 82, 4, 1, 2, 'i', 'f', 255))
	f.Add(rawQuery(53, 1, 1, 52, 1, 3, 255))
	f.Add(rawQuery(0, 0, 53, 1, 1, 61, 200))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var m message
		why := m.parse(raw)
		oracle, err := dhcpv4.FromBytes(append(bytes.Clone(raw), optEnd))
		switch why {
		case SilenceTooShort, SilenceNotRequest, SilenceBadHardware, SilenceBadOverload:
			return
		case SilenceNoCookie, SilenceBadOptions:
			if err == nil && !endsInside(raw) {
				t.Fatalf("%v, but the oracle accepts %x", why, raw)
			}
			return
		}
		if err != nil {
			t.Fatalf("accepted, but the oracle says %v: %x", err, raw)
		}
		compareFields(t, &m, oracle)
		if !m.seen.has(optOverload) {
			compareOptions(t, &m, oracle)
		}
	})
}

// endsInside tells whether the end byte added for the oracle completes an
// option that raw cuts off.
func endsInside(raw []byte) bool {
	_, err := dhcpv4.FromBytes(append(bytes.Clone(raw), optEnd, optEnd))
	var m message
	return err == nil || m.parse(append(bytes.Clone(raw), optEnd)) != SilenceBadOptions
}

func compareFields(t *testing.T, m *message, o *dhcpv4.DHCPv4) {
	if !bytes.Equal(m.raw[offXID:offXID+4], o.TransactionID[:]) || m.secs() != o.NumSeconds ||
		!o.ClientIPAddr.Equal(netAddr(number(m.ciaddr())).AsSlice()) ||
		!o.GatewayIPAddr.Equal(netAddr(number(m.giaddr())).AsSlice()) ||
		m.broadcast() != o.IsBroadcast() || !bytes.Equal(m.hw(), o.ClientHWAddr) {
		t.Fatalf("fixed fields differ from the oracle's: %v", o)
	}
}

func compareOptions(t *testing.T, m *message, o *dhcpv4.DHCPv4) {
	for code := 1; code < optEnd; code++ {
		want, has := o.Options[uint8(code)]
		if got := m.option(uint8(code)); has != m.seen.has(uint8(code)) || !bytes.Equal(got, want) {
			t.Fatalf("option %d: got %x, the oracle has %x", code, got, want)
		}
	}
}
