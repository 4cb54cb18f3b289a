"""Runs the shell blocks of one page of documentation for real, and compares what they print.

blocks.py says what a page may write, lab.py where it runs, shown.py what may differ.
"""

import difflib
import functools
import pathlib
import time

from blocks import ENTER, PageError, parse
from shown import ANY, Numbers, match, match_unordered, plain
from support import SOURCE, TIMEOUT, sanitizer_report


class Run:
    """One page being run. A difference raises PageError, or with `show` is what gets printed."""

    def __init__(self, path, lab, show=None, docker=False):
        self._path = pathlib.Path(path)
        self._lab = lab
        self._show = show
        self._docker = docker
        self._numbers = Numbers()
        self._terminals = {}
        self.commands = 0

    def run(self):
        try:
            name = str(self._path.relative_to(SOURCE)) if self._path.is_relative_to(SOURCE) \
                else self._path.name
            self._name = name
            for block in parse(self._path.read_text(), name):
                if block.word("docker") == self._docker or block.file:
                    self._run_block(block)
        finally:
            self._close()
        for terminal in self._terminals.values():
            report = sanitizer_report(terminal.transcript)
            if report:
                raise PageError(f"{self._name}: a sanitizer reports:\n{report}")

    def _close(self):
        # The first is the server: its clients go first.
        for terminal in reversed(list(self._terminals.values())):
            terminal.close()

    def _terminal(self, name):
        if name not in self._terminals:
            self._terminals[name] = self._lab.terminal(name)
        return self._terminals[name]

    def _run_block(self, block):
        text = "\n".join(block.lines) + "\n"
        if block.file:
            self._lab.write(block.file, text)
            self._numbers.name(text)
        elif block.language == "console":
            steps = block.steps()
            for index, step in enumerate(steps):
                self._run_step(step, self._terminal(block.terminal),
                               stays=block.word("stays") and index == len(steps) - 1,
                               unordered=block.word("unordered"))
        elif block.language == "sh":
            self._lab.write(".block", text)
            terminal = self._terminal(block.terminal)
            terminal.command("bash -eu .block")
            code = terminal.wait_end()
            if code != 0:
                raise PageError(f"{self._name}:{block.line}: the script "
                                f"{'still runs' if code is None else f'ends with exit code {code}'}\n"
                                + "\n".join(terminal.lines()))
            self.commands += 1
            terminal.take(len(terminal.lines()))

    def _run_step(self, step, terminal, stays, unordered):
        if step.command is not None:
            if terminal.running and terminal.wait_end(5) is None:
                raise PageError(f"{self._name}:{step.line}: the terminal is busy with what stays in it")
            terminal.take(len(terminal.lines()))
            self._numbers.name(step.command)
            terminal.command(self._numbers.real(step.command))
            self.commands += 1
            if self._show:
                self._show(f"$ {step.command}")
        parts = list(step.parts)
        last = parts.pop()[1] if parts and parts[-1][0] == "shown" else []
        for kind, what in parts:
            if kind == "shown":
                self._expect(step, terminal, what, whole=False)
            elif kind == "typed":
                terminal.send(self._numbers.real(what) + "\n")
            else:
                terminal.press(what)
            if self._show and kind != "shown":
                self._show(what + (ENTER if kind == "typed" else ""))
        if stays or (step.command is None and not self._ends(step)):
            self._expect(step, terminal, last, whole=False)
            return
        code = terminal.wait_end()
        if code is None:
            raise PageError(
                f"{self._name}:{step.line}: {step.command!r} does not end (a key is missing, or the "
                "fence should say `stays`); so far:\n" + "\n".join(terminal.lines()))
        if code in (2, 127) and not self._show and set(step.shown()) <= {ANY}:
            raise PageError(
                f"{self._name}:{step.line}: {step.command!r}, whose output the page leaves out, is no "
                f"right command line (exit code {code})\n" + "\n".join(terminal.lines()))
        self._expect(step, terminal, last, whole=True, unordered=unordered)

    @staticmethod
    def _ends(step):
        """A block without a command waits for the end of the program where its last act is a key."""
        acts = [part for part in step.parts if part[0] != "shown"]
        return bool(acts) and acts[-1][0] == "key"

    def _expect(self, step, terminal, shown, whole, unordered=False):
        deadline = time.monotonic() + (TIMEOUT if not self._show else 2)
        compare = match_unordered if unordered else functools.partial(match, whole=whole)
        while True:
            lines = terminal.lines()
            count = compare(shown, lines, self._numbers)
            over = terminal.ended_or_idle() or time.monotonic() > deadline
            if count is not None or whole or over:
                break
            terminal.read(max(0.01, deadline - time.monotonic()))
        if self._show:
            for line in lines[:count]:
                self._show(line)
            terminal.take(len(lines) if count is None else count)
        elif count is None:
            other = compare(shown, lines, self._numbers.strangers()) is not None
            raise PageError(self._difference(step, shown, lines, other))
        else:
            terminal.take(count)

    def _difference(self, step, shown, lines, only_numbers):
        what = repr(step.command) if step.command is not None else "what runs in this terminal"
        if only_numbers:
            difference = ["a process id or a port that the page shows twice is not the same both times"]
        else:
            difference = difflib.unified_diff([plain(line, self._numbers) for line in shown],
                                              [plain(line, self._numbers) for line in lines],
                                              "the page", "the program", lineterm="", n=20)
        return "\n".join([
            f"{self._name}:{step.line}: {what} prints something else", *difference,
            "--- as it was printed", *lines,
            f"--- what it says now: python3 tests/program/test_docs.py --show {self._name}",
            "    Read it before you copy it: one of the two is wrong. What may differ by itself is in "
            "tests/program/shown.py."])
