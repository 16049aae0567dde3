#!/bin/sh
# Installs what building and running timbre needs and this machine lacks; "test" adds what only the
# tests need, "bench" what only the benches do. Debian and Ubuntu by apt-get (as root or with
# sudo), macOS by Homebrew. None of these packages starts a daemon.
set -eu
what=${1:-build}

debian_build="gcc libc6-dev make cmake ninja-build pkg-config libmicrohttpd-dev libjansson-dev libsqlite3-dev
    libsoxr-dev libebur128-dev libkissfft-dev libsonic-dev libsodium-dev libseccomp-dev flite1-dev espeak-ng
    libavformat-dev libavcodec-dev libavutil-dev libswresample-dev libcurl4-openssl-dev"
debian_test="libcmocka-dev ffmpeg curl procps"
debian_bench="libcmocka-dev curl wrk pocketsphinx pocketsphinx-en-us"
brew_build="cmake ninja pkg-config libmicrohttpd jansson sqlite libsoxr libebur128 kissfft libsonic libsodium
    flite espeak-ng ffmpeg curl"
brew_test="cmocka"
brew_bench="cmocka wrk"

case $what in
build) debian=$debian_build brew=$brew_build ;;
test) debian="$debian_build $debian_test" brew="$brew_build $brew_test" ;;
bench) debian="$debian_build $debian_bench" brew="$brew_build $brew_bench" ;;
*) echo "usage: tools/setup.sh [build|test|bench]" >&2; exit 2 ;;
esac

if command -v dpkg-query >/dev/null 2>&1 && command -v apt-get >/dev/null 2>&1; then
    missing=
    for p in $debian; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null)" = installed ] || missing="$missing $p"
    done
    if [ -n "$missing" ]; then
        root=
        if [ "$(id -u)" != 0 ]; then
            command -v sudo >/dev/null 2>&1 || {
                echo "timbre needs these packages; as root: apt-get install$missing" >&2; exit 1; }
            root=sudo
        fi
        echo "installing:$missing"
        $root apt-get update -q
        # shellcheck disable=SC2086 # a list of words
        $root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing
    fi
elif [ "$(uname -s)" = Darwin ] && command -v brew >/dev/null 2>&1; then
    missing=
    for p in $brew; do
        brew list --versions "$p" >/dev/null 2>&1 || missing="$missing $p"
    done
    # shellcheck disable=SC2086
    [ -z "$missing" ] || brew install $missing
else
    echo "timbre: no apt-get and no Homebrew here. Install the counterparts of these Debian" >&2
    echo "packages and run cmake --preset release yourself: $debian" >&2
    exit 1
fi
