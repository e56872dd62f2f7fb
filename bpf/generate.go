package bpf

// Debian 12's clang 14, whose output is committed and compared.
//go:generate go tool bpf2go -cc clang-14 -strip llvm-strip-14 -target bpfel -go-package bpf -type verdict -type mode -type magic -type live -type event -type hint -type outgoing -type reply -type reply_ring -type scope -type vlan_set -type census -type client_key -type client -type subnet_key -cflags "-O2 -g -Wall -Wextra -Werror -mcpu=v3 -I/usr/include/x86_64-linux-gnu" Dhcp dhcp.bpf.c
