"""Several processes that are one chat, through a real Redis."""
# ctest: timeout=300

import re

from redis_support import RedisTest


class TogetherTest(RedisTest):
    def test_two_processes_hear_the_same_in_the_same_order(self):
        redis = self.redis()
        first, second = self.nodes(2, redis)
        ann, bob = first.enter(), second.enter()
        ann.expect(f"* {bob.nick} joined (")
        self.assertNotEqual(ann.nick, bob.nick)
        for guest in (ann, bob):
            guest.line("/plain")
        for number in range(200):
            ann.line(f"a{number}.")
            bob.line(f"b{number}.")
        heard = []
        for guest in (ann, bob):
            for _ in range(400):
                guest.expect(rb"say #lobby (\S+) (\S+) ([ab]\d+)\.\r\n")
            heard.append(re.findall(rb"say #lobby (\S+) (\S+) ([ab]\d+)\.\r\n", guest.heard))
        self.assertEqual(heard[0], heard[1])
        self.assertEqual(len(set(heard[0])), 400)
        for who in b"ab":
            said = [text for _, _, text in heard[0] if text[0] == who]
            self.assertEqual(said, [b"%c%d" % (who, number) for number in range(200)])
