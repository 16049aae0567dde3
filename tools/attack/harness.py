"""What the attacks share: a server of their own in an empty folder on loopback, and requests.

Python's standard library only. Every server gets a port of its own, no credentials of anybody's,
no download, and is killed with its folder when the script ends, however it ends.
"""
import atexit, base64, http.client, os, re, resource, shutil, signal, socket, subprocess, sys
import tempfile, threading, time

USER, PASSWORD = "attacker", "of our own"
BASIC = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
MIB = 1 << 20


def program():
    """The timbre under attack: the first argument, or TIMBRE, or what make built."""
    for path in sys.argv[1:2] + [os.environ.get("TIMBRE", ""), "build/timbre", "build/dev/timbre"]:
        if path and os.access(path, os.X_OK) and os.path.isfile(path):
            return os.path.abspath(path)
    sys.exit("no timbre to attack: name the program, or run make build")


class Server:
    """limits: {resource.RLIMIT_…: value}; settings become its .env. Requests that name no timeout wait
    patience_s for their answer."""
    patience_s = 60

    def __init__(self, limits=None, folder=None, **settings):
        self.folder = folder or tempfile.mkdtemp(prefix="timbre-attack-")
        self.limits = limits or {}
        env = {"HOST": "127.0.0.1", "PORT": "0", "API_USERNAME": USER, "API_PASSWORD": PASSWORD,
               "MODEL_DOWNLOAD": "0", "HF_HUB_CACHE": "none", "HF_HOME": "none", "DATA": "data"}
        env.update(settings)
        with open(os.path.join(self.folder, ".env"), "w") as f:
            for name, value in env.items():
                f.write(f'{name}="{value}"\n')
        self.process, self.port = None, 0
        atexit.register(self.remove)

    def start(self, wait_s=60):
        """True when it listens; else self.code says how it ended and self.said what it wrote."""
        def limit():
            for what, value in self.limits.items():
                resource.setrlimit(what, (value, value))
        self.log = open(os.path.join(self.folder, "log"), "ab")
        self.process = subprocess.Popen(
            [program(), "serve"], cwd=self.folder, stdout=subprocess.PIPE, stderr=self.log,
            preexec_fn=limit, env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8"})
        timer = threading.Timer(wait_s, self.process.kill)
        timer.start()
        line = self.process.stdout.readline().decode()
        timer.cancel()
        found = re.search(r":(\d+)\s*$", line)
        if not found:
            self.code = self.process.wait()
            return False
        self.port = int(found.group(1))
        return True

    def said(self):
        with open(os.path.join(self.folder, "log"), errors="replace") as f:
            return f.read()

    def alive(self):
        return self.process.poll() is None

    def kill(self):
        self.process.kill()
        return self.process.wait()

    def stop(self, wait_s=60):
        """How it ended: 0 is well, negative the signal it died of."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(wait_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return "had to be killed"

    def remove(self):
        if self.process and self.alive():
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def memory(self, what="VmRSS"):
        """Of its status in bytes: VmRSS now, VmHWM at most."""
        with open(f"/proc/{self.process.pid}/status") as f:
            return int(re.search(what + r":\s*(\d+) kB", f.read()).group(1)) * 1024

    def forget_most(self):
        """VmHWM begins again from what is held now."""
        with open(f"/proc/{self.process.pid}/clear_refs", "w") as f:
            f.write("5")

    def ask(self, method, path, body=None, headers=None, timeout=None, auth=True):
        """(status, headers, body); status 0 when the connection ended without an answer."""
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout or self.patience_s)
        h = {"Authorization": BASIC} if auth else {}
        h.update(headers or {})
        try:
            c.request(method, path, body, h)
            r = c.getresponse()
            return r.status, dict(r.getheaders()), r.read()
        except (OSError, http.client.HTTPException):
            return 0, {}, b""
        finally:
            c.close()

    def form(self, path, timeout=None, **fields):
        from urllib.parse import urlencode
        return self.ask("POST", path, urlencode(fields).encode(),
                        {"Content-Type": "application/x-www-form-urlencoded"}, timeout)

    def json(self, path, body, timeout=None):
        return self.ask("POST", path, body, {"Content-Type": "application/json"}, timeout)

    def file(self, path, field, data, timeout=None, **fields):
        """A multipart form with one file."""
        b = "xxATTACKxx"
        parts = b"".join(f'--{b}\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n'.encode()
                         for k, v in fields.items())
        parts += (f'--{b}\r\nContent-Disposition: form-data; name="{field}"; filename="a.wav"\r\n'
                  "Content-Type: application/octet-stream\r\n\r\n").encode() + data
        parts += f"\r\n--{b}--\r\n".encode()
        return self.ask("POST", path, parts, {"Content-Type": f"multipart/form-data; boundary={b}"},
                        timeout)

    def socket(self, timeout=60):
        return socket.create_connection(("127.0.0.1", self.port), timeout)


def wav(seconds, rate=24000):
    """A wav of a hum with some noise: read by every decoder, good for no voice."""
    import array, math, random
    draw = random.Random(1)
    one = array.array("h", (int(6000 * math.sin(i / 20) + draw.randint(-900, 900))
                            for i in range(rate)))
    data = one.tobytes() * seconds
    head = b"RIFF" + (36 + len(data)).to_bytes(4, "little") + b"WAVEfmt " + (16).to_bytes(4, "little")
    head += (1).to_bytes(2, "little") * 2 + rate.to_bytes(4, "little")
    head += (2 * rate).to_bytes(4, "little") + (2).to_bytes(2, "little") + (16).to_bytes(2, "little")
    return head + b"data" + len(data).to_bytes(4, "little") + data


def small_model(folder):
    """The small seeded model, made in folder; "" where timbre-seedmodel is not in the build."""
    build = os.path.dirname(program())
    for tool in (build + "/tools/seedmodel/timbre-seedmodel", build + "/release/tools/seedmodel/timbre-seedmodel"):
        if os.access(tool, os.X_OK):
            subprocess.run([tool, "--small", folder + "/small"], check=True, stdout=subprocess.DEVNULL)
            return folder + "/small"
    return ""


def together(n, work):
    """work(i) on n threads at once; what they returned."""
    results = [None] * n

    def one(i):
        results[i] = work(i)
    threads = [threading.Thread(target=one, args=(i,)) for i in range(n)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return results


class Doors:
    """Asks /health again and again while something goes on. with Doors(server) as d: …; d.worst()"""

    def __init__(self, server, every_s=0.01):
        self.server, self.every_s, self.times, self.failed = server, every_s, [], 0

    def __enter__(self):
        self.ending = False
        self.thread = threading.Thread(target=self.look)
        self.thread.start()
        return self

    def look(self):
        while not self.ending:
            began = time.monotonic()
            status, _, _ = self.server.ask("GET", "/health", timeout=30)
            self.times.append(time.monotonic() - began)
            self.failed += status != 200
            time.sleep(self.every_s)

    def __exit__(self, *_):
        self.ending = True
        self.thread.join()

    def at(self, share):
        """The time in ms below which this share of the answers came."""
        t = sorted(self.times)
        return 1000 * t[min(len(t) - 1, int(share * len(t)))]

    def __str__(self):
        return (f"/health: {len(self.times)} asked, {self.failed} failed, "
                f"p50 {self.at(.5):.1f} p99 {self.at(.99):.1f} worst {self.at(1):.1f} ms")


class Verdict:
    """Collects what held and what did not."""

    def __init__(self, name):
        self.name, self.bad = name, 0

    def check(self, held, what):
        print(f"{self.name}: {'ok  ' if held else 'BAD '} {what}", flush=True)
        self.bad += not held

    def end(self):
        sys.exit(1 if self.bad else 0)
