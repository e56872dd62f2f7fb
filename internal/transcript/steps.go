package transcript

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"needletail/internal/rfc3074"
	"needletail/internal/scope"
	"needletail/leases"
)

// Steps that servers in this process do alike.

// Leases are the lines of the step leases.
func Leases(s *leases.Store) []string {
	var out []string
	for _, l := range s.Page(netip.Addr{}, 100) {
		line := fmt.Sprintf("lease %s subnet=%d %s lft=%d", l.Addr, l.SubnetID, l.State, l.ValidLft)
		if len(l.HW) > 0 {
			line += " mac=" + net.HardwareAddr(l.HW).String()
		}
		if len(l.ClientID) > 0 {
			line += fmt.Sprintf(" cid=%x", l.ClientID)
		}
		if l.Hostname != "" {
			line += " host=" + l.Hostname
		}
		if len(l.UserContext) > 0 {
			line += " context=" + string(l.UserContext)
		}
		out = append(out, line)
	}
	if len(out) == 0 {
		return []string{"no leases"}
	}
	return out
}

// Unacked is the line of the step unacked; all that count are added up.
func Unacked(all ...scope.Unacked) []string {
	var sum scope.Unacked
	for _, u := range all {
		sum.Analyzed += u.Analyzed
		sum.Connecting += u.Connecting
		sum.Unacked += u.Unacked
	}
	return []string{fmt.Sprintf("analyzed=%d connecting=%d unacked=%d", sum.Analyzed, sum.Connecting, sum.Unacked)}
}

// Scope reads the step scope: scope serve=all|none|even|odd [mode=hashed|whole]
// [owners=a,b] [interrupted] [disabled] [delay=10s] [max=10] [epoch=1] [rel=0].
// It returns the relationship and its scope.
func (s *Step) Scope() (int, scope.Scope) {
	number := func(name string) int {
		v, _ := s.Get(name)
		n, _ := strconv.Atoi(v)
		return n
	}
	sc := scope.Scope{Mode: scope.Hashed, Enabled: !s.Has("disabled"), Interrupted: s.Has("interrupted")}
	sc.Epoch, sc.UnackedMax = uint32(number("epoch")), uint32(number("max"))
	if mode, _ := s.Get("mode"); mode == "whole" {
		sc.Mode = scope.Whole
	} else if mode == "none" {
		sc.Mode = scope.None
	}
	serve, _ := s.Get("serve")
	sc.Serve = map[string]rfc3074.Buckets{"all": rfc3074.All, "even": rfc3074.Server(0, 2), "odd": rfc3074.Server(1, 2)}[serve]
	delay, _ := s.Get("delay")
	sc.AckDelay, _ = time.ParseDuration(delay)
	if owners, ok := s.Get("owners"); ok {
		sc.Names = strings.Split(owners, ",")
		for b := range sc.Owners {
			sc.Owners[b] = uint8(b % len(sc.Names))
		}
	}
	return number("rel"), sc
}
