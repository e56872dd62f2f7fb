#!/bin/sh
# Runs a package's tests under another kernel, in qemu without KVM:
#   scripts/guest.sh VMLINUZ PACKAGE TEST-REGEXP [MODULE.ko[.xz] ...]
# The modules are loaded in that order. QEMU has more arguments for qemu, GUEST_ENV
# NAME=value words for the tests. Needs qemu-system-x86, cpio, xz-utils and Go.
set -eu

if [ $# -lt 3 ] || [ ! -r "$1" ]; then
	echo "usage: $0 VMLINUZ PACKAGE TEST-REGEXP [MODULE.ko[.xz] ...]" >&2
	exit 2
fi
for tool in qemu-system-x86_64 cpio xz go; do
	command -v "$tool" >/dev/null || { echo "$0: $tool is missing (apt-get install qemu-system-x86 cpio xz-utils)" >&2; exit 2; }
done

kernel=$1 package=$2 tests=$3
shift 3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
for dir in proc sys dev tmp run modules; do mkdir -p "$work/root/$dir"; done
order=10
for module in "$@"; do
	to="$work/root/modules/$order-$(basename "${module%.xz}")"
	case $module in
	*.xz) xz -dc "$module" > "$to" ;;
	*) cp "$module" "$to" ;;
	esac
	order=$((order + 1))
done

cat > "$work/init.go" <<'INIT'
package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"unsafe"
)

const finitModule = 313 // x86-64

func main() {
	for fs, at := range map[string]string{"proc": "/proc", "sysfs": "/sys", "devtmpfs": "/dev"} {
		if err := syscall.Mount(fs, at, fs, 0, ""); err != nil {
			fmt.Println("mount", at, err)
		}
	}
	modules, _ := filepath.Glob("/modules/*") // in order
	for _, m := range modules {
		if err := load(m); err != nil {
			fmt.Println("load", m, err)
		}
	}
	c := exec.Command("/tests", "-test.v", "-test.run", os.Getenv("TESTS"))
	c.Stdout, c.Stderr = os.Stdout, os.Stdout
	fmt.Println("GUEST", c.Run() == nil)
	syscall.Reboot(syscall.LINUX_REBOOT_CMD_POWER_OFF)
}

func load(module string) error {
	f, err := os.Open(module)
	if err != nil {
		return err
	}
	defer f.Close()
	none := []byte{0}
	if _, _, errno := syscall.Syscall(finitModule, f.Fd(), uintptr(unsafe.Pointer(&none[0])), 0); errno != 0 {
		return errno
	}
	return nil
}
INIT
CGO_ENABLED=0 go build -o "$work/root/init" "$work/init.go"
CGO_ENABLED=0 go test -c -o "$work/root/tests" "$package"
(cd "$work/root" && find . | cpio -o -H newc 2>/dev/null | gzip -1) > "$work/initrd"

# shellcheck disable=SC2086 # QEMU is words
timeout 300 qemu-system-x86_64 -m 1024 -smp 1 -cpu max -nographic -no-reboot ${QEMU:-} -kernel "$kernel" -initrd "$work/initrd" \
	-append "console=ttyS0 quiet panic=-1 rdinit=/init TESTS=$tests ${GUEST_ENV:-}" < /dev/null | tee "$work/log"
# Tests that were all left out pass, too.
grep -q 'GUEST true' "$work/log" && grep -q -e '--- PASS' "$work/log"
