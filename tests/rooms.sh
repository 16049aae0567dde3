#!/bin/sh
# Fails when a file includes a room, or a third-party header, that src/ROOMS does not allow.
# A <header> must be of the C library or POSIX, or stand in the room's column.
# A header is for other rooms, or it is foo_priv.h or lies in a folder of its room: then no other
# room includes it, nor does a header that is for other rooms. One that no other room includes,
# directly or through such a header, must be named _priv.
# usage: tests/rooms.sh [source root]
cd "${1:-.}/src" || exit 2
{
    find . -name '*.h' | sed 's|^\./||; s|$|:0:file|'
    grep -nE '^[[:space:]]*#[[:space:]]*include' ./*.[ch] | sed 's|^\./|/|'
    grep -rnE --include='*.[ch]' '^[[:space:]]*#[[:space:]]*include' -- */
} | awk -F: '
    BEGIN {
        std = "assert ctype errno fcntl float inttypes limits locale math setjmp signal stdalign stdarg " \
              "stdatomic stdbool stddef stdint stdio stdlib stdnoreturn string strings tgmath threads " \
              "time unistd dirent poll pthread pwd sched spawn syslog termios fnmatch getopt glob " \
              "netdb regex semaphore libgen wchar endian dlfcn malloc"
        n = split(std, w, " "); for (i = 1; i <= n; i++) plain[w[i] ".h"] = 1
    }
    function private(h) { return h ~ /_priv\.h$/ || h ~ /\/.*\// }
    FILENAME == "ROOMS" {
        if ($0 ~ /^#/ || $0 == "") next
        split($0, half, "|"); n = split(half[1], w, " "); room[w[1]] = 1
        for (i = 1; i <= n; i++) may[w[1], w[i]] = 1
        lib[w[1]] = half[2]
        next
    }
    $3 == "file" {
        header[$1] = 1
        next
    }
    {
        from = $1; sub("/.*", "", from) # "" for src/main.c and the table of commands
        line = $0; sub("^[^:]*:[^:]*:", "", line)
        inc = line; sub("^[^\"<]*[\"<]", "", inc); sub("[\">].*$", "", inc)
        to = inc; sub("/.*", "", to)
        if (from != "" && !(from in room)) { print "ROOMS does not list " from; bad = 1 }
        if (to in room && inc ~ "/") {
            if (to != from) {
                outside[inc] = 1
                if (private(inc)) { print "src/" $1 ":" $2 ": " inc " is private to " to; bad = 1 }
            } else if ($1 ~ /\.h$/) {
                within[++pairs] = $1 SUBSEP inc
            }
            if (from != "" && to != from && !((from, to) in may)) {
                print "src/" $1 ":" $2 ": " from " may not include " inc; bad = 1
            }
            next
        }
        if (from == "" || inc in plain || inc ~ "^(sys|netinet|arpa|net|linux|mach-o)/") next
        ok = 0; n = split(lib[from], l, " ")
        for (i = 1; i <= n; i++) if (index(inc, l[i]) == 1) ok = 1
        if (!ok) { print "src/" $1 ":" $2 ": " from " may not include <" inc ">"; bad = 1 }
    }
    END {
        do { # what a header for others includes is for others, too
            more = 0
            for (i = 1; i <= pairs; i++) {
                split(within[i], p, SUBSEP)
                if (p[1] in outside && !(p[2] in outside)) { outside[p[2]] = 1; more = 1 }
            }
        } while (more)
        for (i = 1; i <= pairs; i++) {
            split(within[i], p, SUBSEP)
            if (!private(p[1]) && private(p[2])) { print "src/" p[1] " is for other rooms and includes " p[2]; bad = 1 }
        }
        for (h in header)
            if (h ~ "/" && !private(h) && !(h in outside)) {
                print "src/" h ": no other room includes it; call it _priv"; bad = 1
            }
        exit bad
    }' ROOMS -
