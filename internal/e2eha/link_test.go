package e2eha

import (
	"testing"
	"time"
)

// The link between the servers is cut while clients reach both: each goes on
// with its own clients, and tells the other one afterwards.
func TestLinkBetweenServersCut(t *testing.T) {
	long(t)
	p := newPair(t, setup{unacked: 20})
	p.w.all("both are up", 0, 100)
	must(t, p.b.host.SetUp("ha0", false))
	p.w.all("the link is cut: renewals", 0, 100) // the first of them finds out
	reach("communication-recovery", p.a, p.b)
	p.w.by()
	p.w.all("the link is cut: new clients", 100, 180)
	p.balanced(80)
	time.Sleep(3 * time.Second) // past max-response-delay
	reach("communication-recovery", p.a, p.b)
	must(t, p.b.host.SetUp("ha0", true))
	p.checked(180)
	p.w.all("the link is back", 0, 200)
	p.checked(200)
}

// The same in hot-standby: the primary goes on alone once max-response-delay is
// over, the standby sees its clients served and stays out of it, and learns of
// all leases when the link is back.
func TestLinkCutInHotStandby(t *testing.T) {
	long(t)
	p := newPair(t, setup{mode: "hot-standby", unacked: 20})
	p.w.all("both are up", 0, 100)
	must(t, p.b.host.SetUp("ha0", false))
	p.a.reach("partner-down")
	p.w.by()
	p.w.all("the link is cut: renewals", 0, 100)
	p.w.all("the link is cut: new clients", 100, 180)
	p.balanced(180)
	if s := p.b.state(0); s != "hot-standby" {
		t.Errorf("the standby is in %s while the primary serves", s)
	}
	must(t, p.b.host.SetUp("ha0", true))
	p.checked(180)
	p.w.all("the link is back", 0, 200)
	p.balanced(200)
	p.checked(200)
}

// A server that clients cannot reach any more, though its partner can: with
// deaf-partner the partner takes its clients over, until an operator (or ten
// minutes) has it try again.
func TestLinkToClientsCut(t *testing.T) {
	long(t)
	p := newPair(t, setup{own: `"deaf-partner": "take-over",`, fast: "auto"})
	p.w.all("both are up", 0, 100)
	p.a.reach("load-balancing")
	must(t, p.b.host.SetUp("eth0", false))
	p.w.all("one is deaf: renewals", 0, 100)
	p.w.all("one is deaf: new clients", 100, 200)
	p.a.reach("partner-in-maintenance")
	must(t, p.b.host.SetUp("eth0", true))
	p.a.do("ha-maintenance-cancel", "")
	reach(p.normal, p.a, p.b)
	p.w.by()
	p.w.all("it hears again", 0, 250)
	p.balanced(250)
	p.checked(250)
}

// With deaf-partner "warn" the partner says which relay does not reach the
// server, and leaves its clients to it.
func TestDeafPartnerIsToldOf(t *testing.T) {
	for _, fast := range []string{"off", "auto"} {
		t.Run("xdp-"+fast, func(t *testing.T) {
			long(t)
			p := newPair(t, setup{own: `"deaf-partner": "warn",`, fast: fast})
			theirs := owned(1, 40)
			p.w.these("both are up", theirs[:20])
			must(t, p.b.host.SetUp("eth0", false))
			p.w.silent("one is deaf", theirs, 3*time.Second) // past max-ack-delay
			must(t, p.a.Says(deadline(t), "of its clients have waited longer than max-ack-delay behind relay 192.0.2.9: look at the path"))
			reach(p.normal, p.a, p.b)
			must(t, p.b.host.SetUp("eth0", true))
			p.w.these("it hears again", theirs)
			p.checked(40)
		})
	}
}
