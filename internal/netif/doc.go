// Package netif tells what the kernel knows about the host's network: its
// interfaces with their addresses and drivers, its neighbours, and when any of
// that changes. It is the only importer of netlink and owns no policy: which
// interfaces are served follows from the configuration's patterns, what is done
// with a change is the caller's. It changes nothing on the host but one ethtool
// flag on request, and opens no socket that carries packets.
package netif
