# ctest: timeout=600 serial
"""polyport swarm against servers that do everything wrong, and against nobody."""

import select
import socket
import threading
import time
import unittest

from support import TIMEOUT, cli
from swarm_support import ECHO, WEB, BadDatagrams, BadServer, SwarmTest


class AgainstOthers(SwarmTest):
    def test_nobody_listens(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            url = "tcp://127.0.0.1:%d" % listener.getsockname()[1]
        report = self.swarm(url, "--count", 7, code=1)
        self.assertEqual(report["sockets"]["refused"], {"refused": 7})
        self.assertTrue(report["lost"])

    def test_a_byte_is_changed(self):
        def serve(connection):
            while data := connection.recv(65536):
                connection.sendall(data[:-1] + b"!")
        report = self.swarm(self.serve(BadServer, serve), "--count", 3, code=1)
        self.assertEqual(report["sockets"]["wrong"], 3)
        self.assertIn("at offset 63", report["examples"][0])

    def test_the_bytes_of_another_connection(self):
        first, lock = [], threading.Lock()

        def serve(connection):
            data = connection.recv(65536)
            with lock:
                first.append(data)
                data = first[0]  # everybody gets what the first one has sent
            connection.sendall(data)
            connection.recv(1)
        report = self.swarm(self.serve(BadServer, serve), "--count", 4, code=1)
        self.assertEqual(report["sockets"]["wrong"], 3)

    def test_more_comes_back_than_was_sent(self):
        def serve(connection):
            connection.sendall(connection.recv(65536) * 2)
            connection.recv(1)
        report = self.swarm(self.serve(BadServer, serve), "--count", 2, code=1)
        self.assertEqual(report["sockets"]["wrong"], 2)

    def test_resets(self):
        def serve(connection):
            connection.recv(10)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        report = self.swarm(self.serve(BadServer, serve), "--count", 4, code=1)
        self.assertEqual(report["sockets"]["reset"], 4)
        self.assertEqual(report["messages"]["unanswered"], 4)

    def test_an_early_end(self):
        report = self.swarm(self.serve(BadServer, lambda c: c.recv(65536)), "--count", 4, code=1)
        self.assertEqual(report["sockets"]["closed_early"], {"peer_closed": 4})

    def test_no_answer_at_all(self):
        def serve(connection):
            while connection.recv(65536):
                pass
        report = self.swarm(self.serve(BadServer, serve), "--count", 4, "--timeout", "500ms", code=1)
        self.assertEqual(report["messages"]["unanswered"], 4)
        self.assertEqual(report["sockets"]["established"], 4)

    def test_a_slow_server_is_no_loss_and_its_time_counts_from_the_schedule(self):
        def serve(connection):
            time.sleep(0.5)
            while data := connection.recv(65536):
                connection.sendall(data)
        # 50 messages in half a second, none of which is answered before: those that were due at the
        # beginning have waited longest, although some of them could not even leave.
        report = self.swarm(self.serve(BadServer, serve), "--count", 1, "--rate", 200,
                            "--duration", "500ms", "--size", 100_000)
        self.assertEqual(report["messages"]["answered"], 101)
        self.assertGreater(report["times"]["answer"]["p50_us"], 200_000)

    def test_what_waits_through_the_silence_is_as_late_as_it_was_due(self):
        held, after_silence = threading.Lock(), threading.Event()

        def serve(connection):
            first, received = held.acquire(blocking=False), 0
            if not first:  # reads nothing until the other one has got the message after the silence
                after_silence.wait(TIMEOUT)
            while data := connection.recv(65536):
                connection.sendall(data)
                received += len(data)
                if first and received == 22 * 100_000:
                    after_silence.set()
        report = self.swarm(self.serve(BadServer, serve), "--count", 2, "--rate", 80, "--duration",
                            "500ms", "--size", 100_000, "--timeout", "2s", "--hold", "100ms")
        self.assertEqual(report["messages"]["answered"], 44)
        late = sum(n for highest, n in report["times"]["answer"]["buckets_ns"]
                   if highest > 1_500_000_000)
        self.assertEqual(late, 20)

    def test_lost_and_doubled_datagrams(self):
        # The first ten digits are the number of the datagram.
        url = self.serve(BadDatagrams,
                         lambda datagram, peer: [datagram] * (int(datagram[:10]) % 3))
        report = self.swarm(url, "--count", 1, "--rate", 299, "--duration", "1s", "--timeout", "4s",
                            code=1)
        self.assertEqual(report["messages"]["due"], 300)
        self.assertEqual(report["messages"]["unanswered"], 100)
        self.assertEqual(report["messages"]["doubled"], 100)
        result = cli("swarm", url, "--count", 1, "--rate", 299, "--duration", "1s", "--timeout", "4s",
                     "--allowed-loss", "34%", timeout=120)
        self.assertEqual(result.code, 0, result)
        self.assertIn("no more was lost than is allowed", result.out)

    def test_datagrams_that_nobody_sent(self):
        url = self.serve(BadDatagrams, lambda datagram, peer: [b"x" * len(datagram)])
        report = self.swarm(url, "--count", 3, code=1)
        self.assertEqual(report["sockets"]["wrong"], 3)

    def test_datagrams_to_a_closed_port(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as closed:
            closed.bind(("127.0.0.1", 0))
            port = closed.getsockname()[1]
        report = self.swarm(f"udp://127.0.0.1:{port}", "--count", 3, "--timeout", "2s", code=1)
        self.assertEqual(report["sockets"]["refused"], {"refused": 3})

    def test_loss_on_purpose_is_none(self):
        server = self.start(config=ECHO)
        report = self.swarm(self.url(server, transport="udp"), "--count", 10, "--rate", 990,
                            "--duration", "1s", "--loss", "20%")
        dropped = report["messages"]["lost_on_purpose"]
        self.assertEqual(report["messages"]["answered"] + dropped, 1000)
        self.assertEqual(report["messages"]["sent"] + dropped, 1000)
        self.assertEqual(report["messages"]["bytes_sent"], report["messages"]["sent"] * 64)
        self.assertTrue(100 < dropped < 300, dropped)

    def test_an_http_answer_that_ends_with_the_connection(self):
        def serve(connection):
            connection.recv(65536)
            connection.sendall(b"HTTP/1.0 200 OK\r\n\r\nabc")
        url = self.serve(BadServer, serve).replace("tcp", "http")
        report = self.swarm(url, "--count", 2, "--rate", 4, "--duration", "1s")
        self.assertEqual(report["messages"]["answered"], 6)
        self.assertEqual(report["messages"]["bytes_verified"], 18)
        self.assertEqual(report["sockets"]["reopened"], 4)  # and not after the last answer
        self.assertEqual(report["sockets"]["closed_early"], {})

    def test_an_http_error_and_no_http(self):
        server = self.start(config=WEB)
        url = self.url(server, "web", scheme="http")
        report = self.swarm(url + "/status/503", "--count", 2, code=1)
        self.assertEqual(report["sockets"]["wrong"], 2)
        self.assertIn("status 503", report["examples"][0])
        bad = self.serve(BadServer, lambda c: (c.recv(65536), c.sendall(b"220 hello\r\n"), c.recv(1)))
        report = self.swarm(bad.replace("tcp", "http"), "--count", 2, code=1)
        self.assertEqual(report["sockets"]["wrong"], 2)

    def test_a_chat_is_silent_until_all_have_been_taken_in(self):
        asked, room, early = [], [], []
        lock = threading.Lock()

        def serve(connection):
            lines = connection.makefile("rb")
            lines.readline()  # the question of whoever is new
            with lock:
                late = len(asked) == 2
                asked.append(connection)
            if late:  # the last of three; nothing must come while it waits
                early.extend(select.select(asked, [], [], 0.5)[0])
            with lock:
                room.append(connection)
            connection.sendall(b"* hello\n")
            for line in lines:
                with lock:
                    for member in room:
                        member.sendall(line)

        url = self.serve(BadServer, serve).replace("tcp:", "chat:")
        report = self.swarm(url, "--count", 3)
        self.assertEqual(early, [])
        self.assertEqual(report["messages"]["answered"], 3)

    def test_a_room_that_does_not_answer_is_wrong(self):
        def serve(connection):
            while connection.recv(4096):
                pass

        url = self.serve(BadServer, serve).replace("tcp:", "chat:")
        report = self.swarm(url, "--count", 2, "--timeout", "300ms", code=1)
        self.assertEqual(report["messages"]["unsent"], 2)
        self.assertIn("never answered /plain off", report["examples"][0])


if __name__ == "__main__":
    unittest.main()
