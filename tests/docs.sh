#!/bin/sh
# The documents say what the program says: the table of settings is the one it prints, and every
# route has its place in docs/api.md.
# usage: docs.sh TIMBRE SOURCE
set -eu
timbre=$1
cd "$2"
ours=$(mktemp)
trap 'rm -f "$ours"' EXIT
bad=0
"$timbre" settings >"$ours"
sed -n '/^<!-- settings -->$/,/^<!-- \/settings -->$/p' docs/config.md | sed '1d;$d' | diff - "$ours" || {
    echo "docs/config.md: put what timbre settings prints between the marks"
    bad=1
}
sed -n 's/^ *{"\([A-Z]*\)", *"\([^"]*\)",.*/\1 \2/p' src/http/routes.c >"$ours"
[ -s "$ours" ] || { echo "no route was found in src/http/routes.c"; exit 1; }
while read -r route; do
    grep -qF "$route\`" docs/api.md && continue
    echo "docs/api.md: $route is not there"
    bad=1
done <"$ours"
exit $bad
