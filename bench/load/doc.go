// Package load is a DHCPv4 load generator: an open loop that starts exchanges
// at the moments a schedule asks for, whatever the server does, follows each
// of many clients through its exchange, and checks every answer.
//
// Latency counts from the moment an exchange should have begun, not from the
// moment its frame left, so a server that stalls cannot hide the queue it
// causes (no coordinated omission). An answer counts only if it carries the
// client's transaction id, hardware address and the message type the exchange
// waits for; an address given to two clients at once fails the run.
//
// The package knows nothing of any particular server. One goroutine, the one
// that calls Run, owns all state of a Generator.
package load

// Debian 12's clang 14, whose output is committed and compared.
//go:generate go tool bpf2go -cc clang-14 -strip llvm-strip-14 -target bpfel -go-package load -type slot -type ring -cflags "-O2 -g -Wall -Wextra -Werror -mcpu=v3 -I/usr/include/x86_64-linux-gnu" Wire wire.bpf.c
