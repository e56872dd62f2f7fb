#!/bin/sh
# Runs TestZeroCopy over two virtio NICs joined by a hub: virtio_net has zero-copy
# from Linux 6.13 on, veth never. The argument is where a kernel's package was
# unpacked, of Debian's backports, testing or sid:
#   apt-get download linux-image-VERSION-amd64 && dpkg -x linux-image-*.deb k
#   scripts/zero-copy.sh k
# Needs kmod and what scripts/guest.sh does. Takes a few minutes.
set -eu

vmlinuz=$(find "${1:-/nonexistent}" -name 'vmlinuz-*' 2>/dev/null | head -n 1)
if [ -z "$vmlinuz" ]; then
	echo "usage: $0 DIRECTORY with a kernel's package unpacked" >&2
	exit 2
fi
command -v depmod >/dev/null || { echo "$0: depmod is missing (apt-get install kmod)" >&2; exit 2; }
version=${vmlinuz##*/vmlinuz-}
base=$1
[ -d "$base/lib/modules" ] || base=$1/usr
[ -e "$base/lib/modules/$version/modules.dep" ] || depmod -b "$base" "$version"
modules=$(modprobe -d "$base" -S "$version" --show-depends virtio_pci | sed -n 's/^insmod //p'
	modprobe -d "$base" -S "$version" --show-depends virtio_net | sed -n 's/^insmod //p')

# Zero-copy needs virtqueues whose memory the driver maps itself (iommu_platform).
nic=virtio-net-pci,iommu_platform=on,disable-legacy=on
# shellcheck disable=SC2086 # modules is words
QEMU="-smp 2 -netdev hubport,id=h0,hubid=0 -netdev hubport,id=h1,hubid=0 -device $nic,netdev=h0 -device $nic,netdev=h1" \
	GUEST_ENV=NEEDLETAIL_NICS=eth0,eth1 \
	exec "$(dirname "$0")/guest.sh" "$vmlinuz" ./fastpath '^TestZeroCopy$' $(printf '%s\n' $modules | awk '!seen[$0]++')
