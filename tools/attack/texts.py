"""Texts that nobody would speak: one unit again and again. Each is answered, with sound or with a
sentence, in processor time in proportion to its length, and becomes speech whose length is, too;
with the text front and without, in several languages. At the end the longest that are taken.

The front alone is looked at by tests/embedded/test_hostile_texts.c, with many more units.

usage: texts.py [timbre]
"""
import os
import time
from harness import Doors, Server, Verdict

UNITS = {
    "letters": "a", "capitals": "W", "digits": "7", "digits and letters": "a1", "percent": "%",
    "brackets": "[", "less than": "<", "ampersands": "&", "dots": ".", "sentences": "a. ",
    "empty lines": "a\n\n", "abbreviations": "a.b.c. ", "roman numbers": "XIV ", "emoji": "\U0001F600",
    "zero-width": "a\u200b", "marks": "a\u0301\u0327", "right to left": "\u200f\u05d0", "Han": "\u4e2d",
    "Han with stops": "\u4e2d\u3002", "Thai": "\u0e01\u0e32", "two scripts": "a\u0436 ",
    "sounds": "[sigh]", "pauses": "[pause:100ms]a", "beds": "[rain]a", "nested markdown": "*_",
    "links": "[a](b) ", "money": "$1 ", "dates": "1/2/2023 ",
}
HOW = (("en", True), ("es", True), ("es", False), ("zh", True))  # language, with the front
SMALL = 120  # characters
PER_CHARACTER_S = 1.0  # of speech; measured: below 0.5
LONGEST = {
    "a word of 15,000 letters": "a" * 15000, "19,000 brackets": "[" * 19000,
    "5,000 combining marks": "e" + "\u0301" * 5000, "19,000 dots": "." * 19000,
    "a number of 10,000 digits": "7" * 10000,
}


def spent_s(pid):
    """Processor time of a process and of its children that have ended."""
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def say(s, text, language, normalize, timeout=60):
    """(status, seconds of sound, seconds of processor time)"""
    before = spent_s(s.process.pid)
    status, _, body = s.form("/demo", timeout, text=text, language=language, seed=1,
                             normalize=str(normalize).lower(), response_format="wav")
    seconds = max(0, len(body) - 44) / 2 / 24000 if status == 200 else 0
    return status, seconds, spent_s(s.process.pid) - before


if __name__ == "__main__":
    v = Verdict("texts")
    s = Server()
    v.check(s.start(), "starts")
    say(s, "Hello.", "en", True)
    worst_cpu, worst_sound = (0, ""), (0, "")
    for name, unit in UNITS.items():
        one = (unit * SMALL)[:SMALL]
        bad, answers = [], set()
        for language, normalize in HOW:
            st1, sound1, cpu1 = say(s, one, language, normalize)
            st2, sound2, cpu2 = say(s, one * 2, language, normalize)
            answers |= {st1, st2}
            how = f"{name}, {language}{'' if normalize else ', as written'}"
            worst_cpu = max(worst_cpu, (cpu2 / (2 * SMALL / 1000), how))
            worst_sound = max(worst_sound, (sound2 / (2 * SMALL), how))
            if cpu2 > 2.5 * cpu1 + .3 or sound2 > 2 * SMALL * PER_CHARACTER_S \
                    or not {st1, st2} <= {200, 422}:
                bad.append(f"{how}: {st1} {sound1:.0f} s in {cpu1:.2f} s, {st2} {sound2:.0f} s "
                           f"in {cpu2:.2f} s")
        v.check(not bad, f"{name}: {sorted(answers)} {'; '.join(bad)}")
    for name, text in LONGEST.items():
        began = time.monotonic()
        with Doors(s, .05) as doors:
            status, sound, cpu = say(s, text, "en", True, 600)
        v.check(status in (200, 422) and sound < len(text) * PER_CHARACTER_S,
                f"{name}: {status}, {sound:.0f} s of sound, {cpu:.1f} s of processor time, "
                f"{time.monotonic() - began:.0f} s; {doors}")
    print(f"texts: at most {worst_cpu[0]:.1f} s of processor time for 1,000 characters "
          f"({worst_cpu[1]}), and {worst_sound[0]:.2f} s of sound for one ({worst_sound[1]})")
    v.check(s.alive() and s.stop() == 0, "stops")
    v.end()
