"""The chat's history in a file: what survives, who may have the file, and what is said where it cannot be kept."""
# ctest: timeout=240

import contextlib
import os
import pathlib
import re
import signal
import sqlite3
import subprocess
import sys
import unittest

from chat_support import FAST, ChatTest
from support import BINARY, cli, peak_bytes, tool, wait_until

LINES = "history_lines = 100\n"


class HistoryTest(ChatTest):
    def setUp(self):
        self.path = self.folder() / "chat.db"

    def rows(self, more="", path=None):
        return FAST + LINES + f'history = "sqlite:{path or self.path}"\n' + more

    def said(self, guest):
        """The texts of the history that it was shown, in their order."""
        guest.line("/msg nobody x")
        guest.expect("* nobody here is called nobody")
        return re.findall(rb"guest-\d+: (.*)\r\n", guest.heard)

    def expect_logged(self, words, server=None):
        server = server or self.server
        wait_until(lambda: words in server.stderr(), f"{words!r} in the log")

    def refused(self, path=None, code=5, **settings):
        """What a start says that does not come about."""
        result = cli("run", "chat:0", "--set", f"services.chat.history=sqlite:{path or self.path}",
                     "--set", "health.listen=127.0.0.1:0", "--set", "admin.listen=127.0.0.1:0",
                     **settings)
        self.assertEqual(result.code, code, result)
        self.assertNotIn("ready", result.out)
        return result


class Survives(HistoryTest):
    def test_a_restart(self):
        self.serve(self.rows())
        ann = self.enter()
        for text in ("one", "zwei", "/me three"):
            ann.line(text)
        ann.expect("three")
        self.server.stop()
        self.assertEqual(self.path.stat().st_mode & 0o777, 0o600)
        self.assertEqual([self.path], list(self.path.parent.glob("chat.db*")))  # no log is left
        self.serve(self.rows())
        bob = self.enter()
        bob.expect("* said before you came:\r\nguest-1: one\r\nguest-1: zwei\r\n* guest-1 three\r\n")
        bob.expect("* you are here now\r\n")

    def test_ids_go_on_where_the_clock_went_back(self):
        self.serve(self.rows())
        page = self.page()
        page.say(type="say", room="#lobby", text="now", ref="1")
        page.expect(type="sent", kept=True)
        self.server.stop()
        future = 32_503_680_000_000  # the year 3000
        with contextlib.closing(sqlite3.connect(self.path)) as file:
            file.execute("UPDATE messages SET ms = ?", (future,))
            file.commit()
        self.serve(self.rows())
        page = self.page()
        page.say(type="say", room="#lobby", text="later", ref="1")
        self.assertEqual(page.expect(type="sent")["id"], f"{future}-1")

    def test_by_default_in_the_state_directory(self):
        state = self.folder() / "state"
        self.server = self.start(
            config='[services.talk]\ntype = "chat"\nlisten = "127.0.0.1:0"\nhistory = "sqlite"\n',
            env={"STATE_DIRECTORY": str(state)})
        self.enter(self.server.address("talk")).line("hello")
        self.server.stop()
        self.assertTrue((state / "chat/talk.db").exists())
        self.assertEqual((state / "chat").stat().st_mode & 0o777, 0o700)

    def test_in_memory_nothing_is_written(self):
        state = self.folder() / "state"
        self.server = self.start(config='[services.chat]\nlisten = "127.0.0.1:0"\n',
                                 env={"STATE_DIRECTORY": str(state)})
        self.enter(self.server.address("chat")).line("hello")
        self.server.stop()
        self.assertFalse(state.exists())


class OneFile(HistoryTest):
    def test_a_second_program_is_told_who_has_it(self):
        self.serve(self.rows())
        result = self.refused()
        self.assertIn(f"{self.path}: error: the history of the chat cannot be kept here: process "
                      f"{self.server.pid} (polyport) has it open (two chats need two files: "
                      'history = "sqlite:PATH")', result.err)
        self.enter().line("the first one goes on")

    def test_the_default_file_is_had_by_the_first(self):
        """The second goes on without, unless it has promised to keep."""
        state = {"STATE_DIRECTORY": str(self.folder() / "state")}
        config = '[services.chat]\nlisten = "127.0.0.1:0"\nhistory = "sqlite"\n'
        first, second = (self.start(config=config, env=state) for _ in range(2))
        self.expect_logged(f"process {first.pid} (polyport) has it open", second)
        self.expect_logged("history stays in memory", second)
        ann = self.enter(second.address("chat"))
        ann.line("hello")
        ann.expect("guest-1: hello\r\n")
        result = cli("run", "chat:0", "--set", "services.chat.history=sqlite", "--set",
                     "services.chat.durable=true", "--set", "health.listen=127.0.0.1:0", "--set",
                     "admin.listen=127.0.0.1:0", env=state)
        self.assertEqual(result.code, 5, result)
        self.assertIn(f"process {first.pid} (polyport) has it open", result.err)

    def test_a_second_chat_of_the_same_program(self):
        row = f'listen = "127.0.0.1:0"\nhistory = "sqlite:{self.path}"\n'
        config = self.folder() / "two.toml"
        config.write_text(f'[services.one]\ntype = "chat"\n{row}[services.two]\ntype = "chat"\n{row}')
        result = cli("run", config, "--set", "health.listen=127.0.0.1:0", "--set",
                     "admin.listen=127.0.0.1:0")
        self.assertEqual(result.code, 5, result)
        self.assertIn("another chat of this polyport has it open", result.err)


class BadFiles(HistoryTest):
    """Each is refused with its place, what is wrong and what to do, and not one byte of it is changed."""

    def expect_refused(self, what, hint, path=None, **settings):
        path = path or self.path
        before = path.read_bytes() if path.is_file() else None
        result = self.refused(path, **settings)
        self.assertIn(f"{path}: error: the history of the chat cannot be kept here: {what}", result.err)
        self.assertIn(hint, result.err)
        if before is not None:
            self.assertEqual(path.read_bytes(), before)

    def make(self, count=1):
        """A history with so many messages."""
        self.serve(self.rows())
        page = self.page()
        for number in range(count):
            page.say(type="say", room="#lobby", text=f"number {number}" + 60 * ".", ref=str(number))
            if number % 500 == 499 or number == count - 1:
                page.expect(type="sent", ref=str(number), kept=True)
        self.server.stop()

    def change(self, *statements):
        with contextlib.closing(sqlite3.connect(self.path)) as file:
            for statement in statements:
                file.execute(statement)
            file.commit()

    def test_no_database(self):
        for words in (b"x", b"hello\n" * 10_000):
            with self.subTest(size=len(words)):
                self.path.write_bytes(words)
                self.expect_refused("it is no SQLite file, or a damaged one",
                                    f"(move it away, and history begins anew: mv {self.path} {self.path}.away)")

    def test_the_file_of_another_program(self):
        self.change("CREATE TABLE accounts (name TEXT)")
        self.expect_refused("it is the SQLite file of another program",
                            '(name another file: history = "sqlite:PATH")')

    def test_of_a_later_version(self):
        self.make()
        self.change("PRAGMA user_version = 99")
        self.expect_refused("it was written by a newer polyport: its schema is 99, this one knows 1",
                            "(run the newer one, or move it away")

    def test_damaged(self):
        self.make()
        with open(self.path, "r+b") as file:
            file.seek(4096)
            file.write(b"\xff" * (self.path.stat().st_size - 4096))
        self.expect_refused("it is damaged: ", "(move it away, and history begins anew: mv ")

    def test_damaged_in_its_older_part(self):
        """What can be read is shown, and the chat goes on."""
        self.make(3_000)
        with open(self.path, "r+b") as file:
            file.seek(4096 * 6)
            file.write(b"\xff" * 4096 * 20)
        self.serve(self.rows())
        page = self.page()
        joined = page.expect(type="room")
        self.assertEqual(len(joined["messages"]), 100)
        page.say(type="history", room="#lobby", before=joined["messages"][0]["id"], limit=500)
        page.expect(type="notice", text="history cannot be read: it is damaged: database disk image is malformed")
        self.assertTrue(page.expect(type="history")["more"])
        self.expect_logged(f"{self.path}: history cannot be read")
        page.say(type="say", room="#lobby", text="and on", ref="x")
        page.expect(type="sent", ref="x")

    def test_what_is_no_file(self):
        folder = self.folder() / "folder"
        folder.mkdir()
        self.expect_refused("it is no regular file", "", folder)
        os.mkfifo(self.path)
        self.expect_refused("it is no regular file", "")

    def test_no_folder(self):
        missing = self.path.parent / "no" / "chat.db"
        self.expect_refused("the file cannot be made: No such file or directory",
                            f"(make its folder first: mkdir -p {missing.parent})", missing)

    def test_no_right_to_it(self):
        self.make()
        self.path.chmod(0o444)
        self.path.parent.chmod(0o755)
        self.expect_refused("the file cannot be written: Permission denied", "(give this user the right to it",
                            code=4, ordinary_user=True)
        self.path.chmod(0o666)
        self.path.parent.chmod(0o555)
        self.expect_refused("its folder cannot be written, where SQLite keeps its log: Permission denied",
                            "(give this user the right to it", code=4, ordinary_user=True)

    def test_words_that_name_no_place(self):
        for rows, what in (('history = "disk"\n', 'history: "disk" is no place'),
                           ('history = "sqlite:"\n', 'history: "sqlite:" is no place'),
                           ("durable = true\n", "durable = true, but history is in memory")):
            config = self.folder() / "bad.toml"
            config.write_text("[services.chat]\n" + rows)
            result = cli("check", config)
            self.assertEqual(result.code, 1, result)
            self.assertIn(what, result.out + result.err)

    def test_the_default_place_is_a_convenience(self):
        """Where the state directory cannot be had the chat begins, without."""
        file = self.folder() / "file"
        file.write_text("")
        server = self.start(config='[services.chat]\nlisten = "127.0.0.1:0"\nhistory = "sqlite"\n',
                            env={"STATE_DIRECTORY": str(file / "state")})
        ann = self.enter(server.address("chat"))
        ann.line("hello")
        ann.expect("guest-1: hello\r\n")
        self.expect_logged("history stays in memory", server)


class DiskTrouble(HistoryTest):
    """While it runs. The chat goes on, and whoever says something hears that it is not kept."""

    def everybody(self):
        ann = self.enter()
        plain = self.enter()
        plain.line("/plain")
        plain.expect("chat plain\r\n")
        return self.page(), ann, plain, self.client("Ivy", caps="echo-message")

    def expect_lost(self, page, ann, plain, ivy, what):
        page.say(type="say", room="#lobby", text="first", ref="f")
        self.assertEqual(page.expect(type="sent", ref="f")["kept"], False)
        notice = f"history cannot be written: {what}; what is said now is not kept"
        page.say(type="say", room="#lobby", text="no ref")
        self.assertNotIn("ref", page.expect(type="sent", kept=False))
        for guest in (ann, ivy):
            guest.expect("first\r\n")
            if notice.encode() not in guest.heard:  # else it came before
                guest.expect(notice)
        ann.line("from ann")
        ann.expect("guest-1: from ann\r\n")
        ann.expect("* what you said was told, but it is not kept: history cannot be written\r\n")
        plain.line("from plain")
        identity = plain.expect(rb"say #lobby (\S+) guest-2 from plain\r\n")[1].decode()
        plain.expect(f"lost #lobby {identity}\r\n")
        self.assertIn(f"chat {notice}\r\n".encode(), plain.heard)
        ivy.line("PRIVMSG #lobby :from ivy")
        ivy.expect(" PRIVMSG #lobby :from ivy\r\n")
        ivy.expect(":#lobby: what you said was told, but it is not kept: history cannot be written\r\n")
        page.expect(type="message", text="from ivy")
        self.enter().expect("Ivy: from ivy\r\n")  # memory has it for a while
        self.assertIn(what, self.server.get_json("admin", "/api/v1/services")["services"][0]["reason"])

    def test_the_file_is_deleted(self):
        for durable in ("false", "true"):
            with self.subTest(durable=durable):
                self.serve(self.rows(f"durable = {durable}\n"))
                members = self.everybody()
                self.path.unlink()
                self.expect_lost(*members, "the file was deleted or moved while it was in use")
                self.expect_logged(f"{self.path}: history cannot be written")
                self.server.stop()
                for left in self.path.parent.glob("chat.db*"):
                    left.unlink()

    def test_another_file_takes_its_place(self):
        self.serve(self.rows())
        members = self.everybody()
        self.path.rename(self.path.parent / "moved.db")
        self.path.write_text("something else")
        self.expect_lost(*members, "the file was replaced by another one while it was in use")

    def test_the_disk_is_full_and_then_is_not(self):
        if os.geteuid() != 0:
            self.skipTest("needs root to make a small file system")
        room = self.folder()
        wrapper = ["unshare", "--mount", "sh", "-e", "-c",
                   'mount -t tmpfs -o size=2m none "$1"; head -c 1700000 /dev/zero > "$1/ballast"; shift; '
                   'exec "$@"', "sh", str(room)]
        rows = self.rows("durable = true\n", room / "chat.db")
        self.server = self.start(config=f'[services.chat]\nlisten = "127.0.0.1:0"\nweb = "127.0.0.1:0"\n'
                                        f'irc = "127.0.0.1:0"\n{rows}', wrapper=wrapper,
                                 env={"ASAN_OPTIONS": "quarantine_size_mb=1"})
        self.address, self.web, self.irc = (self.server.address("chat", "tcp", door=door)
                                            for door in ("main", "web", "irc"))
        page, *others = self.everybody()

        def keep(number, size=500):
            page.say(type="say", room="#lobby", text=f"{number} " + size * "x", ref=str(number))
            return page.expect(type="sent", ref=str(number))["kept"]
        kept = lost = number = 0
        while lost < 30:  # in a row: not even the smallest one finds room
            done = keep(number, size=500 if lost == 0 else 1)
            kept, lost, number = kept + done, 0 if done else lost + 1, number + 1
            self.assertLess(number, 3_000)
        self.assertGreater(kept, 10)
        self.expect_lost(page, *others, "the disk is full")
        for other in others:
            other.sock.close()
        before = peak_bytes(self.server.pid)
        lost = [keep(number) for number in range(2_000)].count(False)
        self.assertGreater(lost, 1_500)  # now and then one finds room
        self.assertLess(peak_bytes(self.server.pid) - before, 32 << 20)

        inside = ["nsenter", f"--target={self.server.pid}", "--mount"]
        subprocess.run([*inside, "rm", str(room / "ballast")], check=True, timeout=30)

        def works():
            page.say(type="say", room="#lobby", text="again", ref="again")
            return page.expect(type="sent", ref="again")["kept"]
        wait_until(works, "room on the disk is used")
        wait_until(lambda: works() and "history is written again" in self.server.stderr(), "and told")
        self.assertTrue([one for one in page.seen if one["type"] == "notice" and re.fullmatch(
            r"history is written again; \d+ messages were not kept", one["text"])])
        there = subprocess.run(
            [*inside, sys.executable, "-c", "import sqlite3, sys\n"
             "for row in sqlite3.connect(f'file:{sys.argv[1]}?immutable=1', uri=True).execute("
             "'PRAGMA integrity_check'): print(*row)", str(room / "chat.db")],
            stdout=subprocess.PIPE, check=True, timeout=30)
        self.assertEqual(there.stdout, b"ok\n")


if __name__ == "__main__":
    unittest.main()
