#!/bin/sh
# /metrics in the eyes of promtool. Skipped (77) where promtool cannot be had.
# usage: metrics.sh TIMBRE SOURCE
set -eu
timbre=$1
promtool=$("$2/tools/promtool.sh")
[ -n "$promtool" ] || { echo "promtool is not to be had here: skipped"; exit 77; }
dir=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; wait 2>/dev/null; rm -rf "$dir"' EXIT
cd "$dir"
unset MODEL ENGINE HF_HOME HF_HUB_CACHE
printf 'API_USERNAME=u\nAPI_PASSWORD=p\nLOG_LEVEL=error\nMODEL_DOWNLOAD=0\n' >.env
printf 'HF_HUB_CACHE=no-cache\nHF_HOME=no-cache\n' >>.env
"$timbre" serve --host 127.0.0.1 --port 0 >out &
server=$!
n=0
until grep -q listening out 2>/dev/null; do
    n=$((n + 1))
    [ $n -lt 600 ] || { echo "the server does not start"; exit 1; }
    sleep 0.2
done
port=$(sed -n 's/.*:\([0-9]*\)$/\1/p' out)
curl -fsS -u u:p -d 'text=Yes.' "http://127.0.0.1:$port/demo" >/dev/null
curl -sS -u u:p "http://127.0.0.1:$port/nowhere" >/dev/null
curl -fsS -u u:p "http://127.0.0.1:$port/metrics" >metrics
# shellcheck disable=SC2094 # "metrics" is a word here and a file there
"$promtool" check metrics <metrics
grep -q '^timbre_jobs_total{result="done"} 1$' metrics
