"""Does a program still say what a page shows? The comparison that test_docs.py makes, line by line.

A page shows what one run printed. Another run prints other process ids, other borrowed ports, other
times. These are compared by kind, everything else to the letter (runs of blanks count as one):

  dates, times of day    "09:14:03", "Fri Nov 21 07:46:09 2026", "2026-11-21 07:46:09 UTC"
  measured durations     "12 ms", "2.5 s"; whole seconds like "60 s" are facts and must be equal
  process ids            "pid 4211", "pid=4211", "kill 4211", "[1] 4211"
  descriptors            "fd=8", and those that `run --narrate` tells
  borrowed ports         a number from 32768 to 60999 that no command of the page has named
  the clock of RFC 868   "00000000  ee ab ca c1  |....|", "are the number 4004235969; as seconds"
  versions               "polyport 0.1.0", "curl/7.88.1", "Linux 6.1.0-18-amd64"

A process id or a borrowed port that a page shows twice must be the same both times in reality too, and
a later command of the page that names it ("kill 4211") is run with the real one.

Where a long sentence is wrapped depends on how many digits a process id has: lines that begin with nine
blanks or more may be joined to the one above them, on both sides.

A line that is only "…" stands for any lines, also none; "…" within a line for any text.
"""

import re

ANY = "…"

_DAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_KINDS = {
    "date": rf"{_DAY} {_MONTH} ?\d?\d \d\d:\d\d:\d\d \d{{4}}"
            rf"|{_DAY}, \d\d {_MONTH} \d{{4}} \d\d:\d\d:\d\d GMT"
            r"|\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d:\d\d(?:\.\d+)?)?(?:Z| ?UTC|[+-]\d\d:\d\d)?",
    "time": r"(?<![\d:.\]])\d\d:\d\d:\d\d(?:\.\d{3})?(?![\d:])|(?<=since )\d\d:\d\d(?!:?\d)",
    "duration": r"(?<![\d.])\d+(?:\.\d+)? (?:ms|us|µs)\b|(?<![\d.])\d+\.\d+ s\b",
    "pid": r"\b\d+(?= (?:polyport|python3)(?: \[[^\]]*\])? student)|(?<=pid )\d+|(?<=pid=)\d+|(?<=.pid.: )\d+"
           r"|(?<=kill )\d+|(?<=^\[\d\] )\d+",
    "descriptor": r"(?<=fd=)\d+|(?<=^bind\()\d+|(?<=^listen\()\d+|(?<=^accept4\()\d+|(?<=^close\()\d+"
                  r"|(?<=SOCK_STREAM\) = )\d+|(?<=^accept4\(\d\d\) = )\d+|(?<=a number \()\d+"
                  r"|(?<=becomes socket )\d+",
    "stamp": r"(?<=^00000000 )(?:[0-9a-f]{2} ){4}\|.*\||(?<=are the number )\d+(?=; as seconds)",
    "port": r"(?<![\d.])(?:3[3-9]\d{3}|32[89]\d\d|327[789]\d|3276[89]|[45]\d{4}|60\d{3})(?!\d|\.\d)",
    "version": r"(?<=Linux )\d+\.\d+[\w.+-]*|(?<=polyport )\d+\.\d+\.\d+|(?<=curl/)[\d.]+\d|(?<=Python/)[\d.]+\d"
               r"|(?<=SimpleHTTP/)[\d.]+\d",
}
_VARIABLE = re.compile("|".join(f"(?P<{kind}>{form})" for kind, form in _KINDS.items()))
_BOUND = ("pid", "port")  # the kinds of which one shown value is one real value

# The borders of the ranges by IANA and by Linux are facts.
_BORDERS = {32768, 49151, 49152, 60999}


def _squeezed(line):
    return " ".join(line.split())


class Numbers:
    """What the numbers of a page stand for: learned from its commands and from what they print."""

    def __init__(self):
        self._named = set(_BORDERS)
        self._real = {}

    def name(self, text):
        """A command or a file of the page says these numbers: from now on they mean themselves."""
        shown = {number for _, number in self._real}
        self._named |= {int(number) for number in re.findall(r"\d+", text) if number not in shown}

    def real(self, command):
        """The command with the real process ids and ports in place of those the page shows."""
        known = {shown: real for (_, shown), real in self._real.items()}
        return re.sub(r"(?<![\d.])\d+(?![\d.])", lambda found: known.get(found[0], found[0]), command)

    def learn(self, pairs):
        self._real.update(pairs)

    def strangers(self):
        """As if nothing had been learned from what was printed."""
        others = Numbers()
        others._named = set(self._named)
        return others

    def varies(self, kind, text):
        return kind != "port" or int(text) not in self._named

    def agree(self, pairs, key, real):
        return pairs.get(key, self._real.get(key, real)) == real


def _pieces(line, numbers):
    """A squeezed line as (kind, text) pairs; kind is None for what must be equal."""
    begun = 0
    for found in _VARIABLE.finditer(line):
        kind = found.lastgroup
        if not numbers.varies(kind, found[0]):
            continue
        yield None, line[begun:found.start()]
        yield kind, found[0]
        begun = found.end()
    yield None, line[begun:]


def plain(line, numbers):
    """The line with "<kind>" for all that may differ: what a difference is shown with."""
    return "".join(f"<{kind}>" if kind else text for kind, text in _pieces(_squeezed(line), numbers))


def match_line(shown, real, numbers, pairs):
    """Whether one line says the same; `pairs` gains what the numbers in it stand for."""
    pattern, keys = "", []
    for kind, text in _pieces(_squeezed(shown), numbers):
        if kind is None:
            pattern += ".*".join(re.escape(part) for part in text.split(ANY))
        elif kind in _BOUND:
            pattern += f"({_KINDS[kind]})"
            keys.append((kind, text))
        else:
            pattern += f"(?:{_KINDS[kind]})"
    found = re.fullmatch(pattern, _squeezed(real))
    if not found:
        return False
    new = dict(pairs)
    for key, value in zip(keys, found.groups()):
        if not numbers.agree(new, key, value):
            return False
        new[key] = value
    pairs.update(new)
    return True


def _match_run(run, real, start, numbers, pairs):
    """Whether the lines of `run` stand in `real` from `start` on; pairs or None."""
    if start + len(run) > len(real):
        return None
    new = dict(pairs)
    for offset, line in enumerate(run):
        if not match_line(line, real[start + offset], numbers, new):
            return None
    return new


def match_unordered(shown, real, numbers):
    """Like match(), for lines that come in any order: each line of one side has its own on the other."""
    def assign(index, left, pairs):
        if index == len(shown):
            return pairs
        for position, line in enumerate(left):
            new = dict(pairs)
            if match_line(shown[index], line, numbers, new):
                done = assign(index + 1, left[:position] + left[position + 1:], new)
                if done is not None:
                    return done
        return None

    if len(shown) != len(real) or len(shown) > 12:  # the search is by trial
        return None
    pairs = assign(0, list(real), {})
    if pairs is None:
        return None
    numbers.learn(pairs)
    return len(real)


def _unwrapped(lines):
    joined = []
    for line in lines:
        if joined and line.startswith(" " * 9) and joined[-1].strip() not in ("", ANY):
            joined[-1] += " " + line.strip()
        else:
            joined.append(line)
    return joined


def match(shown, real, numbers, whole=True):
    """match_lines(), and where that fails for a whole output once more with the sentences unwrapped."""
    count = match_lines(shown, real, numbers, whole)
    if count is None and whole:
        unwrapped = match_lines(_unwrapped(shown), _unwrapped(real), numbers, whole)
        return None if unwrapped is None else len(real)
    return count


def match_lines(shown, real, numbers, whole=True):
    """How many lines of `real` are what `shown` shows, from the first on, or None where they are not.

    With `whole` nothing may be left over; without it the fewest lines that suffice are taken. The
    numbers are learned from a match only.
    """
    runs = [[]]
    for line in shown:
        if line.strip() == ANY:
            runs.append([])
        else:
            runs[-1].append(line)

    pairs, at = {}, 0
    for index, run in enumerate(runs):
        first, last = index == 0, index == len(runs) - 1
        starts = range(at, at + 1) if first else range(at, len(real) - len(run) + 1)
        if whole and last:  # it must end where the lines end
            end = len(real) - len(run)
            starts = [end] if end in starts else []
        for start in starts:
            new = _match_run(run, real, start, numbers, pairs)
            if new is not None:
                pairs, at = new, start + len(run)
                break
        else:
            return None
    numbers.learn(pairs)
    return at
