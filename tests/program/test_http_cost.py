"""What the cheapest answer costs: no allocation, one read and one write."""

import unittest

from counted import Counts
from http_support import HttpTest
from support import connect, read_exactly


class Cost(HttpTest):
    WARM_UP = 100
    OPERATIONS = 10_000

    def setUp(self):
        self.counts = Counts(self)
        self.server = self.start_http(env=self.counts.environment)

    def cost(self, path, times, headers=""):
        """What that many requests on one connection cost, after the first hundred."""
        request = f"GET {path} HTTP/1.1\r\nHost: a\r\n{headers}\r\n".encode()
        with connect(self.address) as sock:
            sock.sendall(request)
            size = len(sock.recv(1 << 16))  # all answers have one length
            for number in range(self.WARM_UP + times):
                if number == self.WARM_UP:
                    before = self.counts.now()
                sock.sendall(request)
                read_exactly(sock, size)
            return self.counts.since(before)

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
