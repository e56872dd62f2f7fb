package e2eha

import (
	"fmt"
	"testing"
	"time"
)

// A backup, Kea or needletail, has every lease of the pair that it stands
// behind, also those that one of the pair gave out alone.
func TestBackupBehindPair(t *testing.T) {
	for _, c := range []struct {
		name string
		o    setup
	}{
		{"kea-behind-needletails", setup{mode: "hot-standby", roles: []string{"primary", "standby", "backup"}, kea: []int{3}}},
		{"needletail-behind-keas", setup{roles: []string{"primary", "secondary", "backup"}, kea: []int{1, 2}}},
		{"needletail-behind-both", setup{roles: []string{"primary", "secondary", "backup"}, kea: []int{1}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			long(t)
			s := newSite(t)
			third := addThree(s, c.o)
			p := &pair{site: s, a: s.members[0], b: s.members[1]}
			p.normal = map[bool]string{true: "hot-standby", false: "load-balancing"}[c.o.mode == "hot-standby"]
			reach(p.normal, p.a, p.b)
			third.reach("backup")
			p.w = s.swarm()
			p.w.all("all are up", 0, 60)
			same(t, p.a, third, 60)
			hears(p.w.release(0), p.w.decline(1), p.a, third)
			same(t, p.a, third, 59)
			p.a.Kill()
			p.b.reach("partner-down")
			p.w.all("the primary is dead", 2, 80)
			same(t, p.b, third, 79)
			if by := p.w.by(); by["192.0.2.3"] > 0 {
				t.Errorf("the backup answered clients: %v", by)
			}
			p.w.kept(third)
		})
	}
}

func addThree(s *site, o setup) *member {
	s.t.Helper()
	for n := 1; n <= 3; n++ {
		s.add(n, o)
	}
	for _, m := range s.members[:2] {
		s.reachable(m.host, "10.77.0.3")
	}
	for _, m := range s.members {
		m.start()
	}
	return s.members[2]
}

// With wait-backup-ack no client is answered before the backup has its lease,
// and none while there is no backup. Without the primary a backup serves when it
// is told to.
func TestPassiveBackup(t *testing.T) {
	for _, kea := range []int{1, 2} {
		t.Run(fmt.Sprintf("kea-is-server%d", kea), func(t *testing.T) {
			long(t)
			s := newSite(t)
			o := setup{mode: "passive-backup", more: `"wait-backup-ack": true,`, kea: []int{kea}}
			primary, backup := s.add(1, o), s.add(2, o)
			backup.start()
			primary.start()
			primary.reach("passive-backup")
			backup.reach("backup")
			w := s.swarm()
			w.all("both are up", 0, 60)
			same(t, primary, backup, 60)
			hears(w.release(0), w.decline(1), primary, backup)
			same(t, primary, backup, 59)
			backup.Kill()
			w.silent("the backup is dead", numbers(100, 110), time.Second)
			backup.start()
			w.all("the backup is back", 100, 110)
			w.kept(primary)
			if by := w.by(); by["192.0.2.2"] > 0 {
				t.Errorf("the backup answered clients: %v", by)
			}
			if !backup.kea {
				primary.Kill()
				w.silent("nobody is there", numbers(200, 205), time.Second/2)
				backup.do("ha-scopes", `{ "scopes": [ "server1" ] }`)
				w.silent("scopes alone", numbers(200, 205), time.Second/2)
				backup.do("dhcp-enable", `{ "origin-id": 1000 }`)
				w.all("the backup serves by hand", 100, 110)
				w.all("and new clients", 200, 205)
			}
		})
	}
}
