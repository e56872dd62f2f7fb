#!/bin/sh
# Runs every test and shows, per package, the result, and at the end what was
# skipped and why, and what tests have measured ("figure: ..." in their log). The
# output of a package is shown only when it fails, without the tests that passed.
# As root on Debian nothing may be skipped for want of a package: then
# scripts/install-deps.sh does not install it, and this fails.
#
# usage: test.sh [go test arguments]     (default: ./...)
# Results are never taken from the cache: several packages build and run the
# appliance, which the cache does not see change.
set -eu
cd "$(dirname "$0")/.."
skipped=$(mktemp)
status=$(mktemp)
trap 'rm -f "$skipped" "$status"' EXIT

# The reason of a skip is the last line a test logged. It follows "=== RUN" or
# "=== NAME" with that test's name, while the "--- SKIP" of a subtest comes only
# when its parent has ended. Subtests with one reason are one line.
{
	rc=0
	go test -count=1 -v -timeout 9m "${@:-./...}" 2>&1 || rc=$?
	echo "$rc" >"$status"
} | awk -v skipped="$skipped" '
	function note(name,    parent, reason, key) {
		reason = (name in why) ? why[name] : "no reason given"
		parent = name
		sub(/\/.*/, "", parent)
		key = parent ": " reason
		if (!(key in count)) order[++keys] = key
		count[key]++
	}
	function package_ends() { lines = ""; held = ""; delete why }
	/^=== (RUN|NAME|CONT|PAUSE) / { test = $3; held = $0 "\n"; next }
	/^ *--- SKIP: /      { note($3) }
	/^ *--- (PASS|SKIP): / { next }
	/^ok[ \t]/           { print; package_ends(); next }
	/^\?[ \t]/           { package_ends(); next }
	/^FAIL[ \t].*[0-9]s$|^FAIL[ \t].*\[/ { printf "%s", lines; print; package_ends(); next }
	/^ +[A-Za-z0-9_]+\.go:[0-9]+: figure: / { figure[++figures] = $0; sub(/^.*: figure: /, "  ", figure[figures]) }
	/^ +[A-Za-z0-9_]+\.go:[0-9]+: / { why[test] = $0; sub(/^ +[^ ]+ /, "", why[test]) }
	                     { lines = lines held $0 "\n"; held = "" }
	END {
		if (lines != "" && lines != "FAIL\n") printf "%s", lines
		if (figures) print "measured, with all else that ran:"
		for (i = 1; i <= figures; i++) print figure[i]
		for (i = 1; i <= keys; i++) {
			times = count[order[i]] > 1 ? " (" count[order[i]] " times)" : ""
			print order[i] times > skipped
		}
	}
'

rc=$(cat "$status")
if [ -s "$skipped" ]; then
	echo "skipped:"
	sed 's/^/  /' "$skipped"
else
	echo "skipped: nothing"
fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null && grep -Eq 'is not installed|is not there|needs Debian' "$skipped"; then
	echo "tests were skipped because a package is missing: name it in scripts/install-deps.sh" >&2
	[ "$rc" != 0 ] || rc=1
fi
exit "$rc"
