package sim

import (
	"flag"
	"testing"

	"needletail/ha"
)

var (
	seeds = flag.Uint64("seeds", 0, "run so many seeds")
	from  = flag.Uint64("from", 0, "the first seed")
	one   = flag.Int64("seed", -1, "print what happens under this seed")
)

// options gives each seed its kind of cluster.
func options(seed uint64) Options {
	o := Options{Seed: seed}
	switch seed % 8 {
	case 0, 1, 2, 3:
		o.Mode = ha.ModeLoadBalancing
	case 4, 5, 6:
		o.Mode = ha.ModeHotStandby
	default:
		o.Mode = ha.ModePassiveBackup
	}
	n := seed / 8
	o.Shared, o.Stream, o.Skewed, o.Harsh, o.Backup = n&1 != 0, n&2 != 0, n&4 != 0, n&8 != 0, n&16 != 0
	return o
}

// TestSeeds runs a fixed set of seeds, or as many as the flags say. A failing
// seed prints its trace; put it into TestOldFailures.
func TestSeeds(t *testing.T) {
	n := uint64(512)
	switch {
	case *seeds > 0:
		n = *seeds
	case testing.Short():
		n = 128
	}
	total := Result{}
	for seed := *from; seed < *from+n; seed++ {
		r := run(t, options(seed))
		total.Splits += r.Splits
		total.Acks += r.Acks
		total.Excused += r.Excused
	}
	t.Logf("%d seeds: %d promises, %d times both served the same buckets, %d double promises excused", n, total.Acks, total.Splits, total.Excused)
	if total.Acks < 10*int(n) {
		t.Error("too few promises to show anything")
	}
}

// run fails the test with the end of the trace if an invariant broke.
func run(t *testing.T, o Options) Result {
	t.Helper()
	r := Run(o)
	if len(r.Broken) > 0 {
		t.Errorf("seed %d: %s\n%s", o.Seed, r.Broken[0], r.Until(60))
	}
	return r
}

// TestSeed prints one run whole: go test ./ha/sim -run TestSeed$ -seed N -v.
func TestSeed(t *testing.T) {
	if *one < 0 {
		t.Skip("-seed N prints a run")
	}
	t.Logf("%s", run(t, options(uint64(*one))).Until(traceMax))
}

// TestOldFailures keeps the seeds that have found a defect, with what it was.
// A change of the model changes what a seed does; the list then is history that
// still runs.
func TestOldFailures(t *testing.T) {
	for seed, was := range map[uint64]string{
		168:  "ready went to partner-down, answered, and went on to the normal state: the partner, ready before, never read those leases",
		172:  "a stale heartbeat answer after a sync left the heartbeat unarmed",
		254:  "a server reset by a partner it had lost went to partner-down at once, beside it",
		830:  "a restart reset the unsent counter, and the survivor took nothing over",
		924:  "the same, the survivor being behind",
		1856: "a lease that the partner had refused was newer than the partner's and outlived the sync",
		2818: "one lost heartbeat lasted for all of max-response-delay",

		21706:         "a long sync failed and was taken for the partner's silence: partner-down beside a partner that served",
		1795564558816: "the same",
		1795564559542: "the same",
		1795569086553: "a deletion met in a sync was kept as made now, and two syncs later removed what was leased since",
		1795569087387: "the same",
	} {
		if r := run(t, options(seed)); len(r.Broken) > 0 {
			t.Errorf("seed %d is back: %s", seed, was)
		}
	}
}

// What is excused is only what must be: without cut links and stopped
// processes, with pools of one owner each and no server dying, no double promise
// needs an excuse.
func TestNothingToExcuse(t *testing.T) {
	for seed := range uint64(64) {
		o := options(seed)
		o.Harsh, o.Shared, o.Gentle = false, false, true
		if r := run(t, o); r.Excused > 0 {
			t.Errorf("seed %d: %d double promises excused", seed, r.Excused)
		}
	}
}

// Each mutation is a defect that one would not see in a test of a pair that
// works. The invariants must see it; from is a seed near which they do. A
// change of the model moves that seed, which costs time and no more: the search
// goes on far beyond the rarest distance seen, 500 seeds. The log says where it
// ended; put that into from.
func TestMutations(t *testing.T) {
	const within = 3000
	for _, m := range []struct {
		name string
		do   Mutation
		from uint64
	}{
		{"the ACK does not wait for the partner", AckEarly, 120},
		{"the ACK does not wait for the disk", SkipDisk, 610},
		{"the partner answers before its disk", AnswerEarly, 1530},
		{"a sync overwrites what is newer", SyncOverwrites, 0},
		{"both serve all buckets", ServeAll, 0},
		{"lease updates always overwrite", IgnoreConflicts, 0},
		{"the partner's clock is taken for ours", IgnoreSkew, 0},
		{"unsent updates are not counted", NeverCount, 590},
		{"unsent updates are forgotten by a restart", NeverMark, 560},
		{"a sync deletes what is newer", DeleteNewer, 40},
	} {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			for seed := m.from; seed < m.from+max(within, *seeds); seed++ {
				o := options(seed)
				o.Mutation = m.do
				if r := Run(o); len(r.Broken) > 0 {
					if o.Mutation = None; len(Run(o).Broken) > 0 {
						t.Fatalf("seed %d breaks without the defect", seed)
					}
					t.Logf("seed %d: %s", seed, r.Broken[0])
					return
				}
			}
			t.Error("nothing was seen")
		})
	}
}

// A run is determined by its seed.
func TestDetermined(t *testing.T) {
	a, b := Run(options(27)), Run(options(27))
	if a.Until(traceMax) != b.Until(traceMax) || a.Acks != b.Acks {
		t.Error("two runs of one seed differ")
	}
}
