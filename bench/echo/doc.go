// Package echo is the fastest imaginable DHCP server, made to find the
// generator's own ceiling: an XDP program that turns a generator's query into
// an answer in place and sends it back. It knows the layout of package load's
// messages and nothing of DHCP besides; it keeps no leases.
package echo

// Debian 12's clang 14, whose output is committed and compared.
//go:generate go tool bpf2go -cc clang-14 -strip llvm-strip-14 -target bpfel -go-package echo -cflags "-O2 -g -Wall -Wextra -Werror -mcpu=v3 -I/usr/include/x86_64-linux-gnu" Echo echo.bpf.c
