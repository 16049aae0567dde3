#!/bin/sh
# Fetches promtool for one test, without installing anything: Debian's prometheus package starts a
# server where it is installed, so it is unpacked into build/tools instead. Prints its path, or
# nothing where it cannot be had (the test is skipped then).
cd "$(dirname "$0")/.." || exit 1
tool=build/tools/usr/bin/promtool
command -v promtool && exit 0
if [ ! -x $tool ] && command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null; then
    mkdir -p build/tools && (
        cd build/tools && apt-get download -q prometheus >/dev/null 2>&1 &&
            dpkg-deb --fsys-tarfile prometheus_*.deb | tar -x ./usr/bin/promtool && rm -f prometheus_*.deb
    )
fi
[ -x $tool ] && echo "$PWD/$tool"
exit 0
