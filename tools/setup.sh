#!/bin/sh
# Installs what building and running timbre needs and this machine lacks; "test" adds what only the
# tests need, "lint" what the checks of the sources do, "bench" what only the benches do, "attack" what the attacks and the soak do. Debian and
# Ubuntu by apt-get (as root or with sudo), macOS by Homebrew. None of these packages starts a daemon. Where it cannot, it ends with
# one sentence that says what to do; what apt-get said is in build/setup.log.
set -eu
what=${1:-build}
log=build/setup.log

debian_build="gcc libc6-dev make cmake ninja-build pkg-config libmicrohttpd-dev libgnutls28-dev libjansson-dev libsqlite3-dev
    libsoxr-dev libebur128-dev libkissfft-dev libsonic-dev libsodium-dev libutf8proc-dev libseccomp-dev flite1-dev espeak-ng
    libavformat-dev libavcodec-dev libavutil-dev libswresample-dev libcurl4-openssl-dev ca-certificates curl"
debian_test="libcmocka-dev ffmpeg procps python3"
debian_attack="python3 procps"
debian_lint="git python3 clang clang-format clang-tidy codespell shellcheck"
debian_bench="wrk pocketsphinx pocketsphinx-en-us"
brew_build="cmake ninja pkg-config libmicrohttpd jansson sqlite libsoxr libebur128 kissfft libsonic libsodium utf8proc
    flite espeak-ng ffmpeg curl"
brew_test="cmocka"
brew_attack="python3"
brew_lint="git python3 clang-format codespell shellcheck"
brew_bench="wrk"

case $what in
build) debian=$debian_build brew=$brew_build ;;
test) debian="$debian_build $debian_test" brew="$brew_build $brew_test" ;;
bench) debian="$debian_build $debian_bench" brew="$brew_build $brew_bench" ;;
lint) debian="$debian_build $debian_lint" brew="$brew_build $brew_lint" ;;
attack) debian="$debian_build $debian_attack" brew="$brew_build $brew_attack" ;;
*) echo "usage: tools/setup.sh [build|test|lint|bench|attack]" >&2; exit 2 ;;
esac

stop() {
    echo "timbre: $*" >&2
    exit 1
}

# Standard input is a terminal, or there is one that sudo can ask for the password.
can_ask() { [ -t 0 ] || (: </dev/tty) 2>/dev/null; }

# Turns apt-get's lines into a few: how much there is to do, and every fifth of it.
progress() {
    awk '/newly installed/ { n = $3 + 0; if (n) printf "  %d packages with what they need\n", n; fflush() }
        /^Setting up / && n { done++; if (int(5 * done / n) > said) { said = int(5 * done / n);
            printf "  %d of %d are set up\n", done, n; fflush() } }'
}

# Runs apt-get as root, patient with another apt-get, not with a mirror that does not answer.
apt() {
    $root env DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get -q -o DPkg::Lock::Timeout=120 \
        -o Acquire::Retries=1 -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20 "$@"
}

by_apt() {
    missing='' root=''
    for p in $debian; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null)" = installed ] || missing="$missing $p"
    done
    [ -n "$missing" ] || return 0
    by_hand="apt-get update && apt-get install -y --no-install-recommends$missing"
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null 2>&1 ||
            stop "packages are missing and there is no sudo here; run this as root, then make again: $by_hand"
        root=sudo
        if ! sudo -n true 2>/dev/null; then
            [ -n "${SUDO_ASKPASS:-}" ] || can_ask ||
                stop "packages are missing, and sudo has no terminal to ask for the password on;" \
                    "run this as root, then make again: $by_hand"
            sudo -v ||
                stop "packages are missing, and sudo refused; run this as root, then make again: $by_hand"
        fi
    fi
    mkdir -p build
    echo "installing:$missing"
    # apt-get update ends with 0 where no mirror answers: what follows tells.
    apt update >"$log" 2>&1 || true
    # shellcheck disable=SC2086 # a list of words
    { apt install -y --no-install-recommends $missing 2>&1 || echo "apt-get failed"; } |
        tee -a "$log" | progress
    if [ "$(tail -1 "$log")" = "apt-get failed" ]; then
        why="apt-get could not install them (its words are in $log)"
        if grep -qE 'Could not (resolve|connect)|Temporary failure|Failed to fetch|timed out|Unable to (connect|locate)|has no installation candidate' "$log"; then
            why="apt-get reaches no mirror that has them (is the network up, and /etc/apt/sources.list right? its words are in $log)"
        elif grep -q 'Could not get lock' "$log"; then
            why="another apt-get is at work"
        elif grep -qiE 'no space left|enough free space' "$log"; then
            why="the disk is full"
        fi
        stop "packages are missing, and $why; mend that and run make again, or run this as root: $by_hand"
    fi
}

by_brew() {
    missing=
    for p in $brew; do
        brew list --versions "$p" >/dev/null 2>&1 || missing="$missing $p"
    done
    # shellcheck disable=SC2086
    [ -z "$missing" ] || brew install $missing ||
        stop "brew could not install$missing; mend what it says above and run make again"
}

if command -v dpkg-query >/dev/null 2>&1 && command -v apt-get >/dev/null 2>&1; then
    by_apt
elif [ "$(uname -s)" = Darwin ] && command -v brew >/dev/null 2>&1; then
    by_brew
else
    # shellcheck disable=SC2086 # a list of words
    stop "no apt-get and no Homebrew here; install the counterparts of these Debian packages and run" \
        "cmake --preset release && cmake --build --preset release:" $debian
fi
