#!/bin/sh
# Fails when a file includes a room, or a third-party header, that src/ROOMS does not allow.
# A <header> must be of the C library or POSIX, or stand in the room's column.
# usage: tests/rooms.sh [source root]
cd "${1:-.}/src" || exit 2
grep -rnE --include='*.[ch]' '^[[:space:]]*#[[:space:]]*include' -- */ | awk -F: '
    BEGIN {
        std = "assert ctype errno fcntl float inttypes limits locale math setjmp signal stdalign stdarg " \
              "stdatomic stdbool stddef stdint stdio stdlib stdnoreturn string strings tgmath threads " \
              "time unistd dirent poll pthread pwd sched spawn syslog termios fnmatch getopt glob " \
              "netdb regex semaphore libgen wchar endian dlfcn malloc"
        n = split(std, w, " "); for (i = 1; i <= n; i++) plain[w[i] ".h"] = 1
    }
    FILENAME == "ROOMS" {
        if ($0 ~ /^#/ || $0 == "") next
        split($0, half, "|"); n = split(half[1], w, " "); room[w[1]] = 1
        for (i = 1; i <= n; i++) may[w[1], w[i]] = 1
        lib[w[1]] = half[2]
        next
    }
    {
        from = $1; sub("/.*", "", from)
        line = $0; sub("^[^:]*:[^:]*:", "", line)
        inc = line; sub("^[^\"<]*[\"<]", "", inc); sub("[\">].*$", "", inc)
        to = inc; sub("/.*", "", to)
        if (!(from in room)) { print "ROOMS does not list " from; bad = 1 }
        if (to in room && inc ~ "/") {
            if (to != from && !((from, to) in may)) { print "src/" $1 ":" $2 ": " from " may not include " inc; bad = 1 }
            next
        }
        if (inc in plain || inc ~ "^(sys|netinet|arpa|net|linux|mach-o)/") next
        ok = 0; n = split(lib[from], l, " ")
        for (i = 1; i <= n; i++) if (index(inc, l[i]) == 1) ok = 1
        if (!ok) { print "src/" $1 ":" $2 ": " from " may not include <" inc ">"; bad = 1 }
    }
    END { exit bad }' ROOMS -
