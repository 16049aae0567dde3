#!/bin/sh
# Fetches promtool for one test, without installing anything: Debian's prometheus package starts a
# server where it is installed, so it is unpacked into build/tools instead. Since Debian 13 promtool
# has a package of its own. Prints its path, or nothing where it cannot be had (the test is skipped
# then).
cd "$(dirname "$0")/.." || exit 1
tool=build/tools/usr/bin/promtool
command -v promtool && exit 0
if [ ! -x $tool ] && command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null; then
    mkdir -p build/tools && (
        cd build/tools || exit 1
        for package in promtool prometheus; do
            apt-get download -q $package >/dev/null 2>&1 || continue
            dpkg-deb --fsys-tarfile ${package}_*.deb | tar -x ./usr/bin/promtool 2>/dev/null
            rm -f ${package}_*.deb
            [ -x usr/bin/promtool ] && break
        done
    )
fi
[ -x $tool ] && echo "$PWD/$tool"
exit 0
