#!/bin/sh
# Serves while you work: rebuilds when a source changes. The server itself notices its new program
# (or a new .env), finishes what it was asked and starts anew on the same socket.
set -eu
stamp() { find src web CMakeLists.txt cmake -type f -newer build/.dev-stamp 2>/dev/null | head -1; }
cmake --preset release >/dev/null && cmake --build --preset release --target timbre
cp build/release/timbre build/timbre
touch build/.dev-stamp
build/timbre serve --dev "$@" &
server=$!
trap 'kill $server 2>/dev/null; wait $server; exit 0' INT TERM
while kill -0 $server 2>/dev/null; do
    if [ -n "$(stamp)" ]; then
        touch build/.dev-stamp
        echo "dev: building"
        if cmake --build --preset release --target timbre; then
            cp build/release/timbre build/.timbre-new && mv build/.timbre-new build/timbre
        fi
    fi
    sleep 1
done
wait $server
