"""Guessers against the owner: 32 connections that try passwords as fast as they are answered. Once
with a plain password and once with an argon2id string, from the owner's own address and from others.
The owner asks among them, each time on a new connection, and must be answered each time; the guesses
must be few, by whatever way in. Takes some four minutes.

usage: guess.py [timbre]
"""
import base64, threading, time

from harness import Server, USER, Verdict

OPEN = ("$argon2id$v=19$m=8192,t=2,p=1$7KDgsichYyOaqMwj5T4WEg$"  # of "open sesame"
        "RDwt7z/f87q+AWpx+qxXWnz60WmBYwFSHLYBIaNZ8BU")
GUESSERS, OWNER_ASKS = 32, 100


def basic(password):
    return {"Authorization": "Basic " + base64.b64encode(f"{USER}:{password}".encode()).decode()}


class Guessers:
    """with Guessers(server, n, address) as g: …; g.statuses, g.seconds. address(i): of guesser i,
    said by a proxy on this machine."""

    def __init__(self, server, n=GUESSERS, address=None, how="basic"):
        self.server, self.n, self.address, self.how = server, n, address, how
        self.statuses, self.lock, self.ending = {}, threading.Lock(), False

    def __enter__(self):
        self.began = time.monotonic()
        self.threads = [threading.Thread(target=self.guess, args=(i,)) for i in range(self.n)]
        for t in self.threads:
            t.start()
        return self

    def one(self, i, k):
        headers = {"X-Forwarded-For": self.address(i)} if self.address else {}
        if self.how == "login":
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            return self.server.ask("POST", "/login", f"username={USER}&password=w{i}x{k}".encode(),
                                   headers, 120, auth=False)
        if self.how == "bearer":
            headers["Authorization"] = f"Bearer w{i}x{k}"
        else:
            headers.update(basic(f"w{i}x{k}"))
        return self.server.ask("GET", "/health", None, headers, 120, auth=False)

    def guess(self, i):
        k = 0
        while not self.ending:
            k += 1
            status = self.one(i, k)[0]
            with self.lock:
                self.statuses[status] = self.statuses.get(status, 0) + 1

    def __exit__(self, *_):
        self.seconds = time.monotonic() - self.began
        self.ending = True
        for t in self.threads:
            t.join()

    def rate(self):
        return self.statuses.get(401, 0) / self.seconds


def owner(server, password, n=OWNER_ASKS, headers=None):
    """Statuses and the times in seconds, each on a connection of its own."""
    statuses, times = {}, []
    for _ in range(n):
        began = time.monotonic()
        h = basic(password)
        h.update(headers or {})
        status = server.ask("GET", "/health", None, h, 60, auth=False)[0]
        times.append(time.monotonic() - began)
        statuses[status] = statuses.get(status, 0) + 1
    return statuses, sorted(times)


def figures(times):
    return f"median {times[len(times) // 2]:.3f} s, worst {times[-1]:.3f} s"


def around(v, name, password, stored, address=None, headers=None, slow=1.0):
    s = Server(API_PASSWORD=stored, CONNECTIONS_MAX="256", API_KEY="of our own, too")
    if not s.start():
        v.check(False, f"{name}: does not start: {s.said()}")
        return
    with Guessers(s, address=address) as g:
        time.sleep(1)
        first, t = owner(s, password, 1, headers)
        v.check(first == {200: 1}, f"{name}: the owner's first request among {GUESSERS} guessers: "
                                   f"{first}, {t[0]:.3f} s")
        then, t = owner(s, password, OWNER_ASKS, headers)
        v.check(then == {200: OWNER_ASKS}, f"{name}: then {then}, {figures(t)}")
        v.check(t[len(t) // 2] < slow, f"{name}: half of them within {slow} s")
    v.check(g.rate() < 150, f"{name}: {g.rate():.1f} guesses a second ({g.statuses})")
    v.check(s.stop() == 0, f"{name}: the server ends well")


def many_guessers(v):
    """More than may wait: 429 for some, and the owner from elsewhere is answered."""
    s = Server(CONNECTIONS_MAX="512", API_KEY="of our own, too")
    s.start()
    with Guessers(s, 128, lambda i: "203.0.113.9") as g:
        time.sleep(2)
        then, t = owner(s, "of our own", 20, {"X-Forwarded-For": "198.51.100.7"})
        v.check(then == {200: 20} and t[-1] < 1, f"128 guessers elsewhere: {then}, {figures(t)}")
    v.check(g.statuses.get(429, 0) > 0, f"128 guessers: some get 429 ({g.statuses})")
    with Guessers(s, 64, lambda i: f"203.0.113.{i}") as g:
        time.sleep(2)
        then, t = owner(s, "of our own", 20, {"X-Forwarded-For": "198.51.100.8"})
        v.check(then == {200: 20}, f"64 addresses: the owner at a new one: {then}, {figures(t)}")
    v.check(g.rate() < 150, f"64 addresses: {g.rate():.1f} guesses a second together")
    for how in ("login", "bearer"):
        with Guessers(s, 16, how=how) as g:
            time.sleep(3)
        v.check(g.rate() < 60, f"by {how}: {g.rate():.1f} guesses a second ({g.statuses})")
    v.check(s.stop() == 0, "many guessers: the server ends well")


def main():
    v = Verdict("guess")
    around(v, "plain, same address", "of our own", "of our own")
    around(v, "plain, other address", "of our own", "of our own", lambda i: "203.0.113.9",
           {"X-Forwarded-For": "198.51.100.7"}, slow=.2)
    around(v, "argon2id, same address", "open sesame", OPEN)
    around(v, "argon2id, other address", "open sesame", OPEN, lambda i: "203.0.113.9",
           {"X-Forwarded-For": "198.51.100.7"}, slow=.2)
    many_guessers(v)
    s = Server(API_PASSWORD=OPEN[:-40])
    v.check(not s.start() and "argon2id" in s.said(), f"a broken string: {s.said().strip()}")
    v.end()


if __name__ == "__main__":
    main()
