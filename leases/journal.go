package leases

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// The journal is where a commit goes first: a ring of files, written in place, so
// that a commit is one pwrite and a sync moves data and no metadata. Each use of
// a file is a generation. A full file is folded into the database behind it, and
// only then used again.
//
// File: which of two magics (8), generation (8), salt (4), and from journalHeader
// on records. Numbers are big-endian; a free file keeps its generation, so that none
// is ever used twice. Record: length of what follows the checksum (4),
// CRC-32C (4) of what follows it, begun with the salt, generation (8), ops. Op: flags (1), length of
// key (1) and value (4), version (8), key, value. What a generation has
// not overwritten is an older one's, and its number tells; what was not written
// whole, the checksum. A client chooses bytes that end up in records, and might
// guess generations; the salt, random in each use of a file, is beyond it, so no
// older record can hold what passes for a record now. Format 1 had none.
const (
	journalFiles  = 4
	journalBytes  = 4 << 20 // of a file: some 50,000 changes, folded in about 100 ms
	journalHeader = 64
	recordHeader  = 16
	recordMax     = 256 << 10 // bytes, about; longer writes are several records
	opHeader      = 14
	opDelete      = 1 // flag

	// generationGap lies between the generations of two processes: the numbers
	// the first used last may have been lost with the power, their records not.
	generationGap = 2 * journalFiles
)

var (
	magicUsed  = []byte("ntjrnl\x02U")
	magicFree  = []byte("ntjrnl\x02F")
	magicUsed1 = []byte("ntjrnl\x01U")
	magicFree1 = []byte("ntjrnl\x01F")
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
)

// journal is one file. The writer owns what it writes; a full one is the
// folder's. Both leave asked and sure to whoever holds journaledDisk.syncing.
type journal struct {
	file       *os.File
	size       int64
	generation uint64
	salt       uint32
	used       bool  // not free
	end        int64 // behind the last record

	written atomic.Uint64 // the writer tells the syncer: position of end
	asked   uint64        // position up to which a sync was tried
	sure    uint64        // position up to which every sync succeeded
}

// position is an end in a use of the file; it only grows, from use to use too.
func position(generation uint64, end int64) uint64 { return generation<<32 | uint64(end) }

// openJournal opens or makes file i and reads it into content, which it returns,
// made longer if need be: another version's files may be larger.
func openJournal(dir string, i, size int, content []byte) (_ *journal, _ []byte, err error) {
	f, err := os.OpenFile(filepath.Join(dir, fmt.Sprintf("journal-%d", i)), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, content, err
	}
	j := &journal{file: f, size: int64(size)}
	if content, err = j.read(content); err == nil {
		err = j.parseHeader(content)
	}
	if err != nil {
		f.Close()
		return nil, content, fmt.Errorf("journal %s: %w", f.Name(), err)
	}
	return j, content, nil
}

// parseHeader tells what the file is used for. Only a file without any content
// is new; it gets a header at once, so that one without a header is never ours.
func (j *journal) parseHeader(content []byte) error {
	magic := content[:8]
	switch {
	case bytes.Equal(magic, magicUsed):
		j.used, j.salt = true, binary.BigEndian.Uint32(content[16:])
	case bytes.Equal(magic, magicUsed1):
		j.used = true
	case bytes.Equal(magic, magicFree), bytes.Equal(magic, magicFree1):
	case bytes.HasPrefix(magic, magicUsed[:6]):
		return fmt.Errorf("%w: journal format %d; start that version once and stop it: it empties its journals", ErrNewer, magic[6])
	case len(bytes.Trim(content, "\x00")) > 0:
		return fmt.Errorf("%w: it begins with %x; commits that clients were told of may lie in it: restore it, or move it away to go on without them", ErrCorrupt, magic)
	default:
		return j.release()
	}
	j.generation = binary.BigEndian.Uint64(content[8:])
	return nil
}

// read reads the whole file, which keeps what it has, and first makes it as long
// as it should be. Its blocks are written once, so that nothing written later needs
// space, and reading them has the kernel hold them in memory. In steps of one page:
// the kernel would else keep the file in pages of up to megabytes, and look at all
// of such a page for every write and sync of a few bytes in it.
func (j *journal) read(content []byte) ([]byte, error) {
	const page = 4 << 10
	if err := unix.Fadvise(int(j.file.Fd()), 0, 0, unix.FADV_RANDOM); err != nil {
		return content, err
	}
	st, err := j.file.Stat()
	if err != nil {
		return content, err
	}
	length, has := max(j.size, st.Size()), st.Size()
	content = slices.Grow(content[:0], int(length))[:length]
	if _, err := j.file.ReadAt(content[:has], 0); err != nil {
		return content, err
	}
	if has == length {
		return content, nil
	}
	clear(content[has:]) // new, or cut short
	for at := has; at < length; {
		next := min(at&^(page-1)+page, length)
		if _, err := j.file.WriteAt(content[at:next], at); err != nil {
			return content, err
		}
		at = next
	}
	return content, j.file.Sync()
}

// begin makes the file, which is free, a generation's.
func (j *journal) begin(generation uint64) error {
	var salt [4]byte
	rand.Read(salt[:])
	j.salt = binary.BigEndian.Uint32(salt[:])
	if err := j.head(magicUsed, generation); err != nil {
		return err
	}
	j.generation, j.used, j.end = generation, true, journalHeader
	return nil
}

// head writes the first bytes, which lie in one sector.
func (j *journal) head(magic []byte, generation uint64) error {
	b := binary.BigEndian.AppendUint64(slices.Clone(magic), generation)
	_, err := j.file.WriteAt(binary.BigEndian.AppendUint32(b, j.salt), 0)
	return err
}

// release makes the file free, durably: what the database has meanwhile deleted
// for good must not come back from it.
func (j *journal) release() error {
	if err := j.head(magicFree, j.generation); err != nil {
		return err
	}
	if err := datasync(j.file); err != nil {
		return err
	}
	j.used = false
	return nil
}

// sync makes what was written durable. It is not tried twice: the kernel tells an
// error once, and its next sync says nothing of pages it gave up before.
func (j *journal) sync() error {
	to := j.written.Load()
	if to == j.asked {
		return nil
	}
	if to>>32 != j.asked>>32 { // another use
		j.asked = position(to>>32, 0)
		j.sure = j.asked
	}
	whole := j.sure == j.asked
	j.asked = to
	if err := datasync(j.file); err != nil {
		return err
	}
	if whole {
		j.sure = to
	}
	return nil
}

// promised is the end of what was not said to have failed: all that was
// written, but after a failed sync only what was synced before it.
func (j *journal) promised() int64 {
	if j.asked>>32 == j.generation && j.sure < j.asked {
		return int64(j.sure & (1<<32 - 1))
	}
	return j.end
}

// append writes one record; false if the file has no room for it. It writes all
// of it or fails: a disk that fills up, or a limit on files, cuts a write short.
func (j *journal) append(record []byte) (bool, error) {
	if j.end+int64(len(record)) > j.size {
		return false, nil
	}
	binary.BigEndian.PutUint64(record[8:], j.generation)
	binary.BigEndian.PutUint32(record, uint32(len(record)-8))
	binary.BigEndian.PutUint32(record[4:], crc32.Update(j.salt, castagnoli, record[8:]))
	if _, err := j.file.WriteAt(record, j.end); err != nil {
		return false, fmt.Errorf("write a commit to the journal: %w", err)
	}
	j.end += int64(len(record))
	j.written.Store(position(j.generation, j.end))
	return true, nil
}

// appendOp adds an op to a record.
func appendOp(record []byte, o *diskOp) []byte {
	var flags byte
	if o.del {
		flags = opDelete
	}
	record = append(record, flags, byte(len(o.key)))
	record = binary.BigEndian.AppendUint32(record, uint32(len(o.value)))
	record = binary.BigEndian.AppendUint64(record, o.version)
	return append(append(record, o.key...), o.value...)
}

// records calls f for the ops of each whole record of the file's present use in b,
// its content, and returns the first offset without one.
func (j *journal) records(b []byte, f func(ops []diskOp) error) (int64, error) {
	var ops []diskOp
	at := journalHeader
	for at+recordHeader <= len(b) {
		n := int(binary.BigEndian.Uint32(b[at:]))
		if n < 8 || n > len(b)-at-8 {
			break
		}
		body := b[at+8 : at+8+n]
		if binary.BigEndian.Uint64(body) != j.generation || crc32.Update(j.salt, castagnoli, body) != binary.BigEndian.Uint32(b[at+4:]) {
			break
		}
		var err error
		if ops, err = parseOps(body[8:], ops[:0]); err != nil {
			return int64(at), err
		}
		if err := f(ops); err != nil {
			return int64(at), err
		}
		at += 8 + n
	}
	return int64(at), nil
}

// parseOps reads the ops of a record, which alias it.
func parseOps(b []byte, ops []diskOp) ([]diskOp, error) {
	for len(b) > 0 {
		if len(b) < opHeader {
			return nil, fmt.Errorf("%w: a journal's op of %d bytes", ErrCorrupt, len(b))
		}
		k, v := int(b[1]), int(binary.BigEndian.Uint32(b[2:]))
		if v > len(b) || opHeader+k+v > len(b) {
			return nil, fmt.Errorf("%w: a journal's op is longer than its record", ErrCorrupt)
		}
		o := diskOp{del: b[0]&opDelete != 0, version: binary.BigEndian.Uint64(b[6:]), key: b[opHeader : opHeader+k : opHeader+k]}
		if !o.del {
			o.value = b[opHeader+k : opHeader+k+v : opHeader+k+v]
		}
		ops, b = append(ops, o), b[opHeader+k+v:]
	}
	return ops, nil
}
