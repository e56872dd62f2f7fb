#!/bin/sh
# Runs the tests of the XDP program under another kernel, in qemu without KVM:
# the verifier of every kernel accepts something else. Debian's oldest:
#   apt-get download linux-image-6.1.0-56-amd64 && dpkg -x linux-image-*.deb k
#   scripts/old-kernel.sh k/boot/vmlinuz-6.1.0-56-amd64
# Needs qemu-system-x86, cpio and Go. Takes a minute.
set -eu

if [ $# -lt 1 ] || [ ! -r "$1" ]; then
	echo "usage: $0 VMLINUZ [TEST-REGEXP]" >&2
	exit 2
fi
for tool in qemu-system-x86_64 cpio go; do
	command -v "$tool" >/dev/null || { echo "$0: $tool is missing (apt-get install qemu-system-x86 cpio)" >&2; exit 2; }
done

# Not those whose subject is time or the compiler.
tests=${2:-'Verifier|Vectors|Length|Verdicts|Truncated|Relationship|Redirect|Modes|Unacked|Analyzed|Crossing|Local|VLAN|Disabled|Types'}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
mkdir -p "$work/root/proc" "$work/root/sys" "$work/root/dev"

cat > "$work/init.go" <<'INIT'
package main

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

func main() {
	for _, fs := range []string{"proc", "sysfs", "devtmpfs"} {
		at := map[string]string{"proc": "/proc", "sysfs": "/sys", "devtmpfs": "/dev"}[fs]
		if err := syscall.Mount(fs, at, fs, 0, ""); err != nil {
			fmt.Println("mount", at, err)
		}
	}
	c := exec.Command("/tests", "-test.v", "-test.run", os.Getenv("TESTS"))
	c.Stdout, c.Stderr = os.Stdout, os.Stdout
	fmt.Println("OLD-KERNEL", c.Run() == nil)
	syscall.Reboot(syscall.LINUX_REBOOT_CMD_POWER_OFF)
}
INIT
CGO_ENABLED=0 go build -o "$work/root/init" "$work/init.go"
CGO_ENABLED=0 go test -c -o "$work/root/tests" ./bpf
(cd "$work/root" && find . | cpio -o -H newc 2>/dev/null | gzip -1) > "$work/initrd"

timeout 300 qemu-system-x86_64 -m 1024 -smp 1 -cpu max -nographic -no-reboot -kernel "$1" -initrd "$work/initrd" \
	-append "console=ttyS0 quiet panic=-1 rdinit=/init TESTS=$tests" < /dev/null | tee "$work/log"
grep -q 'OLD-KERNEL true' "$work/log"
