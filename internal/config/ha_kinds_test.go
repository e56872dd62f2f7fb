package config

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// samples are a value of every kind.
var samples = map[kind]any{
	null: nil, boolean: true, integer: 1, float: 1.5, text: "x", list: []any{}, object: map[string]any{},
}

// relationshipWith is a configuration with one key of the HA hook put into the
// map that table describes.
func relationshipWith(t *testing.T, table, key string, value any) []byte {
	t.Helper()
	peer := map[string]any{"name": "s1", "url": "http://192.0.2.1:8000/", "role": "primary"}
	state, threads := map[string]any{"state": "ready"}, map[string]any{}
	machine := map[string]any{"states": []any{state}}
	relationship := map[string]any{
		"this-server-name": "s1", "mode": "passive-backup", "peers": []any{peer},
		"multi-threading": threads, "state-machine": machine,
	}
	parameters := map[string]any{"high-availability": []any{relationship}}
	maps := map[string]map[string]any{
		haTable.name: parameters, relationshipTable.name: relationship, peerTable.name: peer,
		threadsTable.name: threads, machineTable.name: machine, stateTable.name: state,
	}
	maps[table][key] = value
	text, err := json.Marshal(map[string]any{"Dhcp4": map[string]any{
		"hooks-libraries": []any{map[string]any{"library": "libdhcp_ha.so", "parameters": parameters}}}})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// haKeys are all keys of the HA hook.
func haKeys() (all []keyInfo) {
	for _, k := range grammar() {
		if k.Table == haTable.name || strings.HasPrefix(k.Table, relationshipTable.name) {
			all = append(all, k)
		}
	}
	return all
}

// No key of the HA hook takes a value of another JSON type than its own, and
// the problem is told where the value stands.
func TestEveryHAKeyHasOneType(t *testing.T) {
	keys := haKeys()
	if len(keys) < 40 {
		t.Fatalf("%d keys", len(keys))
	}
	for _, k := range keys {
		for of, value := range samples {
			if of == kind(k.Kind) {
				continue
			}
			want := fmt.Sprintf("/%s: this is %s, it must be %s", k.Name, of.named(), kind(k.Kind).named())
			if _, err := Parse("f", relationshipWith(t, k.Table, k.Name, value)); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s %s: %v\nwant %s", k.Table, k.Name, err, want)
			}
		}
	}
}

// No number of the HA hook may be negative or beyond 32 bits.
func TestEveryHANumberHasItsRange(t *testing.T) {
	for _, k := range haKeys() {
		if kind(k.Kind) != integer {
			continue
		}
		for _, n := range []int64{-1, 1 << 32} {
			want := fmt.Sprintf("/%s: %d is out of range", k.Name, n)
			if _, err := Parse("f", relationshipWith(t, k.Table, k.Name, n)); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s %s: %v\nwant %s", k.Table, k.Name, err, want)
			}
		}
	}
}

// A key that nobody knows is told, in whatever map of the hook it stands.
func TestUnknownHAKeys(t *testing.T) {
	for _, table := range []string{haTable.name, relationshipTable.name, peerTable.name, threadsTable.name, machineTable.name, stateTable.name} {
		const want = `/nonsense: Kea has no key "nonsense" here`
		if _, err := Parse("f", relationshipWith(t, table, "nonsense", 1)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v\nwant %s", table, err, want)
		}
	}
}
