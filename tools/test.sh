#!/bin/sh
# Builds and runs every test in the presets named (dev and asan when none is) and ends with one
# line, "N passed, N failed".
set -u
passed=0 failed=0
for preset in "${@:-dev asan}"; do
    for p in $preset; do
        echo "== $p"
        if ! cmake --preset "$p" >"build-$p.log" 2>&1 || ! cmake --build --preset "$p" >>"build-$p.log" 2>&1; then
            tail -40 "build-$p.log"
            failed=$((failed + 1))
            continue
        fi
        rm -f "build-$p.log"
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
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
