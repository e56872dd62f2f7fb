package leases

// disk is what the store needs of a database: versioned keys, of which the
// highest version counts, in whatever order versions arrive. Tests put faults
// here. Used by the writer and the syncer of one committer; write and sync may
// run at the same time.
type disk interface {
	// load calls f for the newest version of every key that is not deleted;
	// key and value are valid during the call.
	load(f func(key, value []byte) error) error
	// maxVersion is no lower than any version in the database.
	maxVersion() uint64
	// room tells whether the disk can take another commit: ErrNoSpace if not.
	room() error
	// prompt tells whether a write would wait for nothing but the operating
	// system. The writer asks.
	prompt() bool
	// write hands the ops to the operating system. After an error some may be
	// written. The ops are the caller's again afterwards.
	write(ops []diskOp) error
	// sync makes everything written before durable. Once it failed it fails
	// until mend has succeeded.
	sync() error
	// mend is called after write or sync failed, before the next write. It
	// makes sure that what comes after the failure can be read back.
	mend() error
	close() error
}

// diskOp writes or deletes one key.
type diskOp struct {
	key, value []byte
	version    uint64 // the change number
	del        bool
}

// Kinds of keys, their first byte.
const (
	kindLease     = 'L' // subnet id (4), address (4): a value, see value.go
	kindTombstone = 'T' // change number (8): subnet id (4), address (4), unix s (8)
	kindIdentity  = 'I' // 16 random bytes that name this database
)

const (
	leaseKeyLen     = 9
	tombstoneKeyLen = 9
	tombstoneLen    = 16
)
