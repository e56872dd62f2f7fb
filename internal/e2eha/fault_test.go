package e2eha

import (
	"syscall"
	"testing"
	"time"

	"needletail/internal/testbed"
)

// checked is what must hold when a fault is over: both are in their normal
// state, with the same leases, all that clients were promised.
func (p *pair) checked(atLeast int) {
	p.t.Helper()
	reach(p.normal, p.a, p.b)
	same(p.t, p.a, p.b, atLeast)
	p.promised()
}

// promised is what every client must have at any time: what it was promised.
func (p *pair) promised() {
	p.t.Helper()
	p.w.kept(p.a)
	p.w.kept(p.b)
	if n := p.w.lost(); n > 0 {
		p.t.Errorf("%d leases were taken back from their clients", n)
	}
}

// A server that is stopped is dead to its partner; what it finds in its socket
// when it goes on it must not promise behind the partner's back.
func TestStoppedAndContinued(t *testing.T) {
	long(t)
	p := newPair(t, setup{fast: "auto"})
	p.w.all("both are up", 0, 100)
	must(t, p.b.Signal(syscall.SIGSTOP))
	p.w.all("one hangs: renewals", 0, 100)
	p.a.reach("partner-down")
	p.w.all("one hangs: new clients", 100, 300)
	for n := range 20 {
		p.w.release(n)
	}
	p.w.all("released addresses go to others", 300, 330)
	must(t, p.b.Signal(syscall.SIGCONT))
	p.w.all("it goes on: renewals", 20, 330)
	p.w.all("it goes on: new clients", 330, 400)
	p.checked(380)
}

// With max-unacked-clients a standby takes over when so many clients and one more
// have gone without an answer for longer than max-ack-delay, and not before,
// whoever counts them: the driver's program or user space.
func TestClientsTellOfADeath(t *testing.T) {
	for _, fast := range []string{"off", "auto"} {
		t.Run("xdp-"+fast, func(t *testing.T) {
			long(t)
			p := newPair(t, setup{mode: "hot-standby", unacked: 5, fast: fast, heartbeat: 300, dead: 1000})
			p.w.all("both are up", 0, 20)
			p.a.Kill()
			p.w.silent("five clients are not more than five", numbers(100, 105), 4*time.Second)
			if r := p.b.relations()[0].Servers; r.Local.State != "hot-standby" || !r.Remote.Interrupted || r.Remote.Unacked != 5 {
				t.Errorf("the standby: %+v, of its partner it knows %+v", r.Local, r.Remote)
			}
			p.w.all("the sixth, and all before", 100, 106)
			p.b.reach("partner-down")
			p.w.all("renewals", 0, 20)
			p.w.kept(p.b)
		})
	}
}

// Both die at once, and both come back with all they have promised.
func TestBothRestarted(t *testing.T) {
	long(t)
	p := newPair(t, setup{})
	p.w.all("both are up", 0, 200)
	p.a.Kill()
	p.b.Kill()
	p.b.start()
	p.a.start()
	reach(p.normal, p.a, p.b)
	p.w.all("both are back", 0, 300)
	p.checked(300)
}

// Killed while the partner serves alone, back, and the other one killed before
// anything was agreed on: what the first one does not know yet, it does not
// give away.
func TestDeathsInTurn(t *testing.T) {
	long(t)
	p := newPair(t, setup{})
	p.w.all("both are up", 0, 60)
	for round := range 3 {
		p.b.Kill()
		p.w.all("the second is dead", 0, 100+40*round)
		p.b.start()
		reach(p.normal, p.a, p.b)
		p.a.Kill()
		p.w.all("the first is dead", 0, 120+40*round)
		p.a.start()
		p.checked(120 + 40*round)
	}
}

// A server whose disk is full answers nobody, and its partner goes on; when
// there is room again all is as before.
func TestDiskFull(t *testing.T) {
	long(t)
	disk := testbed.Tmpfs(t, "320m") // the store keeps a reserve of 192 MiB
	p := newPair(t, setup{disks: map[int]string{2: disk}})
	p.w.all("there is room", 0, 100)
	free := testbed.Fill(t, disk)
	p.w.start(numbers(0, 200))
	waitFor(t, "the first server to serve its clients without the second", func() bool {
		left, _ := p.w.pursue(numbers(0, 200))
		return left < 120
	})
	must(t, p.b.Says(deadline(t), "leases cannot be written"))
	free()
	p.w.all("there is room again", 0, 200)
	p.checked(200)
}
