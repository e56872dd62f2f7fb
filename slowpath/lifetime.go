package slowpath

import (
	"math"
	"time"

	"needletail/internal/config"
	"needletail/leases"
)

// lifetimes are a subnet's lease times in seconds, leases.Infinite for ever.
type lifetimes struct {
	min, normal, max uint32
	renew, rebind    uint32 // 0: not configured
	calculate        bool   // T1 and T2 from the lifetime
	t1, t2           float64
}

func compileLifetimes(l config.Lifetimes) lifetimes {
	return lifetimes{
		min: lifetime(l.Min), normal: lifetime(l.Default), max: lifetime(l.Max),
		renew: seconds(l.Renew), rebind: seconds(l.Rebind),
		calculate: l.CalculateTee, t1: l.T1, t2: l.T2,
	}
}

// lifetime converts a configured lifetime; 2^32-1 seconds is for ever.
func lifetime(d time.Duration) uint32 {
	if int64(d/time.Second) >= leases.Infinite {
		return leases.Infinite
	}
	return seconds(d)
}

// grant returns the lifetime for a client that asked for wanted seconds (0: no
// wish): its wish within the bounds, else the default (RFC 2131 section 3.3
// and 4.3.1; Kea: alloc_engine.cc, getValidLft).
func (l *lifetimes) grant(wanted uint32) uint32 {
	if wanted == 0 {
		return l.normal
	}
	return min(max(wanted, l.min), l.max)
}

// tees returns T1 and T2 to send with a lease of valid seconds, 0 for none.
// Configured values win over calculated ones, and a value is sent only while
// T1 < T2 < valid (Kea: dhcp4_srv.cc, setTeeTimes).
func (l *lifetimes) tees(valid uint32) (t1, t2 uint32) {
	ceiling := valid
	t2 = l.rebind
	if t2 == 0 && l.calculate {
		t2 = share(l.t2, valid)
	}
	if t2 >= ceiling {
		t2 = 0
	}
	if t2 > 0 {
		ceiling = t2
	}
	t1 = l.renew
	if t1 == 0 && l.calculate {
		t1 = share(l.t1, valid)
	}
	if t1 >= ceiling {
		t1 = 0
	}
	return t1, t2
}

func share(f float64, valid uint32) uint32 { return uint32(math.Round(f * float64(valid))) }

// cached returns how many seconds of an unchanged lease may be confirmed
// without writing: 0 if it must be written anew. cltt and valid are the
// lease's, fresh the lifetime a renewal would get (Kea: alloc_engine.cc,
// setLeaseReusable).
func (s *subnet) cached(cltt int64, valid, fresh uint32, now int64) uint32 {
	if valid == leases.Infinite {
		return leases.Infinite
	}
	if s.cacheFraction <= 0 {
		return 0
	}
	age := now - cltt
	if age < 0 || age >= int64(valid) {
		return 0
	}
	if s.cacheMaxAge > 0 && age > int64(s.cacheMaxAge) {
		return 0
	}
	if age > int64(float64(fresh)*s.cacheFraction) {
		return 0
	}
	return valid - uint32(age)
}
