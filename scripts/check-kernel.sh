#!/bin/sh
# Says what this kernel lacks of what the fast path wants. The appliance checks
# the same at start (fastpath/capability.go) and falls back; this is for people.
set -u
bad=0
say() { bad=1; echo "kernel: $*"; }

release=$(uname -r)
major=${release%%.*}
rest=${release#*.}
minor=${rest%%[!0-9]*}
if [ "$major" -lt 6 ] || { [ "$major" -eq 6 ] && [ "$minor" -lt 1 ]; }; then
	say "$release is too old for the fast path, which needs Linux 6.1 or newer: queries go through kernel sockets"
fi
[ -e /proc/sys/net/core/bpf_jit_enable ] || say "no BPF JIT (CONFIG_BPF_JIT): XDP would be slow"
config=/boot/config-$release
if [ ! -e "$config" ]; then
	echo "kernel: AF_XDP not checked, there is no $config"
elif ! grep -q XDP_SOCKETS=y "$config"; then
	say "no AF_XDP (CONFIG_XDP_SOCKETS): queries go through kernel sockets"
fi
[ -e /proc/self/ns/net ] || say "no network namespaces (CONFIG_NET_NS): make test and make demo need them"
[ "$bad" -eq 1 ] || echo "kernel: $release has everything that was checked"
exit 0
