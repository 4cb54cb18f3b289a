"""The golden cases of the http service: tests/data/http_service, bytes in and bytes out of the real program.

Those of the engine below it, tests/data/http, run in tests/loop/http_test.cc; both are written the same way.
"""

import re
import unittest

from http_support import HttpTest
from support import SOURCE, connect

ESCAPE = re.compile(r"\\(?:x([0-9a-f]{2})|\{(\d+)\}(.)|(.))")
PLAIN = {"r": "\r", "n": "\n", "t": "\t", "\\": "\\"}


def unescaped(line):
    def one(found):
        byte, count, repeated, letter = found.groups()
        if byte:
            return chr(int(byte, 16))
        return repeated * int(count) if count else PLAIN[letter]

    return ESCAPE.sub(one, line).encode("latin-1")


def pattern_of(line):
    r"""An answer's line as an expression: \* is any run of bytes within a line."""
    return rb"[^\n]*?".join(re.escape(unescaped(part)) for part in re.split(r"(?<!\\)\\\*", line))


def cases():
    """[(name, request, pattern of the answer, whether the connection ends)]"""
    found = []
    for path in sorted((SOURCE / "tests/data/http_service").glob("*.md")):
        name = request = block = None
        for line in path.read_text().splitlines():
            if block is None and line.startswith("## "):
                name = line[3:]
            elif block is None and line.startswith("```"):
                block, lines = line[3:], []
            elif line == "```":
                if block == "request":
                    request = b"".join(map(unescaped, lines))
                else:
                    assert block in ("answer", "answer close"), f"{path}: {name}: {block}"
                    found.append((f"{path.name}: {name}", request,
                                  re.compile(b"".join(map(pattern_of, lines))), "close" in block))
                block = None
            elif block is not None:
                lines.append(line)
    return found


class Golden(HttpTest):
    def answer_to(self, request, step, wanted, closes):
        with connect(self.address) as sock:
            for at in range(0, len(request), step):
                sock.sendall(request[at:at + step])
            answer = b""
            while closes or not wanted.fullmatch(answer):
                part = sock.recv(1 << 16)
                if not part:
                    self.assertTrue(closes, f"the connection has ended: {answer}")
                    break
                answer += part
                self.assertLess(len(answer), 1 << 20)
            return answer

    def test_every_case_whole_and_byte_by_byte(self):
        found = cases()
        self.assertGreaterEqual(len(found), 14)
        for name, request, wanted, closes in found:
            for step in (len(request), 1):
                with self.subTest(case=name, step=step):
                    try:
                        answer = self.answer_to(request, step, wanted, closes)
                    except TimeoutError:
                        answer = self.raw(request, half_close=True)
                    self.assertRegex(answer, rb"(?s)\A" + wanted.pattern + rb"\Z")


if __name__ == "__main__":
    unittest.main()
