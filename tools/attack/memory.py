"""No memory left: a server with little address space gets large uploads, together with small
requests. It may refuse (503, or close while a connection cannot be served), but it must live, and
answer well when the large ones are over. One that cannot even start says so and does not crash.

usage: memory.py [timbre]
"""
import resource
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


if __name__ == "__main__":
    v = Verdict("memory")
    for mib in SIZES:
        attack(v, mib)
    v.end()
