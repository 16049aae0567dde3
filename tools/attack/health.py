"""/health while two hundred clients of all kinds keep the server busy: syntheses, uploads, lists,
previews, refused requests. Asked every 20 ms, on a connection that stays and on a fresh one in
turns; beside it a yardstick, how late this program itself wakes up from 20 ms of sleep.

usage: health.py [timbre [model folder [seconds]]]
The bound is of two cores that have nothing else to do: where the yardstick is late, so much more.
"""
import os, random, re, signal, sys, threading, time
from harness import BASIC, Server, Verdict, wav

CLIENTS, PROCESSES, EVERY_S, BOUND_MS = 200, 4, 0.02, 50
WAV = wav(2)


def one(server, draw):
    kind = draw.randrange(10)
    words = " ".join(draw.choice("rain house seven morning train nobody".split())
                     for _ in range(draw.choice((2, 8, 60))))
    if kind < 3:
        return server.form("/generate-tts", text=words + ".", voice_id="default", timeout=120)
    if kind == 3:
        return server.form("/demo", text=words + ".", stream="true", timeout=120)
    if kind == 4:
        return server.file("/voices/upload", "file", WAV, name=f"v{draw.randrange(50)}",
                           overwrite="true", timeout=120)
    if kind == 5:
        return server.ask("GET", draw.choice(("/voices", "/history", "/history?limit=20",
                                              "/languages", "/ambiences")), timeout=120)
    if kind == 6:
        return server.ask("GET", "/ambiences/rain/preview", timeout=120)
    if kind == 7:
        return server.form("/generate-tts", text="", voice_id="nobody", speed="x", timeout=120)
    if kind == 8:
        return server.json("/generate-tts", b'{"text": ["' + b"x" * draw.choice((9, 99999)),
                           timeout=120)
    return server.ask("GET", "/nowhere", auth=draw.random() < 0.5, timeout=120)


def client(server, seed, until):
    draw = random.Random(seed)
    while time.monotonic() < until:
        if one(server, draw)[0] in (0, 429, 503):
            time.sleep(draw.random())


def load(server, first, n, until):
    threads = [threading.Thread(target=client, args=(server, first + i, until)) for i in range(n)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()


def ask(s, door="/health"):
    s.sendall(f"GET {door} HTTP/1.1\r\nHost: t\r\nAuthorization: {BASIC}\r\n\r\n".encode())
    answer = s.recv(65536)
    assert answer.startswith(b"HTTP/1.1 200"), answer[:200]
    size = int(re.search(rb"Content-Length: (\d+)", answer).group(1))
    left = size - len(answer.split(b"\r\n\r\n", 1)[1])
    while left > 0:
        left -= len(s.recv(65536))


def probe(server, until, doors=("/health",)):
    """Times of a door, one after the other, and how late this program woke up, in ms."""
    kept, times, late = server.socket(), [], []
    while time.monotonic() < until:
        began = time.monotonic()
        time.sleep(EVERY_S)
        late.append((time.monotonic() - began - EVERY_S) * 1000)
        door = doors[len(times) // 2 % len(doors)]
        began = time.monotonic()
        if len(times) % 2:
            ask(kept, door)
        else:
            with server.socket() as fresh:
                ask(fresh, door)
        times.append((time.monotonic() - began) * 1000)
    return times, late


def part(ms, share):
    return sorted(ms)[min(len(ms) - 1, int(share * len(ms)))]


def told(ms):
    return ", ".join(f"{name} {part(ms, share):.1f}" for name, share in
                     (("p50", 0.5), ("p99", 0.99), ("max", 1))) + " ms"


def attack(v, server, seconds):
    until = time.monotonic() + seconds
    children = []
    for i in range(PROCESSES):
        pid = os.fork()
        if pid == 0:
            load(server, 1000 * i, CLIENTS // PROCESSES, until)
            os._exit(0)
        children.append(pid)
    time.sleep(1)
    times, late = probe(server, until)
    for pid in children:  # who still waits for speech leaves
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    print(f"{v.name}:      waking up late: {told(late)}")
    bound = BOUND_MS + 2 * part(late, 0.99)
    v.check(part(times, 0.99) < bound, f"/health, {CLIENTS} clients, {len(times)} times: {told(times)}"
            f"; bound {bound:.0f}")


if __name__ == "__main__":
    model = os.path.abspath(sys.argv[2]) if len(sys.argv) > 2 and sys.argv[2] else ""
    v = Verdict("health" + (" (chatterbox)" if model else ""))
    server = Server(LOG_LEVEL="warn", **({"ENGINE": "chatterbox", "MODEL": model} if model
                                        else {"ENGINE": "embedded"}))
    v.check(server.start(300), "starts")
    attack(v, server, float(sys.argv[3]) if len(sys.argv) > 3 else 15)
    v.check(server.ask("GET", "/health")[0] == 200, "answers afterwards")
    v.check(server.stop() == 0, "stops")
    v.end()
