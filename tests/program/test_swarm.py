# ctest: timeout=600 serial
"""polyport swarm against polyport."""

import os
import pty
import select
import signal
import subprocess
import time
import unittest

from support import BINARY, TIMEOUT, clean_environment, cli
from swarm_support import ECHO, WEB, BadDatagrams, SwarmTest


class AgainstPolyport(SwarmTest):
    def test_each_socket_gets_its_own_bytes_back(self):
        server = self.start(config=ECHO)
        report = self.swarm(self.url(server), "--count", 300, "--size", 1000)
        self.assertEqual(report["sockets"]["established"], 300)
        self.assertEqual(report["sockets"]["most_open"], 300)
        self.assertEqual(report["messages"]["answered"], 300)
        self.assertEqual(report["messages"]["bytes_verified"], 300_000)
        self.assertFalse(report["lost"])
        for times in ("connect", "first_byte", "answer"):
            self.assertEqual(report["times"][times]["count"], 300, times)
            self.assertEqual(sum(n for _, n in report["times"][times]["buckets_ns"]), 300)

    def test_the_server_saw_what_the_report_says(self):
        server = self.start(config=ECHO)
        self.swarm(self.url(server), "--count", 50, "--rate", 500, "--duration", "1s", "--size", 100)
        listener = next(row for service in server.get_json("admin", "/api/v1/services")["services"]
                        if service["name"] == "echo" for row in service["listeners"]
                        if row["transport"] == "tcp")
        self.assertEqual(listener["accepted_total"], 50)
        # One when it was opened, and the schedule of 500.
        self.assertEqual(listener["bytes_in"], 55_000)
        self.assertEqual(listener["bytes_out"], 55_000)

    def test_a_schedule_is_kept_whole(self):
        server = self.start(config=ECHO)
        report = self.swarm(self.url(server), "--count", 20, "--rate", 1000, "--duration", "1s")
        self.assertEqual(report["scheduled"], 1000)
        self.assertEqual(report["messages"]["due"], 1020)
        self.assertEqual(report["messages"]["answered"], 1020)
        self.assertEqual(report["times"]["answer"]["count"], 1000)

    def test_large_messages_and_unix_sockets(self):
        server = self.start(config=ECHO)
        report = self.swarm(self.url(server, transport="unix"), self.url(server), "--count", 10,
                            "--size", "1MiB", "--rate", 20, "--duration", "1s")
        self.assertEqual(report["messages"]["bytes_verified"], 30 << 20)

    def test_datagrams(self):
        server = self.start(config=ECHO)
        report = self.swarm(self.url(server, transport="udp"), "--count", 30, "--rate", 300,
                            "--duration", "1s")
        self.assertEqual(report["messages"]["answered"], 330)

    def test_http_get_and_post(self):
        server = self.start(config=WEB)
        url = self.url(server, "web", scheme="http")
        report = self.swarm(url + "/plain", "--count", 20, "--rate", 200, "--duration", "1s")
        self.assertEqual(report["messages"]["answered"], 220)
        self.assertEqual(report["messages"]["bytes_verified"], 220 * 13)
        report = self.swarm(url + "/echo", "--count", 5, "--size", 3000)
        self.assertEqual(report["messages"]["bytes_verified"], 15_000)

    def test_a_connection_that_http_closes_is_opened_again(self):
        server = self.start(config=WEB + "keepalive_requests = 3\n")
        report = self.swarm(self.url(server, "web", scheme="http") + "/plain", "--count", 2,
                            "--rate", 20, "--duration", "1s")
        self.assertEqual(report["messages"]["answered"], 22)
        self.assertGreaterEqual(report["sockets"]["reopened"], 4)
        self.assertEqual(report["sockets"]["closed_early"], {})

    def test_http_connections_that_are_closed_in_the_silence(self):
        server = self.start(config=WEB + 'keepalive_timeout = "1s"\nheader_timeout = "1s"\n')
        report = self.swarm(self.url(server, "web", scheme="http") + "/plain", "--count", 3,
                            "--hold", "5s")
        self.assertEqual(report["messages"]["answered"], 6)
        self.assertEqual(report["sockets"]["reopened"], 3)
        self.assertEqual(report["sockets"]["closed_early"], {})

    def test_every_member_of_a_chat_hears_every_line(self):
        server = self.start(config='[services.chat]\nlisten = "127.0.0.1:0"\n'
                            'flood_burst = 100000\nflood_per_second = 100000\n')
        report = self.swarm(self.url(server, "chat", scheme="chat"), "--count", 20, "--rate", 100,
                            "--duration", "1s")
        self.assertEqual(report["messages"]["answered"], 100)
        self.assertEqual(report["sockets"]["wrong"], 0)
        # Each of 20 has compared 100 lines of 63 bytes.
        self.assertEqual(report["messages"]["bytes_verified"], 20 * 100 * 63)

    def test_a_chat_that_refuses_lines_is_a_loss(self):
        server = self.start(config='[services.chat]\nlisten = "127.0.0.1:0"\n'
                            'flood_burst = 1\nflood_per_second = 1\n')
        report = self.swarm(self.url(server, "chat", scheme="chat"), "--count", 2, "--rate", 100,
                            "--duration", "1s", "--timeout", "1s", code=1)
        self.assertGreater(report["sockets"]["wrong"], 0)
        self.assertIn("refuses", report["examples"][0])

    def test_hold_finds_who_has_died_in_the_silence(self):
        server = self.start(config=ECHO)
        report = self.swarm(self.url(server), "--count", 5, "--hold", "300ms")
        self.assertEqual(report["messages"]["answered"], 10)  # before and after
        server = self.start(config=ECHO + 'idle_timeout = "1s"\n')
        report = self.swarm(self.url(server), "--count", 5, "--hold", "20s", code=1)
        self.assertEqual(sum(report["sockets"]["closed_early"].values()), 5)

    def test_idle_sockets_say_nothing(self):
        server = self.start(config=ECHO)
        report = self.swarm(self.url(server), "--count", 10, "--size", 0, "--hold", "100ms")
        self.assertEqual(report["sockets"]["established"], 10)
        self.assertEqual(report["messages"]["sent"], 0)

    def test_a_ramp_spreads_the_opening(self):
        server = self.start(config=ECHO)
        report = self.swarm(self.url(server), "--count", 20, "--ramp", "1s")
        self.assertEqual(report["sockets"]["established"], 20)
        self.assertGreaterEqual(report["sockets"]["opening_us"], 900_000)

    def test_sources_and_their_ports(self):
        server = self.start(config=ECHO)
        seen = set()

        def answer(datagram, peer):
            seen.add(peer[0])
            return [datagram]
        for url in (self.url(server), self.serve(BadDatagrams, answer)):
            report = self.swarm(url, "--count", 8, "--source", "127.0.0.2,127.0.0.3")
            self.assertEqual(report["sockets"]["established"], 8)
        self.assertEqual(seen, {"127.0.0.2", "127.0.0.3"})

    def test_a_report_beside_an_earlier_one(self):
        server = self.start(config=ECHO)
        self.swarm(self.url(server), "--count", 5)
        path = self.folder() / "before.json"
        path.write_text(self.result.out)
        result = cli("swarm", self.url(server), "--count", 10, "--compare", path)
        self.assertEqual(result.code, 0, result)
        self.assertRegex(result.out, r"established +5 +10 +2\.00")
        self.assertIn("nothing was lost", result.out)

    def test_progress_on_a_terminal(self):
        server = self.start(config=ECHO)
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            [BINARY, "swarm", self.url(server), "--count", "5", "--hold", "60s"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=theirs,
            env=clean_environment(self.folder(), {"TERM": "xterm"}))
        os.close(theirs)
        seen = b""
        deadline = time.monotonic() + TIMEOUT
        while b"holding  5 open" not in seen and time.monotonic() < deadline:
            if select.select([ours], [], [], 1)[0]:
                seen += os.read(ours, 4096)
        process.send_signal(signal.SIGINT)
        while select.select([ours], [], [], TIMEOUT)[0]:
            try:
                seen += os.read(ours, 4096)
            except OSError:
                break
        out, _ = process.communicate(timeout=TIMEOUT)
        os.close(ours)
        self.assertIn(b"[####################] holding  5 open  5 answered", seen)
        self.assertIn(b"ended before its time", out)
        self.assertEqual(process.returncode, 0)


if __name__ == "__main__":
    unittest.main()
