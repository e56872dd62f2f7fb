package config

// keaDiffers: case to the reason why Kea 2.2, which this test runs, judges it
// otherwise than we do.
var keaDiffers = map[string]string{
	"keys: in our own settings":                             "a user context is free in Kea, ours is strict below needletail",
	"warnings: an empty list asks for nothing":              "Kea 2.2 wants at least one client class in the list",
	"warnings: defaults of Kea written out ask for nothing": "allocator came with Kea 2.3",
	"warnings: other allocators":                            "allocator came with Kea 2.3",
	"warnings: extended information is not checked":         "extended-info-checks came with Kea 2.3",
	"warnings: compatibility":                               "ignore-rai-link-selection came with Kea 2.3",
	"warnings: a hook library that is not built in":         "libraries need not exist for us",
	"warnings: a class guard on an option":                  "client-classes of an option came with Kea 2.7",
	"subnets: a class that is not built in, in a list":      "client-classes of a subnet came with Kea 2.7",
	"subnets: next server":                                  "Kea does not look at the global value",
	"subnets: too long for the message":                     "Kea does not look at the global values",
	"subnets: ha-server-name must be a name":                "without its HA hook Kea does not look at it",
	"pools: both notations":                                 "pool-id came with Kea 2.3",
	"pools: an overlap between subnets":                     "Kea compares pools within a subnet only",
	"options: never sent, so no data is needed":             "never-send came with Kea 2.3",
	"options: a vendor with more than option 125 holds":     "Kea finds out when it packs a reply",
	"service: interfaces":                                   "eth0 need not exist for us",
	"service: lease databases":                              "needletail has a store of its own and no other",
	"service: headers are a warning":                        "http control sockets came with Kea 2.7",
}
