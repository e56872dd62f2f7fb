package leases

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The tests here run the store in a process of its own, which writes a line for
// every acknowledged lease into a pipe, and kill it or fill its disk. What the
// pipe has must be on disk.

// TestMain turns the process into a worker when a test asks for it.
func TestMain(m *testing.M) {
	if dir := os.Getenv("LEASES_TEST_WORKER"); dir != "" {
		if err := work(dir, os.Getenv("LEASES_TEST_FROM")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// work grants and renews leases as fast as it can until it gets SIGTERM.
func work(dir, from string) error {
	var first uint64
	fmt.Sscan(from, &first)
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	s, err := Open(context.Background(), Options{Dir: dir, Durability: Durability(first >> 20 % 2)})
	if err != nil {
		return err
	}
	s.SetTimes(Times{Affinity: time.Hour})
	if err := s.Configure(bigNetwork("10.255.255.254")); err != nil {
		return err
	}
	free := make(chan *Batch, 8)
	for range cap(free) {
		free <- new(Batch)
	}
	for next := first; ; {
		select {
		case <-stop:
			return s.Close()
		case b := <-free:
			b.Reset()
			next = workBatch(s, b, first, next)
			s.Submit(b, func(b *Batch, err error) {
				s.Settle(b)
				acknowledge(b, err)
				free <- b
			})
		}
	}
}

// workBatch changes 64 leases: a third of them renewals.
func workBatch(s *Store, b *Batch, first, next uint64) uint64 {
	now := time.Now().Unix()
	for k := range uint64(64) {
		client := next
		if k%3 == 0 && next > first {
			client = first + rand.Uint64N(next-first)
		} else {
			next++
		}
		var id [7]byte
		who := ethernet(client, &id)
		tx := s.Begin(0)
		v, ok := tx.Find(0, &who)
		if !ok {
			v, ok = tx.Allocate(0, nil, &who, netip.Addr{}, now)
		}
		if ok {
			ok = tx.Commit(b, v.Addr, &who, &Grant{CLTT: now, ValidLft: uint32(3600 + client%1000)}) == nil
		}
		tx.End()
		if !ok {
			panic("work: no lease")
		}
	}
	return next
}

// acknowledge writes what was acknowledged: "A address client-id end", or "F error".
func acknowledge(b *Batch, err error) {
	var out strings.Builder
	if err != nil {
		fmt.Fprintf(&out, "F %v\n", err)
	} else {
		for i := range b.Changes() {
			l := b.Changes()[i].Lease()
			fmt.Fprintf(&out, "A %v %x %d\n", l.Addr, l.ClientID, l.Expires().Unix())
		}
	}
	io.WriteString(os.Stdout, out.String())
}

// worker is a running work process and what it acknowledged.
type worker struct {
	cmd     *exec.Cmd
	mu      sync.Mutex
	acks    map[string]string // address: client and end
	failing bool
	ended   chan struct{}
}

func startWorker(t *testing.T, dir string, from uint64, acks map[string]string) *worker {
	w := &worker{cmd: exec.Command(os.Args[0]), acks: acks, ended: make(chan struct{})}
	w.cmd.Env = append(os.Environ(), "LEASES_TEST_WORKER="+dir, fmt.Sprint("LEASES_TEST_FROM=", from))
	w.cmd.Stderr = os.Stderr
	out, err := w.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := w.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.cmd.Process.Kill(); <-w.ended })
	go func() {
		defer close(w.ended)
		w.read(out)
		w.cmd.Wait()
	}()
	return w
}

func (w *worker) read(out io.Reader) {
	in := bufio.NewReaderSize(out, 1<<20)
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return // a line that was cut was not acknowledged
		}
		w.mu.Lock()
		w.failing = line[0] == 'F'
		if f := strings.Fields(line); f[0] == "A" {
			w.acks[f[1]] = f[2] + " " + f[3]
		}
		w.mu.Unlock()
	}
}

// until waits until the worker fails to commit, or commits again.
func (w *worker) until(t *testing.T, failing bool) {
	t.Helper()
	for range 1000 {
		w.mu.Lock()
		is := w.failing
		w.mu.Unlock()
		if is == failing {
			return
		}
		select {
		case <-w.ended:
			t.Fatalf("the worker died: %v", w.cmd.ProcessState)
		case <-time.After(10 * time.Millisecond):
		}
	}
	t.Fatalf("the worker's commits never came to failing=%v", failing)
}

// verify opens the store and looks for every acknowledged lease.
func verify(t *testing.T, dir string, acks map[string]string) {
	t.Helper()
	s := openTest(t, dir, Sync, "10.255.255.254")
	defer s.Close()
	lost := 0
	for addr, want := range acks {
		var id []byte
		var end int64
		fmt.Sscanf(want, "%x %d", &id, &end)
		l, ok := s.Get(ip(addr))
		if !ok || string(l.ClientID) != string(id) || l.State != Active || l.Expires().Unix() < end {
			if lost++; lost < 5 {
				t.Errorf("%s was acknowledged as %s: %v %+v", addr, want, ok, l)
			}
		}
	}
	if n := s.Stats().Corrupt; n != 0 {
		t.Errorf("%d corrupt values", n)
	}
	t.Logf("%d acknowledged leases, %d lost, %d in the store", len(acks), lost, s.Stats().Subnets[0].Active)
}

// TestKill kills a busy store ten times at random moments and opens it again,
// with durability sync and os in turn: both promise to survive that.
func TestKill(t *testing.T) {
	rounds := 10
	if testing.Short() {
		rounds = 2
	}
	dir, acks := t.TempDir(), map[string]string{}
	for round := range rounds {
		w := startWorker(t, dir, uint64(round)<<20, acks)
		time.Sleep(time.Duration(20+rand.IntN(400)) * time.Millisecond)
		w.cmd.Process.Signal(syscall.SIGKILL)
		<-w.ended
		verify(t, dir, acks)
		if t.Failed() {
			return
		}
	}
}

// TestDiskFull fills the disk under a busy store, completely and at the speed of
// a fast disk, and frees it again. The store must refuse, live, and go on; nothing that it
// acknowledged may be lost.
func TestDiskFull(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("mounting a small tmpfs needs root")
	}
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=480m"); err != nil {
		t.Skipf("mount tmpfs: %v", err)
	}
	t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
	acks := map[string]string{}
	w := startWorker(t, dir+"/leases", 0, acks)
	w.until(t, false)
	rounds := 2
	if testing.Short() {
		rounds = 1
	}
	for round := range rounds {
		time.Sleep(200 * time.Millisecond)
		eat(t, dir+"/ballast")
		w.until(t, true)
		time.Sleep(200 * time.Millisecond)
		if err := os.Remove(dir + "/ballast"); err != nil {
			t.Fatal(err)
		}
		w.until(t, false)
		t.Logf("round %d: filled, refused, freed, resumed", round+1)
	}
	w.cmd.Process.Signal(syscall.SIGTERM)
	<-w.ended
	if !w.cmd.ProcessState.Success() {
		t.Errorf("the worker ended with %v", w.cmd.ProcessState)
	}
	verify(t, dir+"/leases", acks)
}

// eatPause after each MiB makes 200 MiB/s at most. A memory file system can be
// filled faster than a flush ends, see ahead.go; a disk cannot.
const eatPause = 5 * time.Millisecond

// eat writes until the disk has nothing left.
func eat(t *testing.T, name string) {
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	block := make([]byte, 1<<20)
	binary.LittleEndian.PutUint64(block, 1)
	for err == nil {
		_, err = f.Write(block)
		time.Sleep(eatPause)
	}
	for err = nil; err == nil; {
		_, err = f.Write(block[:4096])
	}
}
