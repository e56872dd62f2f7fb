package leases

import (
	"encoding/binary"
	"fmt"
	"time"
)

// The value of a lease, as it lies on disk, in a batch and in a stream between
// needletails, all numbers big-endian:
//
//	0  version (1)       4  hw length        8  user context length (2)
//	1  state             5  client id length 10 pool id (4)
//	2  flags: 1 fwd 2 rev 6 hostname length  14 cltt, unix s (8)
//	3  hardware type     7  zero             22 valid lifetime, s (4)
//	                                         26 change number (8)
//
// then hardware address, client id, hostname, user context. Subnet and address
// are the key's.
const (
	valueVersion = 1
	valueHeader  = 34
	valueFwd     = 1
	valueRev     = 2
)

// record is a value taken apart; its slices alias the value.
type record struct {
	state           State
	fwd, rev        bool
	htype           uint8
	poolID          uint32
	cltt            int64
	valid           uint32
	seq             uint64
	hw, id, host, x []byte // x: user context
	promise         uint32 // slot.until of an active lease; not in a value
}

// append encodes the record.
func (r *record) append(dst []byte) []byte {
	var flags byte
	if r.fwd {
		flags |= valueFwd
	}
	if r.rev {
		flags |= valueRev
	}
	dst = append(dst, valueVersion, byte(r.state), flags, r.htype, byte(len(r.hw)), byte(len(r.id)), byte(len(r.host)), 0)
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(r.x)))
	dst = binary.BigEndian.AppendUint32(dst, r.poolID)
	dst = binary.BigEndian.AppendUint64(dst, uint64(r.cltt))
	dst = binary.BigEndian.AppendUint32(dst, r.valid)
	dst = binary.BigEndian.AppendUint64(dst, r.seq)
	dst = append(append(dst, r.hw...), r.id...)
	return append(append(dst, r.host...), r.x...)
}

// unreadable stands for a lease whose value cannot be read. Somebody may have the
// address, so nobody gets it until an administrator deletes the lease or a
// partner knows better. CLTT 1, since Kea refuses 0.
var unreadable = record{state: Declined, cltt: 1, valid: Infinite, x: []byte(`{"comment":"the record on disk cannot be read"}`)}

// parseRecord takes a value apart. Anything that append does not write is
// ErrCorrupt, or ErrNewer.
func parseRecord(v []byte) (record, error) {
	if len(v) < valueHeader {
		return record{}, fmt.Errorf("%w: %d bytes, want at least %d", ErrCorrupt, len(v), valueHeader)
	}
	switch {
	case v[0] > valueVersion:
		return record{}, fmt.Errorf("%w: lease format %d, this one knows %d", ErrNewer, v[0], valueVersion)
	case v[0] != valueVersion:
		return record{}, fmt.Errorf("%w: format %d", ErrCorrupt, v[0])
	}
	r := record{
		state: State(v[1]), fwd: v[2]&valueFwd != 0, rev: v[2]&valueRev != 0, htype: v[3],
		poolID: binary.BigEndian.Uint32(v[10:]), cltt: int64(binary.BigEndian.Uint64(v[14:])),
		valid: binary.BigEndian.Uint32(v[22:]), seq: binary.BigEndian.Uint64(v[26:]),
	}
	hw, id, host, x := int(v[4]), int(v[5]), int(v[6]), int(binary.BigEndian.Uint16(v[8:]))
	if want := valueHeader + hw + id + host + x; len(v) != want {
		return record{}, fmt.Errorf("%w: %d bytes, its lengths say %d", ErrCorrupt, len(v), want)
	}
	if !r.state.stored() || v[2] > valueFwd|valueRev || v[7] != 0 || hw > hwMax || x > contextMax || r.cltt < 0 || r.cltt > clttMax {
		return record{}, fmt.Errorf("%w: a field is out of range", ErrCorrupt)
	}
	rest := v[valueHeader:]
	r.hw, rest = rest[:hw:hw], rest[hw:]
	r.id, rest = rest[:id:id], rest[id:]
	r.host, r.x = rest[:host:host], rest[host:]
	return r, nil
}

// clttMax is the latest transaction time a slot holds: the year 2106.
const clttMax = 1<<32 - 1

// lease returns the record as a Lease that shares nothing with it.
func (r *record) lease(subnetID, addr uint32) Lease {
	return Lease{
		Addr: toAddr(addr), SubnetID: subnetID, PoolID: r.poolID, HType: r.htype,
		HW: clone(r.hw), ClientID: clone(r.id), CLTT: time.Unix(r.cltt, 0), ValidLft: r.valid,
		State: r.state, Hostname: string(r.host), FQDNFwd: r.fwd, FQDNRev: r.rev, UserContext: clone(r.x),
	}
}

func clone(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return append([]byte(nil), b...)
}

// recordOf reads the record of a slot; its slices alias the table. An offer
// shows the lease beneath it.
func (n *network) recordOf(ref uint32) record {
	s, c := n.at(ref)
	r := record{
		state: s.state(), fwd: s.flags&flagFwd != 0, rev: s.flags&flagRev != 0, htype: s.htype,
		poolID: c.pool.id, cltt: int64(s.cltt), valid: s.valid, seq: s.seq, hw: n.hw(s), id: n.id(s),
	}
	if r.state == Offered {
		r.state = s.under()
	}
	r.host, r.x = n.extra(s)
	if s.state() == Active {
		r.promise = s.until
	}
	return r
}

// fromLease makes a record of a Lease, or says what of it cannot be kept.
func fromLease(l *Lease) (record, error) {
	r := record{
		state: l.State, fwd: l.FQDNFwd, rev: l.FQDNRev, htype: l.HType, poolID: l.PoolID,
		cltt: l.CLTT.Unix(), valid: l.ValidLft, hw: l.HW, id: l.ClientID, host: []byte(l.Hostname), x: l.UserContext,
	}
	switch {
	case !l.State.stored():
		return r, fmt.Errorf("lease %v: state %v is never stored", l.Addr, l.State)
	case r.cltt < 0 || r.cltt > clttMax:
		return r, fmt.Errorf("lease %v: transaction time %v is out of range", l.Addr, l.CLTT)
	}
	return r, checkLengths(r.hw, r.id, r.host, r.x)
}

// checkLengths refuses what the table cannot hold.
func checkLengths(hw, id, host, context []byte) error {
	switch {
	case len(hw) > hwMax:
		return fmt.Errorf("%w: hardware address of %d bytes, at most %d", ErrTooLong, len(hw), hwMax)
	case len(id) > idMax:
		return fmt.Errorf("%w: client id of %d bytes, at most %d", ErrTooLong, len(id), idMax)
	case len(host) > hostMax:
		return fmt.Errorf("%w: hostname of %d bytes, at most %d", ErrTooLong, len(host), hostMax)
	case len(context) > contextMax:
		return fmt.Errorf("%w: user context of %d bytes, at most %d", ErrTooLong, len(context), contextMax)
	}
	return nil
}
