package ha

import (
	"bytes"
	"testing"
	"time"

	"needletail/internal/control"
	"needletail/leases"
)

// encode writes an entry as a sender would.
func (e *entry) encode(b []byte) []byte {
	if e.Op == opDelete {
		return appendDelete(b, e.Lease.Addr, e.At)
	}
	return appendPut(b, &e.Lease)
}

// FuzzEntries: whatever decodes means one thing. What is written out of it
// decodes again, to the same bytes; nothing is read beyond the message.
func FuzzEntries(f *testing.F) {
	l := leases.Lease{Addr: addrOf(0xc000020a), SubnetID: 1, PoolID: 3, HType: 1, HW: []byte{2, 0, 0, 0, 0, 1}, ClientID: []byte{1, 2},
		CLTT: time.Unix(1795288855, 0), ValidLft: leases.Infinite, Hostname: "host1", FQDNRev: true, UserContext: []byte(`{"a":1}`)}
	one := appendPut([]byte{binaryVersion}, &l)
	f.Add(one)
	f.Add(appendDelete(one, l.Addr, time.Unix(1795288855, 0)))
	f.Add(one[:len(one)-3])
	f.Add([]byte{binaryVersion, byte(opDelete), 192, 0, 2, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, message []byte) {
		again := []byte{binaryVersion}
		if decodeEntries(message, func(e *entry) error { again = e.encode(again); return nil }) != nil {
			return
		}
		third := []byte{binaryVersion}
		if err := decodeEntries(again, func(e *entry) error { third = e.encode(third); return nil }); err != nil {
			t.Fatalf("%x decodes, and what it means (%x) does not: %v", message, again, err)
		}
		if !bytes.Equal(again, third) {
			t.Fatalf("%x means %x, which means %x", message, again, third)
		}
	})
}

// FuzzHeartbeatAnswer: an answer is good only as a list whose first element
// has result 0 or 3, a state and a date in GMT.
func FuzzHeartbeatAnswer(f *testing.F) {
	for _, name := range []string{"heartbeat-waiting", "k304-heartbeat", "lease4-get-page-empty", "k304-released-refused-by-2.2.0"} {
		f.Add(capture(f, name+".response"))
	}
	f.Add([]byte(`{ "result": 401, "text": "Unauthorized" }`))
	f.Add([]byte(`[ { "result": 1e0 } ]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		a, err := parseAnswer(body)
		if err != nil {
			return
		}
		list := bytes.HasPrefix(bytes.TrimSpace(body), []byte{'['})
		if !list && a.Result != control.ResultError {
			t.Fatalf("%s is no list and has result %d", body, a.Result)
		}
		h, err := parseHeartbeat(a)
		if err == nil && (!list || a.Result != 0 && a.Result != 3 || h.Time.IsZero()) {
			t.Fatalf("%s is taken for a good heartbeat: %+v", body, h)
		}
	})
}
