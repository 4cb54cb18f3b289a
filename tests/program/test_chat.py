"""The chat, driven as people and scripts drive it: sockets, nc, socat, telnet bytes, hostile bytes."""
# ctest: timeout=180

import os
import re
import signal
import socket
import subprocess
import time
import unittest

from chat_support import FAST, LONG, ChatTest, Talker
from support import cli, peak_bytes, tool, tool_environment, wait_until


class Chat(ChatTest):
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

    def test_an_answer_shows_nobody_out(self):
        path = self.folder() / "chat"
        self.serve(FAST + LONG, unix=path)
        ann = self.enter()
        for _ in range(20):
            ann.line("z" * 60_000)
            ann.expect("z\r\n")
        slow = Talker(self, str(path))  # what was said before it came is more than write_limit
        ann.expect("guest-2 joined (")
        ann.line("are you there?")
        slow.expect("guest-1: are you there?\r\n")
        # Nor by many of them, as long as it does not read: they are refused.
        slow.line("/history 500\r\n" * 50)
        slow.line("done")
        slow.expect("* not now: too much of what you asked for before waits for you unread\r\n")
        slow.expect("guest-2: done\r\n")

    def test_history_says_whether_there_is_more(self):
        self.serve()
        ann = self.enter()
        ann.line("/history")
        ann.expect("* nothing is kept of #lobby\r\n")
        for words in ("one", "two", "three"):
            ann.line(words)
        ann.expect("three\r\n")
        ann.line("/history 2")
        ann.expect("* said in #lobby:\r\nguest-1: two\r\nguest-1: three\r\n"
                   "* and more before that: /history N\r\n")
        ann.line("/history 3")
        ann.expect("guest-1: three\r\n* that is all I have\r\n")

    def test_who_is_silent_for_too_long_hears_why_it_is_out(self):
        self.serve(FAST + 'idle_timeout = "500ms"\n')
        ann = self.enter()
        ann.expect("* nothing passed here for a long time: goodbye (idle_timeout)\r\n")
        self.assertEqual(ann.rest(), b"")

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

    def test_rooms(self):
        self.serve()
        ann, bob = self.enter(), self.enter()
        ann.line("/join lab")
        ann.expect("* you are in #lab now, 1 in all\r\n")
        ann.line("only here")
        ann.expect("guest-1: only here\r\n")
        bob.line("in the lobby")
        ann.expect("[#lobby] guest-2: in the lobby\r\n")
        bob.line("/join #LAB")
        bob.expect("* you are in #lab now, 2 in all\r\n* said before you came:\r\n"
                   "guest-1: only here\r\n* you are here now\r\n")
        ann.expect("* guest-2 joined (")
        bob.line("/topic ports and sockets")
        ann.expect("* guest-2 set the topic of #lab: ports and sockets\r\n")
        bob.line("/rooms")
        bob.expect("* 2 rooms:\r\n")
        bob.expect("#lab  2  ports and sockets\r\n")
        bob.line("/topic -")
        ann.expect("* guest-2 took the topic of #lab away\r\n")
        bob.line("/topic " + "\u00e4" * 200)
        bob.line("/rooms")
        bob.expect("#lab  2  " + "\u00e4" * 80 + " ...\r\n")
        ann.line("/PART lab")
        ann.expect("* you left #lab\r\n* what you type goes to #lobby now\r\n")
        bob.expect("* guest-1 left #lab\r\n")
        ann.line("/who lab")
        ann.expect("* 1 in #lab:\r\n*   guest-2  ")
        ann.line("/part")
        ann.expect("* you are in no room now")
        ann.line("hello?")
        ann.expect("* you are in no room: /rooms, /join ROOM\r\n")
        ann.line("/join #a b")
        ann.expect("* a room is # and then letters")

    def test_rooms_are_bounded(self):
        self.serve(FAST + "max_rooms = 12\nrooms_per_member = 5\nmembers_per_room = 2\n")
        guests = [self.enter() for _ in range(3)]
        guests[2].expect("* #lobby is full: 2 members: /rooms, /join ROOM\r\n")
        for number, guest in enumerate(guests):
            for room in range(1000):  # a thousand rooms
                guest.line(f"/join #room-{number}-{room}")
            guest.line("/me is done")
            guest.expect("is done\r\n")
        self.assertIn(b"* you are in 5 rooms, as many as one may be in", guests[0].heard)
        self.assertIn(b"* there are 12 rooms already", guests[2].heard)

    def test_plain_lines_for_programs(self):
        self.serve()
        ann, bob = self.enter(), self.enter()
        bob.line("/plain")
        bob.expect("chat plain\r\n")
        ann.line("hello there")
        found = bob.expect(rb"say #lobby (\d+-\d+) guest-1 hello there\r\n")
        ann.line("/me waves")
        bob.expect(rb"act #lobby \d+-\d+ guest-1 waves\r\n")
        ann.line("/msg guest-2 psst")
        bob.expect("private say guest-1 guest-2 psst\r\n")
        ann.line("/nick Ann")
        bob.expect("nick guest-1 Ann\r\n")
        bob.line("/nick ann")
        bob.expect("refused nick_taken somebody here is called ann already\r\n")
        bob.line("/history 2")
        bob.expect(b"say #lobby " + re.escape(found[1]) + rb" guest-1 hello there\r\nact #lobby ")
        bob.expect("now #lobby\r\n")
        bob.line("/who")
        bob.expect("who #lobby Ann 127.0.0.1:")
        bob.expect("members #lobby 2\r\n")
        ann.line("/quit see you")
        bob.expect("quit Ann quit: see you\r\n")

    def test_a_member_that_was_cut_off_comes_back(self):
        self.serve()
        ann, bob = self.enter(), self.enter()
        ann.line("/nick Ann")
        ann.line("/token")
        token = ann.expect(rb"/resume (\S+)\r\n")[1].decode()
        ann.sock.close()
        bob.expect("* Ann left (closed the connection)\r\n")
        bob.line("/nick Ann")
        bob.expect("* Ann is kept for somebody who was cut off a moment ago")
        again = self.enter()
        again.line("/resume " + token[:-1])
        again.expect("* that token is no good")
        again.line("/resume " + token)
        again.expect("* you are Ann again\r\n")
        bob.expect("* guest-3 is now Ann\r\n")

    def test_nicks_that_look_alike(self):
        self.serve()
        ann, bob = self.enter(), self.enter()
        ann.line("/nick admin")
        for alike in ("adrnin", "ADM1N", "adm1n", "admln"):
            bob.line("/nick " + alike)
            bob.expect(f"* somebody here has a name that looks like {alike}: choose another one\r\n")
        bob.line("/nick guest-l")
        bob.expect("* guest-N is given by the room")
        bob.line("/nick \u0430dmin")  # a Cyrillic letter
        bob.expect("* a name is a letter")

    def test_operators(self):
        self.serve(FAST + "operator_password = \"open sesame\"\n")
        ann, bob = self.enter(), self.enter()
        ann.line("/kick guest-2")
        ann.expect("* only an operator may do that\r\n")
        bob.line("/op open says me")
        bob.expect("* that is not the password\r\n")
        bob.line("/op open sesame")
        bob.expect("* too fast")  # whoever guesses waits
        ann.line("/op open sesame")
        ann.expect("* you are an operator")
        ann.line("/mute guest-2")
        bob.expect("* an operator has muted you")

        def refused():
            bob.line("nobody hears this")
            bob.sock.settimeout(0.2)
            try:
                bob.heard += bob.sock.recv(1 << 16)
            except TimeoutError:
                pass
            return b"* not sent: an operator has muted you\r\n" in bob.heard
        wait_until(refused, "a token")
        bob.sock.settimeout(30)
        other, irc = self.enter(), self.client("carl")
        ann.line("/mute guest-3")
        ann.line("/mute carl")
        irc.expect("an operator has muted you")
        other.line("/quit by the back door")
        irc.line("QUIT :by the back door")
        ann.expect(b"\\* guest-3 left \\(quit\\)\r\n")
        ann.expect(b"\\* carl left \\(quit\\)\r\n")
        ann.line("/unmute guest-2")
        bob.expect("* an operator lets you talk again\r\n")
        ann.line("/kick guest-2 too loud")
        bob.expect("* guest-1 put you out of #lobby (too loud)\r\n")
        ann.expect("* guest-1 put guest-2 out of #lobby (too loud)\r\n")
        self.assertNotIn(b"nobody hears this", ann.heard)

    def test_who_guesses_the_password_cannot_go_on_as_somebody_else(self):
        self.serve(FAST + "operator_password = \"open sesame\"\n")
        for number in range(10):
            guest = self.enter()
            guest.line(f"/op {number}")
            guest.expect("* that is not the password\r\n")
            guest.sock.close()
        guest = self.enter()
        guest.line("/op open sesame")  # even this one
        guest.expect("* too many wrong passwords came from your address: try again in a minute\r\n")
        irc = self.client("ann")
        irc.line("OPER ann :open sesame")
        irc.expect(":chat 464 ann :too many wrong passwords")

    def test_a_client_of_irc_at_the_line_door_is_sent_on(self):
        self.serve()
        other = self.enter()
        other.type("NICK ann\r\nUSER ann 0 * :Ann\r\n")
        rest = other.rest()
        self.assertIn(b"not of IRC", rest)
        self.assertIn(b"localhost:%d" % self.irc[1], rest)
        web = self.enter()
        web.type("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertIn(b"http://localhost:%d/" % self.web[1], web.rest())

    def test_wrong_options_are_told_with_their_place(self):
        for row, words in (("room = \"lobby\"", "is no name of a room"),
                           ("max_unread = \"2MiB\"", "max_unread is not less than write_limit"),
                           ("web_origins = \"example.org\"", "is no origin"),
                           ("web = \"unix:///tmp/x\"", "chat does not speak unix"),
                           ("nick_length = 0", "nick_length")):
            path = self.folder() / "a.toml"
            path.write_text(f"[services.chat]\nlisten = \"127.0.0.1:0\"\n{row}\n")
            done = cli("check", path)
            self.assertEqual(done.code, 1, done)
            self.assertIn(words, done.out + done.err)
            self.assertIn("a.toml:3:", done.out + done.err)

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
