"""Strangers hold every connection: sockets with half a head and one byte a second, heads that never
come, answers that nobody reads, bodies that trickle. The owner's /health is asked all the while and
must be answered each time, 99 times of 100 within 50 ms; the strangers must be gone when their time is up.

usage: slow.py [timbre] [sockets, 620] [seconds, 30]
"""
import atexit
import multiprocessing
import resource
import select
import socket
import sys
import time
from harness import BASIC, Doors, Server, Verdict

soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

HALF = b"GET /health HTTP/1.1\r\nHost: a\r\nX-A: "
BOUND_MS = 50  # of an idle machine with two cores
WRONG = b"GET /voices HTTP/1.1\r\nHost: a\r\nAuthorization: Basic eDp5\r\n\r\n"


class Strangers:
    """n sockets, opened again when they are closed; each sends first, and then once a second. They are
    a process of their own: in this one they would take turns with the thread that measures."""

    def __init__(self, server, n, first, then):
        self.server, self.n, self.first, self.then = server, n, first, then
        self.sockets, self.closed = {}, multiprocessing.Value("i", 0)
        self.ending = multiprocessing.Event()
        self.process = multiprocessing.get_context("fork").Process(target=self.run, daemon=True)

    @property
    def reopened(self):
        return self.closed.value

    def open(self):
        s = socket.socket()
        s.setblocking(False)
        try:
            s.connect(("127.0.0.1", self.server.port))
        except BlockingIOError:
            pass
        except OSError:
            s.close()
            return
        self.sockets[s] = None

    def run(self):
        atexit.unregister(self.server.remove)  # it is the parent's
        for _ in range(self.n):
            self.open()
        while not self.ending.is_set():
            began = time.monotonic()
            for s in list(self.sockets):
                try:
                    if self.sockets[s] is None:
                        s.send(self.first)
                        self.sockets[s] = True
                    else:
                        s.send(self.then)
                        if s.recv(1 << 12) == b"":
                            raise OSError
                except BlockingIOError:
                    pass
                except OSError:
                    s.close()
                    del self.sockets[s]
                    self.closed.value += 1
            while len(self.sockets) < self.n and time.monotonic() - began < 1:
                self.open()
            time.sleep(max(0.05, 1 - (time.monotonic() - began)))

    def __enter__(self):
        self.process.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        self.process.join()


def hold(v, name, n, seconds, first, then, **settings):
    s = Server(**settings)
    assert s.start()
    with Strangers(s, n, first, then) as them:
        time.sleep(2)
        with Doors(s, every_s=0.05) as d:
            time.sleep(seconds)
        v.check(d.failed == 0 and d.at(.99) < BOUND_MS, f"{name}: {n} sockets, {them.reopened} closed by the server; {d}")
    v.check(s.stop() == 0, f"{name}: stops")
    s.remove()


def closed_after(c, limit, act=None):
    """Seconds until the server closes c, or None."""
    began = time.monotonic()
    c.setblocking(False)
    while time.monotonic() - began < limit:
        try:
            if act:
                act(c)
            if c.recv(1 << 16) == b"":
                return time.monotonic() - began
        except BlockingIOError:
            pass
        except OSError:
            return time.monotonic() - began
        time.sleep(0.2)
    return None


def deadlines(v, patience=2):
    s = Server(CLIENT_TIMEOUT=f"{patience}s", TEXT_MAX="100000")
    assert s.start()
    auth = f"Host: a\r\nAuthorization: {BASIC}\r\n".encode()
    took = closed_after(s.socket(), 6 * patience)
    v.check(took is not None, f"no head at all: closed after {took} s")
    c = s.socket()
    c.send(HALF)
    took = closed_after(c, 6 * patience, lambda c: c.send(b"x"))
    v.check(took is not None, f"a head that trickles: closed after {took} s")
    c = s.socket()
    c.send(b"POST /voices/upload HTTP/1.1\r\n" + auth + b"Content-Type: multipart/form-data; boundary=x\r\n"
           b"Content-Length: 1000000\r\n\r\n--x\r\n")
    took = closed_after(c, 10 * patience, lambda c: c.send(b"x"))
    v.check(took is not None, f"a body of five bytes a second: closed after {took} s")
    # An answer far larger than what the sockets keep, read at some bytes a second.
    path = s.form("/generate-tts", 120, voice_id="default", text="A long answer. " * 60)[1]["X-Download-Url"]
    c = socket.socket()
    c.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    c.connect(("127.0.0.1", s.port))
    c.send(b"GET " + path.encode() + b" HTTP/1.1\r\n" + auth + b"\r\n")
    began = time.monotonic()
    got = 0
    while time.monotonic() - began < 10 * patience and select.select([c], [], [], 10 * patience)[0]:
        try:
            piece = c.recv(100)
        except OSError:
            break
        if not piece:
            break
        got += len(piece)
        time.sleep(0.2)
        if time.monotonic() - began > 8 * patience:  # the rest at once: is there an end already?
            c.settimeout(5)
            try:
                while True:
                    piece = c.recv(1 << 20)
                    if not piece:
                        break
                    got += len(piece)
            except OSError:
                pass
            break
    size = int(s.ask("HEAD", path)[1].get("Content-Length", 0))
    v.check(0 < got < size, f"an answer of {size} bytes read at 500 a second: {got} bytes, then closed")
    # Who keeps to the least rate is served to the end.
    c = s.socket()
    body = b"text=Slow%20but%20honest.&junk=" + b"x" * 8000
    c.send(b"POST /demo HTTP/1.1\r\n" + auth + b"Content-Type: application/x-www-form-urlencoded\r\n"
           b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body))
    for i in range(0, len(body), 600):
        c.send(body[i:i + 600])
        time.sleep(0.25)
    c.settimeout(120)
    v.check(c.recv(20).startswith(b"HTTP/1.1 200"), f"{len(body)} bytes at 2.4 kB a second: served")
    v.check(s.stop() == 0, "stops")
    s.remove()


if __name__ == "__main__":
    v = Verdict("slow")
    numbers = [int(a) for a in sys.argv[1:] if a.isdigit()]
    n, seconds = (numbers + [620, 30])[:2] if len(numbers) != 1 else (numbers[0], 30)
    deadlines(v)
    hold(v, "half a head", n, seconds, HALF, b"x")
    hold(v, "silence", n, seconds, b"", b"")
    hold(v, "wrong credentials", n, seconds, WRONG, WRONG)
    hold(v, "half a head, a table of 64", n, seconds, HALF, b"x", CONNECTIONS_MAX="64")
    hold(v, "half a head, many", max(n, 2000), seconds, HALF, b"x")
    v.end()
