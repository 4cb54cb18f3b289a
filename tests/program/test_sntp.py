"""sntp, asked by hand byte for byte and by a real client (chronyd -Q)."""
# ctest: timeout=180

import re
import struct
import subprocess
import sys
import time
import unittest

from support import Namespace, ProgramTest, cli, run_tool, udp

UNIX_EPOCH = 2_208_988_800  # 1970-01-01 in seconds since 1900


def question(mode=3, version=4, leap=0, size=48, transmit=b"\xde\xad\xbe\xef\x01\x02\x03\x04"):
    packet = bytearray(48)
    packet[0] = leap << 6 | version << 3 | mode
    packet[2] = 9  # poll
    packet[40:48] = transmit
    return bytes(packet).ljust(size, b"\0")[:size]


class Answer:
    def __init__(self, packet):
        self.size = len(packet)
        (flags, self.stratum, self.poll, self.precision, self.delay, self.dispersion, self.refid,
         self.reference, self.originate, self.receive, self.transmit) = struct.unpack(
             "!BBbbII4sQ8sQQ", packet)
        self.leap, self.version, self.mode = flags >> 6, flags >> 3 & 7, flags & 7

    @staticmethod
    def unix(timestamp):
        return timestamp / (1 << 32) - UNIX_EPOCH


class Sntp(ProgramTest):
    def serve(self, **options):
        rows = "".join(f"{key} = \"{value}\"\n" for key, value in options.items())
        return self.start(config=f"[services.sntp]\nlisten = \"udp://127.0.0.1:0\"\n{rows}")

    def ask(self, server, packet):
        with udp(server.address("sntp", "udp")) as sock:
            sock.send(packet)
            return Answer(sock.recv(1000))

    def test_an_answer_field_by_field(self):
        server = self.serve(stratum="3", refid="GPS")
        before = time.time()
        answer = self.ask(server, question())
        after = time.time()
        self.assertEqual((answer.leap, answer.version, answer.mode), (0, 4, 4))
        self.assertEqual((answer.stratum, answer.poll, answer.refid), (3, 9, b"GPS\0"))
        self.assertEqual(answer.originate, b"\xde\xad\xbe\xef\x01\x02\x03\x04")
        self.assertTrue(before - 0.001 <= answer.unix(answer.receive))
        self.assertTrue(answer.receive <= answer.transmit)
        self.assertTrue(answer.unix(answer.transmit) <= after + 0.001)
        self.assertTrue(0 < answer.reference <= answer.receive)

    def test_who_is_answered_and_how(self):
        server = self.serve(stratum="3")
        for version in (1, 2, 3, 4):
            self.assertEqual(self.ask(server, question(version=version)).version, version)
        self.assertEqual(self.ask(server, question(mode=1)).mode, 2)
        for size in (48, 49, 68, 1000, 65507):
            self.assertEqual(self.ask(server, question(size=size)).size, 48)

    def test_who_is_not_answered(self):
        server = self.serve(stratum="3")
        with udp(server.address("sntp", "udp")) as sock:
            for mode in (0, 2, 4, 5, 6, 7):
                sock.send(question(mode=mode))
                sock.send(question(mode=mode, version=2, size=500))
            for version in (0, 5, 6, 7):
                sock.send(question(version=version))
            for size in (0, 1, 12, 47):
                sock.send(question(size=size))
            # Answers come in the order of the questions, so this one is the only one.
            sock.send(question(transmit=b"the last"))
            self.assertEqual(Answer(sock.recv(1000)).originate, b"the last")
            sock.settimeout(0.2)
            with self.assertRaises(TimeoutError):
                sock.recv(1000)

    def test_a_client_may_ask_from_port_123(self):
        # NTP daemons do; of most other services the guard would refuse such a peer.
        client = ("import socket, sys\n"
                  "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
                  "s.settimeout(20)\n"
                  "s.bind(('127.0.0.1', 123))\n"
                  "s.sendto(bytes.fromhex(sys.argv[2]), ('127.0.0.1', int(sys.argv[1])))\n"
                  "print(s.recv(1000).hex())\n")
        with Namespace() as lab:
            server = self.start(namespace=lab, config="[services.sntp]\nstratum = \"2\"\n"
                                "listen = \"udp://127.0.0.1:0\"\n")
            port = server.port("sntp", "udp")
            done = subprocess.run(lab.wrap([sys.executable, "-c", client, str(port),
                                            question().hex()]),
                                  stdout=subprocess.PIPE, text=True, timeout=30)
            self.assertEqual(done.returncode, 0)
            self.assertEqual(Answer(bytes.fromhex(done.stdout)).stratum, 2)
            server.stop()

    def test_by_itself_it_says_what_the_kernel_knows(self):
        answer = self.ask(self.serve(), question())
        self.assertEqual(answer.originate, b"\xde\xad\xbe\xef\x01\x02\x03\x04")
        if answer.leap == 3:
            self.assertEqual((answer.stratum, answer.refid), (0, b"INIT"))
            self.assertEqual((answer.reference, answer.receive, answer.transmit), (0, 0, 0))
        else:
            self.assertEqual((answer.leap, answer.stratum, answer.refid), (0, 10, b"LOCL"))
            self.assertLess(abs(answer.unix(answer.transmit) - time.time()), 1)

    def test_the_offset_moves_its_clock(self):
        for offset, seconds in (("90s", 90), ("-1h", -3600), ("-250ms", -0.25)):
            with self.subTest(offset=offset):
                answer = self.ask(self.serve(stratum="5", offset=offset), question())
                for moment in (answer.receive, answer.transmit):
                    self.assertAlmostEqual(answer.unix(moment) - time.time(), seconds, delta=0.2)

    def test_wrong_options_are_named(self):
        for options, words in (({"stratum": "16"}, "stratum|choose"), ({"refid": "LONGER"}, "four"),
                               ({"offset": "-9999d"}, "3650d"), ({"offset": "--1s"}, "offset|-1s")):
            with self.subTest(options=options), self.assertRaisesRegex(AssertionError, words):
                self.serve(**options)

    def test_it_has_no_stream_sockets(self):
        path = self.folder() / "x.toml"
        path.write_text("[services.sntp]\nlisten = \"tcp://127.0.0.1:0\"\n")
        result = cli("check", path)
        self.assertEqual(result.code, 1, result)
        self.assertIn("udp", result.out + result.err)

    def chronyd(self, server):
        _, port = server.address("sntp", "udp")
        # -Q only asks and prints, -U lets any user do so.
        result = run_tool("chronyd", "-Q", "-U", "-t", "20", "-f", "/dev/null", "user root",
                          f"pidfile {self.folder()}/pid", f"server 127.0.0.1 port {port} iburst")
        found = re.search(r"System clock wrong by (-?[\d.]+) seconds", result.out + result.err)
        self.assertTrue(found, result)
        return float(found[1])

    def test_chronyd_takes_the_time_from_it(self):
        self.assertLess(abs(self.chronyd(self.serve(stratum="10"))), 0.5)

    def test_chronyd_sees_the_offset(self):
        self.assertAlmostEqual(self.chronyd(self.serve(stratum="1", offset="2m")), 120, delta=0.5)


if __name__ == "__main__":
    unittest.main()
