#!/bin/sh
# Requests per second of GET / and of a one-word synthesis, each beside this machine's limit in the
# same run. Limits: for GET /, the same HTTP library answering the same bytes with nothing of ours
# (bench-bare); for a word, the speech program alone, one process per word on every core.
# usage: bench/http.sh BUILD_DIR   (needs wrk, curl)
set -eu
build=${1:-build/release}
command -v wrk >/dev/null || { echo "wrk is not installed: skipped"; exit 0; }
dir=$(mktemp -d)
fifo=$dir/stdin
server=''
stop() { [ -z "$server" ] || kill "$server" 2>/dev/null || true; exec 9>&- || true; wait 2>/dev/null || true; rm -rf "$dir"; }
trap stop EXIT
timbre=$(cd "$(dirname "$build/timbre")" && pwd)/timbre
barebin=$(find "$build" -name bench-bare -type f | head -1)
case $barebin in /*) ;; *) barebin=$PWD/$barebin ;; esac

cd "$dir"
printf 'API_USERNAME=u\nAPI_PASSWORD=p\nQUEUE_PER_USER=1000\nQUEUE_MAX=1000\nLOG_LEVEL=error\n' >.env
"$timbre" serve --host 127.0.0.1 --port 0 >out 2>err &
server=$!
for _ in 1 2 3 4 5 6 7 8 9 10; do grep -q listening out && break; sleep 0.3; done
port=$(sed -n 's/.*:\([0-9]*\)$/\1/p' out)
size=$(curl -s -u u:p "http://127.0.0.1:$port/" | wc -c)
mkfifo "$fifo"
"$barebin" "$size" <"$fifo" >bareport &
exec 9>"$fifo"
sleep 0.5
bareport=$(cat bareport)
auth="Authorization: Basic $(printf 'u:p' | base64)"
rate() { wrk -t1 -c8 -d2s -H "$auth" ${2:+-s "$2"} "http://127.0.0.1:$1" | sed -n 's/^Requests\/sec: *//p'; }
median() { sort -n | sed -n '2p'; }

ours=$(for _ in 1 2 3; do rate "$port/"; done | median)
limit=$(for _ in 1 2 3; do rate "$bareport/"; done | median)
awk -v a="$ours" -v b="$limit" 'BEGIN { printf "{\"bench\":\"http\",\"what\":\"GET /\",\"per_second\":%.0f,\"limit\":\"the HTTP library alone\",\"limit_per_second\":%.0f,\"ratio\":%.2f}\n", a, b, a / b }'

cat >word.lua <<'L'
wrk.method = "POST"
wrk.body = "text=Yes.&voice_id=default&seed=1"
wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
L
cores=$(getconf _NPROCESSORS_ONLN)
alone() { # words per second of the speech program alone, on all cores, for two seconds
    end=$(($(date +%s%N) + 2000000000))
    for _ in $(seq "$cores"); do
        (n=0; while [ "$(date +%s%N)" -lt "$end" ]; do echo Yes. | "$timbre" speak-flite slt >/dev/null; n=$((n + 1)); done; echo "$n") &
    done | awk '{ s += $1 } END { print s / 2 }'
}
ours=$(for _ in 1 2 3; do rate "$port/generate-tts" "$dir/word.lua"; done | median)
limit=$(for _ in 1 2 3; do alone; done | median)
awk -v a="$ours" -v b="$limit" 'BEGIN { printf "{\"bench\":\"http\",\"what\":\"POST /generate-tts, one word\",\"per_second\":%.1f,\"limit\":\"the speech program alone\",\"limit_per_second\":%.1f,\"ratio\":%.2f}\n", a, b, a / b }'
