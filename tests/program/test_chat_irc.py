"""The chat's IRC door, as clients speak to it and as they should not. RFC 2812; IRCv3 for CAP."""
# ctest: timeout=180

import re
import ssl
import unittest

from chat_support import FAST, LONG, ChatTest, Irc
from support import connect, peak_bytes


class ChatIrc(ChatTest):
    def test_the_welcome(self):
        self.serve()
        ann = Irc(self, self.irc)
        ann.line("NICK ann")
        ann.line("USER ann 0 * :Ann of the lab")
        for number in ("001", "002", "003", "004", "005", "251", "375", "372", "376"):
            ann.expect(f":chat {number} ann ")  # RFC 2812 section 5.1
        self.assertIn(f"You are ann from 127.0.0.1:{ann.sock.getsockname()[1]}".encode(), ann.heard)
        ann.line("PING :abc def")
        ann.expect(":chat PONG chat :abc def\r\n")
        ann.line("USER x 0 * :x")
        ann.expect(":chat 462 ann :you are registered already\r\n")
        ann.line("QUIT :bye")
        self.assertEqual(ann.rest(), b"ERROR :Closing link: goodbye\r\n")

    def test_capabilities_hold_the_welcome_back(self):
        self.serve()
        ann = Irc(self, self.irc)
        for line in ("CAP LS 302", "NICK ann", "USER ann 0 * :ann", "CAP REQ :server-time sasl",
                     "CAP REQ :server-time", "PING :still not"):
            ann.line(line)
        ann.expect("PONG chat :still not\r\n")
        self.assertEqual(ann.heard, b":chat CAP * LS :server-time echo-message\r\n"
                                    b":chat CAP * NAK :server-time sasl\r\n"
                                    b":chat CAP * ACK :server-time\r\n:chat PONG chat :still not\r\n")
        ann.line("CAP END")
        ann.expect(":chat 001 ann ")
        ann.line("CAP LIST")
        ann.expect(":chat CAP ann LIST :server-time\r\n")

    def test_talk_goes_both_ways_between_the_doors(self):
        self.serve()
        guest, ann = self.enter(), self.client("ann")
        guest.expect("* ann joined (127.0.0.1:%d, irc door %d)\r\n" % (
            ann.sock.getsockname()[1], self.irc[1]))
        guest.line("hello, grüße")
        ann.expect(":guest-1!guest-1@chat PRIVMSG #lobby :hello, grüße\r\n")
        guest.line("/me waves")
        ann.expect(":guest-1!guest-1@chat PRIVMSG #lobby :\x01ACTION waves\x01\r\n")
        ann.line("PRIVMSG #lobby :hello back")
        guest.expect("ann: hello back\r\n")
        ann.line("PRIVMSG #lobby :\x01ACTION nods\x01")
        guest.expect("* ann nods\r\n")
        ann.line("NOTICE #lobby :by the way")
        guest.expect("ann: by the way\r\n")
        ann.line("PRIVMSG guest-1 :psst")
        guest.expect("[ann to you] psst\r\n")
        guest.line("/msg ann what?")
        ann.expect(":guest-1!guest-1@chat PRIVMSG ann :what?\r\n")
        ann.line("PRIVMSG #lobby :\x02bold\x02 \x0304,12red\x03 \x1b[2Jplain")
        guest.expect("ann: bold red [2Jplain\r\n")
        self.assertNotIn(b"ann!ann@chat PRIVMSG", ann.heard)  # no echo that was not asked for

    def test_echo_and_times_for_those_who_ask(self):
        self.serve()
        ann = self.client("ann", caps="server-time echo-message")
        bob = self.client("bob")
        ann.line("PRIVMSG #lobby :hi")
        ann.expect(rb"@time=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z :ann!ann@chat PRIVMSG #lobby :hi\r\n")
        bob.expect(rb"(?<=\n):ann!ann@chat PRIVMSG #lobby :hi\r\n")
        late = self.client("late", caps="server-time")
        late.expect(rb"@time=[-\dT:.]+Z :ann!ann@chat PRIVMSG #lobby :hi\r\n")
        without = self.client("without")
        without.expect(":chat NOTICE #lobby :said before you came:\r\n:ann!ann@chat PRIVMSG #lobby :hi\r\n"
                       ":chat NOTICE #lobby :you are here now\r\n")

    def test_rooms(self):
        self.serve()
        ann, bob = self.client("ann"), self.client("bob")
        ann.expect(":bob!bob@chat JOIN #lobby\r\n")
        ann.line("JOIN #lab,#other")
        ann.expect(":ann!ann@chat JOIN #lab\r\n:chat 353 ann = #lab :ann\r\n:chat 366 ann #lab :")
        ann.expect(":ann!ann@chat JOIN #other\r\n")
        ann.line("TOPIC #lab")
        ann.expect(":chat 331 ann #lab :")
        ann.line("TOPIC #lab :ports and sockets")
        ann.expect(":ann!ann@chat TOPIC #lab :ports and sockets\r\n")
        bob.line("JOIN #LAB")
        bob.expect(":chat 332 bob #lab :ports and sockets\r\n:chat 333 bob #lab ann ")
        bob.line("NAMES #lab")
        bob.expect(":chat 353 bob = #lab :ann bob\r\n:chat 366 bob #lab :")
        bob.line("LIST")
        bob.expect(":chat 323 bob :")
        self.assertIn(b":chat 322 bob #lobby 2 :\r\n", bob.heard)
        self.assertIn(b":chat 322 bob #lab 2 :ports and sockets\r\n", bob.heard)
        bob.line("PART #lab :bye")
        for who in (ann, bob):
            who.expect(":bob!bob@chat PART #lab :bye\r\n")
        bob.line("PRIVMSG #lab :x")
        bob.expect(":chat 404 bob #lab :")
        bob.line("NICK robert")
        for who in (ann, bob):
            who.expect(":bob!bob@chat NICK robert\r\n")
        bob.line("QUIT :see you")
        ann.expect(":robert!robert@chat QUIT :quit: see you\r\n")
        ann.line("JOIN 0")
        ann.expect(":ann!ann@chat PART #lobby :\r\n")

    def test_questions(self):
        self.serve()
        guest, ann = self.enter(), self.client("ann")
        place = "127.0.0.1:%d" % guest.sock.getsockname()[1]
        ann.line("WHO #lobby")
        ann.expect(f":chat 352 ann #lobby guest-1 127.0.0.1 chat guest-1 H :0 {place}, line door ")
        ann.expect(":chat 315 ann #lobby :")
        ann.line("WHOIS guest-1")
        ann.expect(":chat 311 ann guest-1 guest-1 127.0.0.1 * :through the line door ")
        ann.expect(f":chat 378 ann guest-1 :is connecting from {place}")
        ann.expect(":chat 319 ann guest-1 :#lobby\r\n")
        ann.expect(":chat 318 ann guest-1 :")
        for line, answer in (("MODE #lobby", "324 ann #lobby +n"), ("MODE #lobby b", "368 ann #lobby :"),
                             ("MODE #lobby +o ann", "482 ann #lobby :"), ("MODE ann", "221 ann +"),
                             ("MODE guest-1 +i", "502 ann :"), ("ISON ann guest-1 nobody", "303 ann :ann guest-1"),
                             ("USERHOST ann", "302 ann :ann=+ann@127.0.0.1"), ("AWAY :tea", "305 ann :"),
                             ("VERSION", "351 ann polyport-"), ("MOTD", "375 ann :"),
                             ("LUSERS", "251 ann :There are 2 members"),
                             ("WHOIS nobody", "401 ann nobody :"), ("PRIVMSG nobody :x", "401 ann nobody :"),
                             ("PRIVMSG #nowhere :x", "404 ann #nowhere :"), ("PRIVMSG", "411 ann :"),
                             ("PRIVMSG ann", "412 ann :"), ("JOIN lobby", "476 ann lobby :"),
                             ("PART #nowhere", "442 ann #nowhere :"), ("TOPIC", "461 ann TOPIC :"),
                             ("NICK", "431 ann :"), ("NICK 1x", "432 ann 1x :"),
                             ("NICK guest-1", "433 ann guest-1 :"), ("NICK gUest-l", "433 ann gUest-l :"),
                             ("KICK #lobby guest-1", "481 ann :"), ("OPER x y", "491 ann"),
                             ("CAP FOO", "410 ann FOO :"), ("FOO", "421 ann FOO :"),
                             (":prefix foo", "421 ann foo :"), ("@tag=1 :prefix FOO x", "421 ann FOO :")):
            ann.line(line)
            ann.expect(":chat " + answer)

    def test_an_operator_kicks(self):
        self.serve(FAST + "operator_password = \"sesame\"\n")
        ann, bob = self.client("ann"), self.client("bob")
        eve = self.client("eve", room="#elsewhere")
        eve.line("OPER eve wrong")
        eve.expect(":chat 464 eve :")
        eve.line("OPER eve wrong")
        eve.expect(":chat NOTICE eve :too fast")  # whoever guesses waits
        ann.line("OPER ann sesame")
        ann.expect(":chat 381 ann :")
        ann.line("NAMES #lobby")
        ann.expect(":chat 353 ann = #lobby :@ann bob\r\n")
        ann.line("KICK #lobby bob :too loud")
        for who in (ann, bob):
            who.expect(":ann!ann@chat KICK #lobby bob :too loud\r\n")
        ann.line("MUTE bob")
        bob.expect(":chat NOTICE bob :an operator has muted you")
        bob.line("JOIN #lobby")
        bob.expect(":chat 366 bob #lobby :")
        bob.line("PRIVMSG #lobby :x")
        bob.expect(":chat 404 bob #lobby :not sent: an operator has muted you\r\n")

    def test_a_taken_nick_can_be_chosen_anew(self):
        self.serve()
        self.client("ann")
        other = Irc(self, self.irc)
        other.line("NICK Ann")
        other.line("USER x 0 * :x")
        other.expect(":chat 433 * Ann :")
        other.line("PRIVMSG #lobby :x")
        other.expect(":chat 451 * :")
        other.line("NICK Ann_")
        other.expect(":chat 001 Ann_ :")

    def test_who_was_cut_off_comes_back_with_pass(self):
        self.serve()
        guest = self.enter()
        guest.line("/nick Ann")
        guest.line("/token")
        token = guest.expect(rb"/resume (\S+)\r\n")[1].decode()
        guest.sock.close()
        again = Irc(self, self.irc)
        again.line(f"PASS {token}")
        again.line("NICK whatever")
        again.line("USER x 0 * :x")
        again.expect(":chat 001 Ann :")

    def test_lines_that_are_too_long_or_no_text(self):
        self.serve()
        guest, ann = self.enter(), self.client("ann")
        ann.line("PRIVMSG #lobby :" + "x" * 495)  # 511 with its words: one more than a line has
        ann.expect(":chat 417 ann :")
        ann.line("PRIVMSG #lobby :" + "y" * 494)
        guest.expect("ann: " + "y" * 494 + "\r\n")
        ann.line("@" + "t" * 4000 + " PRIVMSG #lobby :with tags")
        guest.expect("ann: with tags\r\n")
        ann.type(b"PRIVMSG #lobby :\xff\xfe\r\n")
        ann.expect(":chat NOTICE ann :not sent: that line was not UTF-8 text\r\n")
        ann.type(b"PRIVMSG #lobby :" + b"z" * 1000)
        ann.type(b"\n" + b"PRIVMSG #lobby :after\n")
        ann.expect(":chat 417 ann :")
        guest.expect("ann: after\r\n")
        self.assertNotIn(b"x" * 400, guest.heard)
        self.assertNotIn(b"z" * 400, guest.heard)
        # And the other way: a long line of the line door is cut into pieces that IRC can carry.
        words = " ".join(f"wörd{number}" for number in range(110))
        guest.line(words)
        ann.expect("wörd109\r\n")
        pieces = re.findall(rb"(:guest-1!guest-1@chat PRIVMSG #lobby :([^\r]*)\r\n)", ann.heard)
        self.assertGreater(len(pieces), 1)
        self.assertLessEqual(max(len(piece[0]) for piece in pieces), 512)
        self.assertEqual(b"".join(piece[1] for piece in pieces).decode(), words)

    def test_a_line_without_an_end_costs_nothing(self):
        self.serve()
        ann = self.client("ann")
        before = peak_bytes(self.server.pid)
        for _ in range(16):
            ann.type(b"x" * (1 << 20))
        ann.type(b"\nPING :done\n")
        ann.expect(":chat 417 ann :")
        ann.expect("PONG chat :done\r\n")
        self.assertLess(peak_bytes(self.server.pid) - before, 16 << 20)

    def test_a_flood_is_answered(self):
        self.serve(rows="")
        guest, ann = self.enter(), self.client("ann")
        for number in range(100):
            ann.line(f"PRIVMSG #lobby :spam {number}.")
        ann.expect(":chat NOTICE ann :too fast: not sent. You have 5 lines at once and then 2 a second\r\n")
        guest.expect("ann: spam 4.\r\n")
        ann.line("PING :alive")
        ann.expect("PONG chat :alive\r\n")
        self.assertLess(guest.heard.count(b"spam"), 20)

    def test_silence_is_asked_about_and_ends_the_connection(self):
        self.serve(FAST + "ping_interval = \"1s\"\nping_timeout = \"1s\"\n")
        guest, ann, bob = self.enter(), self.client("ann"), self.client("bob")
        for _ in range(2):  # who answers is asked again
            ann.expect(rb"PING :chat\r\n")
            ann.line("PONG :chat")
        self.assertTrue(bob.rest().endswith(b"PING :chat\r\nERROR :Closing link: no answer to PING\r\n"))
        guest.expect("* bob left (idle_timeout)\r\n")

    def test_a_client_that_does_not_read_is_shown_out(self):
        self.serve(FAST + LONG)
        ann, slow = self.enter(), self.client("slow")
        for _ in range(1000):
            ann.line("z" * 60_000)
            if b"slow left (too slow)" in ann.heard:
                break
            ann.expect("z\r\n")
        ann.expect("* slow left (too slow)\r\n")
        self.assertTrue(slow.rest().endswith(b"keeps for one member\r\n"))

    def test_other_protocols_hear_in_words(self):
        self.serve()
        web = Irc(self, self.irc)
        web.type("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        rest = web.rest()
        self.assertIn(b"clients of IRC, without HTTP; its page is http://localhost:%d/" % self.web[1], rest)
        tls = Irc(self, self.irc)
        tls.type(b"\x16\x03\x01\x00\xf4\x01\x00\x00\xf0\x03\x03" + bytes(200))
        self.assertIn(b"without TLS", tls.rest())

    def test_every_door_takes_tls(self):
        self.server = self.start(
            config="[server.tls]\nauto = true\n[services.chat]\nlisten = \"tls://127.0.0.1:0\"\n"
                   "web = \"tls://127.0.0.1:0\"\nirc = \"tls://127.0.0.1:0\"\n")
        trust_all = ssl.create_default_context()
        trust_all.check_hostname, trust_all.verify_mode = False, ssl.CERT_NONE
        doors = {}
        for door in ("main", "irc", "web"):
            sock = trust_all.wrap_socket(connect(self.server.address("chat", "tls", door=door)))
            self.addCleanup(sock.close)
            doors[door] = sock
        self.assertIn(b"through the line door", doors["main"].recv(4096))
        doors["irc"].sendall(b"NICK ann\r\nUSER ann 0 * :ann\r\nJOIN #lobby\r\nPRIVMSG #lobby :hello\r\n")
        heard = b""
        while b"ann: hello\r\n" not in heard:
            heard += doors["main"].recv(4096)
        doors["web"].sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        page = b""
        while b"connect-src 'self' ws://localhost wss://localhost;" not in page:
            page += doors["web"].recv(4096)


if __name__ == "__main__":
    unittest.main()
