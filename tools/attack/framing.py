"""Requests that can be read in two ways, and what is no HTTP at all: each with a second request
behind it that must not be heard. Spoken to the server over plain sockets, over TLS, and through a
real nginx (where it is installed) that keeps its connections to the server, plain and over TLS.

Directly, each is answered with 400 and the end of the connection. Through nginx, the server must not
hear one request more than nginx has sent: nginx gives each an id of its own, and the second request
of each pair has another, so a smuggled one is seen in the server's log.

usage: framing.py [timbre]
"""
import os, re, shutil, signal, socket, ssl, subprocess, tempfile, threading, time
from harness import BASIC, Server, Verdict

AUTH = f"Authorization: {BASIC}\r\n".encode()
FORM = b"POST /demo HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n" + AUTH
GET = b"GET /health HTTP/1.1\r\nHost: a\r\n" + AUTH
SECOND = b"GET /tags HTTP/1.1\r\nHost: a\r\n" + AUTH + b"X-Request-Id: smuggled\r\nConnection: close\r\n\r\n"
CHUNKS = b"7\r\ntext=hi\r\n0\r\n\r\n"
LONG = b"a" * 70000


def doubtful():
    """name, bytes: to be refused with 400."""
    for line in [b"Content-Length: 7\r\nContent-Length: 3", b"Content-Length: 3\r\nContent-Length: 7",
                 b"content-length: 7\r\nCONTENT-LENGTH: 7", b"Content-Length: 7, 7", b"Content-Length: +7",
                 b"Content-Length: -7", b"Content-Length: 0x7", b"Content-Length: 7 7", b"Content-Length: ",
                 b"Content-Length : 7", b"Content-Length\t: 7", b"Content-Length\0: 7", b"Content\0Length: 7",
                 b"Content Length: 7", b"X-A(b): 7\r\nContent-Length: 7", b"X-\x01: 7\r\nContent-Length: 7",
                 b"X-A: b\0c\r\nContent-Length: 7", b"X-A: b\rX-B: c\r\nContent-Length: 7",
                 b"X-A: b\nContent-Length: 7", b"X-A: b\r\n c\r\nContent-Length: 7",
                 b"X-A: b\r\n\tContent-Length: 70\r\nContent-Length: 7", b": b\r\nContent-Length: 7",
                 b"X-A: b\n\nGET /tags HTTP/1.1\r\nContent-Length: 7"]:
        yield line, FORM + line + b"\r\n\r\ntext=hi"
    yield b"a head that ends with a bare LF", FORM + b"Content-Length: 7\r\n\ntext=hi"
    yield b"a first line that ends with a bare LF", GET.replace(b"\r\n", b"\n", 1) + b"\r\n"
    for line in [b"Content-Length: 7\r\nTransfer-Encoding: chunked", b"Transfer-Encoding: chunked\r\nContent-Length: 7",
                 b"Transfer-Encoding: chunked\r\nContent-Length: 0", b"Transfer-Encoding: gzip",
                 b"Transfer-Encoding: identity", b"Transfer-Encoding: gzip, chunked",
                 b"Transfer-Encoding: chunked, identity", b"Transfer-Encoding: xchunked",
                 b"Transfer-Encoding: \x0bchunked", b"Transfer-Encoding: \"chunked\"",
                 b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
                 b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
                 b"Transfer-Encoding : chunked", b"Transfer-Encoding:\nchunked"]:
        yield line, FORM + line + b"\r\n\r\n" + CHUNKS
    yield b"HTTP/1.0 in chunks", FORM.replace(b"1.1", b"1.0", 1) + b"Transfer-Encoding: chunked\r\n\r\n" + CHUNKS
    for chunks in [b" 7\r\ntext=hi\r\n0\r\n\r\n", b"0x7\r\ntext=hi\r\n0\r\n\r\n", b"+7\r\ntext=hi\r\n0\r\n\r\n",
                   b"-1\r\ntext=hi\r\n0\r\n\r\n", b"g\r\ntext=hi\r\n0\r\n\r\n", b"\r\ntext=hi\r\n0\r\n\r\n",
                   b"7\ntext=hi\n0\n\n", b"7\ntext=hi\r\n0\r\n\r\n", b"7\r\ntext=hi\n0\r\n\r\n",
                   b"7\r\ntext=hi\r\n0\n\r\n", b"7\r\ntext=hi\r\n0\r\n\n", b"7;a=b\ntext=hi\r\n0\r\n\r\n",
                   b"7;\n\r\ntext=hi\r\n0\r\n\r\n", b"7\r\ntext=hi\r\n0\r\nX-A: b\n\r\n",
                   b"7\r\ntext=hixx\r\n0\r\n\r\n", b"6\r\ntext=hi\r\n0\r\n\r\n"]:
        yield b"chunks " + chunks, FORM + b"Transfer-Encoding: chunked\r\n\r\n" + chunks
    for line in [b"Host: b", b"host: a"]:
        yield b"another " + line, GET + line + b"\r\n\r\n"
    for host in [b"", b"Host: a b\r\n", b"Host: a, b\r\n", b"Host: x@a\r\n", b"Host: a/b\r\n"]:
        yield b"host " + host, b"GET /health HTTP/1.1\r\n" + host + AUTH + b"\r\n"
    yield b"two addresses", GET.replace(b"/health", b"/health /tags") + b"\r\n"
    yield b"lengths of a GET", GET + b"Content-Length: 0\r\nContent-Length: 60\r\n\r\n"


NOT_HTTP = {b"no version": (b"GET /health\r\n\r\n", 400), b"FTP": (b"GET / FTP/1.1\r\nHost: a\r\n\r\n", 400),
            b"version 2": (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
            b"a line without a colon": (b"GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", 400),
            b"a huge length": (b"POST /demo HTTP/1.1\r\nHost: a\r\nContent-Length: " + b"9" * 30 + b"\r\n\r\n", 413),
            b"a long address": (b"GET /" + LONG + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
            b"a long head": (GET + b"X-A: " + LONG + b"\r\n\r\n", 431)}


def certificate(folder):
    path = os.path.join(folder, "own.pem")
    made = subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                           "-nodes", "-keyout", path, "-out", path + ".crt", "-subj", "/CN=localhost", "-days", "2"],
                          capture_output=True)
    with open(path, "ab") as f:
        f.write(open(path + ".crt", "rb").read())
    return path if made.returncode == 0 else None


def exchange(port, data, tls, wait_s=20):
    """All that comes until the end; and whether the end came."""
    c = socket.create_connection(("127.0.0.1", port), wait_s)
    if tls:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        c = context.wrap_socket(c)
    got = b""
    try:
        c.sendall(data)
        while len(got) < 1 << 20:
            some = c.recv(1 << 16)
            if not some:
                return got, True
            got += some
    except TimeoutError:
        return got, False
    except OSError:  # reset, or the end of TLS without its last word
        pass
    finally:
        c.close()
    return got, True


def directly(v, server, tls):
    name, cases = "TLS" if tls else "plain", list(doubtful())
    bad = []
    for what, data in cases:
        got, ended = exchange(server.port, data + SECOND, tls)
        if not (got.startswith(b"HTTP/1.1 400 ") and ended and b"smuggled" not in got):
            bad.append((what, got[:40]))
    v.check(not bad, f"{name}: {len(cases)} doubtful requests, {len(cases) - len(bad)} refused with 400 and closed {bad[:3]}")
    bad = []
    for what, (data, status) in NOT_HTTP.items():
        got, ended = exchange(server.port, data + SECOND, tls)
        own = all(h in got for h in [b"\r\nX-Request-Id: ", b": nosniff\r\n", b"frame-ancestors 'none'", b'{"detail"'])
        if not (got.startswith(b"HTTP/1.1 %d " % status) and ended and own and b"smuggled" not in got):
            bad.append((what, got[:40]))
    v.check(not bad, f"{name}: {len(NOT_HTTP)} that are no HTTP are answered with all our headers {bad[:3]}")
    got, _ = exchange(server.port, FORM + b"Transfer-Encoding: chunked\r\n\r\n" + CHUNKS + SECOND, tls)
    v.check(got.startswith(b"HTTP/1.1 200 ") and b"smuggled" in got, f"{name}: what is well formed is answered, and what follows")
    v.check("smuggled" in server.said() and server.said().count("id=smuggled") == 1, f"{name}: no other second request in the log")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Nginx:
    """In front of a server, in a folder of its own; its log has the id and the status of each request."""

    def __init__(self, server, tls):
        self.folder, self.port = tempfile.mkdtemp(prefix="timbre-attack-"), free_port()
        with open(os.path.join(self.folder, "nginx.conf"), "w") as f:
            f.write(f"""daemon off; master_process off; worker_processes 1; pid nginx.pid; error_log error.log;
events {{ worker_connections 256; }}
http {{
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
    log_format ids '$request_id $status $upstream_status'; access_log access.log ids;
    upstream timbre {{ server 127.0.0.1:{server.port}; keepalive 8; }}
    server {{
        listen 127.0.0.1:{self.port}; ignore_invalid_headers off; underscores_in_headers on; client_max_body_size 32m;
        location / {{
            proxy_pass {"https" if tls else "http"}://timbre; proxy_ssl_verify off; proxy_http_version 1.1;
            proxy_request_buffering off; proxy_set_header Connection ""; proxy_set_header X-Request-Id $request_id;
        }}
    }}
}}
""")
        self.process = subprocess.Popen(["nginx", "-p", self.folder, "-c", "nginx.conf", "-e", "error.log"],
                                        cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.05)

    def lines(self):
        try:
            with open(os.path.join(self.folder, "access.log")) as f:
                return [line.split() for line in f]
        except OSError:
            return []

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)
        shutil.rmtree(self.folder, ignore_errors=True)


def through_nginx(v, server, tls):
    name = "behind nginx" + (", TLS to the server" if tls else "")
    before = server.said().count("smuggled")
    front = Nginx(server, tls)
    cases = list(doubtful()) + [(w, d) for w, (d, _) in NOT_HTTP.items()]
    for _, data in cases:
        exchange(front.port, data + SECOND, False, 3)
    exchange(front.port, FORM + b"Content-Length: 7\r\n\r\ntext=hi" + SECOND, False)
    time.sleep(1)
    sent = [line for line in front.lines() if line[-1] != "-"]
    heard = re.findall(r"room=http id=([0-9a-f]{32}) method", server.said())
    front.end()
    v.check(len(sent) > 2 and server.said().count("smuggled") == before,
            f"{name}: {len(cases)} doubtful pairs, {len(sent)} requests passed on, none smuggled")
    v.check(sorted(heard) == sorted(line[0] for line in sent if line[0] in heard) and set(heard) <= {line[0] for line in sent},
            f"{name}: the server heard {len(heard)} requests, each of them sent by nginx once")
    answers = [line[-1] for line in sent]
    print(f"{name}: " + ", ".join(f"{answers.count(a)} times {a}" for a in sorted(set(answers))))


if __name__ == "__main__":
    v = Verdict("framing")
    for tls in (False, True):
        s = Server(CLIENT_TIMEOUT="5s")
        if tls:
            if not shutil.which("openssl") or not certificate(s.folder):
                print("framing: no openssl here, TLS is left out")
                continue
            with open(os.path.join(s.folder, ".env"), "a") as f:
                f.write("TLS_CERT=own.pem\nTLS_KEY=own.pem\n")
        assert s.start()
        directly(v, s, tls)
        if shutil.which("nginx"):
            through_nginx(v, s, tls)
        else:
            print("framing: no nginx here, what it passes on is left out")
        v.check(s.stop() == 0, "stops")
        s.remove()
    v.end()
