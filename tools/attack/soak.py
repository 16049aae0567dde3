"""An hour of moderate, mixed use: every feature by several clients at once, with requests that fail
and clients that leave. Every half minute the clients pause, and when nothing runs the server is
looked at: what it keeps must be exactly what was acknowledged, descriptors, threads and children must
be no more in the last half than in the first, and over the last half resident memory must not grow.

How growth is told from noise: the looks are at rest, so what a request needs while it runs does not
count. The server hands freed memory back to the system at most once a minute, which makes 10 MB and
more between two looks, and soon after a large body: so each look is 2 s after one, which is refused.
The slope is Theil and Sen's (the median over all pairs), which a few high looks do not move. FLAT is
what it may be: at some 1000 requests a minute 100 bytes a request, which is less than the smallest
thing that a request makes for itself. A shorter run measures the slope worse, so it is allowed more,
in proportion; one of less than ten minutes, in which caches still fill, says the figure and does not
judge it.

TIMBRE_SOAK_MINUTES (60), TIMBRE_SOAK_SEED. Both engines speak when timbre-seedmodel lies in the build
of the program; else the embedded one.
usage: soak.py [timbre]
"""
import http.client, json, os, random, subprocess, threading, time
from urllib.parse import quote, urlencode
from harness import BASIC, MIB, Server, Verdict, program, small_model, wav

MINUTES = float(os.environ.get("TIMBRE_SOAK_MINUTES", "60"))
SEED = int(os.environ.get("TIMBRE_SOAK_SEED", "0")) or random.randrange(1, 1 << 30)
CLIENTS, LOOK_S, KEPT, VOICES = 6, 30, 150, 12
FLAT = 0.1  # MB a minute over half an hour

ENGLISH = ("It rains. We stay inside and read.", "Good morning!", "The train at 10:45 costs $12.50.",
           "[happy] What a day! [sigh] Well. [pause:300ms] [rain] Listen. [rain] It stopped.",
           "One sentence. And another one, a little longer than the first. And a third.",
           "# A heading\n\n- first\n- second, see https://example.org/a?b=c and **this**", "The k8s cluster.")
OTHERS = (("es", "Llueve. Nos quedamos en casa a leer."), ("es", "Son las 10:45 y cuesta 12,50 €."),
          ("fr", "Il pleut, nous restons à la maison."), ("de", "Es regnet. Wir lesen."),
          ("it", "Piove."), ("pt", "Está chovendo hoje."), ("ja", "こんにちは"), ("ru", "Доброе утро."))
FORMATS = ("wav", "mp3", "opus", "ogg", "aac", "flac", "pcm")
BEDS = ("rain", "wind", "office", "rain+wind", "lluvia", "none", "fire")


class World:
    """What the server has acknowledged, and the gate that the clients stop at."""

    def __init__(self, server, recordings):
        self.s, self.recordings = server, recordings
        self.lock = threading.Condition()
        self.history, self.voices, self.wrong = {}, set(), {}
        self.requests = self.named = self.inside = 0
        self.open = True

    def bad(self, what):
        with self.lock:
            self.wrong[what] = self.wrong.get(what, 0) + 1

    def expect(self, what, reply, *right):
        """The reply, or None when its status is another."""
        if reply[0] in right:
            return reply
        self.bad(f"{what}: {reply[0]} {reply[2][:150]!r}")
        return None

    def some(self, kind):
        with self.lock:
            return random.choice(sorted(kind)) if kind else None

    def take(self, kind):
        """One that nobody else will remove."""
        with self.lock:
            if not kind:
                return None
            one = random.choice(sorted(kind))
            kind.pop(one) if isinstance(kind, dict) else kind.discard(one)
            return one

    def keep(self, clip, text):
        with self.lock:
            self.history[clip] = text

    def name(self):
        with self.lock:
            self.named += 1
            return f"voice {self.named}"


def speech(w):
    """The fields of some request for speech, one that is right."""
    draw = random.random
    fields = {"text": random.choice(ENGLISH)}
    if draw() < 0.4:
        fields["language"], fields["text"] = random.choice(OTHERS)
    elif draw() < 0.3:
        fields["engine"] = "embedded"
    fields["text"] = fields["text"] * random.randint(1, 2)
    for name, share, values in (("response_format", 0.7, FORMATS), ("ambience_id", 0.3, BEDS),
                                ("speed", 0.2, (0.7, 1.3)), ("sample_rate", 0.2, (8000, 44100, 48000)),
                                ("seed", 0.3, (1, 2, -1)), ("normalize", 0.1, ("false",)),
                                ("pronunciations", 0.1, ('{"k8s":"kubernetes"}',))):
        if draw() < share:
            fields[name] = random.choice(values)
    fields["voice_id"] = draw() < 0.7 and w.some(w.voices) or "default"
    return fields


def speak(w):
    f = speech(w)
    # The voice may be removed while this is under way: 404, or 409 by who stops jobs.
    r = w.expect("speak", w.s.form("/generate-tts", **f), 200, *[404] * (f["voice_id"] != "default"))
    if r and r[0] == 200:
        w.keep(r[1]["X-History-Id"], f["text"])
        if len(r[2]) < 500:
            w.bad(f"speak: a sound of {len(r[2])} bytes")


def prompt(w):
    text = random.choice(ENGLISH)
    path = random.choice(("/generate-tts", "/demo"))
    r = w.expect("prompt", w.s.file(path, "audio_prompt", random.choice(w.recordings), text=text), 200)
    if r and path != "/demo":
        w.keep(r[1]["X-History-Id"], text)


def demo(w):
    w.expect("demo", w.s.ask("GET", "/demo?text=" + quote(random.choice(ENGLISH))), 200)


def stream(w):
    """Listens to the end, leaves in the middle, or has the job stopped by another request."""
    f = speech(w)
    f.update(stream="true", text=f["text"] * 6, voice_id="default")
    how = random.choice(("listen", "leave", "stop"))
    c = http.client.HTTPConnection("127.0.0.1", w.s.port, timeout=w.s.patience_s)
    try:
        c.request("POST", "/generate-tts", urlencode(f), {
            "Authorization": BASIC, "Content-Type": "application/x-www-form-urlencoded"})
        r = c.getresponse()
        if r.status != 200:
            return w.expect("stream", (r.status, {}, r.read()), 200)
        job = r.headers["X-Job-Id"]
        if how == "stop":
            w.expect("stop a job", w.s.ask("DELETE", f"/jobs/{job}"), 200, 404)
        if how != "leave":
            try:
                r.read()
            except http.client.HTTPException:
                if how == "listen":
                    w.bad("stream: cut")
    finally:
        c.close()
    for _ in range(6000):
        r = w.expect("job", w.s.ask("GET", f"/jobs/{job}"), 200)
        if not r:
            return None
        now = json.loads(r[2])
        if now["state"] == "finished":
            w.keep(now["history_id"], f["text"])
        if now["state"] != "running":
            if how == "listen" and now["state"] != "finished":
                w.bad(f"stream: {now['state']} {now['error']}")
            return None
        time.sleep(0.1)
    return w.bad("stream: its job does not end")


def upload(w):
    name = w.name()
    if w.expect("upload", w.s.file("/voices/upload", "file", random.choice(w.recordings), name=name), 200):
        with w.lock:
            w.voices.add(name)
            many = len(w.voices) > VOICES
        if many:
            drop(w)


def drop(w):
    name = w.take(w.voices)
    if name:
        w.expect("delete a voice", w.s.ask("DELETE", "/voices/" + quote(name)), 200)


def change(w):
    """A voice is written over, or called otherwise; nobody else removes it meanwhile."""
    name = w.take(w.voices)
    if not name:
        return
    if random.random() < 0.5:
        w.expect("overwrite", w.s.file("/voices/upload", "file", random.choice(w.recordings), name=name,
                                       overwrite="true"), 200)
    else:
        new = w.name()
        r = w.expect("rename", w.s.ask("PUT", f"/voices/{quote(name)}?new_name={quote(new)}&language=es"), 200)
        name = new if r else name
    with w.lock:
        w.voices.add(name)


def listen(w):
    """The recording of a voice, and a clip: whole, in part, by a link."""
    name, clip = w.some(w.voices), w.some(w.history)
    if name:
        w.expect("recording", w.s.ask("GET", f"/voices/{quote(name)}/audio"), 200, 404)
    if not clip:
        return
    r = w.expect("entry", w.s.ask("GET", "/history/" + clip), 200, 404)
    if not r or r[0] != 200:
        return
    entry = json.loads(r[2])
    with w.lock:
        text = w.history.get(clip, entry["text"])
    if entry["text"] != text:
        w.bad("an entry has the text of another")
    w.expect("download", w.s.ask("GET", entry["download_url"]), 200, 404)
    w.expect("a part", w.s.ask("GET", entry["download_url"], headers={"Range": "bytes=100-199"}), 206, 404)
    r = w.expect("link", w.s.ask("POST", entry["download_url"] + "/link"), 200, 404)
    if r and r[0] == 200:
        w.expect("linked", w.s.ask("GET", json.loads(r[2])["url"], auth=False), 200, 404)


def replay(w):
    clip = w.some(w.history)
    with w.lock:
        text = w.history.get(clip)
    if clip and text:
        r = w.expect("replay", w.s.ask("POST", f"/history/{clip}/replay"), 200, 404)
        if r and r[0] == 200:
            w.keep(r[1]["X-History-Id"], text)


def forget(w):
    """Old entries go, one by one or several at once, so that as many stay as there were."""
    gone = [w.take(w.history) for _ in range(random.randint(1, 8)) if len(w.history) > KEPT]
    if len(gone) == 1:
        w.expect("delete", w.s.ask("DELETE", "/history/" + gone[0]), 200)
    elif gone:
        w.expect("delete some", w.s.ask("DELETE", "/history?" + "&".join("ids=" + g for g in gone)), 200)


def look_around(w):
    path = random.choice(("/", "/health", "/ready", "/metrics", "/openapi.json", "/docs", "/voices",
                          "/voices/list", "/history?limit=20", "/history?q=rain", "/history", "/ambiences",
                          "/ambiences/rain/preview", "/languages", "/tags", "/pronunciations"))
    w.expect(path, w.s.ask("GET", path), 200)


def dictionary(w):
    word = f"word{random.randint(1, 30)}"
    w.expect("say so", w.s.form("/pronunciations", word=word, say="a word"), 200)
    w.expect("forget it", w.s.ask("DELETE", "/pronunciations?word=" + word), 200, 404)


def fail(w):
    noise = random.randbytes(20000)
    for what, reply, status in random.sample((
            ("stranger", lambda: w.s.ask("GET", "/voices", auth=False), 401),
            ("nowhere", lambda: w.s.ask("GET", "/nowhere"), 404),
            ("no voice", lambda: w.s.form("/generate-tts", text="Hi", voice_id="nobody at all"), 404),
            ("no text", lambda: w.s.form("/generate-tts", voice_id="default"), 422),
            ("bad speed", lambda: w.s.form("/demo", text="Hi", speed=9), 422),
            ("broken JSON", lambda: w.s.json("/demo", b'{"text": '), 400),
            ("noise", lambda: w.s.file("/voices/upload", "file", noise, name="noise"), 415),
            ("silence", lambda: w.s.file("/voices/upload", "file", wav(3)[:44] + bytes(144000),
                                         name="silence"), 422),
            ("too large", lambda: w.s.file("/voices/upload", "file", bytes(33 * MIB), name="large"), 413),
            ("method", lambda: w.s.ask("POST", "/health", b""), 405)), 2):
        w.expect(what, reply(), status)


WORK = ((speak, 30), (prompt, 6), (demo, 6), (stream, 10), (upload, 5), (drop, 1), (change, 3), (listen, 10),
        (replay, 5), (forget, 40), (look_around, 20), (dictionary, 4), (fail, 6))


def client(w, ends):
    kinds, weights = zip(*WORK)
    while time.monotonic() < ends:
        with w.lock:
            w.lock.wait_for(lambda: w.open)
            w.inside += 1
        try:
            random.choices(kinds, weights)[0](w)
        except Exception as e:  # a client of ours must not end silently
            w.bad(f"client: {e!r}")
        with w.lock:
            w.inside -= 1
            w.requests += 1
            w.lock.notify_all()
        time.sleep(random.random() * 0.3)


def at_rest(w):
    """Closes the gate, waits until nothing runs, and looks: (MB resident, anonymous, descriptors,
    threads, children)."""
    with w.lock:
        w.open = False
        w.lock.wait_for(lambda: w.inside == 0)
    for _ in range(3000):
        r = w.s.ask("GET", "/ready")
        if b'"queued":0,"running":0' in r[2].replace(b" ", b""):
            break
        time.sleep(0.1)
    else:
        w.bad("something runs on while nobody asks")
    r = w.s.ask("POST", "/generate-tts", json.dumps({"text": "a" * 3 * MIB}), {"Content-Type": "application/json"})
    if r[0] != 422:
        w.bad(f"a text of 3 MB: {r[0]}")
    time.sleep(2)
    pid = w.s.process.pid
    children = subprocess.run(["ps", "--ppid", str(pid), "-o", "pid="], capture_output=True).stdout.split()
    seen = (w.s.memory() / 1e6, w.s.memory("RssAnon") / 1e6, len(os.listdir(f"/proc/{pid}/fd")),
            len(os.listdir(f"/proc/{pid}/task")), len(children))
    r = w.s.ask("GET", "/history?limit=1")
    if int(r[1].get("X-Total-Count", -1)) != len(w.history):
        w.bad(f"{r[1].get('X-Total-Count')} entries instead of {len(w.history)}")
    n = w.s.ask("GET", "/voices")[2].count(b'"filename"')
    if n != len(w.voices):
        w.bad(f"{n} voices instead of {len(w.voices)}")
    n = len(os.listdir(os.path.join(w.s.folder, "data", "clips")))
    if n != len(w.history):
        w.bad(f"{n} files of {len(w.history)} entries")
    with w.lock:
        w.open = True
        w.lock.notify_all()
    return seen


def slope(points):
    """The median over all pairs."""
    rises = sorted((b[1] - a[1]) / (b[0] - a[0]) for i, a in enumerate(points) for b in points[i + 1:])
    return rises[len(rises) // 2] if rises else 0.0


def recordings(folder):
    """Recordings of nobody, in several formats."""
    out = []
    text = "A recording that nobody spoke, long enough for every engine to hear who it is. " * 2
    for name, command in (("a.wav", ["sample", "-o"]), ("b.mp3", ["say", text, "--seed", "1", "-o"]),
                          ("c.flac", ["say", text, "--seed", "2", "-s", "0.9", "-o"]),
                          ("d.opus", ["say", text, "--seed", "3", "--language", "es", "-o"])):
        path = os.path.join(folder, name)
        subprocess.run([program(), *command, path], check=True, cwd=folder, stdout=subprocess.DEVNULL)
        with open(path, "rb") as f:
            out.append(f.read())
    return out


def with_model(folder):
    """The settings for the small model; the embedded engine's where it cannot be made."""
    model = small_model(folder)
    if not model:
        return {"ENGINE": "embedded"}
    subprocess.run([program(), "model", "convert", "--out", folder + "/small.gguf", model],
                   check=True, stdout=subprocess.DEVNULL, cwd=folder)
    return {"MODEL": folder + "/small.gguf"}


if __name__ == "__main__":
    v = Verdict("soak")
    random.seed(SEED)
    s = Server(LOG_LEVEL="error")
    s.patience_s = 900  # who leaves before the answer cannot know what was kept
    spoken = recordings(s.folder)
    model = with_model(s.folder)
    with open(os.path.join(s.folder, ".env"), "a") as f:
        f.writelines(f'{k}="{x}"\n' for k, x in model.items())
    if not s.start():
        v.check(False, f"does not start: {s.said()}")
        v.end()
    w = World(s, spoken)
    began = time.monotonic()
    ends = began + 60 * MINUTES
    threads = [threading.Thread(target=client, args=(w, ends)) for _ in range(CLIENTS)]
    for t in threads:
        t.start()
    looks = []
    while time.monotonic() < ends and s.alive():
        time.sleep(min(LOOK_S, max(1, 60 * MINUTES / 20)))
        looks.append(((time.monotonic() - began) / 60, *at_rest(w)))
        if len(looks) % 4 == 1:
            print("soak: %5.1f min  %6.1f MB (%.1f anonymous), %d descriptors, %d threads, %d children, %d rounds, %d entries"
                  % (*looks[-1], w.requests, len(w.history)), flush=True)
    for t in threads:
        t.join()
    v.check(s.alive(), f"alive after {MINUTES:g} minutes and {w.requests} rounds of requests (seed {SEED})")
    for what, n in sorted(w.wrong.items(), key=lambda x: -x[1])[:20]:
        v.check(False, f"{n} x {what}")
    v.check(not w.wrong, "every answer was right, every count exact")
    half = [l for l in looks if l[0] > MINUTES / 2]
    rise, allowed = slope([(l[0], l[1]) for l in half]), FLAT * max(1, 60 / MINUTES)
    v.check(rise <= allowed or MINUTES < 10, "resident %.1f MB at half time, %.1f at the end, %+.3f MB a minute between (%s)"
            % (half[0][1], half[-1][1], rise, f"at most {allowed:.2f}" if MINUTES >= 10 else "not judged"))
    # The store keeps up to eight connections for readers, opened when they were first needed together.
    for i, what, spare in ((3, "descriptors", 4), (4, "threads", 1), (5, "children", 1)):
        early, late = [l[i] for l in looks if l not in half], [l[i] for l in half]
        v.check(max(late) <= max(early) + spare, f"{what}: {min(early)} to {max(early)} in the first half, "
                f"{min(late)} to {max(late)} in the last")
    if s.alive():
        code = s.stop()
        v.check(code == 0, f"stops with {code}")
    said = [l for l in s.said().splitlines() if "Sanitizer" in l or "rror" in l]
    v.check(not said, "the log has no error" if not said else f"{len(said)} lines of errors: {said[0][:200]}")
    v.end()
