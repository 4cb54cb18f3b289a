"""What was acknowledged is on the disk: the chat is killed at random moments, and watched by strace.

The clients keep the list of what was acknowledged. A sender's acknowledgement is `sent` at the web door and its
own line at the others. CI kills 25 times, scripts/test --full a hundred times.
"""
# ctest: timeout=400

import os
import random
import re
import threading
import time
import unittest

from chat_support import FAST, ChatTest, Guest, Page
from support import tool
from websocket_client import Closed

KILLS = 100 if os.environ.get("POLYPORT_FULL") == "1" else 25
ROWS = FAST + "history_lines = 0\nhistory_kept = 1000000\nhistory_age = \"0s\"\ndurable = true\n"


class Writer(threading.Thread):
    """Says one thing after another, `ahead` of what is acknowledged; ends with the connection."""

    def __init__(self, test, name, ahead):
        super().__init__()
        self.test, self.name_, self.ahead = test, name, ahead
        self.acknowledged = {}  # text: id
        self.ready = threading.Event()
        self.wrong = None

    def text(self, number):
        return f"{self.name_}-{number} " + "x" * (number % 200)

    def run(self):
        try:
            self.begin()
            self.ready.set()
            for number in range(100_000):
                self.say(self.text(number))
                if number >= self.ahead:
                    self.hear()
        except (OSError, AssertionError, Closed):
            pass  # it was killed
        except Exception as error:  # pylint: disable=broad-except
            self.wrong = error
        self.ready.set()


class WebWriter(Writer):
    def begin(self):
        self.page = Page(self.test, self.test.web, {})
        self.page.expect(type="room")

    def say(self, text):
        self.page.say(type="say", room="#lobby", text=text, ref=text)

    def hear(self):
        sent = self.page.expect(type="sent")
        self.page.seen.clear()
        if sent["kept"]:
            self.acknowledged[sent["ref"]] = sent["id"]


class LineWriter(Writer):
    def begin(self):
        self.guest = Guest(self.test, self.test.address)
        self.guest.line("/plain")
        self.guest.expect("chat plain\r\n")

    def say(self, text):
        self.guest.line(text)

    def hear(self):
        line = self.guest.expect(rb"say #lobby (\S+) " + self.guest.nick.encode() + rb" (.*)\r\n")
        self.acknowledged[line[2].decode()] = line[1].decode()
        self.guest.heard, self.guest.taken = self.guest.heard[self.guest.taken:], 0


def key(identity):
    return tuple(int(part) for part in identity.split("-"))


class Killed(ChatTest):
    def all_since(self, after):
        """Every message of the room after that id, in the order that the chat tells them."""
        page = self.page(rooms=[])
        page.expect(type="room")
        found, before = [], None
        while True:
            question = {"before": before} if before else {}
            page.say(type="history", room="#lobby", limit=500, **question)
            answer = page.expect(type="history")
            new = [message for message in answer["messages"] if not after or key(message["id"]) > key(after)]
            found = new + found
            if len(new) < len(answer["messages"]) or not answer["more"] or not new:
                return found
            before = new[0]["id"]

    def check(self, messages, acknowledged):
        ids = [key(message["id"]) for message in messages]
        self.assertEqual(ids, sorted(set(ids)), "ids rise")
        texts = [message["text"] for message in messages]
        self.assertEqual(len(texts), len(set(texts)), "none is there twice")
        there = {message["text"].strip(): message["id"] for message in messages}
        missing = {text: identity for text, identity in acknowledged.items()
                   if there.get(text.strip()) != identity}
        self.assertEqual(missing, {}, "acknowledged, and not there under that id")
        of_writer = {}
        for message in messages:
            name, number = message["text"].split()[0].rsplit("-", 1)
            of_writer.setdefault(name, []).append(int(number))
        for name, numbers in of_writer.items():  # nothing in the middle is missing
            self.assertEqual(numbers, list(range(len(numbers))), name)

    def test_no_acknowledged_message_is_missing_and_none_is_there_twice(self):
        seed = int(os.environ.get("POLYPORT_SEED", time.time_ns() % 1_000_000))
        print(f"POLYPORT_SEED={seed}", flush=True)
        chance = random.Random(seed)
        path = self.folder() / "chat.db"
        rows = ROWS + f'history = "sqlite:{path}"\n'
        last, total, everything = None, 0, {}
        for kill in range(KILLS):
            self.serve(rows)
            writers = [WebWriter(self, f"{kill}web1", 1), WebWriter(self, f"{kill}web50", 50),
                       LineWriter(self, f"{kill}line1", 1), LineWriter(self, f"{kill}line50", 50)]
            for writer in writers:
                writer.start()
            for writer in writers:
                writer.ready.wait(30)
            time.sleep(chance.uniform(0, 0.25))  # what is tested is that the moment does not matter
            self.server.kill()
            self.server.remove()
            for writer in writers:
                writer.join(60)
                self.assertIsNone(writer.wrong)
            acknowledged = {}
            for writer in writers:
                acknowledged.update(writer.acknowledged)
            total += len(acknowledged)
            everything.update(acknowledged)
            if kill % 5 == 4 or kill == KILLS - 1:
                self.serve(rows)
                messages = self.all_since(last)
                self.check(messages, everything)
                last = messages[-1]["id"] if messages else last
                everything = {}
                self.server.stop()
        print(f"{KILLS} kills, {total} acknowledged", flush=True)
        self.assertGreater(total, KILLS * 4)
        self.serve(rows)
        self.check(self.all_since(None), {})


class Watched(ChatTest):
    def trace(self, act, text="unmistakable", told=None):
        """What system calls `act` makes: writing the text to the disk, syncing, telling `told`, in their order."""
        told = told or text
        log = self.folder() / "strace"
        path = self.folder() / "chat.db"
        self.server = self.start(
            config=f'[services.chat]\nlisten = "127.0.0.1:0"\nweb = "127.0.0.1:0"\nirc = "127.0.0.1:0"\n{ROWS}'
                   f'history = "sqlite:{path}"\n',
            wrapper=[tool("strace"), "-f", "-qq", "-y", "-s", "65536", "-o", str(log), "-e",
                     "trace=fdatasync,fsync,pwrite64,write,writev,sendto,sendmsg"],
            env={"ASAN_OPTIONS": "detect_leaks=0"})
        self.address, self.web, self.irc = (self.server.address("chat", "tcp", door=door)
                                            for door in ("main", "web", "irc"))
        act()
        self.server.stop()
        calls = []
        for line in log.read_text(errors="replace").splitlines():
            if re.search(r"pwrite64\(\d+<[^>]*chat\.db-wal>", line) and text in line:
                calls.append("written")
            elif re.search(r"f(data)?sync.*= 0$", line) and "unfinished" not in line:
                calls.append("synced")
            elif re.search(r"(write|writev|sendto|sendmsg)\(\d+<(TCP|socket)", line) and told in line:
                calls.append("told")
        return calls

    def expect_order(self, calls, copies):
        """The text goes to the log file, that is synced, and only then anybody is told."""
        self.assertIn("written", calls)
        self.assertEqual(calls.count("told"), copies, calls)
        self.assertIn("synced", calls[calls.index("written"):calls.index("told")], calls)

    def test_the_line_door(self):
        def act():
            ann = self.enter()
            ann.line("unmistakable")
            ann.expect("guest-1: unmistakable\r\n")
        self.expect_order(self.trace(act), 1)

    def test_the_web_door(self):
        def act():
            page = self.page()
            page.say(type="say", room="#lobby", text="unmistakable", ref="r")
            page.expect(type="sent", ref="r")
        self.expect_order(self.trace(act, told=r'\"sent\"'), 1)

    def test_irc(self):
        def act():
            ivy = self.client("Ivy", caps="echo-message")
            ivy.line("PRIVMSG #lobby :unmistakable")
            ivy.expect(" PRIVMSG #lobby :unmistakable\r\n")
        self.expect_order(self.trace(act), 1)

    def test_nobody_hears_it_before(self):
        def act():
            ann, bob = self.enter(), self.enter()
            ann.line("unmistakable")
            for guest in (ann, bob):
                guest.expect("guest-1: unmistakable\r\n")
        self.expect_order(self.trace(act), 2)


if __name__ == "__main__":
    unittest.main()
