#!/bin/sh
# Runs every attack of tools/attack on a program, one line of verdict each, and ends with one line,
# "N held, M did not". What each says goes to build/attack/. soak.py is not among them: make soak.
# usage: attack.sh TIMBRE [NAME...]
set -u
timbre=$1
shift
command -v python3 >/dev/null || { echo "the attacks are in Python: install python3"; exit 1; }
here=$(dirname "$0")/attack
[ $# -gt 0 ] || for script in "$here"/*.py; do
    case $script in */harness.py | */soak.py) ;; *) set -- "$@" "$(basename "$script" .py)" ;; esac
done
mkdir -p build/attack
held=0 not=0
for name in "$@"; do
    log=build/attack/$name.log
    began=$(date +%s)
    PYTHONDONTWRITEBYTECODE=1 timeout -k 10 1800 python3 "$here/$name.py" "$timbre" >"$log" 2>&1
    code=$?
    took="$(($(date +%s) - began)) s, $log"
    if [ $code = 0 ]; then
        held=$((held + 1))
        echo "$name: held ($took)"
    else
        not=$((not + 1))
        [ $code != 124 ] || echo "it was stopped after half an hour" >>"$log"
        why=$(grep "BAD" "$log" | head -1)
        echo "$name: did NOT hold: ${why:-$(tail -1 "$log")} ($took)"
    fi
done
echo "$held held, $not did not"
[ $not = 0 ] && [ $held -gt 0 ]
