"""Whatever waits or takes long is not done by the two threads that hold the sockets: /health, /ready
and /metrics are asked every 20 ms while the database is held by another process, while histories of
30,000 entries are read whole, folders listed, passwords hashed, large bodies and endless paths read.

Then it is held for 25 s while a dozen write and others read: who reads is answered as ever, who writes
succeeds or hears in time which file it is, and nothing that was acknowledged is lost.

usage: waits.py [timbre]
Bounds are of two cores that have nothing else to do: where this program itself wakes up late from its
sleep, they are so much wider.
"""
import ctypes, ctypes.util, multiprocessing, os, sqlite3, time
from harness import MIB, Server, Verdict
from health import BOUND_MS, part, probe, told

ENTRIES, DOORS = 30000, ("/health", "/ready", "/metrics")


def hashed(password):
    """As API_PASSWORD takes it; None without libsodium."""
    name = ctypes.util.find_library("sodium")
    if not name:
        return None
    sodium, out = ctypes.CDLL(name), ctypes.create_string_buffer(128)
    ok = sodium.crypto_pwhash_str(out, password, ctypes.c_ulonglong(len(password)),
                                  ctypes.c_ulonglong(2), ctypes.c_size_t(64 * MIB)) == 0
    return out.value.decode() if ok else None


def fill(server):
    """The one entry of the history becomes many; each has a file."""
    folder = os.path.join(server.folder, "data")
    db = sqlite3.connect(os.path.join(folder, "timbre.db"))
    columns = [row[1] for row in db.execute("PRAGMA table_info(history)") if row[1] != "seq"]
    row = dict(zip(columns, db.execute(f"SELECT {','.join(columns)} FROM history").fetchone()))
    clip = next(os.path.join(at, row["filename"]) for at, _, names in os.walk(folder)
                if row["filename"] in names)
    rows = []
    for i in range(ENTRIES):
        name = f"{i}_{row['filename']}"
        os.link(clip, os.path.join(os.path.dirname(clip), name))
        rows.append([{"id": f"{i:08x}{row['id'][8:]}", "filename": name}.get(c, row[c])
                     for c in columns])
    with db:
        db.executemany(f"INSERT INTO history({','.join(columns)}) "
                       f"VALUES({','.join('?' * len(columns))})", rows)
    db.close()


def hold_database(server, seconds):
    db = sqlite3.connect(os.path.join(server.folder, "data", "timbre.db"), isolation_level=None,
                         timeout=30)
    db.execute("BEGIN EXCLUSIVE")
    time.sleep(seconds)
    db.execute("ROLLBACK")


def again(work, seconds):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        work()


def during(v, server, what, seconds, works):
    """The doors' times while each of works goes on in a process of its own."""
    children = [multiprocessing.Process(target=again, args=(work, seconds), daemon=True)
                for work in works]
    for c in children:
        c.start()
    time.sleep(0.3)
    times, late = probe(server, time.monotonic() + seconds, DOORS)
    for c in children:
        c.join()
    bound = BOUND_MS + 2 * part(late, 0.99)
    v.check(part(times, 0.99) < bound, f"{what}: {told(times)}; bound {bound:.0f}, "
            f"waking up late: p99 {part(late, 0.99):.1f}")


def attack(v):
    server = Server(LOG_LEVEL="warn")
    v.check(server.start(), "starts")
    v.check(server.form("/generate-tts", text="One.", voice_id="default")[0] == 200, "speaks")
    server.stop()
    fill(server)
    v.check(server.start(), f"starts with {ENTRIES} entries")
    during(v, server, "histories whole", 5, [lambda: server.ask("GET", "/history")] * 4)
    during(v, server, "lists and searches", 4,
           [lambda: server.ask("GET", "/history?q=one"), lambda: server.ask("GET", "/ambiences"),
            lambda: server.ask("GET", "/voices"), lambda: server.ask("GET", "/voices/list")] * 2)
    during(v, server, "bodies of 31 MB", 5,
           [lambda: server.file("/demo", "audio_prompt", b"\r" * (31 * MIB), text="Hi"),
            lambda: server.json("/demo", b'{"text":"Hi","x":[' + b"[]," * (10 * MIB) + b"[]]}")])
    during(v, server, "paths of 30,000 bytes", 4,
           [lambda: server.ask("GET", "/" + "%41/" * 7500)] * 4)
    holder = multiprocessing.Process(target=hold_database, args=(server, 8))
    holder.start()
    time.sleep(0.5)
    during(v, server, "database held by another process", 6,
           [lambda: server.ask("DELETE", "/voices/nobody"),
            lambda: server.form("/generate-tts", text="Two.", voice_id="default")] * 8)
    holder.join()
    v.check(server.stop() == 0, "stops")
    server.remove()


READ_MS, HELD_S, PATIENCE_S = 250, 25, {"desk": 5, "job": 10}


def write_once(server, kind, i, said):
    """(kind, whether it is a job, status, seconds, sentence, what it made)"""
    began, name = time.monotonic(), f"w{kind}n{i}"
    if kind == 0:
        r = server.form("/generate-tts", text="Two.", voice_id="default")
        made = r[1].get("X-History-Id")
    elif kind == 1:
        r = server.file("/voices/upload", "file", server.recording, name=name)
        made = name
    elif kind == 2:
        r = server.form("/pronunciations", word=name, say="a b")
        made = name
    else:
        r = server.ask("DELETE", ("/voices/nobody", "/history?ids=x", "/pronunciations?word=x")[i % 3])
        made = None
    said.put((kind, kind < 2, r[0], time.monotonic() - began, r[2].decode(errors="replace")[:300]
              if r[0] != 200 else "", made))


def write_again(server, kind, seconds, said):
    until, i = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        i += 1
        write_once(server, kind, os.getpid() * 1000 + i, said)


def check_writers(v, said, slack_s):
    words = {True: "jobs", False: "requests that write"}
    for job in (False, True):
        all_of = [s for s in said if s[1] == job]
        refused = [s for s in all_of if s[2] == 503]
        other = [s for s in all_of if s[2] not in (200, 404, 503)]
        worst = max(s[3] for s in all_of)
        bound = PATIENCE_S["job" if job else "desk"] + slack_s
        v.check(not other, f"{len(all_of)} {words[job]}: {len(refused)} refused {other[:2]}")
        v.check(worst < bound, f"{words[job]}: the longest took {worst:.1f} s; bound {bound:.1f}")
        v.check(refused and all("timbre.db" in s[4] and "close" in s[4] for s in refused),
                "the refusals name the file and what to do")


def check_nothing_lost(v, server, said):
    import json
    have = [{e["id"] for e in json.loads(server.ask("GET", "/history")[2])},
            {e["id"] for e in json.loads(server.ask("GET", "/voices")[2])["voices"]},
            {e["word"] for e in json.loads(server.ask("GET", "/pronunciations")[2])["pronunciations"]}]
    made = [s for s in said if s[2] == 200 and s[5]]
    lost = [s for s in made if s[5] not in have[s[0]]]
    v.check(made and not lost, f"{len(made)} acknowledged, lost: {lost[:3]}")


def attack_held(v):
    server = Server(LOG_LEVEL="warn")
    v.check(server.start(), "starts")
    server.recording = server.form("/demo", text="This is what a voice is made of: some sentences of "
                                   "speech, read by nobody in particular, for eight seconds.")[2]
    _, headers, _ = server.form("/generate-tts", text="One.", voice_id="default")
    doors = ("/voices", "/history", "/health", "/docs", f"/jobs/{headers['X-Job-Id']}")
    queue, said = multiprocessing.Queue(), []
    writers = [multiprocessing.Process(target=write_again, args=(server, i % 4, HELD_S + 3, queue))
               for i in range(12)]
    holder = multiprocessing.Process(target=hold_database, args=(server, HELD_S))
    for w in writers:
        w.start()
    time.sleep(1)
    holder.start()
    time.sleep(0.5)
    until = time.monotonic() + HELD_S - 2
    times, late = {door: [] for door in doors}, []
    for door in doors * ((HELD_S - 2) // len(doors)):
        more, woke = probe(server, min(until, time.monotonic() + 1), (door,))
        times[door] += more
        late += woke
        began = time.monotonic()
        status = server.form("/demo", text="Hi.")[0]
        times.setdefault("/demo", []).append((time.monotonic() - began) * 1000)
        v.check(status == 200, "/demo is spoken") if status != 200 else None
    slow = 2 * part(late, 0.99)
    for door in doors:
        v.check(part(times[door], 0.99) < READ_MS + slow,
                f"{door[:9]}, while it is held: {told(times[door])}; bound {READ_MS + slow:.0f}")
    v.check(part(times["/demo"], 0.99) < 2000 + 20 * slow, f"/demo: {told(times['/demo'])}")
    holder.join()
    while any(w.is_alive() for w in writers) or not queue.empty():
        try:
            said.append(queue.get(timeout=0.5))
        except Exception:  # none yet
            pass
    check_writers(v, said, 1.5 + slow / 10)
    check_nothing_lost(v, server, said)
    v.check(server.stop() == 0, "stops")
    server.remove()


def attack_password(v):
    password = hashed(b"a long enough password")
    if not password:
        return
    server = Server(LOG_LEVEL="warn", API_PASSWORD=password, PUBLIC_HEALTH="true")
    v.check(server.start(), "starts with a hashed password")
    during(v, server, "guessed passwords", 4,
           [lambda: server.ask("GET", "/voices", headers={"Authorization": "Basic YTpi"},
                               auth=False)] * 8)
    v.check(server.stop() == 0, "stops")
    server.remove()


if __name__ == "__main__":
    multiprocessing.set_start_method("fork")
    v = Verdict("waits")
    attack(v)
    attack_held(v)
    DOORS = ("/health", "/ready")  # the others want credentials
    attack_password(v)
    v.end()
