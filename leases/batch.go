package leases

import "net/netip"

// Op is what a Change does to the record of its address.
type Op uint8

// Ops.
const (
	Put    Op = iota // write the lease
	Delete           // remove it; Change.Lease is what it was
)

// Change is one lease change, encoded once: the same bytes go to disk and, on
// request, to a partner.
type Change struct {
	Op       Op
	Addr     netip.Addr
	SubnetID uint32
	Seq      uint64 // change number, unique and rising in this store
	At       int64  // of a Delete: when it was made, unix s
	quiet    bool   // a deletion partners need not hear of
	later    bool   // a deletion that the table and the disk see when the query is settled
	batch    *Batch
	at, end  int // in the batch's arena
}

// Lease decodes the lease as it is after the change, or was before a Delete.
func (c *Change) Lease() Lease {
	r, err := parseRecord(c.value())
	if err != nil {
		panic("leases: a batch holds a value that it did not encode: " + err.Error())
	}
	addr, _ := toU32(c.Addr)
	return r.lease(c.SubnetID, addr)
}

func (c *Change) value() []byte { return c.batch.arena[c.at:c.end] }

// BatchQuery is the changes of one query in a Batch.
type BatchQuery struct {
	Tag          uint32 // the caller's
	Relationship uint8  // the caller's
	First, N     int    // in Changes
	OK           bool   // false: refused by a partner; its reply must not leave

	hwAt, idAt, idEnd int // of By, in the batch's arena; equal: unsaid
}

// Batch collects the changes of a batch of queries. It belongs to one goroutine
// at a time: the worker until Submit, the committer until done is called, the
// worker again. Reused after Reset, it allocates nothing in steady state.
type Batch struct {
	changes []Change
	queries []BatchQuery
	arena   []byte
	done    func(*Batch, error)
	err     error
}

// Query says that the changes to come belong to one more query.
func (b *Batch) Query(tag uint32, relationship uint8) {
	b.queries = append(b.queries, BatchQuery{Tag: tag, Relationship: relationship, First: len(b.changes), OK: true})
}

// By names the client of the latest query, where its changes will not: an
// address that was declined is nobody's.
func (b *Batch) By(who *Client) {
	q := &b.queries[len(b.queries)-1]
	q.hwAt = len(b.arena)
	b.arena = append(b.arena, who.HW[:who.HLen]...)
	q.idAt = len(b.arena)
	b.arena = append(b.arena, who.ID...)
	q.idEnd = len(b.arena)
}

// Client returns hardware address and client identifier of query i's client:
// as By has named it, else as its changes have it.
func (b *Batch) Client(i int) (hw, id []byte) {
	q := &b.queries[i]
	if q.hwAt < q.idEnd {
		return b.arena[q.hwAt:q.idAt], b.arena[q.idAt:q.idEnd]
	}
	if q.N == 0 {
		return nil, nil
	}
	l := b.changes[q.First].Lease()
	return l.HW, l.ClientID
}

// Len returns the number of changes.
func (b *Batch) Len() int { return len(b.changes) }

// Queries returns the queries in order; the slice is the batch's.
func (b *Batch) Queries() []BatchQuery { return b.queries }

// Changes returns the changes in order; the slice is the batch's.
func (b *Batch) Changes() []Change { return b.changes }

// Refuse notes that a partner refused query i.
func (b *Batch) Refuse(i int) { b.queries[i].OK = false }

// Err returns the error of the commit; nil before it.
func (b *Batch) Err() error { return b.err }

// Reset empties the batch for reuse. Call Store.Settle before.
func (b *Batch) Reset() {
	b.changes, b.queries, b.arena, b.done, b.err = b.changes[:0], b.queries[:0], b.arena[:0], nil, nil
}

// add appends a change whose record is r.
func (b *Batch) add(op Op, quiet bool, subnetID, addr uint32, r *record) {
	if len(b.queries) == 0 {
		b.Query(0, 0)
	}
	at := len(b.arena)
	b.arena = r.append(b.arena)
	b.changes = append(b.changes, Change{
		Op: op, Addr: toAddr(addr), SubnetID: subnetID, Seq: r.seq, quiet: quiet,
		batch: b, at: at, end: len(b.arena),
	})
	b.queries[len(b.queries)-1].N++
}
