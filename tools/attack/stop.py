"""SIGTERM in every state: while clients hold half a head or half a body, leave answers unread, wait
for a password check, for a database that another process holds, for jobs, for streams, for a long
history. Each stop must end with 0, soon, and without a word of libmicrohttpd's panics.

usage: stop.py [timbre] [stops, 30]
"""
import base64
import os
import random
import sqlite3
import sys
import threading
import time
from harness import BASIC, Server, Verdict

KEY = "the key of the attack"
AUTH = f"Host: a\r\nxi-api-key: {KEY}\r\n".encode()
# A hash of nobody's password: every check takes its time and fails.
SLOW_HASH = "$argon2id$v=19$m=65536,t=3,p=1$" + base64.b64encode(b"s" * 16).decode().rstrip("=") + "$" + \
    base64.b64encode(b"h" * 32).decode().rstrip("=")
FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"


def post(path, body, extra=b""):
    return b"POST %s HTTP/1.1\r\n%s%s%sContent-Length: %d\r\n\r\n%s" % (path, AUTH, FORM, extra, len(body), body)


def get(path):
    return b"GET %s HTTP/1.1\r\n%s\r\n" % (path, AUTH)


LONG = b"voice_id=default&text=" + b"+".join(b"word%d" % i for i in range(400))
SHORT = b"voice_id=default&text=Short+and+sweet."
WRONG = b"GET /voices HTTP/1.1\r\nHost: a\r\nAuthorization: Basic %s\r\n\r\n"


def guess():
    return WRONG % base64.b64encode(b"x:%d" % random.randrange(1 << 60))


# What a client sends, and whether it reads the answers (and then sends again).
STATES = {
    "idle": (lambda: b"", False),
    "half a head": (lambda: b"GET /health HTTP/1.1\r\nHost: a\r\nX-", False),
    "half a body": (lambda: b"POST /voices/upload HTTP/1.1\r\n" + AUTH +
                    b"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 900000\r\n\r\n--x\r\n"
                    + b"x" * random.randrange(100000), False),
    "refused body": (lambda: b"POST /voices/upload HTTP/1.1\r\nHost: a\r\nContent-Length: 900000\r\n\r\n"
                     + b"x" * 5000, False),
    "short": (lambda: get(b"/health"), True),
    "unread": (lambda: get(b"/openapi.json") * 50, False),
    "password": (guess, True),
    "stores": (lambda: get(random.choice([b"/voices", b"/history", b"/history?limit=5", b"/jobs/none"])), True),
    "jobs": (lambda: post(b"/generate-tts", SHORT), True),
    "long jobs": (lambda: post(b"/generate-tts", LONG), True),
    "streams": (lambda: post(b"/generate-tts", LONG + b"&stream=true"), True),
    "unread streams": (lambda: post(b"/generate-tts", LONG + b"&stream=true"), False),
    "leaving": (lambda: post(b"/generate-tts", LONG), None),
}


def client(server, name, ending):
    """One client's life, until told to end or the server is gone."""
    make, reads = STATES[name]
    while not ending.is_set():
        try:
            with server.socket(timeout=0.3) as c:
                while not ending.is_set():
                    c.sendall(make())
                    if reads is None:
                        time.sleep(random.uniform(0, 0.2))
                        break
                    try:
                        if not reads:
                            ending.wait()
                        elif not c.recv(1 << 16):
                            break
                    except TimeoutError:
                        pass
        except OSError:
            time.sleep(0.02)


def stop_once(v, n, names, locked, **settings):
    settings = {"API_KEY": KEY, "SHUTDOWN_GRACE": "1s", "LOG_LEVEL": "debug", **settings}
    s = Server(**settings)
    if not s.start():
        return v.check(False, "starts: " + s.said()[-300:])
    ending = threading.Event()
    threads = [threading.Thread(target=client, args=(s, name, ending)) for name in names]
    lock = None
    if locked:
        lock = sqlite3.connect(os.path.join(s.folder, "data", "timbre.db"), isolation_level=None,
                               check_same_thread=False)
        lock.execute("PRAGMA busy_timeout=5000")
        lock.execute("BEGIN EXCLUSIVE")
    for t in threads:
        t.start()
    time.sleep(random.uniform(0, 0.8))
    began = time.monotonic()
    code = s.stop()
    took = time.monotonic() - began
    ending.set()
    for t in threads:
        t.join()
    if lock:
        lock.close()
    said = s.said()
    bad = [line for line in said.split("\n") if "Failed to" in line or "Fatal" in line or "anitizer" in line]
    good = code == 0 and took < 30 and not bad
    if not good:
        v.check(False, f"stop {n} ({', '.join(sorted(set(names)))}{', locked' if locked else ''}): {code} "
                f"after {took:.1f} s {bad[:2]} {said[-300:]}")
    s.remove()
    return took if good else None


def main():
    v = Verdict("stop")
    stops = ([int(a) for a in sys.argv[1:] if a.isdigit()] + [30])[0]
    worst = {}
    names = list(STATES)
    for n in range(stops):
        kind = n % (len(names) + 3)
        settings, locked = {}, False
        if kind < len(names):
            load = [names[kind]] * 12
            label = names[kind]
        else:
            load = [random.choice(names) for _ in range(30)]
            locked = kind == len(names)
            label = "all, locked" if locked else "all"
        if "password" in load:
            settings["API_PASSWORD"] = SLOW_HASH
        if label == "stores":
            locked = n // (len(names) + 3) % 2 == 0
        took = stop_once(v, n, load, locked, **settings)
        if took is not None:
            worst[label] = max(worst.get(label, 0), took)
        else:
            worst.setdefault(label, 0)
    for label, took in worst.items():
        print(f"stop: {label}: longest {took:.2f} s")
    v.check(v.bad == 0, f"{stops} stops with 0")
    v.end()


if __name__ == "__main__":
    main()
