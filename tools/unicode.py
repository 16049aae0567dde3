#!/usr/bin/env python3
"""Makes src/text/unicode_tables.c from a JSON of what the reference's own libraries say.

usage: tools/unicode.py TABLES.json >src/text/unicode_tables.c

TABLES.json holds "L", "N", "S": inclusive ranges [[first, last], ...] of the code points that \\p{L},
\\p{N} and \\s match in the GPT-2 pre-tokeniser of the tokenizers library (0.23.1 was asked, one code
point at a time); "py_space": those where Python's str.isspace is true; "islower_upper": for every
code point (hex) where str.islower is true, str.upper as hex code points with blanks between them
(Python's Unicode 16.0.0).
"""
import json
import sys


def wrap(items, width=100):
    lines, line = [], "   "
    for item in items:
        if len(line) + len(item) + 2 > width:
            lines.append(line)
            line = "   "
        line += " " + item + ","
    return "\n".join(lines + [line])


def ranges(name, table):
    body = wrap("{0x%X, 0x%X}" % (a, b) for a, b in table)
    return ("const tb_unicode_range %s[] = {\n%s\n};\nconst size_t %s_n = sizeof %s / sizeof *%s;\n"
            % (name, body, name, name, name))


def runs(pairs):
    """(first, last, step, upper - lower) over code points in ascending order; the steps are 1 or 2"""
    out = []
    for cp, delta in pairs:
        if out:
            first, last, step, d = out[-1]
            if d == delta and cp - last in (1, 2) and step in (0, cp - last):
                out[-1] = (first, cp, cp - last, d)
                continue
        out.append((cp, cp, 0, delta))
    return [(a, b, step or 1, d) for a, b, step, d in out]


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        tables = json.load(f)
    single, several = [], []
    for lower, upper in sorted((int(k, 16), [int(x, 16) for x in v.split()])
                               for k, v in tables["islower_upper"].items()):
        if len(upper) == 1:
            single.append((lower, upper[0] - lower))
        else:
            several.append((lower, upper + [0] * (3 - len(upper))))
    print('/* Made by tools/unicode.py, which says from what. */\n#include "text/unicode_tables_priv.h"\n')
    print("/* clang-format off */")
    for name, key in (("letters", "L"), ("numbers", "N"), ("spaces", "S"), ("py_spaces", "py_space")):
        print(ranges("tb_unicode_" + name, tables[key]))
    print("const tb_unicode_run tb_unicode_uppers[] = {\n%s\n};"
          % wrap("{0x%X, 0x%X, %d, %d}" % r for r in runs(single)))
    print("const size_t tb_unicode_uppers_n = sizeof tb_unicode_uppers / sizeof *tb_unicode_uppers;\n")
    print("const tb_unicode_several tb_unicode_long_uppers[] = {\n%s\n};"
          % wrap("{0x%X, {%s}}" % (cp, ", ".join("0x%X" % u if u else "0" for u in up))
                 for cp, up in several))
    print("const size_t tb_unicode_long_uppers_n =\n"
          "    sizeof tb_unicode_long_uppers / sizeof *tb_unicode_long_uppers;")
    print("/* clang-format on */")


main()
