#!/bin/sh
# The tours of README.md and README.es.md, typed as they stand into an empty folder beside a fresh
# server: the first and second block of sh of each section that has "curl -u" in it. Only the port
# differs. Every request must be answered with 200 and every file named with -o or -OJ be there.
# usage: tour.sh TIMBRE SOURCE
set -eu
timbre=$1 source=$2
command -v curl >/dev/null || { echo "curl is not installed: skipped"; exit 77; }
dir=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; wait 2>/dev/null; rm -rf "$dir"' EXIT
unset MODEL ENGINE DATA API_KEY API_USERNAME API_PASSWORD

for page in README.md README.es.md; do
    mkdir -p "$dir/$page/build"
    cd "$dir/$page"
    ln -s "$timbre" build/timbre
    "$source/tools/env.sh" >/dev/null
    printf 'LOG_LEVEL=error\nMODEL_DOWNLOAD=0\nHF_HUB_CACHE=no-cache\nHF_HOME=no-cache\n' >>.env
    "$timbre" serve --host 127.0.0.1 --port 0 >out &
    server=$!
    n=0
    until grep -q listening out; do
        n=$((n + 1))
        [ $n -lt 600 ] || { echo "the server does not start"; exit 1; }
        sleep 0.2
    done
    port=$(sed -n 's/.*listening.*:\([0-9]*\)$/\1/p' out)
    # The blocks of sh that speak with the server.
    awk '/^```sh$/ { inside = 1; block = ""; next }
        /^```$/ { if (inside && block ~ /curl -u/) printf "%s", block; inside = 0; next }
        inside { block = block $0 "\n" }' "$source/$page" >typed.sh
    requests=$(grep -c 'localhost:8000' typed.sh)
    [ "$requests" -ge 9 ] || { echo "$page: $requests requests found"; exit 1; }
    sed -i "s/localhost:8000/127.0.0.1:$port/g" typed.sh
    { echo 'curl() { command curl -sS --fail-with-body "$@"; }'; cat typed.sh; } >run.sh
    sh -eu run.sh >said 2>&1 || { cat said; echo "$page: its tour stops"; exit 1; }
    # shellcheck disable=SC2013 # names without blanks
    for file in $(grep -o -- '-o [a-z-]*\.[a-z0-9]*' typed.sh | cut -c 4-); do
        [ "$(wc -c <"$file")" -gt 10000 ] || { echo "$page: $file is no sound"; exit 1; }
    done
    set -- gen_*
    [ -s "$1" ] || { echo "$page: nothing was downloaded"; ls; exit 1; }
    kill "$server"
    wait "$server" || true
    server=
done
echo "both tours can be typed as they stand"
