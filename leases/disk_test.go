package leases

import (
	"encoding/binary"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// openTest opens a store with one subnet, 10.0.0.0/8, ending at last.
func openTest(tb testing.TB, dir string, d Durability, last string) *Store {
	tb.Helper()
	s, err := Open(tb.Context(), Options{Dir: dir, Durability: d, ReserveBytes: 1 << 20})
	if err != nil {
		tb.Fatal(err)
	}
	s.SetTimes(Times{Affinity: time.Hour})
	if err := s.Configure(bigNetwork(last)); err != nil {
		tb.Fatal(err)
	}
	return s
}

func bigNetwork(last string) []Network {
	return []Network{{Subnets: []Subnet{{ID: 1, Prefix: netip.MustParsePrefix("10.0.0.0/8"),
		Pools: []Pool{{First: ip("10.0.0.1"), Last: ip(last)}}}}}}
}

// submit waits for the commit of a batch, settles and empties it.
func submit(tb testing.TB, s *Store, b *Batch) error {
	tb.Helper()
	done := make(chan error, 1)
	s.Submit(b, func(_ *Batch, err error) { done <- err })
	err := <-done
	s.Settle(b)
	b.Reset()
	return err
}

// fill gives leases to clients from..to and commits them in large batches.
func fill(tb testing.TB, s *Store, from, to uint64, now int64) {
	var b Batch
	for i := from; i < to; i++ {
		dora(tb, s, 0, &b, i, now)
		if b.Len() == 4096 || i == to-1 {
			if err := submit(tb, s, &b); err != nil {
				tb.Fatal(err)
			}
		}
	}
}

const million = 1_000_000

// TestMillionLeasesStart: one million leases are served at most 3 s after the
// process begins to open them, in at most 200 MB
// at any moment. The numbers are printed, the
// memory is asserted; time never is.
func TestMillionLeasesStart(t *testing.T) {
	if dir := os.Getenv("LEASES_TEST_OPEN"); dir != "" {
		openMillion(t, dir)
		return
	}
	if testing.Short() {
		t.Skip("writes a million leases")
	}
	dir := t.TempDir()
	begin := time.Now()
	s := openTest(t, dir, OS, "10.15.255.254")
	fill(t, s, 0, million, time.Now().Unix())
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	t.Logf("wrote a million leases in %v", time.Since(begin).Round(time.Millisecond))
	cmd := exec.Command(os.Args[0], "-test.run=^TestMillionLeasesStart$", "-test.v")
	cmd.Env = append(os.Environ(), "LEASES_TEST_OPEN="+dir)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, line := range strings.Split(string(out), "\n") {
		if at := strings.Index(line, "MILLION "); at >= 0 {
			t.Log(line[at:])
		}
	}
}

func openMillion(t *testing.T, dir string) {
	begin := time.Now()
	s := openTest(t, dir, Sync, "10.15.255.254")
	ready := time.Since(begin)
	rss, peak := procStatus(t, "VmRSS"), procStatus(t, "VmHWM")
	if n := s.Stats().Subnets[0].Active; n != million {
		t.Errorf("%d leases, want a million", n)
	}
	var use syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &use)
	cpu := time.Duration(use.Utime.Nano() + use.Stime.Nano())
	t.Logf("MILLION ready after %v (%v of CPU in all), VmRSS %d MB, at most %d MB, tables %d MB (%.1f bytes a lease)",
		ready.Round(time.Millisecond), cpu.Round(time.Millisecond), rss>>20, peak>>20, s.Stats().Memory>>20, float64(s.Stats().Memory)/million)
	if peak > 200<<20 {
		t.Errorf("VmHWM %d MB, want at most 200", peak>>20)
	}
	s.Close()
}

// procStatus returns a size that the kernel tells of this process, in bytes.
func procStatus(t *testing.T, what string) int {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(string(status), "\n") {
		var kb int
		if n, _ := fmt.Sscanf(line, what+": %d kB", &kb); n == 1 {
			return kb << 10
		}
	}
	t.Fatal("no " + what)
	return 0
}

// BenchmarkCommit measures lease changes per second through the committer, with
// batches of 128 from two workers that keep eight in flight each.
func BenchmarkCommit(b *testing.B) {
	for _, d := range []Durability{Sync, OS, None} {
		b.Run(d.String(), func(b *testing.B) { benchmarkCommit(b, d) })
	}
}

func benchmarkCommit(b *testing.B, d Durability) {
	s := openTest(b, b.TempDir(), d, "10.255.255.254")
	defer s.Close()
	const perBatch, inFlight, workers = 128, 8, 2
	var wg sync.WaitGroup
	b.ReportAllocs()
	b.ResetTimer()
	for w := range uint64(workers) {
		wg.Go(func() {
			free := make(chan *Batch, inFlight)
			for range inFlight {
				free <- new(Batch)
			}
			for i := w; i < uint64(b.N); {
				batch := <-free
				batch.Reset()
				for k := 0; k < perBatch && i < uint64(b.N); k, i = k+1, i+workers {
					dora(b, s, 0, batch, i, 1_700_000_000)
				}
				s.Submit(batch, func(done *Batch, err error) {
					if err != nil {
						b.Error(err)
					}
					s.Settle(done)
					free <- done
				})
			}
			for range inFlight {
				<-free
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "changes/s")
	st := s.Stats()
	b.ReportMetric(float64(st.Changes)/float64(max(1, st.Commits)), "changes/commit")
}

// BenchmarkFold measures what folding a lease's change into Badger costs, in
// processor time of the whole process: its flushes and compactions go on beside it.
func BenchmarkFold(b *testing.B) {
	d, err := openBadger(b.TempDir(), &Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	defer d.close()
	spent := func() time.Duration {
		var r unix.Rusage
		if err := unix.Getrusage(unix.RUSAGE_SELF, &r); err != nil {
			b.Fatal(err)
		}
		return time.Duration(r.Utime.Nano() + r.Stime.Nano())
	}
	var m commit
	r := record{htype: 1, cltt: 1_700_000_000, valid: 86400}
	began := spent()
	b.ResetTimer()
	for seq := uint64(1); seq <= uint64(b.N); seq++ {
		r.hw = binary.BigEndian.AppendUint32([]byte{2, 0}, uint32(seq*2654435761))
		r.id, r.seq = append([]byte{1}, r.hw...), seq
		m.ops = append(m.ops, diskOp{key: m.leaseKey(place{1, 10<<24 + uint32(seq)}), value: r.append(nil), version: seq})
		if len(m.ops) == foldOps || seq == uint64(b.N) {
			if err := d.write(m.ops); err != nil {
				b.Fatal(err)
			}
			m.reset()
		}
		if seq%(100*foldOps) == 0 { // a journal's
			if err := d.sync(); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64((spent()-began).Nanoseconds())/float64(b.N), "cpu-ns/op")
}

// A log that Badger has removed needs no sync of its own: its table has had it.
func TestRemovedLogs(t *testing.T) {
	dir := t.TempDir()
	log, err := os.Create(logName(dir, 1))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	a := &ahead{dir: dir}
	for _, gone := range []bool{false, true} {
		if gone {
			if err := os.Remove(log.Name()); err != nil {
				t.Fatal(err)
			}
		}
		if err := a.sure(log); err != nil {
			t.Errorf("removed %v: %v", gone, err)
		}
	}
	if a.dir += "/gone"; a.sure(log) == nil {
		t.Error("a table's name was not synced, and nobody told")
	}
}
