package leases

import (
	"sync"
	"time"
)

// gravesMax bounds the deletions remembered: 6 MiB of memory, some 20 MiB of
// disk. Beyond it the oldest is forgotten and partners that saw only older
// changes must compare everything.
const gravesMax = 1 << 18

// Tombstone is the memory of a deletion.
type Tombstone struct {
	Seq      uint64 // the deletion's change number
	SubnetID uint32
	Addr     uint32 // IPv4 address, big-endian value
	At       int64  // unix s
}

// graves remembers deletions for partners that were away, oldest first. mu
// guards it; it is taken after a network's lock, never before.
type graves struct {
	mu     sync.Mutex
	list   []Tombstone // ring, in order of Seq from head
	head   int
	lost   uint64 // highest change number of a tombstone that was forgotten
	age    int64  // s
	forgot []uint64
}

func (g *graves) setAge(d time.Duration) {
	g.mu.Lock()
	g.age = int64(d / time.Second)
	g.mu.Unlock()
}

func (g *graves) add(t Tombstone) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.list)-g.head >= gravesMax {
		g.drop()
	}
	g.list = append(g.list, t)
}

// drop forgets the oldest tombstone; its key is removed from disk with the next
// commit.
func (g *graves) drop() {
	g.lost = max(g.lost, g.list[g.head].Seq)
	g.forgot = append(g.forgot, g.list[g.head].Seq)
	g.head++
	if g.head > len(g.list)/2 {
		g.list = append(g.list[:0], g.list[g.head:]...)
		g.head = 0
	}
}

// graveStep bounds the tombstones that one call of expire forgets.
const graveStep = 1024

// expire forgets tombstones older than the age.
func (g *graves) expire(now int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for n := 0; n < graveStep && g.head < len(g.list) && g.list[g.head].At+g.age < now; n++ {
		g.drop()
	}
}

// takeForgotten returns the numbers of tombstones to remove from disk.
func (g *graves) takeForgotten(buf []uint64) []uint64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	buf = append(buf[:0], g.forgot...)
	g.forgot = g.forgot[:0]
	return buf
}

// Seq returns the latest change number. Numbers rise with every change of this
// store and survive restarts; they mean nothing to another store.
func (s *Store) Seq() uint64 { return s.seq.Load() }

// Deleted returns up to limit deletions with change numbers above after, oldest
// first. complete is false if deletions above after were forgotten (too many,
// or longer ago than Times.Tombstone): the asker must then compare all leases.
// An address deleted and leased again also appears in Changed.
func (s *Store) Deleted(after uint64, limit int) (list []Tombstone, complete bool) {
	g := &s.graves
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, t := range g.list[g.head:] {
		if t.Seq > after && len(list) < limit {
			list = append(list, t)
		}
	}
	return list, after >= g.lost
}
