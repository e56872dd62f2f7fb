package leases

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"
)

var someLease = Lease{
	Addr: ip("192.0.2.11"), SubnetID: 1, PoolID: 7, HType: 1, HW: []byte{2, 0, 0, 0, 0, 1}, ClientID: []byte("\x01abcdef"),
	CLTT: time.Unix(1_700_000_000, 0), ValidLft: 600, State: Active, Hostname: "host.example.org", FQDNFwd: true,
	UserContext: []byte(`{"ISC":{}}`),
}

// FuzzValue: whatever lies on disk is either refused or means exactly one lease,
// which encodes to the same bytes and fits a slot.
func FuzzValue(f *testing.F) {
	r, _ := fromLease(&someLease)
	f.Add(r.append(nil))
	declined := Lease{Addr: someLease.Addr, SubnetID: 1, State: Declined, ValidLft: 86400, CLTT: someLease.CLTT}
	r, _ = fromLease(&declined)
	f.Add(r.append(nil))
	f.Add([]byte{})
	f.Add(bytes.Repeat([]byte{0xff}, valueHeader))
	f.Fuzz(func(t *testing.T, value []byte) {
		r, err := parseRecord(value)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrNewer) {
				t.Errorf("error %v is neither ErrCorrupt nor ErrNewer", err)
			}
			return
		}
		if again := r.append(nil); !bytes.Equal(again, value) {
			t.Errorf("got %x, want %x", again, value)
		}
		n := newNetwork(faultNetwork[0], 0, seconds{})
		n.restore(0xc000020b, &r, true)
		back := n.recordOf(n.lookup(0xc000020b))
		r.poolID = back.poolID
		if !bytes.Equal(back.append(nil), r.append(nil)) {
			t.Errorf("through a slot: got %+v, want %+v", back, r)
		}
	})
}

// FuzzParseBinary: a stream from a partner is read or refused, and reads back.
func FuzzParseBinary(f *testing.F) {
	b, _ := AppendBinary(nil, &someLease)
	f.Add(b)
	f.Add(append(b, b...))
	f.Add(b[:20])
	f.Fuzz(func(t *testing.T, b []byte) {
		l, rest, err := ParseBinary(b)
		if err != nil {
			return
		}
		again, err := AppendBinary(nil, &l)
		if want := b[:len(b)-len(rest)]; err != nil || len(again) != len(want) {
			t.Errorf("%v: got %x, want %x", err, again, want)
		}
	})
}

// FuzzParseKea: what is accepted from a partner reads back from what we send.
func FuzzParseKea(f *testing.F) {
	for _, u := range keaUpdates {
		f.Add([]byte(u.json))
	}
	f.Add([]byte(`{"ip-address":"192.0.2.1","hw-address":"1:2","hostname":"\ud800\u0000\"","comment":"x","valid-lft":1}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		l, err := ParseKea(text, time.Unix(1000, 0))
		if err != nil {
			return
		}
		sent := AppendKea(nil, &l.Lease, KeaForm{Expire: l.CLTT.Unix()+int64(l.ValidLft) > 0, PoolID: true})
		back, err := ParseKea(sent, time.Unix(1000, 0))
		if err != nil {
			if l.CLTT.Unix() == 0 {
				return // cltt 0 is refused in a page
			}
			t.Fatalf("%s\n%v", sent, err)
		}
		a, b := AppendKea(nil, &l.Lease, KeaForm{}), AppendKea(nil, &back.Lease, KeaForm{})
		if !bytes.Equal(a, b) {
			t.Errorf("got  %s\nwant %s", b, a)
		}
	})
}

// Values that cannot be read are named, counted and left alone; the rest loads.
// Their addresses are nobody's until the lease is deleted.
func TestCorruptValuesAreSetAside(t *testing.T) {
	d := newFaultDisk()
	r := newFaultRun(t, d, 2)
	r.run(20)
	r.s.Close()
	kept := r.s.Stats().Subnets[0]
	bad := [][]byte{{'L', 0, 0, 0, 1, 192, 0, 2, 250}, {'L', 0, 0, 0, 1, 192, 0, 2, 40}, {'Z'}, {'L', 1}}
	for i, k := range bad {
		put(d.written, diskOp{key: k, value: bytes.Repeat([]byte{byte(i % 2)}, 40), version: 1})
	}
	var log strings.Builder
	s := newStore(Options{Dir: "fault", Clock: r.clock, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err := s.openDisk(t.Context(), func(string, *Options) (disk, error) { return d, nil }); err != nil {
		t.Fatal(err)
	}
	if err := s.Configure(faultNetwork); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if st := s.Stats(); st.Corrupt != uint64(len(bad)) || st.Subnets[0].Active != kept.Active {
		t.Errorf("%d corrupt, %d active; want %d, %d", st.Corrupt, st.Subnets[0].Active, len(bad), kept.Active)
	}
	for _, k := range bad {
		if !strings.Contains(log.String(), fmt.Sprintf("key=%x", k)) {
			t.Errorf("the log does not name key %x:\n%s", k, &log)
		}
	}
	r.clock.now = r.clock.now.Add(50 * 365 * 24 * time.Hour)
	a, who := ip("192.0.2.40"), testClient(90)
	var b Batch
	s.Reclaim(&b, r.clock.now, 1000, nil)
	offered := func() bool {
		tx := s.Begin(0)
		defer tx.End()
		return tx.Offer(a, &who, r.clock.now.Unix())
	}
	if offered() {
		t.Error("an address whose lease cannot be read was offered")
	}
	if _, ok := s.Delete(&b, a); !ok || !offered() {
		t.Error("not free after the lease was deleted")
	}
}

// The leases of a newer version may mean anything: nothing is served with them.
func TestNewerValuesAreRefused(t *testing.T) {
	d := newFaultDisk()
	r := newFaultRun(t, d, 2)
	r.run(20)
	r.s.Close()
	for k, o := range d.written {
		if k[0] == kindLease && !o.del {
			o.value[0]++
		}
	}
	s := newStore(Options{Dir: "fault", Clock: r.clock, Log: quiet})
	if err := s.openDisk(t.Context(), func(string, *Options) (disk, error) { return d, nil }); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Configure(faultNetwork); !errors.Is(err, ErrNewer) {
		t.Errorf("configured with %v", err)
	}
}

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))
