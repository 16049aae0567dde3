"""Eight long texts, and what short work waits for meanwhile: a word, a bed's preview, /health. The
word sounds as it does alone, byte for byte.

usage: starve.py [timbre [model folder]]    with a model the neural engine speaks
The bound is of two cores that have nothing else to do; where a word alone takes longer than half of it
(seeded weights of the full size say 3.2 s of sound for one word), it is twice the longest alone.
"""
import os, sys, time
from urllib.parse import urlencode
from harness import BASIC, Server, Verdict

SENTENCE = "The train to the city leaves at seven in the morning, and nobody knows when it returns. "
WORD = {"text": "Hello.", "voice_id": "default", "seed": 7}
LONGS, ROUNDS, BOUND_S, FACTOR = 8, 5, 3.0, 2.0


def begin_long(server, seed):
    body = urlencode({"text": SENTENCE * 200, "voice_id": "default", "seed": seed}).encode()
    s = server.socket()
    s.sendall(f"POST /generate-tts HTTP/1.1\r\nHost: t\r\nAuthorization: {BASIC}\r\nContent-Type: "
              f"application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
    return s


def attack(v, server):
    alone, alone_s = None, 0
    for i in range(ROUNDS):
        began = time.monotonic()
        alone = server.form("/generate-tts", timeout=600, **WORD)
        if i > 0:  # the first also loads things
            alone_s = max(alone_s, time.monotonic() - began)
    v.check(alone[0] == 200, f"a word alone: {alone_s:.2f} s at most")
    bound_s = max(BOUND_S, FACTOR * alone_s)
    sockets = [begin_long(server, i) for i in range(LONGS)]
    time.sleep(5)
    asks = {"a word": lambda: server.form("/generate-tts", timeout=600, **WORD),
            "a preview": lambda: server.ask("GET", "/ambiences/rain/preview", timeout=600),
            "/health": lambda: server.ask("GET", "/health", timeout=600)}
    for what, ask in asks.items():
        times, answers = [], []
        for _ in range(ROUNDS):
            began = time.monotonic()
            answers.append(ask())
            times.append(time.monotonic() - began)
        v.check(all(a[0] == 200 for a in answers) and max(times) < (bound_s if what == "a word" else BOUND_S),
                f"{what} among {LONGS} long texts: {max(times):.2f} s at most")
        if what == "a word":
            v.check(all(a[2] == alone[2] for a in answers), "sounds as alone")
    for s in sockets:
        s.close()


if __name__ == "__main__":
    model = os.path.abspath(sys.argv[2]) if len(sys.argv) > 2 else ""
    v = Verdict("starve" + (" (chatterbox)" if model else ""))
    engine = {"ENGINE": "chatterbox", "MODEL": model} if model else {"ENGINE": "embedded"}
    server = Server(**engine)
    v.check(server.start(300), "starts")
    attack(v, server)
    v.check(server.stop() == 0, "stops")
    v.end()
