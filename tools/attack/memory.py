"""No memory left: a server with little address space gets large uploads, together with small
requests. It may refuse (503, or close while a connection cannot be served), but it must live, and
answer well when the large ones are over. One that cannot even start says so and does not crash.

And what bodies cost: the most that the server holds while it answers one, and four at once, of
each kind, over what it held before, as a multiple of the bodies; and whether it gives that back.

usage: memory.py [timbre]
"""
import resource, time
from harness import MIB, Server, Verdict, together, wav

SIZES = (400, 500, 600, 700, 800, 1000, 1400)


def large(server, i):
    if i % 4 == 0:
        return server.file("/voices/upload", "file", wav(60) * 9, name=f"v{i}")[0]
    if i % 4 == 1:
        return server.json("/demo", b'{"text":"Hi","audio_prompt":"' + b"QUJD" * (7 * MIB) + b'"}')[0]
    if i % 4 == 2:
        return server.file("/demo", "audio_prompt", b"\r" * (31 * MIB), text="Hi")[0]
    return server.form("/generate-tts", text="A few words to be spoken. " * 8, voice_id="default")[0]


def attack(v, mib, rounds=3):
    s = Server({resource.RLIMIT_AS: mib * MIB})
    if not s.start():
        v.check(s.code == 1 and "timbre:" in s.said(), f"{mib} MB: does not start, ends with {s.code}: "
                + s.said().strip().split("\n")[-1])
        s.remove()
        return
    answers = {}
    for _ in range(rounds):
        for status in together(12, lambda i: large(s, i)):
            answers[status] = answers.get(status, 0) + 1
    alive = s.alive()
    said = s.said().strip().split("\n")[-1]
    v.check(alive, f"{mib} MB: lives through {3 * rounds * 4} requests {answers}"
            + ("" if alive else f", ended with {s.process.poll()}: {said}"))
    if alive:
        v.check(s.ask("GET", "/health")[0] == 200, f"{mib} MB: answers afterwards")
        code = s.stop()
        v.check(code == 0, f"{mib} MB: stops with {code}")
    s.remove()


def filled(head, unit, tail, size=30 * MIB):
    return head + unit * (size // len(unit)) + tail


WORK = 24 * MIB  # what a voice's analysis takes besides, of however long a recording
BODIES = {
    "a JSON prompt": ("json", filled(b'{"text":"Hi","audio_prompt":"', b"QUJD", b'"}')),
    "empty objects": ("json", filled(b'{"text":"Hi","x":[', b"{},", b"1]}")),
    "empty arrays": ("json", filled(b'{"text":"Hi","x":[', b"[],", b"1]}")),
    "members": ("json", filled(b'{"text":"Hi","x":{', b'"kkkk":0,', b'"z":0}}')),
    "brackets": ("json", filled(b'{"text":"Hi","x":', b"[", b"")),
    "pronunciations": ("json", filled(b'{"text":"Hi","pronunciations":{', b'"k":"v",', b'"z":"0"}}')),
    "a long text": ("json", filled(b'{"text":"', b"a ", b'"}')),
    "a form": ("form", filled(b"text=Hi&x=", b"%41", b"")),
    "form fields": ("form", filled(b"text=Hi", b"&x=1", b"")),
    "a noise file": ("file", b"\r" * (30 * MIB)),
    "a wav": ("file", wav(600)),
}
TYPES = {"json": "application/json", "form": "application/x-www-form-urlencoded"}


def send(s, kind, body):
    if kind == "file":
        return s.file("/demo", "audio_prompt", body, text="Hi")[0]
    return s.ask("POST", "/demo", body, {"Content-Type": TYPES[kind]})[0]


def settled(s, below, wait_s=10):
    end = time.monotonic() + wait_s
    while s.memory() > below and time.monotonic() < end:
        time.sleep(.2)
    return s.memory()


def cost(v):
    s = Server()
    v.check(s.start(), "starts")
    s.json("/demo", b'{"text":"Hello"}')
    for name, (kind, body) in BODIES.items():
        for n in (1, 4):
            before = settled(s, 0, 1.5)
            s.forget_most()
            statuses = together(n, lambda i: send(s, kind, body))
            most, now = s.memory("VmHWM"), settled(s, before + 24 * MIB)
            times = (most - before - n * WORK) / (n * len(body))
            v.check(times < 3 and now < before + 24 * MIB and s.alive(),
                    f"{name}, {n} at once: {times:.2f} times the bodies at most, then "
                    f"{(now - before) / MIB:+.0f} MB, {sorted(set(statuses))}")
    v.check(s.stop() == 0, "stops")
    s.remove()


if __name__ == "__main__":
    v = Verdict("memory")
    cost(v)
    for mib in SIZES:
        attack(v, mib)
    v.end()
