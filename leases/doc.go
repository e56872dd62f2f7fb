// Package leases owns the leases: who has which address until when, in memory
// for use and in a Badger database for good. It is the only importer of Badger.
// It refuses to know about messages, options, partners and their states; it never
// decides who should get an address, only who can.
//
// # Tables
//
// Each network (a shared network, or a subnet alone) has one lock, held for table
// work only, some hundred nanoseconds for a query and some ten microseconds for a
// step of any longer work. Behind it: slots of 64 bytes without pointers, by
// offset in the pool, in chunks made when first touched; an index from client id
// and from hardware address to slots (extendible hashing, random seed, grows
// piece by piece); lists through the slots, one per purpose and pool, whose heads
// say who is next; a timing wheel per pool. Long or rare data lies in an arena.
// About 98 bytes a lease all told, and nothing for the garbage collector to walk.
//
// # States
//
//	free -> offered -> active -> reclaimed -> free      (expired, then forgotten)
//	                   active -> released  -> free      (released, with affinity)
//	                   active -> declined  -> free      (probation)
//
// An offer may lie over the client's own expired, reclaimed or released lease,
// and gives way to it when nobody takes it. Released leases stay released until
// they are forgotten (Kea turns them into reclaimed ones meanwhile; nothing
// depends on it and it would cost a write each).
//
// # Durable
//
// A change (grant, release, decline, deletion) alters the table at once and goes
// to a Batch, encoded as it will lie on disk. Submit gives the batch to the
// committer; when disk and partners are done the owner calls Settle, which makes
// the leases durable (View.Durable): only those may be confirmed again without a
// new write. So the table may be ahead of the disk, in three ways:
//
//   - A grant failed, or a partner refused it. The client got no reply. The lease
//     stays in the table, not durable: nobody else gets the address until the time
//     is over, or the time the client was told before, whichever is later
//     (slot.until), and the client's next request is committed anew.
//   - A release, decline or deletion failed. Nobody will repeat it, so the
//     committer owes it to the disk: it is written with later commits, or alone a
//     second later, until one succeeds. If the process dies before that, the old
//     lease is back after the restart, with the end it had: an address idle for
//     longer than needed, and no address with two clients.
//   - An expiry failed. The record on disk says by itself that it is over.
//
// An address that a client leaves for another is the one exception: table and disk
// delete that lease when the other is settled, since only then the client is told.
// Its deletion is owed like one that failed.
//
// The other way round, the disk may have a change whose commit was said to have
// failed (the sync failed, the write did not). That is a promise made to nobody.
//
// # Order
//
// Every change has a number, rising through the life of a database. It is also
// Badger's version of the key, so what counts is the order in which changes were
// made under the network's lock, not the order in which batches of different
// workers reach the disk. Numbers are never used twice; a restart leaves a gap.
//
// Deletions that a partner should know of leave a tombstone (number, address,
// time) in memory and on disk, at most 262,144 of them and for Times.Tombstone.
// Changed and Deleted give a partner that was away what it missed since a number;
// Deleted says when it cannot. What merely expired leaves none: each server sees
// that by itself.
//
// # Disk
//
// Key: 'L', subnet id, address (big-endian). A commit to Badger takes several
// switches of goroutines and a dozen allocations a change. So a commit goes to a
// journal, a ring of four files of 4 MiB written in place: one pwrite, done by
// whoever submits, and one fdatasync that finds no metadata to write. The folder
// gives Badger each full file, syncs it and makes the file free; what a process
// leaves in the files, the next one folds before it reads Badger. The order of
// changes is that of their numbers, so it does not matter what is folded twice. A
// file with acknowledged commits that cannot be read back is never made free.
// All waiting writes share one sync. Badger's tables are compressed (Snappy) with a
// block cache of 1 MiB and no index cache.
//
// What cannot be read is never taken for nothing. A lease whose value is damaged
// keeps its address from everybody (declined, without an end) until it is deleted;
// a newer version's value or journal, or a journal of no known kind, and
// the store does not open.
//
// A record counts for its address, whatever its subnet id says: if that subnet does
// not have the address, the lease lives in the one that does (strays.go), and of
// several records the one with the highest number counts.
//
// One process has the store, from Open to Close: it holds a lock of its own, since
// Badger's is let go while it is mended.
//
// Badger maps its files; a full disk under a mapping kills
// a process. Its logs therefore get their blocks before it writes them (ahead.go),
// and no commit, no fold and no start is tried with less free space than the
// reserve. A
// store that cannot write answers every Submit with an error, says so once in the
// log, tries on, and says once that it can again. After an error the journal goes
// on in another file, and Badger is closed and opened behind the scenes, since what
// follows a hole in a log would not be found again.
//
// # Goroutines
//
// Three per open database, writer, syncer and folder; Close ends them. Badger runs
// some of its own, for flushes and compactions.
package leases
