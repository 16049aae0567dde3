#!/bin/sh
# The documents say what the program says: the table of settings is the one it prints, every route
# has its place in docs/api.md, every tensor's name in docs/model/names.md, the figures that
# docs/model/types.md collects are those of the pages they come from, links and citations lead somewhere, and
# no merge was left unfinished.
# usage: docs.sh TIMBRE SOURCE
set -eu
timbre=$1
cd "$2"
ours=$(mktemp)
trap 'rm -f "$ours"' EXIT
bad=0

# What stands between two marks of a page must be what is in $ours.
same() {
    sed -n "/^<!-- $2 -->\$/,/^<!-- \/$2 -->\$/p" "$1" | sed '1d;$d' | diff - "$ours" || {
        echo "$1: put $3 between the marks $2"
        bad=1
    }
}

"$timbre" settings >"$ours"
same docs/config.md settings "what timbre settings prints"
"$timbre" settings --requests >"$ours"
same docs/api.md requests "what timbre settings --requests prints"

sed -n 's/^ *{"\([A-Z]*\)", *"\([^"]*\)",.*/\1 \2/p' src/http/*.c | sort >"$ours"
[ -s "$ours" ] || { echo "no route was found in src/http"; exit 1; }
while read -r route; do
    grep -qF "$route\`" docs/api.md && continue
    echo "docs/api.md: $route is not there"
    bad=1
done <"$ours"

{
    echo '```'
    sed -n 's/^ *{ \(T3\|S3GEN\|VE\), *\(.*\), *\([A-Z_]*\), *\([A-Z]*\) },$/\1 \2 \3 \4/p' \
        src/model/layout_names.c | sed 's/" WB/{weight|bias}"/
        s/" BN/{weight|bias|running_mean|running_var}"/
        s/" PW "/parametrizations.weight./
        s/"//g' | awk '{ printf "%-6s %-9s %-6s %s\n", $1, $3, $4, $2 }'
    echo '```'
} >"$ours"
[ "$(wc -l <"$ours")" -gt 50 ] || { echo "no names were found in src/model/layout_names.c"; exit 1; }
same docs/model/names.md names "the lines with >"

# A row of a page's first table that has one for each type, without blanks.
row() {
    sed -n "s/ *| */|/g; /^|$2|/{p;q;}" "docs/model/$1.md"
}
for type in f16 bf16 q8_0 q4_0; do
    case $type in q*) sound=bf16 ;; *) sound=$type ;; esac # the quantised types' flow and vocoder
    printf '%s\n%s\n%s\n' "$(row t3 $type)" "$(row flow $sound)" "$(row hift $sound)" |
        awk -F'|' -v type=$type 'NR == 1 { t = $3 " | " $4 " | " $5 " | " $6 " | " $8 }
            NR == 2 { f = $3 " | " $4 } NR == 3 { h = $3 " | " $4 }
            END { print "| " type " | " t " | " f " | " h " |" }'
done >"$ours"
same docs/model/types.md costs "the lines with >, which t3.md, flow.md and hift.md say"

for page in *.md docs/*.md docs/model/*.md; do
    grep -o '](\([^)#: ]*[.][^)#: ]*\)[)#]' "$page" | sed 's/^](//; s/[)#]$//' | while read -r link; do
        [ -z "$link" ] || [ -e "$(dirname "$page")/$link" ] || echo "$page: $link is not there"
    done
done >"$ours"
[ ! -s "$ours" ] || { cat "$ours"; bad=1; }

# Citations lead somewhere: source files that a page names exist, and so do pages that source names.
find src tests bench tools cmake -type f >"$ours.files"
for page in *.md docs/*.md docs/model/*.md; do
    # shellcheck disable=SC2016 # back ticks of Markdown
    grep -o '`[A-Za-z_0-9/]*[.][ch]`' "$page" | tr -d '`' | sort -u | while read -r file; do
        case $file in foo.h | foo_priv.h) continue ;; esac # CONTRIBUTING.md's examples
        grep -q "/$file\$\|^$file\$" "$ours.files" || echo "$page: $file is not there"
    done
done >"$ours"
grep -rnoE --include='*.[ch]' 'docs/[a-z/-]+[.]md' src tests bench tools | while IFS=: read -r file line page; do
    [ -e "$page" ] || echo "$file:$line: $page is not there"
done >>"$ours"
grep -rnE --include='*.[ch]' '[Ss]pecification,? (section|[0-9])' src/nn src/model src/tensor src/engine >>"$ours" || true
[ ! -s "$ours" ] || { cat "$ours"; bad=1; }
rm -f "$ours.files"

# What a merge leaves where two changes met.
if grep -nE '^(<<<<<<<|>>>>>>>)( |$)' ./*.md docs/*.md docs/model/*.md CMake* Makefile tools/*.sh tests/*.sh; then
    bad=1
fi
exit $bad
