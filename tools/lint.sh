#!/bin/sh
# What can be said of the sources without running them. Each check is a line, ok or what is wrong;
# ends with "N passed, M failed". With names, only those checks:
#   tools/lint.sh [rooms] [format] [headers] [unused] [heads] [spelling] [citations] [shell] [tidy] [release]
# tools/setup.sh lint installs what they need. Formatting and the list of .clang-tidy are version 14's
# (Debian 12) and are passed over where there is another one: each version formats otherwise and knows
# other findings. tidy configures the preset clang (or takes the build in TB_BUILD).
set -u
cd "$(dirname "$0")/.." || exit 2
[ $# -gt 0 ] || set -- rooms format headers unused heads spelling citations shell tidy release
cores=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
passed=0 failed=0
said=$(mktemp)
trap 'rm -f "$said"' EXIT

sources() { git ls-files '*.c' '*.h'; }

# Version 14 of a tool of clang's, under whichever name it is here; nothing when it is not.
version_14() {
    for f in "$1-14" "$1"; do
        "$f" --version 2>/dev/null | grep -q 'version 14\.' && echo "$f" && return
    done
}

check_rooms() { sh tests/rooms.sh .; }

check_format() {
    f=$(version_14 clang-format)
    [ -n "$f" ] || { echo "passed over: no clang-format of version 14 here" >&3; return 0; }
    sources | xargs "$f" --dry-run -Werror 2>&1
}

# Each header by itself: those of tests behind cmocka.h, which wants four of C before it.
check_headers() {
    flags="-std=c17 -D_DEFAULT_SOURCE -D_POSIX_C_SOURCE=200809L -DTB_HAVE_FLITE=1 -Wall -Wno-unused-function
        -fsyntax-only -Isrc $(pkg-config --cflags sqlite3 jansson libsodium cmocka 2>/dev/null)"
    tests='-D_GNU_SOURCE -DTB_TEST_DATA=__FILE__ -DTB_TEST_PROGRAM=__FILE__ -DTB_TEST_SOURCE=__FILE__ -Itests/support -Itools
        -Ibench -include setjmp.h -include stdarg.h -include stddef.h -include stdint.h -include cmocka.h'
    # shellcheck disable=SC2086 # lists of words
    {
        git ls-files 'src/*.h' | grep -v 'src/nn/simd/' | xargs -P "$cores" -I '{}' cc $flags -x c '{}'
        git ls-files 'tests/*.h' 'bench/*.h' | xargs -P "$cores" -I '{}' cc $flags $tests -x c '{}'
    } 2>&1
}

check_unused() { python3 -B tools/lint.py unused; }
check_heads() { python3 -B tools/lint.py heads; }
check_citations() { python3 -B tools/lint.py citations; }

# Documents and comments: what stands in strings may be Spanish.
check_spelling() {
    words=$(mktemp -d)
    python3 -B tools/lint.py prose "$words" &&
        (cd "$words" && codespell -q 3 -I "$OLDPWD/tools/lint.words" .)
    status=$?
    rm -rf "$words"
    return $status
}

check_shell() {
    { git ls-files '*.sh' .ci/run; } | sort -u | xargs shellcheck -S warning
}

# With the commands of the preset clang, which are clang's own.
check_tidy() {
    f=$(version_14 clang-tidy)
    [ -n "$f" ] || { echo "passed over: no clang-tidy of version 14 here" >&3; return 0; }
    build=${TB_BUILD:-build/clang}
    cc=$(command -v clang-14 || command -v clang) || { echo "no clang here"; return 1; }
    [ -n "${TB_BUILD:-}" ] || cmake --preset clang -DCMAKE_C_COMPILER="$cc" >/dev/null || return 1
    git ls-files 'src/*.c' | grep -v 'src/nn/kernels' | xargs -P "$cores" -n 8 "$f" --quiet -p "$build" 2>/dev/null
}

# The build that people make first, without a warning: an optimising compiler sees more than dev's.
check_release() {
    cmake --preset release -B build/strict -DTB_WERROR=ON >build/test-release.log 2>&1 &&
        cmake --build build/strict --target timbre >>build/test-release.log 2>&1 && return 0
    grep -E -A6 '(error|warning):' build/test-release.log || tail -20 build/test-release.log
    return 1
}

for name in "$@"; do
    began=$(date +%s)
    if (check_"$name") >"$said" 2>&1 3>&1 && ! grep -qE '(error|warning):' "$said"; then
        passed=$((passed + 1))
        printf 'ok      %-10s %3d s  %s\n' "$name" $(($(date +%s) - began)) "$(grep '^passed over' "$said")"
    else
        failed=$((failed + 1))
        head -60 "$said"
        printf 'FAILED  %-10s %3d s\n' "$name" $(($(date +%s) - began))
    fi
done
echo "lint: $passed passed, $failed failed"
[ "$failed" = 0 ]
