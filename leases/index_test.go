package leases

import (
	"math/rand/v2"
	"testing"
)

// A table that grows from half a million clients to a million splits each of its
// segments once, but not all at once: no hundredth of that growth has more than some
// of the splits. Everything is found again.
func TestIndexSplitsOneByOne(t *testing.T) {
	const from, to = 1 << 19, 1 << 20
	rng := rand.New(rand.NewPCG(1, 2))
	x := newIndex()
	tags := make([]uint32, 0, to)
	splits, before, most := 0, 0, 0
	for n := 1; n <= to; n++ {
		tags = append(tags, rng.Uint32())
		was := x.size
		x.insert(tags[n-1], uint32(n), true)
		if n > from && x.size > was {
			splits++
		}
		if n >= from && n%((to-from)/100) == 0 {
			most, before = max(most, splits-before), splits
		}
	}
	if splits < 200 || most > splits/20 {
		t.Errorf("%d splits, %d of them within a hundredth", splits, most)
	}
	for i, tag := range tags {
		c := x.find(tag)
		for ref := c.next(); ref != uint32(i+1); ref = c.next() {
			if ref == 0 {
				t.Fatalf("client %d is not found", i+1)
			}
		}
	}
	if per := float64(x.size) / to; per > 20 {
		t.Errorf("%.1f bytes an entry", per)
	}
}
