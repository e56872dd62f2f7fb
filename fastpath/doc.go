// Package fastpath is the kernel's half of the server seen from Go: it attaches
// the XDP program to interfaces, tells it the scopes, reads what it counted,
// and carries the queries it redirects to workers over AF_XDP.
//
// A Path owns the program and its maps. A Port belongs to one worker and owns
// one AF_XDP socket for each queue it serves. Nothing is pinned: when the
// process ends, however it ends, the kernel detaches the program and closes the
// sockets with it.
//
// The package decides nothing about DHCP, answers nothing by itself, and sees
// no message that the program left to the kernel.
package fastpath
