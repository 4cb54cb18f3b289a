"""Runs the shell blocks of a page of documentation for real. test_docs.py says which pages.

What a page's fences may say (everything else is not a shell block and not looked at):

  ```console          a terminal: lines with "$ " are typed ("> " continues one), the others are printed
  ```console 2        terminal 2; each name is a shell of its own, with its variables and its jobs
  ```console stays    the last command goes on running; the block ends when what it shows is there. A
                      later block for that terminal without a "$ " line shows what came next, or types
  ```console unordered  lines of one command may come in any order (sockets in a table of the kernel)
  ```console root     the prompt is "# ", and the commands are root's
  ```console docker   needs Docker: run by scripts/test-docker, not by the ordinary test
  ```sh               a script that must end with exit code 0; what it prints is not compared
  ```toml file=NAME   the file NAME, in the folder the page's commands run in (any language)

A command whose output is left out ("…" only) must at least be one: exit codes 2 and 127 are errors.
Among the printed lines "text⏎" is a line that is typed into the running program, ^C and ^D are the keys.
How printed lines are compared: shown.py.

A page has a network of its own, where every port is free: loopback and one card with the address
192.168.1.20. Its commands are those of an ordinary user, student, in a new home; /etc/hosts names only
localhost.
"""

import atexit
import codecs
import contextlib
import dataclasses
import difflib
import functools
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import subprocess
import tempfile
import termios
import time

from shown import ANY, Numbers, match, match_unordered, plain
from support import (BINARY, SOURCE, TIMEOUT, TOOLS, Namespace, clean_environment, run_tool,
                     sanitizer_report, wait_until)

STUDENT = 20000  # a user to whom nothing belongs
HOSTS = "127.0.0.1 localhost\n::1 localhost ip6-localhost\n"
CARD = "192.168.1.20"
# A page's network is not the machine's first, and `explain` says so below its answers. A student's is.
ASIDE = ("\nThese are the ports of this network namespace; those of the host are not visible from "
         "here.\n")
ENTER, KEYS = "⏎", {"^C": b"\x03", "^D": b"\x04"}


class PageError(AssertionError):
    """The page is wrong: its text against what the program says, or its fences."""


# --- what a page says --------------------------------------------------------------------------


@dataclasses.dataclass
class Step:
    """One command with what it prints; `command` None goes on with the one that is running.

    parts  what follows in turn: ("shown", [lines]), ("typed", text), ("key", "^C")
    """
    line: int
    command: str | None
    parts: list

    def shown(self):
        return [line for kind, lines in self.parts if kind == "shown" for line in lines]

    def settle(self):
        """Lines left out before a key may still come after it: the mark goes with the later lines."""
        for index in range(len(self.parts) - 2, -1, -1):
            kind, lines = self.parts[index]
            if kind == "shown" and lines[-1] == ANY:
                lines.pop()
                if self.parts[-1][0] != "shown":
                    self.parts.append(("shown", []))
                later = next(part for part in self.parts[index + 1:] if part[0] == "shown")
                if later[1][:1] != [ANY]:
                    later[1].insert(0, ANY)


@dataclasses.dataclass
class Block:
    line: int
    language: str
    words: list
    lines: list

    def word(self, name):
        return name in self.words

    @property
    def terminal(self):
        names = [word for word in self.words if word.isdigit()]
        return ("root " if self.word("root") else "") + "".join(names)

    @property
    def file(self):
        names = [word[5:] for word in self.words if word.startswith("file=")]
        return names[0] if names else None

    def steps(self):
        prompt = "# " if self.word("root") else "$ "
        steps = []
        for offset, line in enumerate(self.lines):
            number = self.line + 1 + offset
            if line.startswith(prompt):
                steps.append(Step(number, line[2:], []))
                continue
            if not steps:
                steps.append(Step(number, None, []))
            step = steps[-1]
            if line.startswith("> ") and step.command is not None and not step.parts:
                step.command += "\n" + line[2:]
            elif line in KEYS:
                step.parts.append(("key", line))
            elif line.endswith(ENTER):
                step.parts.append(("typed", line[:-1].rstrip()))
            elif step.parts and step.parts[-1][0] == "shown":
                step.parts[-1][1].append(line)
            else:
                step.parts.append(("shown", [line]))
        for step in steps:
            step.settle()
        return steps


_CONSOLE_WORDS = {"stays", "unordered", "root", "docker"}
_FORBIDDEN = {"bash", "shell", "shell-session", "zsh", "terminal"}


def _check_block(name, block):
    where = f"{name}:{block.line}"
    if block.language in _FORBIDDEN:
        raise PageError(f"{where}: ```{block.language} would not be run; write ```console or ```sh")
    if block.language == "console":
        unknown = [word for word in block.words if word not in _CONSOLE_WORDS and not word.isdigit()]
        if unknown:
            raise PageError(f"{where}: ```console does not know {' '.join(unknown)!r}")
    elif not block.file and any(line.startswith("$ ") for line in block.lines):
        raise PageError(f"{where}: a block with a prompt would not be run; call it ```console")


def parse(text, name):
    """The fenced blocks of a page, in order."""
    blocks, block, indent = [], None, ""
    for number, line in enumerate(text.splitlines(), 1):
        fence = re.match(r"( *)```(.*)$", line)
        if block is None and fence:
            indent, words = fence[1], fence[2].split()
            block = Block(number, words[0] if words else "", words[1:], [])
        elif fence:
            _check_block(name, block)
            blocks.append(block)
            block = None
        elif block is not None:
            block.lines.append(line.removeprefix(indent))
    if block is not None:
        raise PageError(f"{name}:{block.line}: the fence is never closed")
    return blocks


# --- a terminal --------------------------------------------------------------------------------


class Terminal:
    """An interactive bash on a pseudo terminal that does not echo; knows when a command has ended."""

    _END = re.compile(r"\x01(\d+)\x02")

    def __init__(self, wrap, env):
        self._master, slave = pty.openpty()
        attributes = termios.tcgetattr(slave)
        attributes[3] &= ~termios.ECHO
        termios.tcsetattr(slave, termios.TCSANOW, attributes)
        termios.tcsetwinsize(slave, (50, 120))
        self._text = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.transcript = ""
        self.running = True
        env = dict(env, PS1="", PS2="", PROMPT_COMMAND=r"printf '\001%s\002' $?", TERM="dumb")
        env.pop("HISTFILE", None)
        shell = ["setsid", "--ctty", "bash", "--noprofile", "--norc", "--noediting", "-i"]
        try:
            self.process = subprocess.Popen(wrap(shell), stdin=slave, stdout=slave, stderr=slave,
                                            env=env)
        finally:
            os.close(slave)
        self.wait_end()

    def send(self, text):
        os.write(self._master, text.encode())

    def press(self, key):
        os.write(self._master, KEYS[key])

    def command(self, text):
        self.running = True
        self.send(text + "\n")

    def read(self, wait):
        """Takes what was printed within `wait` seconds; False when there was nothing."""
        if not select.select([self._master], [], [], wait)[0]:
            return False
        try:
            data = os.read(self._master, 1 << 16)
        except OSError:  # EIO: everybody at the other end is gone
            data = b""
        if not data:
            raise PageError(f"the shell has ended\n{self._text}")
        text = self._decoder.decode(data).replace("\r\n", "\n")
        self._text = (self._text + text).replace(ASIDE, "")
        self.transcript += text
        return True

    def lines(self):
        """What was printed since the last take(); while the command runs only its finished lines."""
        *lines, rest = self._END.sub("", self._text).split("\n")
        return [*lines, rest] if rest and self.ended_or_idle() else lines

    def take(self, count):
        """Drops the first lines, which a page has shown."""
        parts = self._text.split("\n")
        self._text = "\n".join(parts[count:])

    def ended(self):
        """The exit code of the last command, or None while it runs."""
        found = self._END.search(self._text)
        return int(found[1]) if found else None

    def ended_or_idle(self):
        return not self.running or self.ended() is not None

    def wait_end(self, timeout=TIMEOUT):
        deadline = time.monotonic() + timeout
        while self.ended() is None:
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            self.read(left)
        code = self.ended()
        self._text = self._END.sub("", self._text)
        self.running = False
        return code

    def close(self):
        """Ends what runs, then the shell and whatever it has left behind; only its own session."""
        with contextlib.suppress(OSError, PageError):
            if self.running:
                if self.ended() is None:
                    self.press("^C")
                self.wait_end(10)
            self.send("exit\n")
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(1)
        for sign in (signal.SIGTERM, signal.SIGKILL):
            for pid in self._session():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, sign)
            with contextlib.suppress(AssertionError):
                wait_until(lambda: self.process.poll() is not None and not self._session(),
                           "the processes of a terminal end", 5)
                break
        os.close(self._master)

    def _session(self):
        """The processes of this terminal: those whose session is the shell's."""
        found = []
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                fields = _stat(entry)
                if fields and fields[0] != "Z" and int(fields[3]) == self.process.pid:
                    found.append(int(entry))
        return found


def _stat(pid):
    """The fields of /proc/PID/stat from the state on, or None where there is no such process."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def alive(pid):
    fields = _stat(pid)
    return fields is not None and fields[0] != "Z"


# --- where a page runs -------------------------------------------------------------------------


# In a mount namespace of its own: the root of this machine without the marks of a container, so that
# `explain` says what it says on a student's machine, and with our own hosts and passwd. Then the command.
_ROOM = """
room=$0/room home=$1
shift
mount -t tmpfs none "$room"
for entry in /* /.[!.]*; do
  case $entry in /run | /.dockerenv | "/.[!.]*") continue ;; esac
  if [ -L "$entry" ]; then cp -P "$entry" "$room/"
  elif [ -d "$entry" ]; then mkdir "$room$entry" && mount --rbind "$entry" "$room$entry"
  else touch "$room$entry" && mount --bind "$entry" "$room$entry"
  fi
done
for file in hosts passwd; do mount --bind "$0/$file" "$room/etc/$file"; done
mkdir "$room/run" "$room/.old"
cd "$room"
pivot_root . .old
umount -l /.old; rmdir /.old
cd "$home"
exec "$@"
"""


@functools.lru_cache(maxsize=None)
def _binary():
    """A copy of the program: the student may have no way into the build folder."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="polyport-page-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    folder.chmod(0o755)
    return shutil.copy(BINARY, folder / "polyport")


class Lab:
    """A network, a home and the program on the PATH, for one page."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="polyport-page-"))
        self._root = os.geteuid() == 0
        try:
            self._network = Namespace()
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise
        try:
            self._furnish()
        except BaseException:
            self.close()
            raise

    def _furnish(self):
        for args in (["link", "add", "lab0", "type", "veth", "peer", "name", "lab1"],
                     ["address", "add", f"{CARD}/24", "dev", "lab0"],
                     ["link", "set", "lab0", "up"], ["link", "set", "lab1", "up"]):
            done = run_tool("ip", *args, namespace=self._network)
            if done.code != 0:
                raise AssertionError(f"ip {' '.join(args)}: {done}")
        self.home = self.folder / "home"
        self.home.mkdir()
        programs = self.folder / "bin"
        programs.mkdir()
        (programs / "polyport").symlink_to(_binary() if self._root else BINARY)
        self._unpacked_tools(programs)
        for file in (SOURCE / "docs/labs").glob("*.toml"):
            target = self.home / "docs/labs" / file.name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, target)
        (self.folder / "room").mkdir()
        (self.folder / "hosts").write_text(HOSTS)
        users = pathlib.Path("/etc/passwd").read_text()
        (self.folder / "passwd").write_text(
            f"{users.rstrip()}\nstudent:x:{STUDENT}:{STUDENT}::{self.home}:/bin/bash\n")
        self.folder.chmod(0o755)
        if self._root:
            for path in [self.home, *self.home.rglob("*")]:
                os.chown(path, STUDENT, STUDENT)
        self.env = clean_environment(self.home, {
            "PATH": f"{programs}:/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin",
            "LANG": "C.UTF-8", "TZ": "UTC", "USER": "student", "BASH_ENV": None, "ENV": None})

    def _unpacked_tools(self, programs):
        """Tools that were unpacked, not installed, find their libraries through a wrapper."""
        root = TOOLS / "root"
        libraries = ":".join(str(path) for path in [*root.glob("usr/lib/*-linux-gnu"), root / "usr/lib"])
        for folder in ("usr/bin", "usr/sbin", "bin", "sbin"):
            for tool in (root / folder).glob("*"):
                if shutil.which(tool.name, path="/usr/bin:/bin:/usr/sbin:/sbin"):
                    continue
                script = programs / tool.name
                script.write_text(f'#!/bin/sh\nLD_LIBRARY_PATH="{libraries}" exec "{tool}" "$@"\n')
                script.chmod(0o755)

    def terminal(self, name):
        become = []
        if not name.startswith("root"):
            if not self._root:  # root only in a user namespace: one more in it has no right to the network
                become = ["unshare", "--user", f"--map-user={STUDENT}", f"--map-group={STUDENT}"]
            become += ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]
            if self._root:
                become += [f"--reuid={STUDENT}", f"--regid={STUDENT}", "--clear-groups"]
        room = ["unshare", "--mount", "sh", "-e", "-c", _ROOM, str(self.folder), str(self.home)]
        return Terminal(lambda command: self._network.wrap([*room, *become, *command]), self.env)

    def write(self, name, text):
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        if self._root:
            os.chown(path, STUDENT, STUDENT)

    def close(self):
        self._network.close()
        shutil.rmtree(self.folder, ignore_errors=True)


# --- running -----------------------------------------------------------------------------------


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
        for terminal in reversed(self._terminals.values()):  # the first is the server: its clients go first
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
            raise PageError(f"{self._name}:{step.line}: {step.command!r}, whose output the page leaves out, "
                            f"is no right command line (exit code {code})\n" + "\n".join(terminal.lines()))
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
