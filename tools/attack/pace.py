"""Sixteen streams of one seed, the first while the pace is not yet measured and the server is busy:
those that say the same pace have the same bytes, and a request that names a pace, and a replay, have
the bytes of the streams that said it.

usage: pace.py [timbre [model]]    without a model: the small seeded one, when timbre-seedmodel lies in
the build of the program
"""
import collections, os, sys, time
from harness import Server, Verdict, small_model, together

FORM = {"text": "Hello, my old friend. It is good to see you.", "voice_id": "default", "seed": 7, "stream": "true"}
STREAMS, HEAD, OTHER = 16, 44, "5000-300-900"


def stream(server, pace=None, after_s=0.0):
    """(status, pace, id, bytes)"""
    time.sleep(after_s)
    status, head, body = server.form("/generate-tts", timeout=1200, **FORM, **({"stream_pace": pace} if pace else {}))
    return status, head.get("X-Stream-Pace"), head.get("X-History-Id"), body


def attack(v, server, every_s):
    streams = together(STREAMS, lambda i: stream(server, after_s=i * every_s))
    v.check(all(s[0] == 200 and s[1] for s in streams), f"{STREAMS} streams, each says its pace")
    by_pace = collections.defaultdict(list)
    for s in streams:
        by_pace[s[1]].append(s)
    for pace, those in by_pace.items():
        v.check(all(s[3] == those[0][3] for s in those), f"{pace}: {len(those)} streams, one sound")
    by_pace[OTHER] = [stream(server, OTHER)]
    for pace, those in by_pace.items():
        named = stream(server, pace)
        v.check(named[1] == pace and named[3] == those[0][3], f"{pace} named: the same sound")
        status, head, body = server.ask("POST", f"/history/{those[-1][2]}/replay", b"", timeout=1200)
        v.check(status == 200 and head.get("X-Stream-Pace") == pace and body[HEAD:] == those[0][3][HEAD:],
                f"{pace} replayed: the same sound")


if __name__ == "__main__":
    v = Verdict("pace")
    server = Server(ENGINE="chatterbox")
    model = os.path.abspath(sys.argv[2]) if len(sys.argv) > 2 else small_model(server.folder)
    if not model:
        print("pace: no model, and no timbre-seedmodel to make one")
        sys.exit(0)
    with open(os.path.join(server.folder, ".env"), "a") as f:
        f.write(f'MODEL="{model}"\n')
    v.check(server.start(300), "starts")
    attack(v, server, 1.0 if len(sys.argv) > 2 else 0.02)
    v.check(server.stop() == 0, "stops")
    v.end()
