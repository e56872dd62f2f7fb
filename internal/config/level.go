package config

import (
	"net/netip"
	"slices"
)

// level is what Dhcp4, a shared network and a subnet can all say; the inner one
// wins (Kea: simple_parser4.cc, INHERIT_TO_SUBNET4).
type level struct {
	valid, minValid, maxValid  opt[int64]
	renew, rebind              opt[int64]
	calculateTee               opt[bool]
	t1, t2                     opt[float64]
	cacheThreshold             opt[float64]
	cacheMaxAge                opt[int64]
	offerLifetime              opt[int64]
	authoritative, matchClient opt[bool]
	storeExtended              opt[bool]
	nextServer                 opt[netip.Addr]
	serverHostname, bootFile   opt[string]
}

// builtIn are Kea's defaults (simple_parser4.cc, GLOBAL4_DEFAULTS).
var builtIn = level{
	valid:          given[int64](7200, nil),
	t1:             given(0.5, nil),
	t2:             given(0.875, nil),
	cacheThreshold: given(0.25, nil),
	matchClient:    given(true, nil),
	nextServer:     given(netip.IPv4Unspecified(), nil),
}

const (
	snameMax = 63  // bytes, sname less its final zero (RFC 2131 section 2)
	fileMax  = 127 // bytes, file likewise
)

// levelKeys are the rows of a level inside another type.
func levelKeys[T any](at func(*T) *level) []key[T] {
	return []key[T]{
		seconds("valid-lifetime", func(t *T) *opt[int64] { return &at(t).valid }),
		seconds("min-valid-lifetime", func(t *T) *opt[int64] { return &at(t).minValid }),
		seconds("max-valid-lifetime", func(t *T) *opt[int64] { return &at(t).maxValid }),
		seconds("renew-timer", func(t *T) *opt[int64] { return &at(t).renew }),
		seconds("rebind-timer", func(t *T) *opt[int64] { return &at(t).rebind }),
		toggle("calculate-tee-times", func(t *T) *opt[bool] { return &at(t).calculateTee }),
		fraction("t1-percent", func(t *T) *opt[float64] { return &at(t).t1 }),
		fraction("t2-percent", func(t *T) *opt[float64] { return &at(t).t2 }),
		fraction("cache-threshold", func(t *T) *opt[float64] { return &at(t).cacheThreshold }),
		seconds("cache-max-age", func(t *T) *opt[int64] { return &at(t).cacheMaxAge }),
		seconds("offer-lifetime", func(t *T) *opt[int64] { return &at(t).offerLifetime }),
		toggle("authoritative", func(t *T) *opt[bool] { return &at(t).authoritative }),
		toggle("match-client-id", func(t *T) *opt[bool] { return &at(t).matchClient }),
		toggle("store-extended-info", func(t *T) *opt[bool] { return &at(t).storeExtended }),
		nextServerKey(at),
		shortWord("server-hostname", snameMax, func(t *T) *opt[string] { return &at(t).serverHostname }),
		shortWord("boot-file-name", fileMax, func(t *T) *opt[string] { return &at(t).bootFile }),
		ignoredChoice[T]("allocator", "iterative", "iterative", "random", "flq", "shared-flq").but("the first free address is taken"),
	}
}

// nextServerKey: an empty string is as good as none.
func nextServerKey[T any](at func(*T) *level) key[T] {
	return key[T]{name: "next-server", kind: text, state: stateDone, read: func(c *checker, n *node, t *T) {
		if n.literal == "" {
			return
		}
		if a, ok := c.address(n); ok {
			at(t).nextServer = given(a, n)
		}
	}}
}

// shortWord is a string for a fixed field of the message; empty is none.
func shortWord[T any](name string, most int, into func(*T) *opt[string]) key[T] {
	return key[T]{name: name, kind: text, state: stateDone, read: func(c *checker, n *node, t *T) {
		switch {
		case len(n.literal) > most:
			c.fail(n, "this has %d bytes, the field of the message has room for %d; shorten it", len(n.literal), most)
		case n.literal != "":
			*into(t) = given(n.literal, n)
		}
	}}
}

// within fills what l leaves open from the level above.
func (l level) within(above level) level {
	l.valid = l.valid.or(above.valid)
	l.minValid = l.minValid.or(above.minValid)
	l.maxValid = l.maxValid.or(above.maxValid)
	l.renew = l.renew.or(above.renew)
	l.rebind = l.rebind.or(above.rebind)
	l.calculateTee = l.calculateTee.or(above.calculateTee)
	l.t1 = l.t1.or(above.t1)
	l.t2 = l.t2.or(above.t2)
	l.cacheThreshold = l.cacheThreshold.or(above.cacheThreshold)
	l.cacheMaxAge = l.cacheMaxAge.or(above.cacheMaxAge)
	l.offerLifetime = l.offerLifetime.or(above.offerLifetime)
	l.authoritative = l.authoritative.or(above.authoritative)
	l.matchClient = l.matchClient.or(above.matchClient)
	l.storeExtended = l.storeExtended.or(above.storeExtended)
	l.nextServer = l.nextServer.or(above.nextServer)
	l.serverHostname = l.serverHostname.or(above.serverHostname)
	l.bootFile = l.bootFile.or(above.bootFile)
	return l
}

// ignoredKeys are rows that every level repeats and nobody honours
// yet, each with Kea's default.
func ignoredKeys[T any]() []key[T] {
	return slices.Concat(
		accepted[T](boolean, "ddns-send-updates"), // dhcp-ddns has the warning
		ignored[T](boolean, "false", "ddns-override-no-update", "ddns-override-client-update", "ddns-update-on-renew"),
		ignored[T](boolean, "true", "ddns-use-conflict-resolution"),
		[]key[T]{replaceNameKey[T]("ddns-replace-client-name"), conflictKey[T]()},
		ignored[T](text, `"myhost"`, "ddns-generated-prefix"),
		ignored[T](text, `""`, "ddns-qualifying-suffix", "hostname-char-replacement"),
		ignored[T](text, `"[^A-Za-z0-9.-]"`, "hostname-char-set"),
		ignored[T](float, "", "ddns-ttl-percent", "adaptive-lease-time-threshold"),
		ignored[T](integer, "", "ddns-ttl", "ddns-ttl-min", "ddns-ttl-max"),
		ignored[T](boolean, "false", "reservations-global", "reservations-out-of-pool"),
		ignored[T](boolean, "true", "reservations-in-subnet"),
		[]key[T]{ignoredChoice[T]("reservation-mode", "", "disabled", "off", "out-of-pool", "global", "all")},
	)
}

func replaceNameKey[T any](name string) key[T] {
	return ignoredChoice[T](name, "never", "never", "always", "when-present", "when-not-present")
}

func conflictKey[T any]() key[T] {
	return ignoredChoice[T]("ddns-conflict-resolution-mode", "check-with-dhcid",
		"check-with-dhcid", "no-check-with-dhcid", "check-exists-with-dhcid", "no-check-without-dhcid")
}
