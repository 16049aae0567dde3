#!/bin/sh
# Checks the sources (lint), then builds and runs every test in the presets named (lint, dev and asan
# when none is): says first what it will take, then how far it is, and ends with one line, "N passed, N failed". All that it writes is
# in build/.
set -u
[ $# -gt 0 ] || set -- lint dev asan
passed=0 failed=0
mkdir -p build

cores=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
room=$(df -Pk build | awk 'NR == 2 { printf "%.1f", $4 / 1e6 }')
echo "Tests in: $*. Two idle cores take about 5 minutes for dev and 15 for asan, building included."
echo "They need up to 5.6 GB in build/, of which 3.6 GB are a model made for the tests (build/seeded)."
echo "Here: $cores cores, $room GB free. tools/test.sh dev runs one preset; ^C stops it, make clean tidies up."

# Lines of ninja, [n/m], into one for each fifth.
tenths() {
    awk -v what="$1" 'match($0, /^\[[0-9]+\/[0-9]+\]/) {
        split(substr($0, 2, RLENGTH - 2), at, "/")
        if (at[2] > 9 && int(5 * at[1] / at[2]) > said) {
            said = int(5 * at[1] / at[2]); printf "%s: built %d of %d\n", what, at[1], at[2]; fflush() } }'
}

build() {
    log=build/test-$1.log
    { cmake --preset "$1" && cmake --build --preset "$1" || echo "BUILD FAILED"; } 2>&1 |
        tee "$log" | tenths "$1"
    [ "$(tail -1 "$log")" != "BUILD FAILED" ] || { tail -40 "$log"; return 1; }
}

began=$(date +%s)
for p in "$@"; do
    echo "== $p"
    if [ "$p" = lint ]; then
        log=build/test-lint.log
        { cmake --preset dev >build/test-dev.log 2>&1; tools/lint.sh; } 2>&1 | tee "$log"
        line=$(sed -n 's/^lint: \([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$log" | tail -1)
        [ -n "$line" ] || line='0 1'
        passed=$((passed + ${line% *})) failed=$((failed + ${line#* }))
        continue
    fi
    if ! build "$p"; then
        failed=$((failed + 1))
        continue
    fi
    log=build/$p/ctest.log
    ctest --preset "$p" 2>&1 | tee "$log"
    # "97% tests passed, 1 tests failed out of 40"
    line=$(grep 'tests passed,' "$log" | tail -1)
    total=$(echo "$line" | sed 's/.*out of //')
    bad=$(echo "$line" | sed 's/.*passed, \([0-9]*\) tests failed.*/\1/')
    if [ -z "$line" ]; then
        failed=$((failed + 1))
    else
        passed=$((passed + total - bad)) failed=$((failed + bad))
    fi
done
echo "took $((($(date +%s) - began + 59) / 60)) minutes"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
