#!/bin/sh
# Writes a .env with a random password when there is none, readable by its owner only, and says the
# password this once.
set -eu
[ -e .env ] && exit 0
umask 077
password=$(od -An -N12 -tx1 /dev/urandom | tr -d ' \n')
tmp=$(mktemp .env.XXXXXX)
printf 'API_USERNAME=timbre\nAPI_PASSWORD=%s\n' "$password" >"$tmp"
ln "$tmp" .env 2>/dev/null || { rm -f "$tmp"; exit 0; } # somebody else was quicker
rm -f "$tmp"
echo "wrote .env: user name timbre, password $password (shown once; it stays in .env)"
