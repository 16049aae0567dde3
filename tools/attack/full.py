"""A disk that is really full: DATA lies on a small file system in memory, mounted where nobody else sees
it, and another file takes every byte that is left. What is new must be a 507 with a sentence, removing
must work (by name, all, old and large ones), the server must start and stop there, and after kill -9 in
the middle exactly those are gone whose removal was acknowledged (one more may be).

usage: full.py [timbre]
Needs mounts of its own (unshare); where the system permits none it says so and holds.
"""
import os, random, subprocess, sys, threading, time
from harness import Server, Verdict

DISK, ENTRIES = "24m", 100


def alone():
    """This program again, where it may mount."""
    if os.environ.get("TIMBRE_ATTACK_ALONE"):
        return
    if subprocess.call(["unshare", "-rm", "true"], stderr=subprocess.DEVNULL):
        print("full: skip no mounts may be made here")
        sys.exit(0)
    os.environ["TIMBRE_ATTACK_ALONE"] = "1"
    os.execvp("unshare", ["unshare", "-rm", sys.executable, "-B"] + sys.argv)


def stuff(data):
    with open(os.path.join(data, "somebody's"), "ab", buffering=0) as f:
        try:
            while True:
                f.write(b"x" * 4096)
        except OSError:
            pass


def entries(server):
    import json
    return [e["id"] for e in json.loads(server.ask("GET", "/history")[2])]


def speak(server):
    return server.form("/generate-tts", text="A word.", voice_id="default", format="wav")


def refused(v, server, what):
    status, _, body = speak(server)
    v.check(status == 507 and b"DELETE works" in body, f"{what}: new sound is {status}")
    status, _, body = server.file("/voices/upload", "file", server.recording, name="Late")
    v.check(status == 507 and b"DELETE works" in body, f"{what}: an upload is {status}")


def removes(v, server, data):
    ids = entries(server)
    stuff(data)
    refused(v, server, "full")
    v.check(server.ask("DELETE", "/voices/Ana")[0] == 200, "a voice is removed")
    stuff(data)
    v.check(server.ask("DELETE", f"/history/{ids[0]}")[0] == 200, "an entry is removed")
    stuff(data)
    status = server.ask("DELETE", "/history", b'{"ids":["%s","%s"]}' % (ids[1].encode(), ids[2].encode()),
                        {"Content-Type": "application/json"})[0]
    v.check(status == 200 and len(entries(server)) == len(ids) - 3, f"three entries are removed: {status}")
    stuff(data)
    refused(v, server, "still full")
    v.check(server.stop() == 0, "stops on a full disk")
    stuff(data)
    v.check(server.start(), "starts on a full disk")
    v.check(len(entries(server)) == len(ids) - 3, "lists what it has")


def killed(v, server, data, rounds):
    """Removals one after the other, killed at some instant."""
    known, bad = set(entries(server)), 0
    for _ in range(rounds):
        gone, todo = set(), list(known)

        def work():
            for one in todo:
                stuff(data)
                if server.ask("DELETE", f"/history/{one}")[0] != 200:
                    return
                gone.add(one)
        worker = threading.Thread(target=work)
        worker.start()
        time.sleep(random.uniform(0.01, 0.12))
        server.kill()
        worker.join()
        if not server.start():
            return v.check(False, "starts after kill -9: " + server.said()[-300:])
        now = set(entries(server))
        bad += not (now <= known - gone and len(known - gone - now) <= 1)
        known = now
    v.check(bad == 0, f"{rounds} times kill -9 while removing from a full disk, {len(known)} entries left")


def attack(v):
    server = Server(LOG_LEVEL="warn", HISTORY_MAX_BYTES="6000000")
    data = os.path.join(server.folder, "data")
    os.mkdir(data)
    subprocess.check_call(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "small", data])
    if not server.start():
        return v.check(False, "starts: " + server.said()[-300:])
    v.check(os.path.getsize(os.path.join(data, "reserve")) == 2 << 20, "keeps a reserve of 2 MiB")
    server.recording = server.form("/demo", text="This is what a voice is made of: some sentences of "
                                   "speech, read by nobody in particular, for eight seconds.")[2]
    status = server.file("/voices/upload", "file", server.recording, name="Ana")[0]
    v.check(status == 200, f"keeps a voice: {status}")
    v.check(all(speak(server)[0] == 200 for _ in range(ENTRIES)), "speaks")
    removes(v, server, data)
    killed(v, server, data, 12)
    stuff(data)
    v.check(server.ask("DELETE", "/history?delete_all=true")[0] == 200 and not entries(server),
            "the whole history is removed")
    os.unlink(os.path.join(data, "somebody's"))
    v.check(speak(server)[0] == 200, "speaks again when there is room")
    v.check(os.path.getsize(os.path.join(data, "reserve")) == 2 << 20, "the reserve is whole again")
    v.check(server.stop() == 0, "stops")
    subprocess.call(["umount", data])
    server.remove()


if __name__ == "__main__":
    alone()
    v = Verdict("full")
    attack(v)
    v.end()
