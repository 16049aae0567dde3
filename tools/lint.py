#!/usr/bin/env python3
"""The checks of tools/lint.sh that no other program makes:

  unused      a header of ours that a .c file includes and says no name of; a function of a header
              that nothing but its own file names
  citations   files and headings that comments and documents name and that are not there
  heads       .c files of more than 120 lines without a comment that says what they are
  prose DIR   writes the documents, and the comments of the sources alone, to DIR for codespell
"""
import pathlib
import re
import subprocess
import sys

COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])+'", re.S)
NAME = re.compile(r"\b(?:tb|TB|tb_test|test|api|store|small|seed|golden|signal)_\w+")


def tracked(*patterns):
    out = subprocess.check_output(["git", "ls-files", "--", *patterns], text=True)
    return [f for f in out.split("\n") if f and pathlib.Path(f).is_file()]


def read(path):
    return pathlib.Path(path).read_text(encoding="utf-8", errors="replace")


def code_of(source):
    """Without comments and strings."""
    return COMMENT.sub(lambda m: " " if m.group()[0] == "/" else '""', source)


def comments_of(source):
    """Comments alone, each on its line."""
    def keep(m):
        text = m.group()
        return text if text[0] == "/" else ""
    out, at = [], 0
    for m in COMMENT.finditer(source):
        out.append("\n" * source[at:m.start()].count("\n"))
        out.append(keep(m) + " ")
        at = m.end()
    return "".join(out)


def unused():
    bad = []
    files = {f: read(f) for f in tracked("src/*.[ch]", "tests/*.[ch]", "bench/*.[ch]", "tools/*.[ch]")}
    code = {f: code_of(text) for f, text in files.items()}
    words = {f: set(re.findall(r"\w+", text)) for f, text in code.items()}
    for f, text in ((f, t) for f, t in files.items() if f.endswith(".c")):
        for line, inc in ((i + 1, m.group(1)) for i, row in enumerate(text.split("\n"))
                          if (m := re.match(r'#include "(\w+/\w+\.h)"', row))):
            header = "src/" + inc
            if header not in files or pathlib.Path(header).stem.removesuffix("_priv") == pathlib.Path(f).stem:
                continue
            guard = re.search(r"#ifndef (\w+)", files[header])
            names = set(re.findall(r"\b\w+", code[header])) - {guard.group(1) if guard else ""}
            names = {n for n in names if n.lower().startswith("tb_")}
            # A header may also be included for what it includes.
            for deeper in re.findall(r'#include "(\w+/\w+\.h)"', files[header]):
                if "src/" + deeper in code:
                    names |= {n for n in words["src/" + deeper] if n.lower().startswith("tb_")}
            if names and not names & words[f]:
                bad.append(f"{f}:{line}: {inc} is included, and nothing of it is used")
    everywhere = {}
    for f, known in words.items():
        for w in known:
            everywhere.setdefault(w, set()).add(f)
    for header in (f for f in files if f.startswith("src/") and f.endswith(".h")):
        for name in set(re.findall(r"\b(tb_\w+)\(", code[header])):
            users = {u for u in everywhere.get(name, ()) if u != header}
            if len(users) == 1 and next(iter(users)).endswith(".c"):
                own = next(iter(users))
                if len(re.findall(rf"\b{name}\b", code[own])) == 1:
                    bad.append(f"{header}: {name} is used nowhere")
    return bad


def headings_of(document):
    """The headings of a Markdown file as they are written, and the anchors that links use for them."""
    names = re.findall(r"^#+ +(.+?) *$", read(document), re.M)
    plain = [re.sub(r"[`*]|\]\([^)]*\)|\[", "", n) for n in names]
    return set(plain), {re.sub(r"[^\w\- ]", "", n.lower()).replace(" ", "-") for n in plain}


def cited_headings(f, text, everything):
    """Citations of the form docs/<name>.md, "Heading": each heading must be in that file."""
    bad = []
    for m in COMMENT.finditer(text):
        if m.group()[0] != "/":
            continue
        comment = re.sub(r"\s*\n\s*\*?\s*", " ", m.group())
        line = text.count("\n", 0, m.start()) + 1
        for doc, first, last in re.findall(r'(docs/[\w/-]+\.md), "([^"]+)"(?: (?:to|and) "([^"]+)")?', comment):
            if doc in everything:
                bad += [f'{f}:{line}: {doc} has no heading "{h}"' for h in (first, last)
                        if h and h not in headings_of(doc)[0]]
        if re.search(r"(?<!Directory )\bspecification\b|\bdocs, \"", comment, re.I):
            bad.append(f"{f}:{line}: cites a specification without its document; write docs/<name>.md, \"Heading\"")
        if re.search(r"\bsections? [0-9]", comment, re.I) and not re.search(r"RFC [0-9]|docs/[\w/-]+\.md", comment):
            bad.append(f"{f}:{line}: cites a section by number; write docs/<name>.md, \"Heading\"")
    return bad


def linked_headings(f, text, everything):
    """Links of documents, [..](other.md#anchor): the file and the heading must be there."""
    bad = []
    for m in re.finditer(r"\]\(([\w./-]*\.\w+)?(#[\w-]+)?\)", text):
        if not m.group(1) and not m.group(2):
            continue
        path = str(pathlib.Path(f).parent / m.group(1)) if m.group(1) else f
        path = str(pathlib.PurePosixPath(*normal(path)))
        line = text.count("\n", 0, m.start()) + 1
        if not pathlib.Path(path).exists():
            bad.append(f"{f}:{line}: {m.group(1)} is not there")
        elif m.group(2) and path in everything and m.group(2)[1:] not in headings_of(path)[1]:
            bad.append(f"{f}:{line}: {path} has no heading for {m.group(2)}")
    return bad


def normal(path):
    """The parts of a path without . and .."""
    parts = []
    for p in pathlib.PurePosixPath(path).parts:
        if p == "..":
            parts = parts[:-1]
        elif p != ".":
            parts.append(p)
    return parts


def citations():
    bad = []
    roots = r"(?:src|docs|tests|tools|bench|cmake|packaging)"
    rooms = {pathlib.Path(p).parts[1] for p in tracked("src/*/*.h")}
    everything = set(tracked())
    for f in tracked("*.md", "*.c", "*.h", "*.sh", "*.py", "*.cmake", "CMakeLists.txt"):
        text = read(f)
        if f.endswith((".c", ".h")):
            bad += cited_headings(f, text, everything)
            text = comments_of(text)
        elif f.endswith(".md"):
            bad += linked_headings(f, text, everything)
        for i, line in enumerate(text.split("\n")):
            for m in re.finditer(rf"(?<![\w/.:-])({roots}/[\w/.-]*\w\.(?:md|c|h|sh|py|json|tsv|txt|cmake))\b", line):
                if m.group(1) not in everything:
                    bad.append(f"{f}:{i + 1}: {m.group(1)} is not there")
            for m in re.finditer(r"(?<![\w/.<\"-])((\w+)/\w+\.[ch])\b(?!\w)", line):
                if m.group(2) in rooms and "src/" + m.group(1) not in everything:
                    bad.append(f"{f}:{i + 1}: {m.group(1)} is not there")
            if re.search(r"\bspec/\w+\.md|\bSpec [0-9]+\.[0-9]", line):
                bad.append(f"{f}:{i + 1}: cites a specification that the repository does not hold")
    return bad


def heads():
    """Each .c of more than 120 lines says what it is in a comment of 3 to 15 lines before its first line of code."""
    bad = []
    for f in tracked("src/*.c", "bench/*.c", "tools/*.c", "tests/*.c"):
        text = read(f)
        lines = text.count("\n")
        if lines <= 120:
            continue
        most = 0
        for m in COMMENT.finditer(text):
            before = re.sub(r"/\*.*?\*/", "", text[:m.start()], flags=re.S)
            if any(row.strip() and not row.startswith("#") for row in before.split("\n")):
                break
            most = max(most, m.group().split("Invariants")[0].count("\n") + 1)
        # Invariants may follow; the lines that open and close a comment hold nothing else.
        if not 3 <= most <= 17:
            bad.append(f"{f}: {lines} lines and a head comment of {most} lines; 3 to 15 say what it is")
    return bad


def prose(to):
    for f in tracked("*.md", "*.c", "*.h"):
        if f.startswith("tests/data/") or f.endswith(".es.md"):
            continue
        target = pathlib.Path(to) / f
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(read(f) if f.endswith(".md") else comments_of(read(f)))
    return []


def main():
    what = {"unused": unused, "citations": citations, "heads": heads}.get(sys.argv[1])
    bad = what() if what else prose(sys.argv[2])
    print("\n".join(bad))
    sys.exit(1 if bad else 0)


main()
