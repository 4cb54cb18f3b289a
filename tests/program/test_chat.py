"""The chat, driven as people and scripts drive it: sockets, nc, socat, telnet bytes, hostile bytes."""
# ctest: timeout=180

import os
import re
import signal
import socket
import subprocess
import time
import unittest

from support import (ProgramTest, connect, peak_bytes, read_to_end, tool, tool_environment,
                     wait_until)

FAST = "flood_burst = 100000\n"  # for tests that are about something else


class Guest:
    """Somebody in the room."""

    def __init__(self, test, address):
        self.sock = connect(address)
        test.addCleanup(self.sock.close)
        self.heard = b""
        self.taken = 0  # of what was heard
        welcome = self.expect(rb"^You are (\S+) from (.*), through the (.*)\. /help\r\n")
        self.nick, self.place, self.door = (part.decode() for part in welcome.groups())

    def type(self, text):
        self.sock.sendall(text if isinstance(text, bytes) else text.encode())

    def line(self, text):
        self.type(text + "\r\n")

    def expect(self, pattern):
        """Waits for it in what was not expected before; the match."""
        if isinstance(pattern, str):
            pattern = re.escape(pattern.encode())
        while True:
            found = re.compile(pattern).search(self.heard, self.taken)
            if found:
                self.taken = found.end()
                return found
            try:
                part = self.sock.recv(1 << 16)
            except TimeoutError:
                part = b""
            if not part:
                raise AssertionError(f"{pattern!r} does not come: {self.heard[self.taken:][-2000:]!r}")
            self.heard += part

    def rest(self):
        """Everything up to the end of the connection."""
        self.heard += read_to_end(self.sock)
        rest, self.taken = self.heard[self.taken:], len(self.heard)
        return rest


class Chat(ProgramTest):
    def serve(self, rows=FAST, unix=None):
        listen = "[\"127.0.0.1:0\"" + (f", \"unix://{unix}\"" if unix else "") + "]"
        self.server = self.start(config=f"[services.chat]\nlisten = {listen}\n{rows}")
        self.address = self.server.address("chat", "tcp")
        return self.server

    def enter(self, address=None):
        return Guest(self, address or self.address)

    def test_two_people_talk(self):
        self.serve()
        ann, bob = self.enter(), self.enter()
        self.assertEqual((ann.nick, bob.nick), ("guest-1", "guest-2"))
        self.assertEqual(ann.place, "127.0.0.1:%d" % ann.sock.getsockname()[1])
        self.assertEqual(ann.door, "line door %d" % self.address[1])
        ann.expect("* guest-2 joined (127.0.0.1:%d, line door %d)\r\n" % (
            bob.sock.getsockname()[1], self.address[1]))
        ann.line("hello Bob")
        for guest in (ann, bob):
            guest.expect("guest-1: hello Bob\r\n")
        bob.type("hello Ann\n")  # LF alone is a line's end, too
        for guest in (ann, bob):
            guest.expect("guest-2: hello Ann\r\n")
        bob.line("/quit")
        bob.expect("* goodbye\r\n")
        self.assertEqual(bob.rest(), b"")
        ann.expect("* guest-2 left (quit)\r\n")

    def test_commands(self):
        self.serve()
        ann, bob = self.enter(), self.enter()
        ann.line("/nick Ann")
        bob.expect("* guest-1 is now Ann\r\n")
        bob.line("/nick ANN")
        bob.expect("* somebody here is called ANN already\r\n")
        bob.line("/nick guest-1")
        bob.expect("* guest-N is given by the room")
        bob.line("/nick 1x")
        bob.expect("* a name is a letter")
        bob.line("/me waves")
        ann.expect("* guest-2 waves\r\n")
        bob.line("/msg ann  psst,  quiet")
        ann.expect("[guest-2 to you] psst,  quiet\r\n")
        bob.expect("[you to Ann] psst,  quiet\r\n")
        bob.line("/msg nobody x")
        bob.expect("* nobody here is called nobody")
        bob.line("/who")
        bob.expect("* 2 here:\r\n*   Ann  127.0.0.1:%d, line door %d\r\n*   guest-2  127.0.0.1:%d" % (
            ann.sock.getsockname()[1], self.address[1], bob.sock.getsockname()[1]))
        bob.line("/help")
        for command in ("/nick", "/who", "/me", "/msg", "/quit"):
            bob.expect(command)
        bob.line("/dance")
        bob.expect("* there is no command /dance: /help lists them\r\n")
        for line in ("/me", "/msg", "/msg Ann", "/", "/nick"):
            bob.line(line)
            bob.expect(rb"\* .*\r\n")

    def test_a_newcomer_sees_the_last_messages_and_nothing_else(self):
        self.serve(FAST + "history_lines = 3\n")
        ann = self.enter()
        for text in ("one", "two", "three", "/me four", "/msg guest-1 secret"):
            ann.line(text)
        ann.expect("secret")
        bob = self.enter()
        bob.line("now")
        bob.expect("guest-2: now\r\n")
        self.assertEqual(bob.heard.split(b". /help\r\n")[1],
                         b"* said before you came:\r\nguest-1: two\r\nguest-1: three\r\n"
                         b"* guest-1 four\r\n* you are here now\r\nguest-2: now\r\n")

    def test_the_default_history_is_20_lines(self):
        self.serve()
        ann = self.enter()
        for number in range(30):
            ann.line(f"line {number}.")
        ann.expect("line 29.")
        bob = self.enter()
        bob.expect("line 29.")
        self.assertEqual(re.findall(rb"line (\d+)\.", bob.heard),
                         [str(number).encode() for number in range(10, 30)])

    def test_a_flood_is_answered_and_the_socket_stays_alive(self):
        self.serve(rows="")
        ann, bob = self.enter(), self.enter()
        ann.type("".join(f"spam {number}.\n" for number in range(2000)))
        ann.expect("spam 4.\r\n")
        ann.expect("* too fast: not sent. You have 5 lines at once and then 2 a second\r\n")
        bob.expect("spam 4.\r\n")

        def heard_again():
            ann.line("/me is back")
            ann.sock.settimeout(0.2)
            try:
                ann.heard += ann.sock.recv(1 << 16)
            except TimeoutError:
                pass
            return b"* guest-1 is back" in ann.heard
        wait_until(heard_again, "a token")
        bob.expect("* guest-1 is back\r\n")
        self.assertLess(len(re.findall(rb"spam", bob.heard)), 10)
        self.assertLess(len(re.findall(rb"too fast", ann.heard)), 10)  # no flood of notices
        ann.sock.settimeout(30)
        ann.type("/quit\n")  # whoever wants to leave may
        ann.expect("* goodbye\r\n")

    def test_bytes_one_by_one_and_a_half_line_at_the_end(self):
        self.serve()
        ann, bob = self.enter(), self.enter()
        bob.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in "grüß dich\r\nund tsch".encode():
            bob.type(bytes([byte]))
        bob.sock.shutdown(socket.SHUT_WR)
        ann.expect("guest-2: grüß dich\r\nguest-2: und tsch\r\n* guest-2 left (closed the connection)\r\n")
        self.assertTrue(bob.rest().endswith("guest-2: und tsch\r\n".encode()))

    def test_telnet_is_taken_out_and_refused(self):
        self.serve()
        ann, bob = self.enter(), self.enter()
        bob.type(b"\xff\xfd\x01\xff\xfb\x1fhel\xff\xfa\x18\x00xterm\nevil\xff\xf0lo\xff\xfd\x06\r\n")
        ann.expect("guest-2: hello\r\n")
        bob.expect(re.escape(b"\xff\xfc\x01\xff\xfe\x1f\xff\xfc\x06"))
        bob.type(b"\xff\xfa" + b"x" * 100_000 + b"\nback\n")
        ann.expect("guest-2: back\r\n")

    def test_no_terminal_sequence_reaches_another_member(self):
        self.serve()
        ann, bob = self.enter(), self.enter()
        bob.type(b"a\x1b[2J\x07b\x00c\x08\x7f \xc2\x9b31m \xe2\x80\xaex\n")
        bob.type(b"/nick x\x1b[2J\n")
        bob.line("end")
        ann.expect("end")
        said = ann.heard.replace(b"\r\n", b"")
        self.assertFalse(re.search(rb"[\x00-\x1f\x7f]|\xc2[\x80-\x9f]", said), said)

    def test_bytes_that_are_no_text_are_refused_in_words(self):
        self.serve()
        ann, bob = self.enter(), self.enter()
        for bad in (b"\xc3\n", b"\x80abc\n", b"\xed\xa0\x80\n", b"\xc0\xaf\n"):
            bob.type(bad)
            bob.expect("* not sent: that line was not UTF-8 text\r\n")
        bob.line("x" * 1025)
        bob.expect("* not sent: a line has at most 1024 bytes\r\n")
        bob.line("y" * 1024)
        ann.expect("guest-2: " + "y" * 1024 + "\r\n")
        self.assertNotIn(b"xxx", ann.heard)

    def test_a_line_without_an_end_costs_nothing(self):
        self.serve()
        ann, bob = self.enter(), self.enter()
        before = peak_bytes(self.server.pid)
        for _ in range(48):
            bob.type(b"x" * (1 << 20))
        bob.type(b"\nstill here\n")
        bob.expect("* not sent: a line has at most 1024 bytes\r\n")
        ann.expect("guest-2: still here\r\n")
        self.assertLess(peak_bytes(self.server.pid) - before, 16 << 20)

    def test_clients_of_other_protocols_hear_in_words(self):
        self.serve()
        ann = self.enter()
        for number, (request, words, reason) in enumerate((
                (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"not an HTTP server", "spoke HTTP"),
                (b"\x16\x03\x01\x00\xf4\x01\x00\x00\xf0\x03\x03" + bytes(200), b"without TLS",
                 "spoke TLS"))):
            other = self.enter()
            other.type(request)
            rest = other.rest()
            self.assertIn(words, rest)
            self.assertIn(b"polyport connect", rest)
            ann.expect(f"* guest-{number + 2} left ({reason})\r\n")
        self.assertNotIn(b"Host", ann.heard)

    def test_a_member_that_does_not_read_is_shown_out(self):
        path = self.folder() / "chat"
        self.serve(FAST + "max_unread = \"16KiB\"\n", unix=path)
        ann = self.enter()
        slow = self.enter(str(path))  # a unix socket holds little
        self.assertEqual((slow.place, slow.door), ("a unix socket", "line door"))
        for _ in range(3000):
            ann.line("z" * 1000)
            if b"left (too slow)" in ann.heard:
                break
            ann.expect("z\r\n")
        ann.expect("* guest-2 left (too slow)\r\n")
        rest = slow.rest()
        self.assertTrue(rest.endswith(b"you are out\r\n"), rest[-300:])
        self.assertIn(b"z\r\n* you are too slow", rest)  # after a whole line
        ann.line("/who")
        ann.expect("* 1 here:\r\n")

    def test_nc_and_socat_come_in(self):
        self.serve()
        ann = self.enter()
        host, port = self.address
        for number, command in enumerate(([tool("nc.openbsd"), "-N", "-4", host, str(port)],
                                          [tool("socat"), "-t", "20", "-", f"TCP4:{host}:{port}"])):
            done = subprocess.run(command, input=b"hello from a pipe\n", stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, env=tool_environment(), timeout=30)
            nick = f"guest-{number + 2}"
            self.assertIn(f"You are {nick} from".encode(), done.stdout)
            self.assertIn(f"{nick}: hello from a pipe\r\n".encode(), done.stdout)
            ann.expect(f"{nick}: hello from a pipe\r\n")
            ann.expect(f"* {nick} left (closed the connection)\r\n")

    def test_two_hundred_members_hear_everything_in_one_order(self):
        self.serve()
        guests = [self.enter() for _ in range(200)]
        talkers = guests[:10]
        for number in range(20):
            for guest in talkers:
                guest.line(f"{guest.nick} says {number}")
        orders = set()
        for guest in guests:
            wanted = {f"{talker.nick}: {talker.nick} says 19\r\n".encode() for talker in talkers}
            while any(line not in guest.heard for line in wanted):
                guest.heard += guest.sock.recv(1 << 20)
            orders.add(tuple(re.findall(rb"guest-\d+: (guest-\d+ says \d+)\r\n", guest.heard)))
        self.assertEqual(len(orders), 1)
        said = orders.pop()
        self.assertEqual(len(said), 200)
        for talker in talkers:
            own = [line for line in said if line.startswith(talker.nick.encode() + b" ")]
            self.assertEqual(own, [f"{talker.nick} says {n}".encode() for n in range(20)])

    def test_a_server_that_stops_says_goodbye(self):
        server = self.serve()
        ann, bob = self.enter(), self.enter()
        asked = time.monotonic()
        os.kill(server.pid, signal.SIGTERM)
        for guest in (ann, bob):
            guest.expect("* the server is stopping, goodbye\r\n")
            self.assertEqual(guest.rest(), b"")
        self.assertEqual(server.wait(), 0)
        self.assertLess(time.monotonic() - asked, 4)  # nobody waits for the grace (5 s) to be over


if __name__ == "__main__":
    unittest.main()
