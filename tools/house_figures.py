#!/usr/bin/env python3
"""Figures of how readable the sources are, for one commit or two:

  tools/house_figures.py [OLD [NEW]]

Prints a Markdown table: occurrences of the glossary's words and of names that say nothing, in src; the
largest file; functions of nine or more parameters; .c files of more than 120 lines without a comment that
says what they are. OLD and NEW are commits; without NEW the working tree is looked at.
"""
import re
import subprocess
import sys

COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])+'", re.S)
WORDS = ["matmul", "GEMM", "GEMV", "micro-kernel", "tile", "panel", "leading dimension", "prologue", "epilogue",
         "scratch", "arena", "roofline", "quantise", "dequant", "flash attention", "softmax", "prefill", "decode step",
         "KV cache", "prefix", "session", "continuous batching", "speech token", "thread pool", "parallel-for",
         "work stealing", "refcount", "invariant", "recording", "clip", "prompt", "conditionals", "segment", "chunk",
         "bed", "recipe", "layout", "bus", "track", "base speaker", "spectral map"]
SPELLINGS = {"dequant": r"dequant\w*", "GEMM": r"gemm\w*", "GEMV": r"gemv\w*", "micro-kernel": r"micro-?kernels?",
             "work stealing": r"work[ -]stealing|steal_half|steal\w*", "parallel-for": r"parallel[-_ ]for",
             "thread pool": r"thread[-_ ]pool", "KV cache": r"KV[-_ ]cache", "flash attention": r"flash attention",
             "base speaker": r"base[-_ ]speaker", "spectral map": r"spectral[-_ ]map"}
RIDDLES = ["talk", "holder", "gate", "spread", "way", "outer", "turn", "turned", "pair", "what_follows", "heard", "made",
           "said", "bend", "vox", "mouth"]


def git(*args):
    return subprocess.check_output(["git", *args], text=True)


def sources(commit):
    """Path -> text of every .c and .h of src."""
    if commit is None:
        names = [f for f in git("ls-files", "src").split("\n") if f.endswith((".c", ".h"))]
        return {f: open(f, encoding="utf-8").read() for f in names}
    names = [f for f in git("ls-tree", "-r", "--name-only", commit, "src").split("\n") if f.endswith((".c", ".h"))]
    return {f: git("show", f"{commit}:{f}") for f in names}


def has_head(text):
    for m in COMMENT.finditer(text):
        before = re.sub(r"/\*.*?\*/", "", text[:m.start()], flags=re.S)
        if any(row.strip() and not row.startswith("#") for row in before.split("\n")):
            return False
        if m.group().count("\n") >= 2:
            return True
    return False


def parameters(code):
    """Name -> parameters of each function that is defined or declared at the left margin."""
    found = {}
    for m in re.finditer(r"^(?!typedef|#|return|else)[A-Za-z_][\w \t\n*]*?\b((?:KERNEL\()?\w+\)?)\(((?:[^(){};]|\([^()]*\))*)\)\s*[{;]", code, re.M):
        if "," in m.group(2):
            found[m.group(1)] = re.sub(r"\([^()]*\)", "", m.group(2)).count(",") + 1
    return found


def figures(commit):
    texts = sources(commit)
    out = {}
    all_text = "\n".join(texts.values())
    plain = re.sub(r"\s*\n\s*\*?\s*", " ", all_text)
    for w in WORDS:
        spelling = SPELLINGS.get(w, re.escape(w) + r"s?")
        out[f"word: {w}"] = len(re.findall(rf"(?<![A-Za-z]){spelling}(?![A-Za-z])", plain, re.I))
    code = {f: COMMENT.sub(" ", t) for f, t in texts.items()}
    names = re.findall(r"\b[A-Za-z_]\w*\b", "\n".join(code.values()))
    parts = [p for n in names for p in n.lower().split("_")]
    for r in RIDDLES:
        out[f"name: {r}"] = names.count(r) if "_" in r else parts.count(r)
    lines = {f: t.count("\n") for f, t in texts.items()}
    largest = max(lines, key=lines.get)
    out["largest file"] = f"{lines[largest]} ({largest})"
    wide = {}
    for c in code.values():
        wide.update({n: k for n, k in parameters(c).items() if k >= 9})
    out["functions of 9 or more parameters"] = len(wide)
    out["files over 120 lines"] = sum(f.endswith(".c") and n > 120 for f, n in lines.items())
    out["of them without a head"] = sum(f.endswith(".c") and n > 120 and not has_head(texts[f]) for f, n in lines.items())
    if "--names" in sys.argv:
        print("\n".join(f"{k:2d} {n}" for n, k in sorted(wide.items(), key=lambda x: -x[1])), file=sys.stderr)
    return out


def main():
    commits = [a for a in sys.argv[1:] if not a.startswith("-")] or [None]
    if len(commits) == 1 and commits[0] is not None:
        commits.append(None)
    tables = [figures(c) for c in commits]
    print("| | " + " | ".join(c or "now" for c in commits) + " |\n|---|" + "---|" * len(commits))
    for key in tables[-1]:
        print(f"| {key} | " + " | ".join(str(t[key]) for t in tables) + " |")


main()
