"""Names, notes, paths and texts that are meant to be taken for something else: what cannot be seen, what
turns the direction of reading, two spellings of one name, paths, lines of heads and of the log, bytes
that are no text.

Each is refused with a sentence or kept as what it is. No file is reached by a name, no header and no line
of the log is begun by one, no two voices look the same, every answer is JSON or sound and comes soon.

usage: names.py [timbre]
"""
import json, os, re, subprocess, time
from urllib.parse import quote, quote_from_bytes
from harness import BASIC, Server, Verdict, program

SOON_S = 10
UNSEEN = {"zero width space": "an\u200ba", "joiner": "an\u200da", "non-joiner": "an\u200ca", "word joiner": "an\u2060a",
          "byte order mark": "\ufeffana", "soft hyphen": "an\u00ada", "variation selector": "ana\ufe0f",
          "tag characters": "ana\U000e0061", "Hangul filler": "ana\u3164", "Mongolian separator": "an\u180ea",
          "invisible times": "an\u2062a", "right to left": "\u202eana", "isolate": "\u2066ana\u2069", "mark": "\u200fana",
          "no-break space": "an\u00a0a", "line separator": "an\u2028a", "Braille blank": "an\u2800a"}
NO_NAMES = {"nothing": "", "blank": " ", "blank before": " ana", "dot": ".", "dots": "..", "parent": "../ana", "root": "/etc/passwd",
            "backslash": "..\\ana", "NUL": "an\0a", "newline": "an\na", "head": "ana\r\nX-Evil: 1", "bell": "an\aa", "delete": "an\x7fa",
            "C1": "an\x85a", "markup": "<b>ana</b>", "quote": "an'a", "double quote": 'an"a', "percent": "an%2fa", "reserved": "default",
            "reserved, large": "DEFAULT", "long": "a" * 10000, "a mark first": "\u0301ana", "private use": "an\ue000a",
            "noncharacter": "an\uffffa", "emoji": "ana\U0001f600"}
PATHS = ["..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/.env", "....//....//.env", "..%5c..%5c.env", "%252e%252e%252f.env", "%c0%ae%c0%ae%c0%af.env",
         "%2fetc%2fpasswd", ".env", "timbre.db", "x%0d%0aX-Evil:%201", "x%00.wav", "%ff%fe", "a" * 8000, "%2e", "..;/.env", "x?/../.env", "*",
         "file:%2f%2f%2fetc%2fpasswd", "con", "x%20status=200%20user=root", "%e2%80%ae"]
TEXTS = {"a lone surrogate": '"\\ud800"', "two wrong surrogates": '"\\udc00\\ud800"', "NUL": '"a\\u0000b"', "noncharacters": '"a\\uffff\\ufffe"',
         "turned": '"\\u202eabc"', "unseen": '"\\u200b\\u200b"', "a head in a tag": '"[x\\r\\nX-Evil: 1] hello"', "a head": '"hello\\r\\nX-Evil: 1\\r\\n\\r\\nhi"',
         "tags": '"[' + "a" * 3000 + '] hello"', "escapes": '"\\u001b[31mred\\u0007"', "markup": '"<script>alert(1)</script> <speak>&lt;</speak>"',
         "phonemes": '"[[h@\\"loU]] hello"', "options": '"--stdout -w x.wav"', "a shell": '"$(touch owned) `touch owned`; touch owned"',
         "a format": '"%s%n%s%n"', "many marks": '"e' + "\\u0301" * 3000 + '"'}


def sane(reply, took):
    """Whether an answer is one of ours and came soon."""
    status, headers, body = reply
    kind = headers.get("Content-Type", "")
    fits = kind.startswith(("application/json", "audio/")) or status == 204
    if kind.startswith("application/json"):
        try:
            json.loads(body)
        except ValueError:
            fits = False
    return 0 < status != 500 and fits and took < SOON_S and "X-Evil" not in headers


def timed(work):
    began = time.monotonic()
    return work(), time.monotonic() - began


def names(v, s, sample):
    kept = lambda: sorted(r["id"] for r in json.loads(s.ask("GET", "/voices")[2])["voices"])
    before = kept()
    wrong = []
    for what, name in {**UNSEEN, **NO_NAMES}.items():
        ways = [lambda: s.file("/voices/upload", "file", sample, name=name)]
        if name:  # an empty one changes nothing
            ways.append(lambda: s.ask("PUT", "/voices/ana", json.dumps({"new_name": name}), {"Content-Type": "application/json"}))
        for way in ways:
            reply, took = timed(way)
            if not sane(reply, took) or not 400 <= reply[0] < 500:
                wrong.append((what, reply[0], reply[2][:60]))
    v.check(not wrong and kept() == before, f"{len(UNSEEN) + len(NO_NAMES)} names that hide or lead elsewhere are refused {wrong[:3]}")
    pairs = [("Zoé", "Zoe\u0301"), ("ANA MARIA", "ana maria"), ("Q\u0323\u0307", "Q\u0307\u0323"), ("\uac00", "\u1100\u1161")]
    one = []
    for a, b in pairs:
        first = s.file("/voices/upload", "file", sample, name=a)
        n = len(kept())
        reply = s.file("/voices/upload", "file", sample, name=b)
        spoken = s.ask("GET", "/voices/" + quote(b))
        if len(kept()) != n or reply[0] not in (200, 409) or spoken[0] != 200:
            one.append((a, b, first[0], first[2][:80], reply[0], spoken[0]))
    v.check(not one, f"{len(pairs)} pairs of spellings are one voice each {one[:2]}")
    wrong = []
    for field in ("description", "language", "region", "gender"):
        for value in ("a\0b", "a\x1bb", "\u202eabc", "a\u2066b", "x" * 2001, "x" * 20_000_000 if field == "description" else "x" * 101):
            reply, took = timed(lambda: s.file("/voices/upload", "file", sample, name="noted", **{field: value}))
            if not sane(reply, took) or not 400 <= reply[0] < 500:
                wrong.append((field, value[:9], reply[0]))
    v.check(not wrong, f"notes with control and direction characters, or too long, are refused {wrong[:3]}")
    size = len(s.ask("GET", "/voices")[2])
    v.check(size < 20000, f"the list of voices has {size} bytes")


def raw_upload(s, disposition, sample):
    b = b"--x\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nfiled\r\n--x\r\nContent-Disposition: " + disposition + b"\r\n\r\n"
    return s.ask("POST", "/voices/upload", b + sample + b"\r\n--x--\r\n", {"Content-Type": "multipart/form-data; boundary=x"})


def files(v, s, sample):
    wrong = []
    for name in (b"../../owned.wav", b"/tmp/owned.wav", b"..\\owned", b"a\0b.wav", b"\xff\xfe", b"x" * 5000, b"$(touch owned)", b"", b"\xe2\x80\xae",
                 b"a\\\"; name=\\\"name", b"%00"):
        reply, took = timed(lambda: raw_upload(s, b'form-data; name="file"; filename="' + name + b'"', sample))
        if not sane(reply, took):
            wrong.append((name[:20], reply[0]))
    stray = [f for f in os.listdir(s.folder) if "owned" in f]
    v.check(not wrong and not stray and not os.path.exists("/tmp/owned.wav"), f"names of uploaded files lead nowhere {wrong[:3]} {stray}")


def answer_of(s, target):
    c = s.socket(SOON_S)
    c.sendall(b"GET " + target.encode() + b" HTTP/1.1\r\nHost: a\r\nAuthorization: " + BASIC.encode() + b"\r\nConnection: close\r\n\r\n")
    got = b""
    try:
        while piece := c.recv(1 << 16):
            got += piece
    except OSError:
        pass
    c.close()
    return got


def paths(v, s):
    wrong = []
    for folder in ("/download/", "/voices/", "/jobs/", "/history/", "/ambiences/", "/", "/tts/../"):
        for path in PATHS:
            got = answer_of(s, folder + path)
            if not re.match(rb"HTTP/1.1 4\d\d ", got) or b"\nX-Evil" in got or b"root:" in got or b"API_" in got or b"SQLite" in got:
                wrong.append((folder + path[:30], got[:30]))
    v.check(not wrong, f"{7 * len(PATHS)} paths that lead elsewhere are refused {wrong[:3]}")
    wrong = []
    for name in ("X-Request-Id", "X-Forwarded-Prefix", "X-Forwarded-For", "Origin", "Range", "traceparent", "If-None-Match", "Accept", "Expect"):
        for value in ("\xff\xfe", "a" * 5000, "//evil.example/", "../..", '"\\"', "bytes=-0,-0," * 50, "%0d%0aX-Evil: 1", "status=200 user=root"):
            reply, took = timed(lambda: s.ask("GET", "/history?limit=1", headers={name: value}))
            if not (sane(reply, took) or reply[0] in (400, 417, 431)) or b"evil" in reply[2]:
                wrong.append((name, value[:20], reply[0]))
    v.check(not wrong, f"headers with odd values change nothing {wrong[:3]}")


def texts(v, s):
    wrong, answers = [], {}
    for what, text in TEXTS.items():
        for field in ("text", "voice_id", "language", "ambience_id", "response_format"):
            body = '{"text": "Hello.", "voice_id": "default", ' if field != "text" else '{"voice_id": "default", '
            body = body.replace(f'"{field}": "default", ', "") + f'"{field}": {text}}}'
            reply, took = timed(lambda: s.json("/generate-tts", body.encode(), 60))
            answers[reply[0]] = answers.get(reply[0], 0) + 1
            if not sane(reply, took if field != "text" else 0):
                wrong.append((what, field, reply[0], round(took, 1), reply[2][:50]))
    for raw in (b"\xff\xfe", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"a\x00b"):
        reply, took = timed(lambda: s.ask("POST", "/generate-tts", b"voice_id=default&text=" + quote_from_bytes(raw).encode(),
                                          {"Content-Type": "application/x-www-form-urlencoded"}))
        if not sane(reply, took):
            wrong.append((raw, reply[0]))
    v.check(not wrong, f"{5 * len(TEXTS)} hostile values of fields: {answers} {wrong[:3]}")
    v.check(not [f for f in os.listdir(s.folder) if f in ("owned", "x.wav")], "no text became an option or a command")


if __name__ == "__main__":
    v = Verdict("names")
    s = Server()
    assert s.start()
    path = os.path.join(s.folder, "sample.wav")
    subprocess.run([program(), "sample", "-o", path], check=True, capture_output=True, cwd=s.folder)
    with open(path, "rb") as f:
        sample = f.read()
    v.check(s.file("/voices/upload", "file", sample, name="ana")[0] == 200, "a voice is kept")
    names(v, s, sample)
    files(v, s, sample)
    paths(v, s)
    texts(v, s)
    v.check(s.alive() and s.stop() == 0, "the server lives, and stops")
    lines = [line for line in s.said().split("\n") if line]
    bad = [line for line in lines if not re.match(r"time=2\S+ level=\w+ room=\w+ ", line)
           or re.search("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]", line)]
    forged = [line for line in lines if re.search(r' user=root(?: |$)', re.sub(r'"(?:[^"\\]|\\.)*"', "", line))]
    v.check(not bad and not forged, f"{len(lines)} lines of the log: none was begun or forged from outside {bad[:2]} {forged[:1]}")
    s.remove()
    v.end()
