"""The chat's history in a file: what survives, who may have the file, and what is said where it cannot be kept."""
# ctest: timeout=240

import contextlib
import os
import pathlib
import re
import signal
import sqlite3
import subprocess
import unittest

from chat_support import FAST, ChatTest
from support import BINARY, cli, tool, wait_until

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

    def refused(self, path=None, more="", **settings):
        """What a start says that does not come about."""
        result = cli("run", "chat:0", "--set", f"services.chat.history=sqlite:{path or self.path}",
                     "--set", "health.listen=127.0.0.1:0", "--set", "admin.listen=127.0.0.1:0",
                     **settings)
        self.assertNotEqual(result.code, 0, result)
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

    def test_a_second_chat_of_the_same_program(self):
        row = f'listen = "127.0.0.1:0"\nhistory = "sqlite:{self.path}"\n'
        config = self.folder() / "two.toml"
        config.write_text(f'[services.one]\ntype = "chat"\n{row}[services.two]\ntype = "chat"\n{row}')
        result = cli("run", config, "--set", "health.listen=127.0.0.1:0", "--set",
                     "admin.listen=127.0.0.1:0")
        self.assertNotEqual(result.code, 0, result)
        self.assertIn("another chat of this polyport has it open", result.err)


if __name__ == "__main__":
    unittest.main()
