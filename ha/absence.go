package ha

import "time"

// absenceMin is the shortest standstill that can matter: settings that would
// have a partner take over sooner would have it do so for a lost message.
const absenceMin = 100 * time.Millisecond

// Absence is how long a server may stand still (SIGSTOP, a suspended machine)
// before its partner can have taken its clients over; 0: there is no partner.
// The partner does after max-response-delay, and that counts from when it last
// heard of us: a heartbeat-delay before the standstill began, or less. The half
// is for the time messages take, and for noticing.
func (s *Settings) Absence() time.Duration {
	if s.Partner == "" {
		return 0
	}
	return max(absenceMin, min(s.Response/2, s.Response-s.Heart))
}

// TakenOverAfter is the shortest standstill of this server after which a partner
// in any relationship can have taken clients over; 0: there is none. Any
// goroutine may call it.
func (d *Driver) TakenOverAfter() time.Duration { return d.absence }

// shortest is the lesser of two such times, of which 0 is none.
func shortest(a, b time.Duration) time.Duration {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}
