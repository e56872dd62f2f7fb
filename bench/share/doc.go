// Package share holds processes to a share of the processors by a cgroup, of version 2
// or 1. A server on few processors that it shares with its load generator cannot be
// asked for more than it serves: each gets half of them. Held to less than that, it can.
package share
