package leases

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
)

// keaUpdates are arguments of lease4-update as Kea sent them (captured from
// kea-dhcp4 2.2.0 and 3.0.4), with the dialect they are in.
var keaUpdates = []struct {
	name string
	form KeaForm
	json string
}{
	{"new", KeaForm{Expire: true}, `{"client-id":"01:02:00:00:00:00:01","expire":1795289436,"fqdn-fwd":false,"fqdn-rev":false,
		"hostname":"host1.example.org","hw-address":"02:00:00:00:00:01","ip-address":"192.0.2.10","state":0,"subnet-id":1,"valid-lft":600}`},
	{"no client id", KeaForm{Expire: true}, `{"expire":1795289436,"fqdn-fwd":false,"fqdn-rev":false,"hostname":"host2.example.org",
		"hw-address":"02:00:00:00:00:02","ip-address":"192.0.2.100","state":0,"subnet-id":1,"valid-lft":600}`},
	{"declined", KeaForm{Expire: true}, `{"expire":1795288977,"fqdn-fwd":false,"fqdn-rev":false,"hostname":"","hw-address":"",
		"ip-address":"192.0.2.12","state":1,"subnet-id":1,"valid-lft":120}`},
	{"fqdn keeps its dot", KeaForm{Expire: true}, `{"client-id":"01:02:00:00:00:00:15","expire":1795289458,"fqdn-fwd":false,"fqdn-rev":false,
		"hostname":"pc-21.example.org.","hw-address":"02:00:00:00:00:15","ip-address":"192.0.2.17","state":0,"subnet-id":1,"valid-lft":600}`},
	{"released, 3.0.4", KeaForm{Expire: true}, `{"client-id":"01:02:00:00:00:00:03","expire":1795290885,"fqdn-fwd":false,"fqdn-rev":false,
		"hostname":"","hw-address":"02:00:00:00:00:03","ip-address":"192.0.2.11","state":3,"subnet-id":1,"valid-lft":0}`},
	{"relayed, 3.0.4", KeaForm{Expire: true, PoolID: true}, `{"client-id":"01:02:00:00:03:84","expire":1795291487,"fqdn-fwd":false,"fqdn-rev":false,
		"hostname":"relayed.example.org","hw-address":"02:00:00:00:03:84","ip-address":"192.0.2.13","state":0,"subnet-id":1,
		"user-context":{"ISC":{"relay-agent-info":{"relay-id":"726C7931","remote-id":"72656D6F74652D41",
		"sub-options":"0x010465746837020872656D6F74652D410C04726C7931"}}},"valid-lft":600}`},
	{"relayed, 2.2.0", KeaForm{Expire: true, OldRelayInfo: true}, `{"client-id":"01:02:00:00:03:84","expire":1795290212,"fqdn-fwd":false,"fqdn-rev":false,
		"hostname":"relayed.example.org","hw-address":"02:00:00:00:03:84","ip-address":"192.0.2.10","state":0,"subnet-id":1,
		"user-context":{"ISC":{"relay-agent-info":"0x010465746837020872656D6F74652D410C04726C7931"}},"valid-lft":600}`},
	{"page", KeaForm{}, `{"client-id":"01:02:00:00:00:00:01","cltt":1795290885,"fqdn-fwd":false,"fqdn-rev":false,
		"hostname":"host1.example.org","hw-address":"02:00:00:00:00:01","ip-address":"192.0.2.10","state":0,"subnet-id":1,"valid-lft":600}`},
	{"page, infinite", KeaForm{PoolID: true}, `{"cltt":1795290885,"fqdn-fwd":true,"fqdn-rev":true,"pool-id":3,
		"hostname":"h","hw-address":"02:00:00:00:00:01","ip-address":"192.0.2.10","state":0,"subnet-id":1,"valid-lft":4294967295}`},
}

func TestKeaJSON(t *testing.T) {
	for _, u := range keaUpdates {
		l, err := ParseKea([]byte(u.json), time.Unix(1, 0))
		if err != nil {
			t.Errorf("%s: %v", u.name, err)
			continue
		}
		var want, got any
		json.Unmarshal([]byte(u.json), &want)
		text := AppendKea(nil, &l.Lease, u.form)
		if err := json.Unmarshal(text, &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v\ngot  %s\nwant %s", u.name, err, text, u.json)
		}
	}
}

func TestKeaRelayInfoIsUpgraded(t *testing.T) {
	old, _ := ParseKea([]byte(keaUpdates[6].json), time.Time{})
	content, _ := parseHex0x("0x010465746837020872656D6F74652D410C04726C7931")
	if want := AppendRelayInfo(nil, content); !bytes.Equal(old.UserContext, want) {
		t.Errorf("got  %s\nwant %s", old.UserContext, want)
	}
}

// A string of Kea is bytes: what a client sent as its name, in whatever
// encoding, comes back byte by byte as Kea writes it.
func TestKeaStringsAreBytes(t *testing.T) {
	const map1 = `{"ip-address":"192.0.2.1","hw-address":"01:02","valid-lft":60,"subnet-id":1,"hostname":`
	for _, c := range []struct{ sent, stored, written string }{
		{`"Caf\u00e9"`, "caf\xe9", `"caf\u00e9"`},
		{`"caf\u00c3\u00a9"`, "caf\xc3\xa9", `"caf\u00c3\u00a9"`},
		{"\"caf\xc3\xa9\"", "caf\xc3\xa9", `"caf\u00c3\u00a9"`},
		{"\"caf\xe9\"", "caf\xe9", `"caf\u00e9"`},
		{`"\u00C9\u0041"`, "\xc9a", `"\u00c9a"`},
		{`"a\"b\\c\/d\n\u0001"`, "a\"b\\c/d\n\x01", `"a\"b\\c/d\u000a\u0001"`},
		{`""`, "", `""`},
		{`null`, "", `""`},
	} {
		l, err := ParseKea([]byte(map1+c.sent+`}`), time.Unix(1000, 0))
		if err != nil || l.Hostname != c.stored {
			t.Errorf("%s: stored %q, %v, want %q", c.sent, l.Hostname, err, c.stored)
		}
		if text := AppendKea(nil, &l.Lease, KeaForm{}); !bytes.Contains(text, []byte(`"hostname":`+c.written+`,`)) {
			t.Errorf("%s: written %s, want %s", c.sent, text, c.written)
		}
	}
	l, err := ParseKea([]byte(map1+`"a","comment":"\u00e9"}`), time.Unix(1000, 0))
	if err != nil || string(l.UserContext) != `{"comment":"\u00e9"}` {
		t.Errorf("comment: %s, %v", l.UserContext, err)
	}
}

func TestKeaRefused(t *testing.T) {
	base := `"ip-address":"192.0.2.1","hw-address":"01:02","valid-lft":60,"subnet-id":1`
	for _, c := range []struct{ json, want string }{
		{`{"hw-address":"01"}`, "ip-address is missing"},
		{`{"ip-address":"2001:db8::1","hw-address":"01"}`, "not an IPv4 address"},
		{`{"ip-address":"192.0.2.1"}`, "hw-address is missing"},
		{`{"ip-address":"192.0.2.1","hw-address":"0g:01"}`, "not a byte"},
		{`{` + base + `,"expire":59}`, "not less than valid-lft"},
		{`{` + base + `,"expire":0}`, "must be positive"},
		{`{` + base + `,"cltt":0}`, "must be positive"},
		{`{` + base + `,"state":4}`, "state 4"},
		{`{` + base + `,"fqdn-fwd":true}`, "no hostname"},
		{`{` + base + `,"user-context":[]}`, "not a map"},
		{`{` + base + `,"user-context":{},"comment":"x"}`, "both comment"},
		{`{` + base + `,"pool-id":4294967296}`, "out of range"},
		{`{` + base + `,"hostname":7}`, "hostname"},
		{`{` + base + `,"hostname":"\u0142"}`, "hostname: \\u0142 is no byte"},
		{`{` + base + `,"comment":7}`, "comment"},
		{`[]`, "cannot unmarshal"},
	} {
		if _, err := ParseKea([]byte(c.json), time.Unix(1000, 0)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.json, err, c.want)
		}
	}
}

func TestKeaTimes(t *testing.T) {
	base := `{"ip-address":"192.0.2.1","hw-address":"01:02","valid-lft":60`
	for _, c := range []struct {
		rest string
		want int64
	}{{`}`, 1000}, {`,"expire":5060}`, 5000}, {`,"cltt":7}`, 7}} {
		if l, err := ParseKea([]byte(base+c.rest), time.Unix(1000, 0)); err != nil || l.CLTT.Unix() != c.want {
			t.Errorf("%s: %v %v, want %d", c.rest, l.CLTT.Unix(), err, c.want)
		}
	}
}

func BenchmarkAppendKea(b *testing.B) {
	l, _ := ParseKea([]byte(keaUpdates[0].json), time.Time{})
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendKea(buf[:0], &l.Lease, KeaForm{Expire: true})
	}
}
