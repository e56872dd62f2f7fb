package config

import "slices"

// What Kea knows and this server does not do yet still has a grammar, so that
// a misspelt key is found there too. The maps are read into nothing.
type nothing struct{}

// nested checks a map against a table and keeps nothing of it.
func nested[T any](t *table[nothing]) func(*checker, *node, *T) {
	return func(c *checker, n *node, _ *T) { t.load(c, n, &nothing{}) }
}

// nestedList is nested for each element of a list.
func nestedList[T any](t *table[nothing]) func(*checker, *node, *T) {
	return func(c *checker, n *node, _ *T) {
		for _, item := range n.items {
			t.load(c, item, &nothing{})
		}
	}
}

// checked is a row read only to be checked.
func checked(name string, k kind, read func(*checker, *node, *nothing)) key[nothing] {
	return key[nothing]{name: name, kind: k, state: stateAccepted, read: read}
}

func reservationsKey[T any]() key[T] {
	return key[T]{name: "reservations", kind: list, state: stateIgnored, read: nestedList[T](&reservationTable), effect: "; these clients are served from the pools"}
}

var reservationTable = table[nothing]{"reservations[]", slices.Concat(
	accepted[nothing](text, "duid", "hw-address", "client-id", "circuit-id", "flex-id", "ip-address", "hostname", "next-server", "server-hostname", "boot-file-name"),
	accepted[nothing](list, "client-classes"),
	[]key[nothing]{checked("option-data", list, checkOptions)},
	contextKeys[nothing]())}

var classTable = table[nothing]{"client-classes[]", slices.Concat(
	accepted[nothing](text, "name", "test", "template-test", "next-server", "server-hostname", "boot-file-name"),
	accepted[nothing](boolean, "only-if-required", "only-in-additional-list"),
	accepted[nothing](integer, "valid-lifetime", "min-valid-lifetime", "max-valid-lifetime", "offer-lifetime"),
	accepted[nothing](list, "option-def"),
	[]key[nothing]{checked("option-data", list, checkOptionKeys)},
	contextKeys[nothing]())}

// checkOptions checks option data as thoroughly as if it were sent.
func checkOptions(c *checker, n *node, _ *nothing) { c.optionList(n) }

// checkOptionKeys checks only the keys: a class may define options of its own.
func checkOptionKeys(c *checker, n *node, _ *nothing) {
	for _, item := range n.items {
		optionTable.load(c, item, &optionDraft{})
	}
}

var ddnsTable = table[nothing]{"dhcp-ddns", slices.Concat(
	accepted[nothing](boolean, "enable-updates"),
	accepted[nothing](text, "server-ip", "sender-ip"),
	[]key[nothing]{
		ignoredChoice[nothing]("ncr-protocol", "", "udp", "tcp").with(stateAccepted),
		ignoredChoice[nothing]("ncr-format", "", "json").with(stateAccepted),
	},
	accepted[nothing](integer, "server-port", "sender-port", "max-queue-size"),
	// Until Kea 2.6 these also stood here.
	accepted[nothing](boolean, "override-no-update", "override-client-update"),
	[]key[nothing]{replaceNameKey[nothing]("replace-client-name").with(stateAccepted)},
	accepted[nothing](text, "generated-prefix", "qualifying-suffix", "hostname-char-set", "hostname-char-replacement"),
	contextKeys[nothing]())}

// ddnsKey: updates that are off ask for nothing.
func ddnsKey[T any]() key[T] {
	return key[T]{name: "dhcp-ddns", kind: object, state: stateIgnored, unless: "enable-updates", read: nested[T](&ddnsTable), effect: "; no DNS updates are sent"}
}

var hostsTable = table[nothing]{"hosts-databases[]", slices.Concat(
	[]key[nothing]{ignoredChoice[nothing]("type", "", "memfile", "mysql", "postgresql").with(stateAccepted)},
	accepted[nothing](text, "name"),
	accepted[nothing](boolean, "persist"),
	accepted[nothing](integer, "lfc-interval", "max-row-errors"),
	serverKeys[nothing]())}

var controlTable = table[nothing]{"config-control", []key[nothing]{
	checked("config-databases", list, nestedList[nothing](&hostsTable)),
	checked("config-fetch-wait-time", integer, nil),
}}

var compatibilityTable = table[nothing]{"compatibility", plain[nothing](stateIgnored, boolean, "false",
	"lenient-option-parsing", "ignore-dhcp-server-identifier", "ignore-rai-link-selection", "exclude-first-last-24")}

var threadingTable = table[threadingDraft]{"multi-threading", slices.Concat(
	[]key[threadingDraft]{
		toggle("enable-multi-threading", func(t *threadingDraft) *opt[bool] { return &t.enable }),
		number("thread-pool-size", 0, 65535, func(t *threadingDraft) *opt[int64] { return &t.pool }).with(stateAccepted),
		number("packet-queue-size", 0, 65535, func(t *threadingDraft) *opt[int64] { return &t.queue }).with(stateAccepted),
	}, contextKeys[threadingDraft]())}

// packetQueueDefault is Kea's, queries for each thread.
const packetQueueDefault = 64

// threadingDraft is multi-threading of Dhcp4. Workers follow queues and CPUs
// here; the HA hook looks at whether threads are on, and status-get tells the
// rest.
type threadingDraft struct {
	enable      opt[bool]
	pool, queue opt[int64]
}

var sanityTable = table[sanityDraft]{"sanity-checks", []key[sanityDraft]{
	choice("lease-checks", []string{"none", "warn", "fix", "fix-del", "del"}, func(s *sanityDraft) *opt[string] { return &s.checks }),
	ignoredChoice[sanityDraft]("extended-info-checks", "fix", "none", "fix", "strict", "pedantic"),
}}

type sanityDraft struct{ checks opt[string] }
