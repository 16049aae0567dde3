"""The children of a real server: what they have, what they may do, and whether they outlive it.

1. From outside, while they speak and decode: the seccomp filter is on, capabilities are none, nothing
   of the environment came with them, no descriptor but their pipes (and a recording), limits are set.
2. An espeak-ng that has been taken over (taken_over.c, where there is a C compiler) makes each attempt
   of tests/support/attempts.h inside the real thing; each gets the verdict of the table, and the server
   goes on. The attempts in the place of the decoder and flite are made by the test test_sandbox.
3. kill -9 of the server while they work: none is left two seconds later.

usage: sandbox.py [timbre]
"""
import os, re, shutil, subprocess, sys, tempfile, threading, time
from harness import Server, Verdict

HERE = os.path.dirname(os.path.abspath(__file__))
SUPPORT = os.path.join(HERE, "..", "..", "tests", "support")


def read(path):
    try:
        with open(path, "rb") as f:
            return f.read()
    except OSError:
        return b""


def children(pid):
    found = b""
    for task in os.listdir(f"/proc/{pid}/task"):
        found += read(f"/proc/{pid}/task/{task}/children")
    return [int(p) for p in found.split()]


class Watch:
    """Looks at the server's children as often as it can; seen: kind -> what was worst of it."""

    def __init__(self, server):
        self.pid, self.seen, self.ending = server.process.pid, {}, False
        self.thread = threading.Thread(target=self.run)

    def look(self, pid):
        words = read(f"/proc/{pid}/cmdline").split(b"\0")
        kind = words[1].decode() if words[1:2] and words[1] in (b"decode-child", b"speak-flite") else None
        if not kind and b"espeak" in words[0] and b"--stdin" in words:
            kind = "espeak-ng"
        status = read(f"/proc/{pid}/status").decode()
        if not kind or "Seccomp:" not in status:
            return

        def field(name):
            return re.search(name + r":\s*(\S+)", status).group(1)
        fds = set()  # what its descriptors lead to; it opens libraries and data of the system itself
        try:
            for fd in os.listdir(f"/proc/{pid}/fd"):
                fds.add(re.sub(r":.*", "", os.readlink(f"/proc/{pid}/fd/{fd}")))
        except OSError:
            pass
        limits = read(f"/proc/{pid}/limits").decode()
        one = self.seen.setdefault(kind, {"pids": set(), "filter": 0, "environ": b"", "fds": set(), "caps": 0,
                                          "new": "1", "limits": True, "apart": set()})
        one["pids"].add(pid)
        one["filter"] = max(one["filter"], int(field("Seccomp")))  # our own put it on a moment later
        one["caps"] |= int(field("CapEff"), 16) if int(field("Seccomp")) or kind == "espeak-ng" else 0
        one["environ"] += read(f"/proc/{pid}/environ")
        one["fds"] |= fds
        if limits and re.search(r"Max cpu time\s+unlimited", limits):
            one["limits"] = False
        for name in ("pid", "net", "ipc"):
            try:
                if os.readlink(f"/proc/{pid}/ns/{name}") != os.readlink(f"/proc/self/ns/{name}"):
                    one["apart"].add(name)
            except OSError:
                pass

    def run(self):
        while not self.ending:
            try:
                for pid in children(self.pid):
                    self.look(pid)
            except OSError:
                pass

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ending = True
        self.thread.join()


def from_outside(v):
    s = Server()
    assert s.start()
    with Watch(s) as w:
        spoken = s.form("/generate-tts", 120, voice_id="default", text="One sentence here, and another one. " * 4,
                        response_format="mp3")
        for language, text in (("en", "And a second text, which is another. " * 4), ("es", "Una frase, y otra más. " * 8)):
            s.form("/generate-tts", 120, voice_id="default", text=text, language=language)
        for i in range(4):
            s.file("/voices/upload", "file", spoken[2] + bytes([i]), name=f"v{i}")
    for kind in ("speak-flite", "espeak-ng", "decode-child"):
        one = w.seen.get(kind)
        if not one:
            print(f"sandbox: {kind}: none was seen")
            continue
        strange = [f for f in one["fds"] if not re.match(r"pipe$|/dev/null$|/memfd$|/usr/|/lib|/etc/|/sys/", f)]
        environ = [e for e in one["environ"].split(b"\0") if e and not e.startswith(b"LD_LIBRARY_PATH=")]
        v.check(one["filter"] == 2 and one["caps"] == 0 and not environ and not strange and one["limits"],
                f"{kind}: {len(one['pids'])} seen; filter {one['filter']}, capabilities {one['caps']:x}, environment {environ[:2]}, "
                f"strange descriptors {strange[:3]}, namespaces of its own: {sorted(one['apart'])}")
    v.check("speak-flite" in w.seen or "espeak-ng" in w.seen, "children were seen at work")
    v.check(s.stop() == 0, "stops")
    s.remove()


def has_landlock():
    import ctypes
    return ctypes.CDLL(None, use_errno=True).syscall(444, None, 0, 1) >= 1


def taken_over(folder):
    """The program, compiled; None without a compiler."""
    compiler, espeak = shutil.which("cc") or shutil.which("gcc"), shutil.which("espeak-ng")
    if not compiler or not espeak or not os.path.exists(os.path.join(SUPPORT, "attempts.h")):
        return None
    answers, path = os.path.join(folder, "answers.h"), os.path.join(folder, "espeak-taken")
    with open(answers, "w") as f:
        for name in ("voices", "help", "version"):
            said = subprocess.run([espeak, "--" + name], capture_output=True).stdout
            f.write(f"static const unsigned char {name}[] = {{{','.join(str(b) for b in said)}}};\n")
    with open(os.path.join(folder, "own-file"), "w") as f:
        f.write("what no child has business with\n")
    subprocess.run([compiler, "-O1", "-std=gnu17", "-pthread", "-I", SUPPORT, "-I", folder, '-DANSWERS="answers.h"',
                    f'-DOWN_FILE="{folder}/own-file"', f'-DOWN_PROGRAM="{path}"', os.path.join(HERE, "taken_over.c"),
                    "-o", path], check=True)
    return path


def from_inside(v):
    folder = tempfile.mkdtemp(prefix="timbre-attack-")
    path = taken_over(folder)
    if not path:
        print("sandbox: no C compiler or no espeak-ng here, the attempts from inside are left out")
        return shutil.rmtree(folder)
    s = Server()  # the real one first: what is known of its voices is kept in DATA
    assert s.start()
    v.check(s.form("/generate-tts", 120, voice_id="default", text="Una frase.", language="es")[0] == 200, "espeak-ng speaks")
    s.stop()
    with open(os.path.join(s.folder, ".env"), "a") as f:
        f.write(f'ESPEAK_PROGRAM="{path}"\n')
    assert s.start()
    rows = [line.split("\t") for line in
            subprocess.run([path, "--verdicts"], capture_output=True, text=True).stdout.splitlines()]
    wrong, counts = [], {"r": 0, "a": 0, "-": 0}
    for i, (verdict, name) in enumerate(rows):
        before = len(s.said())
        s.form("/generate-tts", 60, voice_id="default", text=f"{i} {s.process.pid}", language="es", normalize="false")
        if not s.alive():
            wrong.append((name, "the server died"))
            break
        ends = re.findall(r"exit code (-?\d+), signal (\d+)", s.said()[before:])
        got = {("51", "0"): "a", ("50", "0"): "r", ("-1", "31"): "r"}.get(ends[-1] if ends else None, "?")
        wanted = verdict[1] if verdict[1] != "l" else "r" if has_landlock() else "-"
        counts[wanted] += 1
        if got != wanted and wanted != "-":
            wrong.append((name, ends[-1:]))
    v.check(len(rows) >= 42 and not wrong, f"{len(rows)} attempts of a taken-over espeak-ng: {counts['r']} refused, "
            f"{counts['a']} are its work, {counts['-']} not said {wrong[:4]}")
    with open(os.path.join(folder, "own-file")) as f:
        v.check(f.read().startswith("what no child"), "the owner's file is as it was")
    v.check(s.form("/generate-tts", 60, voice_id="default", text="Still here.", language="en")[0] == 200 and s.stop() == 0,
            "the server goes on, and stops")
    s.remove()
    shutil.rmtree(folder)


def orphans(v, rounds=5):
    left, seen = 0, 0
    for i in range(rounds):
        s = Server(WORKERS="3")
        assert s.start()
        for language in ("en", "es", "en"):
            threading.Thread(target=s.form, args=("/generate-tts", 20), daemon=True,
                             kwargs=dict(voice_id="default", text="A long text, and more of it. " * 80, language=language)).start()
        began, kids = time.monotonic(), []
        while not kids and time.monotonic() - began < 20:
            kids = [p for p in children(s.process.pid) if read(f"/proc/{p}/cmdline")]
        starts = {p: read(f"/proc/{p}/stat").rsplit(b")", 1)[-1].split()[19:20] for p in kids}
        s.kill()
        time.sleep(2)
        seen += len(kids)
        left += sum(bool(t) and read(f"/proc/{p}/stat").rsplit(b")", 1)[-1].split()[19:20] == t for p, t in starts.items())
        s.remove()
    v.check(seen > 0 and left == 0, f"{rounds} times kill -9 of the server with {seen} children at work: {left} left after 2 s")


if __name__ == "__main__":
    v = Verdict("sandbox")
    if sys.platform != "linux":
        sys.exit("sandbox: there is one on Linux only")
    from_outside(v)
    from_inside(v)
    orphans(v)
    v.end()
