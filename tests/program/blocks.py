"""The shell blocks of a page of documentation: what its fences may say, and what a block's steps are.

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
"""

import dataclasses
import re

from shown import ANY

ENTER, KEYS = "⏎", {"^C": b"\x03", "^D": b"\x04"}


class PageError(AssertionError):
    """The page is wrong: its text against what the program says, or its fences."""


@dataclasses.dataclass
class Step:
    """One command with what it prints; `command` None goes on with the one that is running.

    parts  what follows in turn: ("shown", [lines]), ("typed", text), ("key", "^C")
    """
    line: int
    command: "str | None"
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
