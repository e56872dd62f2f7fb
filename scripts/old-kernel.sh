#!/bin/sh
# Runs the tests of the XDP program under another kernel: the verifier of every
# kernel accepts something else. Debian's oldest:
#   apt-get download linux-image-6.1.0-56-amd64 && dpkg -x linux-image-*.deb k
#   scripts/old-kernel.sh k/boot/vmlinuz-6.1.0-56-amd64
# Needs what scripts/guest.sh does. Takes a minute.
set -eu

if [ $# -lt 1 ]; then
	echo "usage: $0 VMLINUZ [TEST-REGEXP]" >&2
	exit 2
fi
# Not those whose subject is time or the compiler.
exec "$(dirname "$0")/guest.sh" "$1" ./bpf \
	"${2:-Verifier|Vectors|Length|Verdicts|Truncated|Relationship|Redirect|Modes|Unacked|Analyzed|Crossing|Local|VLAN|Disabled|Types}"
