"""What an echo and a chat line cost in the steady state: nothing is allocated for what goes by."""

import unittest

from chat_support import FAST, ChatTest
from counted import Counts
from support import connect, read_exactly


class EchoCost(ChatTest):
    WARM_UP = 100
    OPERATIONS = 10_000

    def test_an_echo_allocates_nothing_and_writes_once(self):
        counts = Counts(self)
        server = self.start(config='[services.echo]\nlisten = "127.0.0.1:0"\n', env=counts.environment)
        message = b"x" * 64
        with connect(server.address("echo")) as sock:
            for number in range(self.WARM_UP + self.OPERATIONS):
                if number == self.WARM_UP:
                    before = counts.now()
                sock.sendall(message)
                read_exactly(sock, len(message))
            self.assertEqual(counts.since(before), {"allocations": 0, "maps": 0,
                                                    "sends": self.OPERATIONS,
                                                    "receives": self.OPERATIONS})


class ChatCost(ChatTest):
    WARM_UP = 60  # lines: more than the room remembers
    LINES = 50

    def cost_of_lines(self, readers):
        """What LINES lines cost in a room of so many, sender included; every line reaches all."""
        counts = Counts(self)
        self.server = self.start(env=counts.environment, config=(
            f'[services.chat]\nlisten = "127.0.0.1:0"\nhistory_kept = 20\n{FAST}'))
        guests = [self.enter(self.server.address("chat")) for _ in range(readers)]
        guests[-1].line("/nick sender")
        for guest in guests:
            guest.expect("is now sender\r\n")
        for number in range(self.WARM_UP + self.LINES):
            if number == self.WARM_UP:
                before = counts.now()
            words = f"line {number:06} {'x' * 80}"
            guests[-1].line(words)
            for guest in guests:
                guest.expect(f"sender: {words}\r\n")
        return counts.since(before)

    def test_a_line_costs_the_same_allocations_however_many_hear_it(self):
        few, many = self.cost_of_lines(3), self.cost_of_lines(43)
        self.assertEqual(few["sends"], 3 * self.LINES)
        self.assertEqual(many["sends"], 43 * self.LINES)
        # A line is one message, of which every reader gets the same bytes.
        self.assertEqual(many["allocations"], few["allocations"])
        self.assertEqual((few["maps"], many["maps"]), (0, 0))


if __name__ == "__main__":
    unittest.main()
