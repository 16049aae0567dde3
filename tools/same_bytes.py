#!/usr/bin/env python3
"""Do two timbre programs make the same bytes? For a change that must not change one byte of sound.

    tools/same_bytes.py BEFORE AFTER [SEEDMODEL]

Each program gets a server of its own, on loopback, with the small seeded model; SEEDMODEL writes it
(timbre-seedmodel; by default that of AFTER's build folder). Both are sent the same 40 requests: both
engines, streams, beds, every format, seeds, tags, languages, a prompt, a replay. Status, body and
the headers that speak of the sound must be equal; so must the GGUF files of every type that the two
make of the published files, and the table of commands. A line for each difference; exits 1 when
there is one.

Streams of the neural engine depend on the pace, which is measured on this machine. So the script
gives both servers the same made-up pace and starts them again.
"""
import glob, hashlib, os, subprocess, sys, tempfile, threading, time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "attack"))
import harness  # noqa: E402

TYPES = ("f32", "f16", "bf16", "q8_0", "q4_0")
PACE = '{"token_s": 0.004, "flow_s": 0.0002, "vocode_s": 0.0005}'
HEADERS = ("Content-Type", "X-Engine", "X-Engine-Reason", "X-Language", "X-Language-Guessed",
           "X-Seed", "X-Audio-Duration", "X-Ignored-Parameters", "X-Unsupported-Tags",
           "X-Unknown-Tags", "X-Unspoken-Text", "X-Retried-Segments", "Content-Disposition")
EN = "Good morning. The train leaves at 10:45 from platform 3."
TWO = "One more thing, before you go: it costs $12.50.\n\nThat is all."
TAGS = "[happy] It works! [sigh] At last. [pause:300ms] [whispering] Do not tell anybody."
BEDS = "Outside [rain] it rains, and rains. [rain] Now it is dry. [cafe:2s] Here they talk."
ES = "Buenos días. El 3 de mayo llegaron veintiuna personas a las 9:30."


def speech():
    """(name, route, fields) of the 38 requests for speech; a prompt is the field audio_prompt."""
    ask, r = [], "/generate-tts"

    def add(name, text=EN, route=r, **more):
        fields = {"text": text, "voice_id": "ana", "seed": "7"}
        fields.update(more)
        ask.append((name, route, {k: v for k, v in fields.items() if v is not None}))
    for f in ("wav", "mp3", "opus", "ogg", "aac", "flac", "pcm"):
        add(f"embedded {f}", engine="embedded", response_format=f)
        add(f"chatterbox {f}", engine="chatterbox", response_format=f)
    for e in ("embedded", "chatterbox"):
        add(f"{e} default voice", TWO, engine=e, voice_id="default")
        add(f"{e} stream", TWO, engine=e, stream="true")
        add(f"{e} stream with a bed", TWO, engine=e, stream="true", ambience_id="rain+wind",
            response_format="mp3")
        add(f"{e} bed, duck, level", engine=e, ambience_id="office", ambience_level="12",
            ambience_duck_db="6")
        add(f"{e} tags", TAGS, engine=e)
        add(f"{e} beds in the text", BEDS, engine=e)
        add(f"{e} speed, temperature", engine=e, speed="1.3", temperature="1.1", seed="123456789")
        add(f"{e} sample rate, as written", engine=e, sample_rate="16000", normalize="false")
        add(f"{e} prompt", TWO, engine=e, voice_id=None, audio_prompt="")
        add(f"{e} pronunciations", TWO, engine=e, pronunciations='{"thing": "matter"}')
    add("embedded Spanish", ES, engine="embedded", language="es")
    add("auto, a German text", "Guten Morgen, wie geht es Ihnen heute? Es regnet seit Stunden.")
    add("chatterbox greedy", engine="chatterbox", top_k="1")
    add("demo", None, "/demo", voice_id=None)
    return ask


class Side:
    """One program and its server."""

    def __init__(self, program, small, model):
        os.environ["TIMBRE"] = self.program = program
        self.small, self.answers = small, []
        self.server = harness.Server(MODEL=model, WORKERS="1", QUEUE_MAX="8")

    def start(self):
        os.environ["TIMBRE"] = self.program
        if not self.server.start(300):
            sys.exit(f"{self.program} does not start:\n{self.server.said()}")

    def run(self, *args):
        p = subprocess.run([self.program, *args], cwd=self.server.folder, capture_output=True)
        return p.stdout if p.returncode == 0 else b"failed: " + p.stderr

    def pace(self):
        """Waits until the model's pace was measured, then puts the made-up one in its place."""
        for _ in range(3000):
            found = glob.glob(self.server.folder + "/data/models/pace-*.json")
            if found:
                break
            time.sleep(0.1)
        else:
            sys.exit(f"{self.program} measured no pace:\n{self.server.said()}")
        self.server.stop()
        with open(found[0], "w") as f:
            f.write(PACE)
        self.start()

    def keep(self, name, status, headers, body):
        about = " ".join(f"{h}={headers[h]}" for h in HEADERS if h in headers)
        self.answers.append((name, status, about, body))

    def play(self, recording):
        s = self.server
        self.keep("timbre man", 0, {}, self.run("man"))
        for t in TYPES:
            out = os.path.join(s.folder, f"{t}.gguf")
            self.run("model", "convert", "--type", t, "--out", out, self.small)
            with open(out, "rb") as f:
                self.keep(f"model convert --type {t}", 0, {}, hashlib.sha256(f.read()).digest())
        status, _, _ = s.file("/voices/upload", "file", recording, name="ana")
        self.keep("upload", status, *s.ask("GET", "/voices/ana/audio")[1:])
        last = ""
        for name, route, fields in speech():
            if "audio_prompt" in fields:
                del fields["audio_prompt"]
                status, headers, body = s.file(route, "audio_prompt", recording, 600, **fields)
            else:
                status, headers, body = s.form(route, 600, **fields)
            self.keep(name, status, headers, body)
            last = headers.get("X-History-Id", last)
        self.keep("replay", *s.ask("POST", f"/history/{last}/replay", b"", timeout=600))


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    programs = [os.path.abspath(p) for p in sys.argv[1:3]]
    seed = sys.argv[3] if len(sys.argv) == 4 else os.path.join(
        os.path.dirname(programs[1]), "tools/seedmodel/timbre-seedmodel")
    del sys.argv[1:] # harness would take the first for the one program
    with tempfile.TemporaryDirectory(prefix="timbre-same-") as folder:
        small, model, recording = (os.path.join(folder, n) for n in ("small", "m.gguf", "recording.wav"))
        quiet = {"check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run([seed, "--small", small], **quiet)
        subprocess.run([programs[0], "model", "convert", "--out", model, small], **quiet)
        subprocess.run([programs[0], "sample", "--output", recording], cwd=folder, **quiet)
        with open(recording, "rb") as f:
            recording = f.read()
        sides = []
        for p in programs: # one after the other: harness reads the program from the environment
            sides.append(Side(p, small, model))
            sides[-1].start()
            sides[-1].pace()
        threads = [threading.Thread(target=s.play, args=(recording,)) for s in sides]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        bad = sum(compare(a, b) for a, b in zip(sides[0].answers, sides[1].answers))
        bad += len(sides[0].answers) != len(sides[1].answers)
        good = sum(a[1] == 200 for a in sides[0].answers)
        print(f"{len(sides[0].answers)} answers compared, {good} of them 200: {bad} differ", flush=True)
        for s in sides:
            s.server.stop()
    sys.exit(1 if bad or good < 40 else 0)


def compare(a, b):
    if a == b:
        print(f"same  {a[0]} ({len(a[3])} bytes)")
        return 0
    if a[1] != b[1]:
        print(f"OTHER {a[0]}: status {a[1]} before, {b[1]} after: {b[3][:200]!r}")
    elif a[2] != b[2]:
        print(f"OTHER {a[0]}: before {a[2]}; after {b[2]}")
    else:
        at = next((i for i, (x, y) in enumerate(zip(a[3], b[3])) if x != y), "the end")
        print(f"OTHER {a[0]}: {len(a[3])} and {len(b[3])} bytes, not the same from {at}")
    return 1


if __name__ == "__main__":
    main()
