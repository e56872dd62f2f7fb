package config

// lifetimes checks the lease times of a resolved level, as Kea does
// (simple_parser.cc, parseIntTriplet; base_network_parser.cc), and more
// strictly: timers in the wrong order are errors here on every level.
func (c *checker) lifetimes(l level) Lifetimes {
	least, most := l.minValid.or(l.valid), l.maxValid.or(l.valid)
	switch {
	case least.value > most.value && l.minValid.set && l.maxValid.set:
		c.fail(deeper(l.minValid, l.maxValid), "min-valid-lifetime %d is over max-valid-lifetime %d, lower it", least.value, most.value)
	case least.value > l.valid.value:
		c.fail(deeper(l.minValid, l.valid), "min-valid-lifetime %d is over valid-lifetime %d, lower it", least.value, l.valid.value)
	case most.value < l.valid.value:
		c.fail(deeper(l.maxValid, l.valid), "max-valid-lifetime %d is under valid-lifetime %d, raise it", most.value, l.valid.value)
	}
	c.timers(l)
	return Lifetimes{
		Min: inSeconds(least.value), Default: inSeconds(l.valid.value), Max: inSeconds(most.value),
		Renew: inSeconds(l.renew.value), Rebind: inSeconds(l.rebind.value),
		CalculateTee: l.calculateTee.value, T1: l.t1.value, T2: l.t2.value,
	}
}

func (c *checker) timers(l level) {
	if l.renew.set && l.rebind.set && l.renew.value > l.rebind.value {
		c.fail(deeper(l.renew, l.rebind), "renew-timer %d is over rebind-timer %d, lower it", l.renew.value, l.rebind.value)
	}
	if l.calculateTee.value {
		c.share("t1-percent", l.t1)
		c.share("t2-percent", l.t2)
		if l.t1.value >= l.t2.value {
			c.fail(deeper(l.t1, l.t2), "t1-percent %v is not under t2-percent %v, lower it", l.t1.value, l.t2.value)
		}
	}
}

// unsent warns of timers that the usual lease of a subnet is too short for: the
// reply leaves them out (Kea: dhcp4_srv.cc, setTeeTimes). Often such a timer
// is inherited by a subnet of short leases and meant for others.
func (c *checker) unsent(l level) {
	c.underLease("renew-timer", l.renew, l.valid)
	c.underLease("rebind-timer", l.rebind, l.valid)
}

func (c *checker) underLease(name string, timer, valid opt[int64]) {
	if timer.value > 0 && timer.value >= valid.value {
		c.warn(deeper(timer, valid), "%s %d is not under valid-lifetime %d, it is left out of leases of that time, as in Kea", name, timer.value, valid.value)
	}
}

func (c *checker) share(name string, o opt[float64]) {
	if o.value <= 0 || o.value >= 1 {
		c.fail(o.at, "%s %v is out of range, it must be over 0.0 and under 1.0", name, o.value)
	}
}

// cache reads the lease cache. An age of 0 that somebody wrote allows none.
func (c *checker) cache(l level) Cache {
	if t := l.cacheThreshold; t.value < 0 || t.value >= 1 {
		c.fail(t.at, "cache-threshold %v is out of range, it must be 0.0 or more and under 1.0", t.value)
	}
	if l.cacheMaxAge.set && l.cacheMaxAge.value == 0 {
		return Cache{}
	}
	return Cache{Threshold: l.cacheThreshold.value, MaxAge: inSeconds(l.cacheMaxAge.value)}
}

// deeper is the node of the more specific of two values: the one an operator
// wrote last and will want to change.
func deeper[A, B any](a opt[A], b opt[B]) *node {
	if a.at == nil || b.at != nil && b.at.depth() > a.at.depth() {
		return b.at
	}
	return a.at
}
