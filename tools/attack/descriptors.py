"""No descriptors left: idle connections fill the table of open files of a server with a low limit.
New callers must be answered or closed, not left waiting; afterwards all is as before. Below a
sensible minimum the server refuses to start with a sentence.

usage: descriptors.py [timbre]
"""
import resource
import time
from harness import Server, Verdict, together

LIMITS = (8, 12, 16, 20, 32, 48, 63, 64, 72, 96, 128, 256, 1024)


def attack(v, limit):
    s = Server({resource.RLIMIT_NOFILE: limit})
    if not s.start():
        said = s.said().strip().split("\n")[-1]
        v.check(s.code != 0 and (limit < 16 or "open files" in said), f"{limit}: does not start ({s.code}): {said}")
        s.remove()
        return
    idle = []
    for _ in range(limit + 20):
        try:
            c = s.socket(timeout=5)
            c.sendall(b"GET /health HTTP/1.1\r\nHost: a\r\n")
            idle.append(c)
        except OSError:
            break
    time.sleep(0.5)
    began = time.monotonic()
    answers = [s.ask("GET", "/health", timeout=5)[0] for _ in range(20)]
    took = time.monotonic() - began
    v.check(took < 5, f"{limit}: {len(idle)} idle connections, 20 callers heard {sorted(set(answers))} "
            f"in {took:.2f} s")
    for c in idle:
        c.close()
    # Work that needs files and children, all at once.
    began = time.monotonic()
    while s.ask("GET", "/health", timeout=5)[0] != 200 and time.monotonic() - began < 10:
        time.sleep(0.1)
    v.check(s.ask("GET", "/health", timeout=5)[0] == 200,
            f"{limit}: answers {time.monotonic() - began:.1f} s after they left")
    said = [r[0] for r in together(40, lambda i: s.form("/generate-tts", voice_id="default", text=f"Number {i}."))]
    v.check(set(said) <= {200, 503, 0, 429}, f"{limit}: forty texts at once: "
            + ", ".join(f"{k}: {said.count(k)}" for k in sorted(set(said))))
    v.check(s.form("/generate-tts", voice_id="default", text="Still here.")[0] == 200, f"{limit}: speaks afterwards")
    code = s.stop()
    v.check(code == 0, f"{limit}: stops with {code}")
    s.remove()


if __name__ == "__main__":
    v = Verdict("descriptors")
    for limit in LIMITS:
        attack(v, limit)
    v.end()
