"""Whatever waits or takes long is not done by the two threads that hold the sockets: /health, /ready
and /metrics are asked every 20 ms while the database is held by another process, while histories of
30,000 entries are read whole, folders listed, passwords hashed, large bodies and endless paths read.

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
    db.execute("BEGIN IMMEDIATE")
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
    DOORS = ("/health", "/ready")  # the others want credentials
    attack_password(v)
    v.end()
