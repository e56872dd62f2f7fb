#!/bin/bash
# Leases per second by perfdhcp: needletail and Debian's Kea, one after the
# other, on the same veth pair, with the same command. Prints a table, with the
# command, the machine, and the CPU each side used; needs root.
#
# usage: bench/perfdhcp.sh [seconds per step, default 5]
set -eu
cd "$(dirname "$0")/.."
period=${1:-5}
rates=${RATES:-2500 5000 10000 20000 40000}
appliance=${NEEDLETAIL:-bin/needletail}
[ "$(id -u)" = 0 ] || { echo "perfdhcp.sh: be root (it makes network namespaces)" >&2; exit 1; }
for program in perfdhcp kea-dhcp4 ip; do
	command -v $program >/dev/null || { echo "perfdhcp.sh: no $program: make deps" >&2; exit 1; }
done
[ -x "$appliance" ] || { echo "perfdhcp.sh: no $appliance: make build" >&2; exit 1; }

# The directory is on the disk of this tree, so that a sync is a real one.
dir=$(mktemp -d "$PWD/.perfdhcp.XXXXXX")
server_ns=ntb$$-server load_ns=ntb$$-load
server=""
clean() {
	[ -z "$server" ] || { kill -9 "$server" && wait "$server"; } 2>/dev/null || true
	ip netns del $server_ns 2>/dev/null || true
	ip netns del $load_ns 2>/dev/null || true
	rm -rf "$dir"
}
trap clean EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

ip netns add $server_ns
ip netns add $load_ns
ip -n $server_ns link add eth0 type veth peer name eth0 netns $load_ns
for ns in $server_ns $load_ns; do
	ip -n $ns link set lo up
	ip -n $ns link set eth0 up
done
ip -n $server_ns addr add 10.0.0.1/16 dev eth0
ip -n $load_ns addr add 10.0.0.2/16 dev eth0

# config NAME EXTRA: the same subnet for everyone.
config() {
	cat >"$dir/$1.conf" <<-JSON
		{ "Dhcp4": { $2
		  "interfaces-config": { "interfaces": [ "eth0" ] },
		  "lease-database": { "type": "memfile", "persist": true, "name": "$dir/$1.csv" },
		  "valid-lifetime": 3600,
		  "loggers": [ { "name": "kea-dhcp4", "severity": "INFO", "output_options": [ { "output": "stdout" } ] } ],
		  "subnet4": [ { "id": 1, "subnet": "10.0.0.0/8", "relay": { "ip-addresses": [ "10.0.0.2" ] },
		    "pools": [ { "pool": "10.1.0.0 - 10.31.255.255" } ] } ] } }
	JSON
}

# start NAME COMMAND...: a fresh server with no leases.
start() {
	name=$1
	shift
	rm -rf "$dir/$name".csv*
	KEA_PIDFILE_DIR=$dir KEA_LOCKFILE_DIR=$dir ip netns exec $server_ns "$@" >"$dir/$name.log" 2>&1 &
	server=$!
	for _ in $(seq 100); do
		grep -q ' started$' "$dir/$name.log" && return
		sleep 0.1
	done
	echo "$name did not start:" >&2
	cat "$dir/$name.log" >&2
	exit 1
}

stop() {
	kill "$server"
	wait "$server" || true
	server=""
}

# cpu PID: clock ticks used so far.
cpu() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }

# measure NAME COMMAND...: the best of all rates, each with a fresh server.
measure() {
	best=0 line=""
	for rate in $rates; do
		start "$@"
		before=$(cpu "$server")
		ip netns exec $load_ns perfdhcp -4 -g multi -R 2000000 -r "$rate" -p "$period" -W 500000 10.0.0.1 >"$dir/out" 2>"$dir/err" || true
		used=$(($(cpu "$server") - before))
		stop
		read -r offers acks lost <<-EOF
			$(awk '/received packets:/ { r[++n] = $3 } /drops ratio:/ { d = $3 } END { print r[1] + 0, r[2] + 0, d + 0 }' "$dir/out")
		EOF
		each=$((acks / period))
		echo "  $1 at $rate/s: $each leases/s (offers $((offers / period))/s), server CPU $((used * 100 / period / $(getconf CLK_TCK)))%" >&2
		if [ "$each" -gt "$best" ]; then
			best=$each
			line="| $1 | $rate | $each | $((used * 100 / period / $(getconf CLK_TCK)))% | $lost% |"
		fi
		# Far past the best there is nothing to find.
		[ $((each * 3)) -gt "$rate" ] || break
	done
	table="$table
$line"
}

config needletail ""
config kea-mt '"multi-threading": { "enable-multi-threading": true },'
config kea ""
table=""
one() { # one KEY NAME COMMAND...
	key=$1
	shift
	measure "$@"
	printf -v "result_$key" '%s' "$best"
}
one needletail needletail "$appliance" serve -c "$dir/needletail.conf"
mode=$(sed -n 's/.*fast path .*has="\(.*\)"$/\1/p' "$dir/needletail.log" | tail -1)
one kea kea kea-dhcp4 -c "$dir/kea.conf"
one keamt kea-mt kea-dhcp4 -c "$dir/kea-mt.conf"

peer=$result_kea
[ "$result_keamt" -le "$peer" ] || peer=$result_keamt
echo
echo "command: perfdhcp -4 -g multi -R 2000000 -r RATE -p $period -W 500000 10.0.0.1   (best RATE of: $rates)"
echo "machine: $(awk -F ': ' '/model name/ { print $2; exit }' /proc/cpuinfo), $(nproc) CPUs shared by generator and server, Linux $(uname -r), veth"
echo "needletail: $("$appliance" version), durability sync (fdatasync before every ACK), fast path: ${mode:-none, kernel sockets}"
echo "kea: $(kea-dhcp4 -v), memfile persist true (no sync); kea-mt with multi-threading"
echo
echo "| server | asked, exchanges/s | leases/s | server CPU | not completed |"
echo "|---|---|---|---|---|$table"
echo
awk -v a="$result_needletail" -v b="$peer" 'BEGIN { if (b > 0) printf "needletail / best Kea = %.1f\n", a / b }'
