package config

import (
	"encoding/json"
	"net/netip"
	"os"
	"reflect"
	"testing"
	"time"
)

// testdata/kea-2.2.0-server1.json is what a real Kea 2.2.0 of a load-balanced
// pair ran with.
func TestRealConfiguration(t *testing.T) {
	d, err := Load("testdata/kea-2.2.0-server1.json")
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Warnings) != 1 || d.Warnings[0].At.Path != "/Dhcp4/ddns-qualifying-suffix" {
		t.Errorf("warnings: %v", Problems(d.Warnings))
	}
	r := d.HA[0]
	if r.Mode != LoadBalancing || r.ThisServer != "server1" || r.Self().Role != Primary || r.Partner().Name != "server2" || r.SelfIndex() != 0 {
		t.Errorf("%+v", r)
	}
	if r.HeartbeatDelay != 3*time.Second || r.MaxUnackedClients != 2 || r.SyncPageLimit != 3 || r.DelayedUpdatesLimit != 100 {
		t.Errorf("%+v", r)
	}
	if !r.MultiThreading || !r.DedicatedListener || r.ClientThreads != 2 {
		t.Errorf("threads %+v", r)
	}
	if r.Peers[1].Addr != netip.MustParseAddrPort("10.9.9.2:8001") {
		t.Errorf("peer %+v", r.Peers[1])
	}
	if got := d.Subnets[0].Pools[1].ClientClasses; len(got) != 1 || got[0] != "HA_server2" {
		t.Errorf("classes %v", got)
	}
}

const pair = `"hooks-libraries": [ { "library": "libdhcp_ha.so", "parameters": { "high-availability": [ {
	"this-server-name": "server1", "mode": "passive-backup", "heartbeat-delay": 3000, "max-response-delay": 12000,
	"max-ack-delay": 2000, "max-unacked-clients": 2, "sync-page-limit": 3, "wait-backup-ack": true, "restrict-commands": false,
	"multi-threading": { "http-listener-threads": 2, "http-client-threads": 2 },
	"peers": [
		{ "name": "server1", "url": "http://10.9.9.1:8001/", "role": "primary" },
		{ "name": "server3", "url": "http://10.9.9.3:8001/", "role": "backup", "auto-failover": false,
		  "basic-auth-user": "foo", "basic-auth-password": "1234" } ] } ] } } ]`

// haShown is the relationship in the config-get answer of a real Kea 2.2.0 that
// ran with pair, and max-rejected-lease-updates, which came with Kea 2.3.1.
const haShown = `{
	"delayed-updates-limit": 0, "heartbeat-delay": 3000, "max-ack-delay": 2000, "max-response-delay": 12000,
	"max-unacked-clients": 2, "max-rejected-lease-updates": 10, "mode": "passive-backup",
	"multi-threading": { "enable-multi-threading": true, "http-client-threads": 2, "http-dedicated-listener": true, "http-listener-threads": 2 },
	"peers": [
		{ "auto-failover": true, "name": "server1", "role": "primary", "url": "http://10.9.9.1:8001/" },
		{ "auto-failover": false, "basic-auth-password": "1234", "basic-auth-user": "foo", "name": "server3", "role": "backup", "url": "http://10.9.9.3:8001/" } ],
	"require-client-certs": true, "restrict-commands": false, "send-lease-updates": true, "sync-leases": true,
	"sync-page-limit": 3, "sync-timeout": 60000, "this-server-name": "server1", "wait-backup-ack": true }`

func TestRaw(t *testing.T) {
	d := mustParse(t, `/* gone */ "comment": "c", `+pair)
	var got struct {
		Dhcp4 struct {
			Hooks []struct {
				Parameters struct {
					HA []any `json:"high-availability"`
				}
			} `json:"hooks-libraries"`
			Context map[string]string `json:"user-context"`
		}
	}
	if err := json.Unmarshal(d.Raw, &got); err != nil {
		t.Fatal(err)
	}
	var want any
	if err := json.Unmarshal([]byte(haShown), &want); err != nil {
		t.Fatal(err)
	}
	if ha := got.Dhcp4.Hooks[0].Parameters.HA[0]; !reflect.DeepEqual(ha, want) {
		t.Errorf("got  %v\nwant %v", ha, want)
	}
	if got.Dhcp4.Context["comment"] != "c" {
		t.Errorf("user context %v", got.Dhcp4.Context)
	}
}

func TestHash(t *testing.T) {
	a := mustParse(t, `"valid-lifetime": 1 # x`+"\n")
	b := mustParse(t, `"valid-lifetime":  1`)
	c := mustParse(t, `"valid-lifetime": 2`)
	if a.Hash() != b.Hash() || a.Hash() == c.Hash() {
		t.Error(a.Hash(), b.Hash(), c.Hash())
	}
	// printf '{"Dhcp4":{"valid-lifetime":1}}' | sha256sum
	if want := "CDD129F32C588DE907F780876DED6AE966AE806CFB037AF26324A18A25E4EB63"; a.Hash() != want {
		t.Errorf("%s of %s", a.Hash(), a.Raw)
	}
}

// Defaults of Kea 3.x where the file says nothing.
func TestRelationshipDefaults(t *testing.T) {
	d := mustParse(t, `"hooks-libraries": [ { "library": "libdhcp_ha.so", "parameters": { "high-availability": [ {
		"this-server-name": "b", "mode": "hot-standby", "peers": [
			{ "name": "a", "url": "http://192.0.2.1/", "role": "primary" },
			{ "name": "b", "url": "http://[2001:db8::2]:80/", "role": "standby" },
			{ "name": "c", "url": "http://192.0.2.3:80", "role": "backup" } ] } ] } } ]`)
	got := *d.HA[0]
	got.Peers, got.At = nil, Position{}
	want := Relationship{
		ThisServer: "b", Mode: HotStandby,
		HeartbeatDelay: 10 * time.Second, MaxResponseDelay: time.Minute, MaxAckDelay: 10 * time.Second,
		MaxUnackedClients: 10, MaxRejectedLeaseUpdates: 10, DelayedUpdatesLimit: 0,
		SendLeaseUpdates: true, SyncLeases: true, SyncTimeout: time.Minute, SyncPageLimit: 10000,
		RestrictCommands: true, RequireClientCerts: true, MultiThreading: true, DedicatedListener: true,
		Pauses: map[string]string{},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	r := d.HA[0]
	if p := r.Peers[0]; !p.AutoFailover || p.Addr.Port() != 0 {
		t.Errorf("peer %+v", p)
	}
	if p := r.Peers[1]; p.Addr != netip.MustParseAddrPort("[2001:db8::2]:80") {
		t.Errorf("peer %+v", p)
	}
	if r.SelfIndex() != -1 || r.Partner().Name != "a" || len(r.Active()) != 1 || len(backups(r)) != 1 || d.Relationship("c") != r || d.Relationship("d") != nil {
		t.Errorf("helpers: %d %v %v", r.SelfIndex(), r.Partner(), r.Active())
	}
}

// Where the server is single threaded the hook is too and opens no listener.
func TestThreadsFollowTheServer(t *testing.T) {
	d := mustParse(t, `"multi-threading": { "enable-multi-threading": false }, `+pair)
	if r := d.HA[0]; r.MultiThreading || r.DedicatedListener {
		t.Errorf("%+v", r)
	}
}

func TestBackupHasNoPartner(t *testing.T) {
	d := mustParse(t, pair)
	r := d.HA[0]
	if r.Partner() != nil || len(backups(r)) != 1 || backups(r)[0].User != "foo" || backups(r)[0].Password != "1234" {
		t.Errorf("%+v", backups(r))
	}
}

func TestSecretsInFiles(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{"user": "u\nmore\n", "password": "p\r\n", "both": "user:pass:word\n"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d := mustParse(t, `"control-sockets": [ { "socket-type": "http", "authentication": { "type": "basic", "directory": ".", "clients": [
		{ "user-file": "user", "password-file": "password" }, { "password-file": "both" }, { "user": "x" } ] } } ]`)
	s := d.Sockets[0]
	want := []Credential{{"u", "p"}, {"user", "pass:word"}, {"x", ""}}
	if !reflect.DeepEqual(s.Clients, want) || s.Realm != "kea-dhcpv4-server" || s.Addr != netip.MustParseAddrPort("127.0.0.1:8000") {
		t.Errorf("%+v", s)
	}
}

func TestHub(t *testing.T) {
	d, err := Load("testdata/accepted/hub.json")
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"server1", "server4", "server8"} {
		r := d.HA[i]
		if r.Index != i || r.Partner().Name != want || len(backups(r)) != 1 {
			t.Errorf("relationship %d: %+v, partner %+v", i, r, r.Partner())
		}
		if got := d.Relationship(d.Subnets[i].HAServerName); got != r {
			t.Errorf("subnet %s belongs to relationship %d", d.Subnets[i].Prefix, got.Index)
		}
	}
	if len(d.Warnings) > 0 {
		t.Error(Problems(d.Warnings))
	}
}

// backups lists the servers with role backup other than this one.
func backups(r *Relationship) []*Peer {
	var backups []*Peer
	for _, p := range r.Peers {
		if p.Role == Backup && p.Name != r.ThisServer {
			backups = append(backups, p)
		}
	}
	return backups
}
