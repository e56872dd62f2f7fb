// Package flood makes DHCP queries in the kernel, faster than a program could
// hand them over: BPF_PROG_TEST_RUN with live frames repeats an XDP program
// that rewrites one template and sends it. Nobody follows these queries; they
// are the background a server must withstand. Package load plays the clients
// that must be served meanwhile.
package flood

// Debian 12's clang 14, whose output is committed and compared.
//go:generate go tool bpf2go -cc clang-14 -strip llvm-strip-14 -target bpfel -go-package flood -type settings -type fault -cflags "-O2 -g -Wall -Wextra -Werror -mcpu=v3 -I/usr/include/x86_64-linux-gnu" Flood flood.bpf.c
