package sim

import (
	"flag"
	"os"
	"runtime/debug"
	"testing"

	"needletail/ha"
)

var (
	seeds = flag.Uint64("seeds", 0, "run so many seeds")
	from  = flag.Uint64("from", 0, "the first seed")
	name  = flag.String("kind", "pairs", "of this kind of cluster")
	one   = flag.Int64("seed", -1, "print what happens under this seed")
)

// cluster is a kind of cluster: each seed gives one.
type cluster struct {
	name    string
	options func(seed uint64) Options
	frail   bool // it may break without a defect of ours: a Kea's own may show
}

var (
	pairs     = cluster{"pairs", aPair, false}
	chained   = cluster{"chained", aChainedPair, false}
	busy      = cluster{"busy", aBusyPair, false}
	hubs      = cluster{"hubs", aHub, false}
	besideKea = cluster{"beside-kea", aPairWithKea, true}
)

// kinds are those of which every seed must hold.
var kinds = []cluster{pairs, chained, hubs}

// aPair is two servers, perhaps with a backup; or one with a backup.
func aPair(seed uint64) Options {
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

// aChainedPair suffers chains of faults.
func aChainedPair(seed uint64) Options {
	o := aPair(seed)
	if o.Mode == ha.ModePassiveBackup {
		o.Mode = ha.ModeHotStandby
	}
	o.Chained = true
	return o
}

// aHub is two pairs that have a server in common, with chains of faults in every
// third.
func aHub(seed uint64) Options {
	o := aChainedPair(seed)
	o.Chained, o.Hub = seed%3 == 0, true
	return o
}

// aBusyPair synchronises as a Kea, and has a client that never rests.
func aBusyPair(seed uint64) Options {
	o := aChainedPair(seed)
	o.Stream, o.Busy = false, true
	return o
}

// aPairWithKea has one member that does not reset a partner which it owes.
func aPairWithKea(seed uint64) Options {
	o := aChainedPair(seed)
	o.Kea = true
	return o
}

// Little memory is in use, and time decides how much is tried.
func TestMain(m *testing.M) {
	debug.SetGCPercent(800)
	os.Exit(m.Run())
}

// TestSeeds runs a fixed set of seeds of each kind, or as many as the flags say. A
// failing seed prints its trace; put it into TestOldFailures.
func TestSeeds(t *testing.T) {
	n := uint64(896)
	switch {
	case *seeds > 0:
		n = *seeds
	case testing.Short():
		n = 128
	}
	for _, k := range kinds {
		n := n
		if k.options(0).Hub {
			n /= 2 // each is two pairs
		}
		t.Run(k.name, func(t *testing.T) {
			total := Result{}
			for seed := *from; seed < *from+n; seed++ {
				r := run(t, k, seed)
				total.Splits += r.Splits
				total.Acks += r.Acks
				total.Excused += r.Excused
			}
			t.Logf("%d seeds: %d promises, %d times both served the same buckets, %d double promises excused", n, total.Acks, total.Splits, total.Excused)
			if total.Acks < 10*int(n) {
				t.Error("too few promises to show anything")
			}
		})
	}
}

// run fails the test with the end of the trace if an invariant broke.
func run(t *testing.T, k cluster, seed uint64) Result {
	t.Helper()
	r := Run(k.options(seed))
	if len(r.Broken) > 0 {
		t.Errorf("%s, seed %d: %s\n%s", k.name, seed, r.Broken[0], r.Until(60))
	}
	return r
}

// TestSeed prints one run whole: go test ./ha/sim -run TestSeed$ -kind pairs -seed N -v.
func TestSeed(t *testing.T) {
	if *one < 0 {
		t.Skip("-seed N prints a run")
	}
	for _, k := range kinds {
		if k.name == *name {
			t.Logf("%s", run(t, k, uint64(*one)).Until(traceMax))
		}
	}
}

// TestOldFailures keeps the seeds that have found a defect, with what it was.
// A change of the model changes what a seed does; the list then is history that
// still runs.
func TestOldFailures(t *testing.T) {
	for _, of := range []struct {
		cluster
		was map[uint64]string
	}{
		{pairs, map[uint64]string{
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
			1795614873681: "a deletion of the backlog, sent late, removed the address's next lease, which a sync had brought",
		}},
		{chained, map[uint64]string{
			16:            "a server that had served alone was reset, and its sync took an address from its client for a sleeper's",
			2:             "a heartbeat's answer read after a stop made the partner's clock seem behind",
			23:            "a deletion that a cut link had held removed a lease given away since, after a restart",
			50:            "a server that served alone and was read by its partner took an address from its client for that one",
			91:            "a deletion held by the link removed what the partner's later update had brought",
			145:           "an update held by the link made the same client's lease end before its time",
			254:           "an update held by the link came before the partner's clock was known",
			1795579996609: "a partner that was reset went to partner-down instead of reading, and was not reset again",
			1795578855593: "a Kea's sync paused for so long that the partner served between two pages, and passed for complete",
			1795579994961: "a server that stood still while only its heartbeat was under way went to partner-down when it went on",
			1795579998451: "the same",
			1795579996113: "a partner just reset was still taken for ready, and passed for one that does not synchronise",
			1795623160039: "a sleeper's late lease4-del removed the same client's next lease",
			1795623167941: "a server that was reset went on by partner-down without having read: it was not reset again",
			1795628415469: "a sync that stood still while its partner started anew went on from the middle, and passed for a whole one",
			1795628416681: "a lease made in a server's last moment stayed beside that of the survivor, made in the same second",
			1795628420935: "the model took a sync for whole in which the partner had served between two pages",
			1795627906612: "the model excused no sleeper whose change came back by a sync before it failed",
			1795627906939: "by a skewed clock a deletion held by the link passed for later than the client's next lease",
			1795627513195: "the model excused no split that began again with the link cut",
			1795623160603: "a reset was answered after the partner had read: it was thought to lack leases for ever, and refused addresses",
			294:           "a server that had served alone was reset, and let a sleeper take an address from its client",
			1796087552485: "a renewal not settled yet made a lease pass for untold, and a sync gave its address to a former client",
			1796087558977: "the same",
			1796086873054: "a deletion that the link held over a restart removed the lease that its sender gave a second later",
			1796082627514: "a release that a partner with another clock had read ended the same client's next lease",
			1796087575537: "a deletion that the link held over its sender's restart removed, where clocks differ, the lease given 3 s later",
			1796087565742: "as to a Kea, a sleeper's late update ended a lease that its client had later from us",
			1796091983065: "a server that had served alone forgot over a restart that its partner had not, and a sync gave an address to that sleeper's client",
			1796092704325: "a partner's late update outlived its own newer lease in a sync, for a server that had served alone",
			1796094313003: "as to a Kea, an update from before a sleep of 15 s ended its client's later lease",
			1796095081579: "a server that stood still before its first sync began it by an old answer, which told a wrong clock too",
			1796095098493: "the model excused no survivor that slept while its partner served alone and died",
		}},
		{hubs, map[uint64]string{
			1796082648113: "the model took a lease for read that the partner had queued behind the sync's page",
		}},
	} {
		for seed, was := range of.was {
			if r := run(t, of.cluster, seed); len(r.Broken) > 0 {
				t.Errorf("%s, seed %d is back: %s", of.name, seed, was)
			}
		}
	}
}

// What is excused is only what must be: without cut links and stopped
// processes, with pools of one owner each and no server dying, no double promise
// needs an excuse.
func TestNothingToExcuse(t *testing.T) {
	for seed := range uint64(64) {
		gentle := cluster{"gentle pairs", func(seed uint64) Options {
			o := aPair(seed)
			o.Harsh, o.Shared, o.Gentle = false, false, true
			return o
		}, false}
		if r := run(t, gentle, seed); r.Excused > 0 {
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
		kind cluster
		from uint64
	}{
		{"the ACK does not wait for the partner", AckEarly, pairs, 120},
		{"the ACK does not wait for the disk", SkipDisk, pairs, 1050},
		{"the partner answers before its disk", AnswerEarly, pairs, 1530},
		{"a sync overwrites what is newer", SyncOverwrites, pairs, 0},
		{"both serve all buckets", ServeAll, pairs, 0},
		{"lease updates always overwrite", IgnoreConflicts, pairs, 0},
		{"the partner's clock is taken for ours", IgnoreSkew, pairs, 0},
		{"unsent updates are not counted", NeverCount, pairs, 590},
		{"unsent updates are forgotten by a restart", NeverMark, pairs, 560},
		{"a sync deletes what is newer", DeleteNewer, pairs, 40},
		{"the partner is not silent while a Kea reads it", NoSilence, chained, 4},
		{"nor until it has seen the reader ready", LoudAfterSync, busy, 0},
		{"what must be refused is counted", ServeUnready, chained, 0},
		{"only the partner looks at what is unsent", NeverOwe, chained, 11},
		{"nobody looks what a Kea has left unsent", NeverLook, besideKea, 3},
		{"an update older than another client's lease is taken", TakeOlder, chained, 40},
		{"an update is taken by who serves alone", TakeAlone, chained, 440},
		{"a sync brings back what was deleted", RaiseDead, chained, 3},
		{"a late deletion removes what is newer", DeleteLate, chained, 16},
	} {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			for seed := m.from; seed < m.from+max(within, *seeds); seed++ {
				o := m.kind.options(seed)
				o.Mutation = m.do
				r := Run(o)
				o.Mutation = None
				switch {
				case len(r.Broken) == 0:
				case len(Run(o).Broken) == 0:
					t.Logf("seed %d: %s", seed, r.Broken[0])
					return
				case !m.kind.frail:
					t.Fatalf("seed %d breaks without the defect", seed)
				}
			}
			t.Error("nothing was seen")
		})
	}
}

// A run is determined by its seed.
func TestDetermined(t *testing.T) {
	a, b := Run(aPair(27)), Run(aPair(27))
	if a.Until(traceMax) != b.Until(traceMax) || a.Acks != b.Acks {
		t.Error("two runs of one seed differ")
	}
}
