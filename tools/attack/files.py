"""What lies in the server's folders: who may read it, links, pipes and folders in the place of files,
what kill -9 leaves behind, a database that is gone or is no file.

Nothing outside the folder is ever read or written, nothing waits for a pipe, every start ends soon;
after kill -9 all that was acknowledged is there, and no file without a row.

usage: files.py [timbre] [rounds of kill -9, 12]
"""
import json, os, random, shutil, sqlite3, stat, subprocess, sys, tempfile, threading, time
from urllib.parse import quote
from harness import Server, Verdict, program, wav

SECRET = b"RIFF this is nobody's business " * 40
SOON_S = 10  # for a start or an answer that waits for nothing


def recording(folder):
    path = os.path.join(folder, "sample.wav")
    subprocess.run([program(), "sample", "-o", path], check=True, capture_output=True, cwd=folder)
    with open(path, "rb") as f:
        return f.read()


def inside(s, *names):
    return os.path.join(s.folder, "data", *names)


def rows(s, query):
    db = sqlite3.connect("file:" + quote(inside(s, "timbre.db")) + "?mode=ro", uri=True)
    try:
        return {r[0] for r in db.execute(query)}
    finally:
        db.close()


def replace(path, kind, target):
    """Something else in the place of a file, or where there is none."""
    if os.path.lexists(path):
        os.rename(path, path + ".kept") if not os.path.exists(path + ".kept") else remove(path)
    if kind == "link":
        os.symlink(target, path)
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        os.mkdir(path)
    elif kind == "loop":
        os.symlink(path, path)


def remove(path):
    os.rmdir(path) if os.path.isdir(path) and not os.path.islink(path) else os.unlink(path)


def timed(work):
    began = time.monotonic()
    return work(), time.monotonic() - began


def modes(v):
    s = Server()
    os.mkdir(inside(s), 0o755)
    os.chmod(inside(s), 0o755)
    before = os.umask(0o022)
    assert s.start()
    os.umask(before)
    sample = recording(s.folder)
    s.file("/voices/upload", "file", sample, name="ann")
    s.form("/generate-tts", 120, voice_id="ann", text="Hello.")
    s.file("/generate-tts", "audio_prompt", sample, 120, text="Hello.")
    open_ones = [os.path.join(d, f) for d, _, files in os.walk(inside(s)) for f in files
                 if stat.S_IMODE(os.stat(os.path.join(d, f)).st_mode) & 0o077]
    v.check(not open_ones, f"a folder that all may read holds no file that they may {open_ones[:3]}")
    v.check(s.stop() == 0, "stops")
    s.remove()


def in_place_of_files(v):
    s = Server()
    assert s.start()
    outside = tempfile.mkdtemp(prefix="timbre-attack-")
    secret = os.path.join(outside, "secret")
    with open(secret, "wb") as f:
        f.write(SECRET)
    sample = recording(s.folder)
    v.check(s.file("/voices/upload", "file", sample, name="ann")[0] == 200, "a voice is kept")
    status, headers, _ = s.form("/generate-tts", 120, voice_id="ann", text="Hello there.")
    url, clip = headers["X-Download-Url"], headers["X-History-Id"]
    status, headers, _ = s.file("/generate-tts", "audio_prompt", sample, 120, text="Only once.")
    once = headers["X-History-Id"]
    places = {"clip": inside(s, "clips", url.rsplit("/", 1)[1]),
              "voice": inside(s, "voices", next(iter(rows(s, "SELECT uuid FROM voices"))) + ".wav"),
              "prompt": inside(s, "prompts", os.listdir(inside(s, "prompts"))[0])}
    asks = {"clip": [("GET", url), ("HEAD", url), ("POST", url + "/link")],
            "voice": [("GET", "/voices/ann/audio"), ("POST", "/generate-tts?voice_id=ann&text=Another%20text."),
                      ("POST", f"/history/{clip}/replay")],
            "prompt": [("POST", f"/history/{once}/replay")]}
    for kind in ("link", "pipe", "folder", "loop", "nothing"):
        worst, wrong = 0, []
        for what, path in places.items():
            replace(path, kind, secret)
            for method, ask in asks[what]:
                (status, _, body), took = timed(lambda: s.ask(method, ask, timeout=30))
                worst = max(worst, took)
                if b"nobody" in body or status == 0 or (status < 400 and what == "clip") or status == 500:
                    wrong.append((what, ask, status))
        v.check(not wrong and worst < SOON_S, f"{kind} in the place of files: refused within {worst:.1f} s {wrong[:3]}")
        code = s.stop()
        ok, took = timed(s.start)
        v.check(code == 0 and ok and took < SOON_S, f"{kind}: the next start listens after {took:.1f} s")
        page = s.ask("GET", "/history?limit=10")
        v.check(page[0] == 200 and len(json.loads(page[2])) >= 2, f"{kind}: the lists are whole")
    status = s.ask("DELETE", "/voices/ann")[0], s.ask("DELETE", "/history?delete_all=true")[0]
    with open(secret, "rb") as f:
        v.check(f.read() == SECRET and status[1] == 200, f"removing {status} leaves what was outside alone")
    v.check(s.stop() == 0, "stops")
    s.remove()
    shutil.rmtree(outside)


def beds(v):
    s = Server()
    folder = os.path.join(s.folder, "ambience")
    os.mkdir(folder)
    with open(os.path.join(s.folder, "elsewhere.wav"), "wb") as f:
        f.write(wav(3))
    with open(os.path.join(folder, "mine.wav"), "wb") as f:
        f.write(wav(3))
    for name, kind in (("linked.wav", "link"), ("pipe.wav", "pipe"), ("folder.wav", "folder"), ("loop.wav", "loop")):
        replace(os.path.join(folder, name), kind, os.path.join(s.folder, "elsewhere.wav"))
    ok, took = timed(s.start)
    listed = s.ask("GET", "/ambiences")[2].decode()
    v.check(ok and took < SOON_S and '"mine"' in listed and not any(f'"{n}"' in listed for n in ("linked", "pipe", "folder", "loop")),
            f"beds: of links, pipes and folders none is listed, the file is; listened after {took:.1f} s")
    os.unlink(os.path.join(folder, "mine.wav"))
    os.mkfifo(os.path.join(folder, "mine.wav"))
    (status, _, _), took = timed(lambda: s.form("/generate-tts", 30, voice_id="default", text="Hello.", ambience_id="mine"))
    v.check(status != 0 and took < SOON_S, f"beds: a pipe in the place of one that was listed: {status} after {took:.1f} s")
    v.check(s.stop() == 0, "stops")
    s.remove()


def database(v):
    s = Server()
    assert s.start()
    sample = recording(s.folder)
    s.file("/voices/upload", "file", sample, name="ann")
    s.stop()
    victim = os.path.join(s.folder, "victim")
    with open(victim, "wb") as f:
        f.write(SECRET)
    kept = inside(s, "timbre.db")
    os.rename(kept, kept + ".away")
    for kind in ("nothing", "link", "pipe", "folder", "loop"):
        if kind != "nothing":
            replace(kept, kind, victim)
        ok, took = timed(lambda: s.start(30))
        if ok:
            s.stop()
        v.check(not ok and s.code > 0 and took < SOON_S and os.listdir(inside(s, "voices")),
                f"{kind} in the place of the database: does not start, after {took:.1f} s, and removes nothing")
        if os.path.lexists(kept):
            remove(kept)
    os.rename(kept + ".away", kept)
    for name in ("timbre.db-wal", "timbre.db-shm", "timbre.db-journal", "lock", "reserve"):
        for kind in ("link", "pipe", "folder"):
            path = inside(s, name)
            if os.path.lexists(path):
                remove(path)
            replace(path, kind, victim)
            ok, took = timed(lambda: s.start(30))
            if ok:
                (status, _, body), waited = timed(lambda: s.ask("GET", "/voices"))
                ok = status == 200 and b'"ann"' in body and waited < SOON_S
                s.stop()
            with open(victim, "rb") as f:
                whole = f.read() == SECRET
            v.check((ok or (s.code or 0) > 0) and took < SOON_S and whole,
                    f"{kind} in the place of {name}: {'serves' if ok else 'does not start'}, what it leads to is whole")
            if os.path.lexists(path):
                remove(path)
    v.check(s.start() and b'"ann"' in s.ask("GET", "/voices")[2], "with everything back it starts and has its voice")
    s.stop()
    s.remove()


def killed(v, rounds):
    """Clients upload, speak and remove while the server is killed; then the folders are compared with the
    rows, as the next start leaves them."""
    seed = random.randrange(1 << 30)
    draw = random.Random(seed)
    s = Server(WORKERS="2")
    assert s.start()
    sample = recording(s.folder)
    done, lost, orphans, most = {"voice": set(), "clip": set()}, 0, 0, 0
    for turn in range(rounds):
        ending = threading.Event()

        def client(i, draw):
            n = 0
            while not ending.is_set():
                n += 1
                name = f"v{turn} {i} {n}"
                if i < 2 and s.file("/voices/upload", "file", sample, 20, name=name)[0] == 200:
                    done["voice"].add(name)
                    if draw.random() < 0.3:
                        done["voice"].discard(name)  # removed or not: either is right
                        s.ask("DELETE", "/voices/" + quote(name), timeout=20)
                if i == 2:
                    reply = s.form("/generate-tts", 20, voice_id="default", text=f"Number {turn} {n}.")
                    if reply[0] == 200 and len(reply[2]) == int(reply[1].get("Content-Length", -1)):
                        done["clip"].add(reply[1]["X-History-Id"])
                if i == 3:
                    s.file("/generate-tts", "audio_prompt", sample + bytes([n % 256]), 20, text="Once.")
        threads = [threading.Thread(target=client, args=(i, random.Random(seed + i))) for i in range(4)]
        for t in threads:
            t.start()
        time.sleep(draw.uniform(0.3, 2.5))
        s.kill()
        ending.set()
        for t in threads:
            t.join()
        left = sum(len(os.listdir(inside(s, d))) for d in ("voices", "clips", "prompts"))
        if not s.start():
            v.check(False, f"starts after the kill of round {turn}")
            break
        time.sleep(1)
        files = {d: {f for f in os.listdir(inside(s, d))} for d in ("voices", "clips", "prompts")}
        known = {"voices": {u + ".wav" for u in rows(s, "SELECT uuid FROM voices")},
                 "clips": rows(s, "SELECT filename FROM history")}
        strange = [f for d in known for f in files[d] if not any(f.startswith(k.rsplit(".", 1)[0]) for k in known[d])]
        strange += [f for d in files for f in files[d] if f.startswith(".tb-tmp")]
        orphans += len(strange)
        most = max(most, left - sum(len(f) for f in files.values()))
        lost += len(done["voice"] - rows(s, "SELECT name FROM voices")) + len(done["clip"] - rows(s, "SELECT id FROM history"))
        lost += len([k for d in known for k in known[d] if k not in files[d]])
        if rows(s, "SELECT id FROM jobs WHERE state IN ('running', 'queued')"):
            v.check(False, "no job of before the kill is still called running")
    v.check(lost == 0, f"{rounds} rounds of kill -9, {len(done['voice'])} voices and {len(done['clip'])} sounds acknowledged, {lost} lost (seed {seed})")
    v.check(orphans == 0, f"after each start {orphans} files without a row; at most {most} were removed by one start")
    v.check(s.stop() == 0, "stops")
    s.remove()


if __name__ == "__main__":
    v = Verdict("files")
    rounds = [int(a) for a in sys.argv[1:] if a.isdigit()]
    modes(v)
    in_place_of_files(v)
    beds(v)
    database(v)
    killed(v, rounds[0] if rounds else 12)
    v.end()
