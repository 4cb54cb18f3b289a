"""Five thousand members in one room, behind all doors: each hears everything, in one order."""
# ctest: timeout=300 serial

import re
import resource
import unittest

from chat_support import FAST, ChatTest
from support import wait_until

SAID = 25  # by each who talks


class Many(ChatTest):
    LINES, CLIENTS, PAGES = 4_700, 150, 150

    def setUp(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    def listened(self, talkers):
        """What every member heard of the talk, in order, as (nick, text)."""
        last = {f"{talker.nick} says {SAID - 1}".encode() for talker in talkers}
        talk = re.compile(rb"(guest-\d+)(?:!\S+ PRIVMSG #lobby :|: )(guest-\d+ says \d+)\r\n")
        for member in self.guests + self.clients:
            while any(text not in member.heard for text in last) or not member.heard.endswith(b"\n"):
                part = member.sock.recv(1 << 20)
                self.assertTrue(part, "a member was cut off")
                member.heard += part
            yield talk.findall(member.heard)
        for page in self.pages:
            missing = set(last)
            while missing:
                missing.discard(page.expect(type="message")["text"].encode())
            yield [(message["nick"].encode(), message["text"].encode())
                   for message in page.seen if message["type"] == "message"]

    def test_everybody_hears_everything_in_one_order(self):
        self.serve(FAST + "web_connections_per_address = 1000\n")
        self.pages = [self.page() for _ in range(self.PAGES)]  # first: select() takes low numbers
        self.guests = [self.enter() for _ in range(self.LINES)]
        self.clients = [self.client(f"irc-{number}") for number in range(self.CLIENTS)]
        talkers = self.guests[:2] + self.guests[-2:]
        for number in range(SAID):
            for talker in talkers:
                talker.line(f"{talker.nick} says {number}")
        orders = {tuple(heard) for heard in self.listened(talkers)}
        self.assertEqual(len(orders), 1)
        heard = orders.pop()
        self.assertEqual(len(heard), len(talkers) * SAID)
        for talker in talkers:
            nick = talker.nick.encode()
            self.assertEqual([text for who, text in heard if who == nick],
                             [f"{talker.nick} says {number}".encode() for number in range(SAID)])
        # All of them leave at once.
        for member in self.guests + self.clients:
            member.sock.close()
        for page in self.pages:
            page.socket.sock.close()
        last = self.enter()

        def alone():
            last.line("/who")
            return last.expect(rb"\* ([\d,]+) here:").group(1) == b"1"

        wait_until(alone, "the room is empty but for one")


if __name__ == "__main__":
    unittest.main()
