"""What the cheapest answer costs: no allocation, one read and one write."""

import mmap
import pathlib
import re
import struct
import subprocess
import unittest

from http_support import HttpTest
from support import BINARY, BUILD, connect, read_exactly

COUNTER = BUILD / "tests" / "libpolyport_count_calls.so"
NAMES = ("allocations", "maps", "sends", "receives")


def preload():
    """The value of LD_PRELOAD: a sanitizer's library, where the program has one, must be first."""
    linked = subprocess.run(["ldd", str(BINARY)], stdout=subprocess.PIPE, check=True,
                            timeout=30).stdout.decode()
    sanitizer = re.findall(r"(/\S*/libasan\.so\S*)", linked)
    return ":".join(sanitizer[:1] + [str(COUNTER)])


class Cost(HttpTest):
    WARM_UP = 100
    OPERATIONS = 10_000

    def setUp(self):
        path = pathlib.Path(self.folder(), "counts")
        path.write_bytes(bytes(8 * len(NAMES)))
        with open(path, "r+b") as file:
            self.counts = mmap.mmap(file.fileno(), 0)
        self.addCleanup(self.counts.close)
        self.server = self.start_http(env={"LD_PRELOAD": preload(), "POLYPORT_COUNTS": str(path)})

    def now(self):
        return dict(zip(NAMES, struct.unpack(f"={len(NAMES)}Q", self.counts[:])))

    def cost(self, path, times, headers=""):
        """What that many requests on one connection cost, after the first hundred."""
        request = f"GET {path} HTTP/1.1\r\nHost: a\r\n{headers}\r\n".encode()
        with connect(self.address) as sock:
            sock.sendall(request)
            size = len(sock.recv(1 << 16))  # all answers have one length
            for number in range(self.WARM_UP + times):
                if number == self.WARM_UP:
                    before = self.now()
                sock.sendall(request)
                read_exactly(sock, size)
            after = self.now()
        return {name: after[name] - before[name] for name in NAMES}

    def test_plain_allocates_nothing_and_writes_once(self):
        for path, headers in (("/plain", ""), ("/bench", ""),
                              ("/plain", "User-Agent: x\r\nAccept: */*\r\nOrigin: http://x.org\r\n"
                                         "Accept-Encoding: gzip, deflate, br\r\nX-Other: 1\r\n")):
            with self.subTest(path=path, headers=headers):
                self.assertEqual(self.cost(path, self.OPERATIONS, headers),
                                 {"allocations": 0, "maps": 0, "sends": self.OPERATIONS,
                                  "receives": self.OPERATIONS})

    def test_the_counter_counts(self):
        cost = self.cost("/get", 100)
        self.assertGreater(cost["allocations"], 100)
        self.assertEqual(cost["sends"], 100)


if __name__ == "__main__":
    unittest.main()
