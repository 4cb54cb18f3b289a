"""allow and deny: who is served at all, over TCP, UDP, TLS and ws://, and what is told where it makes no
difference or no sense."""

import pathlib
import socket
import unittest

from overload_support import OverloadTest
from support import cli, connect


class Access(OverloadTest):
    def serve(self, rows, listen='["127.0.0.1:0", "udp://127.0.0.1:0"]'):
        self.server = self.start(config=f"[services.echo]\nlisten = {listen}\n{rows}\n")

    def answers(self, source=None, transport="tcp", host=None):
        """Echoed, or reset ('denied')."""
        address = self.server.address("echo", transport, host=host)
        try:
            with self.join(address, source=source) as sock:
                self.assert_echoes(sock)
                return "served"
        except ConnectionResetError:
            return "denied"

    def datagram_is_answered(self, source):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind((source, 0))
            sock.connect(self.server.address("echo", "udp"))
            for _ in range(3):  # of one size, so that each answer is worth its question
                sock.send(b"x")
            sock.settimeout(1 if source == "127.0.0.2" else 30)
            try:
                return sock.recv(10) == b"x"
            except TimeoutError:
                return False

    def test_deny(self):
        self.serve('deny = ["127.0.0.2/31", "2001:db8::/32"]')
        self.assertEqual(self.answers(), "served")
        self.assertEqual(self.answers("127.0.0.2"), "denied")
        self.assertEqual(self.answers("127.0.0.3"), "denied")
        self.assertEqual(self.answers("127.0.0.4"), "served")
        self.assertTrue(self.datagram_is_answered("127.0.0.4"))
        self.assertFalse(self.datagram_is_answered("127.0.0.2"))
        self.assertEqual(self.refused("echo"), {"denied": 5})
        _, _, page = self.server.get("health", "/metrics")
        self.assertIn(b'polyport_connections_refused_total{service="echo",listener="echo.main.0",'
                      b'reason="denied"} 2\n', page)
        self.assertIn(b'polyport_datagrams_refused_total{service="echo",listener="echo.main.1",'
                      b'reason="denied"} 3\n', page)
        self.server.stop()
        # One line a burst, and not one a client.
        self.assertEqual(self.server.stderr().count("the lists allow and deny say so"), 1)

    def test_allow_and_what_deny_takes_out_of_it(self):
        self.serve('allow = "127.0.0.0/30"\ndeny = "127.0.0.2"')
        self.assertEqual(self.answers(), "served")
        self.assertEqual(self.answers("127.0.0.2"), "denied")
        self.assertEqual(self.answers("127.0.0.3"), "served")
        self.assertEqual(self.answers("127.0.0.4"), "denied")

    def test_a_socket_for_both_families_sees_one_address(self):
        self.serve('allow = "127.0.0.2"', listen='"*:0"')
        port = self.server.port("echo")
        for source, outcome in (("127.0.0.1", "denied"), ("127.0.0.2", "served")):
            with socket.socket() as sock:
                sock.settimeout(30)
                sock.bind((source, 0))
                if outcome == "served":
                    sock.connect(("127.0.0.1", port))
                    self.assert_echoes(sock)
                else:
                    with self.assertRaises(ConnectionResetError):  # before connect returns, even
                        sock.connect(("127.0.0.1", port))
                        sock.sendall(b"x")
                        sock.recv(1)

    def test_a_unix_socket_is_not_concerned_and_says_so(self):
        path = self.folder() / "echo.sock"
        self.serve('allow = "192.0.2.0/24"', listen=f'["127.0.0.1:0", "unix://{path}"]')
        self.assertEqual(self.answers(), "denied")
        with connect(str(path)) as sock:
            self.assert_echoes(sock)
        self.server.stop()
        self.assertIn("allow and deny are about IP addresses: unix://",
                      self.server.stdout() + self.server.stderr())

    def test_what_is_no_network(self):
        config = pathlib.Path(self.folder(), "bad.toml")
        config.write_text('[services.echo]\nlisten = "127.0.0.1:0"\ndeny = ["10.0.0.1/8", "office"]\n')
        done = cli("check", config)
        self.assertEqual(done.code, 1, done)
        self.assertIn('bad.toml:3:9: error: deny: "10.0.0.1/8" has more than the 8 bits of its network '
                      '(write "10.0.0.0/8", or "10.0.0.1" for one address)', done.out + done.err)
        self.assertIn('bad.toml:3:23: error: deny: "office" is no network', done.out + done.err)


if __name__ == "__main__":
    unittest.main()
