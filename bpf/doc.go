// Package bpf owns the XDP program that decides in the driver whose DHCP query
// a frame carries, its maps, and the Go view generated from abi.h, the one
// description of what crosses the boundary. It attaches nothing and keeps no
// state: fastpath does.
//
// Reading order: abi.h, dhcp.bpf.c, then parse.h, options.h, hash.h, clients.h,
// replies.h.
package bpf
