package leases

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
)

// faultDisk is a disk in memory that fails where a test says. What was written
// but not synced survives a crash only in part.
type faultDisk struct {
	mu      sync.Mutex
	written map[string]diskOp // page cache
	durable map[string]diskOp // after sync
	pending []diskOp          // written since the last sync
	calls   int
	fail    func(call int) bool // write or sync number call fails
	half    bool                // a write that fails does half of its work
	bad     bool                // until mend
	mended  int
}

var errInjected = errors.New("injected")

func newFaultDisk() *faultDisk {
	return &faultDisk{written: map[string]diskOp{}, durable: map[string]diskOp{}, fail: func(int) bool { return false }}
}

func put(m map[string]diskOp, o diskOp) {
	if old, ok := m[string(o.key)]; !ok || old.version <= o.version {
		m[string(o.key)] = diskOp{key: bytes.Clone(o.key), value: bytes.Clone(o.value), version: o.version, del: o.del}
	}
}

func (d *faultDisk) load(f func(key, value []byte) error) error {
	var keys []string
	for k, o := range d.written {
		if !o.del {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	for _, k := range keys {
		if err := f([]byte(k), d.written[k].value); err != nil {
			return err
		}
	}
	return nil
}

func (d *faultDisk) maxVersion() (v uint64) {
	for _, o := range d.written {
		v = max(v, o.version)
	}
	return v
}

func (d *faultDisk) room() error { return nil }

func (d *faultDisk) close() error { return nil }

func (d *faultDisk) prompt() bool { return true }

func (d *faultDisk) write(ops []diskOp) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls++
	failed := d.fail(d.calls)
	if failed && d.half {
		ops = ops[:len(ops)/2]
	}
	if !failed || d.half {
		for _, o := range ops {
			put(d.written, o)
			d.pending = append(d.pending, diskOp{key: bytes.Clone(o.key), value: bytes.Clone(o.value), version: o.version, del: o.del})
		}
	}
	if failed {
		return errInjected
	}
	return nil
}

func (d *faultDisk) sync() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls++
	if d.bad || d.fail(d.calls) {
		d.bad = true
		return errInjected
	}
	d.flush(len(d.pending))
	return nil
}

func (d *faultDisk) flush(n int) {
	for _, o := range d.pending[:n] {
		put(d.durable, o)
	}
	d.pending = d.pending[n:]
}

func (d *faultDisk) mend() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.flush(len(d.pending))
	d.bad = false
	d.mended++
	return nil
}

// crash is the power going: part of what was not synced is there.
func (d *faultDisk) crash(rng *rand.Rand) *faultDisk {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.flush(rng.IntN(len(d.pending) + 1))
	after := newFaultDisk()
	for k, o := range d.durable {
		after.written[k], after.durable[k] = o, o
	}
	return after
}
