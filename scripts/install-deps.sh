#!/bin/sh
# Installs what the tests, the demo and the comparisons need: DHCP clients,
# Debian's Kea and its rivals, the compiler of the XDP program, and the C
# compiler that the race detector wants. Quick when everything is
# there. Starts no service: several of these packages would bring up a DHCP
# server on this host's interfaces.
#
# usage: install-deps.sh [clients|test|generate|race]...     (default: test)
set -eu

clients="iproute2 procps isc-dhcp-client udhcpc"
generate="clang-14 llvm-14 libbpf-dev linux-libc-dev"
test="$clients $generate dhcpcd-base mount ethtool kea-admin kea-dhcp4-server kea-ctrl-agent
	isc-dhcp-server dnsmasq-base"
race="gcc libc6-dev"

wanted=""
for group in "${@:-test}"; do
	case $group in
	clients) wanted="$wanted $clients" ;;
	test) wanted="$wanted $test" ;;
	generate) wanted="$wanted $generate" ;;
	race) wanted="$wanted $race" ;;
	*) echo "install-deps: no group $group" >&2; exit 2 ;;
	esac
done

missing=""
for package in $wanted; do
	state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
	[ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ]; then
	echo "install-deps: not root, so these stay missing and what needs them is skipped:$missing" >&2
	exit 0
fi
if ! command -v apt-get >/dev/null; then
	echo "install-deps: no apt-get here; please install:$missing" >&2
	exit 0
fi

# invoke-rc.d asks this file before it starts a service (101: do not). One that
# is already there is put back afterwards, also when interrupted.
policy=/usr/sbin/policy-rc.d
kept=""
restore() {
	if [ -n "$kept" ]; then
		mv "$kept" "$policy"
	else
		rm -f "$policy"
	fi
}
if [ -e "$policy" ]; then
	kept=$policy.before-needletail
	mv "$policy" "$kept"
fi
trap restore EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
printf '#!/bin/sh\nexit 101\n' >"$policy"
chmod 755 "$policy"

echo "install-deps: installing$missing"
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
# shellcheck disable=SC2086 # a list of words
apt-get install -y -q --no-install-recommends $missing
