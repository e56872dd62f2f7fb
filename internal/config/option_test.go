package config

import (
	"encoding/hex"
	"slices"
	"strings"
	"testing"
)

// entry is the body of one option-data element, and what goes on the wire.
type entry struct{ name, body, wire string }

// Option data in every type and notation. Bytes follow the RFC named; the
// notation is Kea's.
var entries = []entry{
	{"addresses", `"name": "routers", "data": "192.0.2.1, 192.0.2.2"`, "c0000201c0000202"},
	{"no addresses, as in Kea", `"name": "routers", "data": ""`, ""},
	{"by code", `"code": 6, "data": "192.0.2.1"`, "c0000201"},
	{"one address", `"name": "subnet-mask", "data": "255.255.255.0"`, "ffffff00"},
	{"a string", `"name": "domain-name", "data": " example.org "`, hexOf("example.org")},
	{"a comma within a string", `"name": "tftp-server-name", "data": "a\\,b"`, hexOf("a,b")},
	{"a quoted string", `"name": "boot-file-name", "csv-format": false, "data": "'pxe,linux.0'"`, hexOf("pxe,linux.0")},
	{"RFC 8910", `"name": "v4-captive-portal", "data": "https://p.example/"`, hexOf("https://p.example/")},
	{"a boolean", `"name": "ip-forwarding", "data": "True"`, "01"},
	{"a boolean as a number", `"name": "ip-forwarding", "data": "0"`, "00"},
	{"uint8", `"name": "default-ip-ttl", "data": "64"`, "40"},
	{"uint16 in hexadecimal", `"name": "interface-mtu", "data": "0x05dc"`, "05dc"},
	{"a leading zero is decimal", `"name": "interface-mtu", "data": "0100"`, "0064"},
	{"uint32", `"name": "v6-only-preferred", "data": "1800"`, "00000708"},
	{"int32", `"name": "time-offset", "data": "-3600"`, "fffff1f0"},
	{"an array of uint16", `"name": "path-mtu-plateau-table", "data": "68, 1500"`, "004405dc"},
	{"binary", `"name": "user-class", "data": "0A0b"`, "0a0b"},
	{"binary with blanks", `"name": "user-class", "data": "1A BB\t0 c"`, "1abb0c"},
	{"a record with binary with blanks", `"name": "uuid-guid", "data": "0, 1A BB"`, "001abb"},
	{"hexadecimal with 0x", `"code": 252, "csv-format": false, "data": "0x0102"`, "0102"},
	{"an odd number of digits", `"code": 252, "csv-format": false, "data": "123"`, "0123"},
	{"with colons", `"code": 252, "csv-format": false, "data": "01:2:03"`, "010203"},
	{"with blanks", `"code": 252, "csv-format": false, "data": "01 2 03"`, "010203"},
	{"nothing", `"code": 252, "csv-format": false, "data": ""`, ""},
	{"a name", `"name": "v4-lost", "data": "lost.example."`, "046c6f7374076578616d706c6500"},
	{"names, compressed: RFC 3397", `"name": "domain-search", "data": "eng.apple.com, marketing.apple.com"`,
		"03656e67056170706c6503636f6d00" + "096d61726b6574696e67c004"},
	{"names, not compressed: RFC 6011 section 5", `"name": "sip-ua-cs-domains", "data": "a.example, b.example"`,
		"0161076578616d706c6500" + "0162076578616d706c6500"},
	{"names in wire form", `"name": "domain-search", "csv-format": false, "data": "016100c000"`, "016100c000"},
	{"the routes of RFC 3442", `"name": "classless-static-route", "data": "0.0.0.0/0 - 10.0.0.1, 10.229.0.128/25 - 10.229.0.1, 10.17.0.0/16 - 10.0.0.2"`,
		"000a000001" + "190ae500800ae50001" + "100a110a000002"},
	{"a record", `"name": "client-ndi", "data": "1, 3, 16"`, "010310"},
	{"a record that repeats its last field: RFC 5969", `"name": "option-6rd", "data": "14, 32, 2001:db8::, 192.0.2.1, 192.0.2.2"`,
		"0e2020010db8000000000000000000000000c0000201c0000202"},
	{"a record with a string", `"name": "slp-service-scope", "data": "true, scope"`, "01" + hexOf("scope")},
	{"a record with a name", `"name": "rdnss-selection", "data": "1, 192.0.2.1, 192.0.2.2, example"`, "01c0000201c0000202" + "076578616d706c6500"},
	{"a record with binary", `"name": "vivco-suboptions", "data": "10, 020102"`, "0000000a020102"},
	{"a port set: RFC 7618 section 9", `"name": "v4-portparams", "data": "6, 5 / 8"`, "06080500"},
	{"tuples with long lengths: RFC 8572", `"name": "v4-sztp-redirect", "data": "https://a, https://b"`,
		"0009" + hexOf("https://a") + "0009" + hexOf("https://b")},
	{"resolvers: RFC 9463", `"name": "v4-dnr", "data": "1, dns.example., 192.0.2.1 192.0.2.2, port=853 alpn=dot\\,doq"`,
		"002b" + "0001" + "0d" + "03646e73076578616d706c6500" + "08c0000201c0000202" + "0001000803646f7403646f71" + "000300020355"},
	{"a resolver's name only", `"name": "v4-dnr", "data": "2, dns.example."`, "0010" + "0002" + "0d" + "03646e73076578616d706c6500"},
	{"a name that only IANA has", `"name": "path-prefix", "data": "/x/"`, hexOf("/x/")},
	{"an IPv6 address: RFC 8539", `"name": "dhcp4o6-s46-saddr", "data": "2001:db8::1"`, "20010db8000000000000000000000001"},
	{"RFC 8973", `"code": 147, "data": "dots.example"`, "04646f7473076578616d706c6500"},
	{"addresses: RFC 8973", `"name": "v4-dots-address", "data": "192.0.2.1, 192.0.2.2"`, "c0000201c0000202"},
	{"a code of IANA under another name", `"code": 210, "name": "mine", "csv-format": false, "data": "01"`, "01"},
	{"more than 255 bytes: RFC 3396", `"name": "domain-name", "data": "` + strings.Repeat("a", 300) + `"`, hexOf(strings.Repeat("a", 300))},
}

func hexOf(s string) string { return hex.EncodeToString([]byte(s)) }

func TestOptionData(t *testing.T) {
	for _, e := range entries {
		d := mustParse(t, `"option-data": [ { `+e.body+` } ]`)
		if len(d.Options) != 1 {
			t.Errorf("%s: %d options", e.name, len(d.Options))
			continue
		}
		if got := hex.EncodeToString(d.Options[0].Data); got != e.wire {
			t.Errorf("%s: %s\ngot  %s\nwant %s", e.name, e.body, got, e.wire)
		}
	}
}

// mustParse parses the body of Dhcp4.
func mustParse(t testing.TB, body string) *Dhcp4 {
	t.Helper()
	d, err := Parse("f", []byte(`{ "Dhcp4": { `+body+` } }`))
	if err != nil {
		t.Fatalf("%s\n%v", body, err)
	}
	return d
}

func TestCustomOptions(t *testing.T) {
	defs := `"option-def": [
		{ "name": "pair", "code": 230, "type": "record", "record-types": "uint16, string" },
		{ "name": "hosts", "code": 231, "type": "ipv6-address", "array": true },
		{ "name": "prefix", "code": 232, "type": "ipv6-prefix" },
		{ "name": "words", "code": 233, "type": "tuple", "array": true },
		{ "name": "small", "code": 234, "type": "int8" },
		{ "name": "path-prefix", "code": 210, "type": "uint8" } ], `
	for _, e := range []entry{
		{"", `"name": "pair", "data": "7, a b"`, "0007" + hexOf("a b")},
		{"", `"code": 231, "data": "2001:db8::1,::2"`, "20010db8000000000000000000000001" + "00000000000000000000000000000002"},
		{"", `"name": "prefix", "data": "2001:db8::/36"`, "2420010db800"},
		{"", `"name": "words", "data": "ab, c"`, "02" + hexOf("ab") + "01" + hexOf("c")},
		{"", `"name": "small", "data": "-2"`, "fe"},
		{"a name of IANA defined anew", `"name": "path-prefix", "data": "9"`, "09"},
	} {
		d := mustParse(t, defs+`"option-data": [ { `+e.body+` } ]`)
		if got := hex.EncodeToString(d.Options[0].Data); got != e.wire {
			t.Errorf("%s: got %s, want %s", e.body, got, e.wire)
		}
	}
}

func TestEncapsulation(t *testing.T) {
	d := mustParse(t, `"option-def": [
		{ "name": "inner", "code": 1, "space": "vendor-encapsulated-options-space", "type": "uint16", "encapsulate": "deep" },
		{ "name": "leaf", "code": 9, "space": "deep", "type": "uint8" },
		{ "name": "round", "code": 230, "type": "empty", "encapsulate": "circle" },
		{ "name": "back", "code": 2, "space": "circle", "type": "empty", "encapsulate": "circle2" },
		{ "name": "forth", "code": 3, "space": "circle2", "type": "empty", "encapsulate": "circle" } ],
	"option-data": [
		{ "name": "vendor-encapsulated-options" },
		{ "name": "inner", "space": "vendor-encapsulated-options-space", "data": "258" },
		{ "name": "leaf", "space": "deep", "data": "7" },
		{ "name": "round" }, { "name": "back", "space": "circle" }, { "name": "forth", "space": "circle2" },
		{ "name": "vivso-suboptions", "data": "4491" },
		{ "name": "tftp-servers", "space": "vendor-4491", "data": "192.0.2.1" } ]`)
	for code, want := range map[uint8]string{
		43:  "01050102090107", // 1: 0x0102 and within it 9: 7
		230: "02020300",       // 2 within it 3; the circle ends there
		125: "0000118b" + "06" + "0204c0000201",
	} {
		i := slices.IndexFunc(d.Options, func(o Option) bool { return o.Space == SpaceDHCP4 && o.Code == code })
		if got := hex.EncodeToString(d.Options[i].Data); got != want {
			t.Errorf("option %d: got %s, want %s", code, got, want)
		}
	}
}

func TestOptionFlags(t *testing.T) {
	d := mustParse(t, `"option-data": [
		{ "name": "routers", "data": "192.0.2.1", "always-send": true },
		{ "name": "log-servers", "never-send": true } ]`)
	if o := d.Options[0]; !o.AlwaysSend || o.NeverSend || o.Name != "routers" || o.Code != 3 || o.Space != SpaceDHCP4 {
		t.Errorf("%+v", o)
	}
	if o := d.Options[1]; o.AlwaysSend || !o.NeverSend || len(o.Data) != 0 {
		t.Errorf("%+v", o)
	}
}

// Every standard definition is one that a configuration could have made, and
// neither codes nor names repeat.
func TestStandardOptions(t *testing.T) {
	codes, names := make(map[uint8]bool), make(map[string]bool)
	for _, d := range standard().dhcp4 {
		if codes[d.Code] || names[d.Name] {
			t.Errorf("%d %s is there twice", d.Code, d.Name)
		}
		codes[d.Code], names[d.Name] = true, true
		special := d.Type == "static-routes" || d.Type == "dnr"
		if err := wrongType(&d); err != nil && !special {
			t.Errorf("%d %s: %v", d.Code, d.Name, err)
		}
		if err := wrongNames(&d); err != nil {
			t.Errorf("%d %s: %v", d.Code, d.Name, err)
		}
	}
	for i := range iana {
		for code := iana[i].first; code <= iana[i].last; code++ {
			if d := standard().code(SpaceDHCP4, code); d == nil || standard().name(SpaceDHCP4, d.Name) != d {
				t.Errorf("IANA has option %d and we do not, by code and by name", code)
			}
		}
	}
}

// iana are the codes that the registry "BOOTP Vendor Extensions and DHCP Options"
// assigns to an option of an RFC: the first 76 are RFC 2132.
var iana = []struct{ first, last uint8 }{
	{1, 83}, {85, 95}, {97, 101}, {108, 109}, {112, 114}, {116, 125}, {136, 148}, {150, 159}, {161, 162}, {208, 213}, {220, 221},
}
