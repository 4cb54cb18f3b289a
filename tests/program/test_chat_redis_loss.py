"""Several processes that are one chat, where one of them or Redis goes away."""
# ctest: timeout=600

import re
import signal

from redis_support import RedisTest
from support import wait_until


class LossTest(RedisTest):
    def test_a_killed_process_frees_its_names(self):
        redis = self.redis()
        first, second = self.nodes(2, redis, "backplane_timeout = \"1s\"\n")
        ann, bob = first.enter(), second.enter()
        self.name(bob, "Bob", ann)
        second.server.kill()
        ann.expect("* Bob left (its server is gone)\r\n")
        ann.line("/nick Bob")
        ann.expect(f"* {ann.nick} is now Bob\r\n")
        self.assertEqual(redis.ask("HLEN", "polyport:chat:counts"), ":1\r\n")
        wait_until(lambda: " 1\r\n" in redis.ask("GET", "polyport:chat:nick:bob"), "it has the name")

    def test_a_process_that_ends_says_so(self):
        redis = self.redis()
        first, second = self.nodes(2, redis)
        ann, bob = first.enter(), second.enter()
        ann.expect(f"* {bob.nick} joined")
        second.server.stop()
        ann.expect(f"* {bob.nick} left (its server is stopping)\r\n")

    def test_a_process_that_was_stopped_for_long_comes_back(self):
        redis = self.redis()
        first, second = self.nodes(2, redis, "backplane_timeout = \"1s\"\n")
        ann, bob = first.enter(), second.enter()
        ann.expect(f"* {bob.nick} joined")
        second.server.signal(signal.SIGSTOP)
        ann.expect(f"* {bob.nick} left (its server is gone)\r\n")
        ann.line("are you there?")
        second.server.signal(signal.SIGCONT)
        bob.expect("are you there?\r\n")
        ann.expect(f"* {bob.nick} joined")
        bob.line("I am")
        ann.expect(f"{bob.nick}: I am\r\n")

    def lose_and_heal(self, lose, heal):
        """Redis goes away while people talk, and comes back: what each heard, by id."""
        redis = self.redis()
        nodes = self.nodes(2, redis)
        pages = [node.page() for node in nodes]
        for page in pages:
            page.expect(type="room")
        pages[0].say(type="say", room="#lobby", text="before", ref="r")
        for page in pages:
            page.expect(type="message", text="before")
        lose(redis)
        for number, page in enumerate(pages):
            page.expect(type="notice")
            for at in range(5):
                page.say(type="say", room="#lobby", text=f"apart {number} {at}", ref=f"{at}")
                shown = page.expect(type="message", text=f"apart {number} {at}")
                self.assertTrue(shown["id"].startswith("local-"), shown)
        late = nodes[0].page()  # who comes in meanwhile hears of it, and what was said here
        self.assertEqual([each["text"] for each in late.expect(type="room")["messages"]],
                         ["before"] + [f"apart 0 {at}" for at in range(5)])
        late.expect(type="notice")
        for page in pages:
            self.assertFalse([each for each in page.seen if each["type"] == "sent"
                              and each["ref"] != "r"], "acknowledged, and not kept")
        heal(redis)
        everybody = pages + [late]
        for page in everybody:
            page.expect(type="notice", text="the other servers of this chat are there again")
        for number, page in enumerate(pages):
            for at in range(5):
                page.expect(type="sent", ref=f"{at}", kept=True)
        pages[1].say(type="say", room="#lobby", text="after")
        for page in everybody:
            page.expect(type="message", text="after")
        return redis, nodes, pages, late

    def final_texts(self, page):
        """Everything a page knows at the end, in the order of final ids."""
        known = {}
        for message in page.seen:
            said = message["messages"] if message["type"] == "room" else [message]
            for each in said:
                if each.get("type", "message") == "message":
                    self.assertNotIn(each["id"], known)
                    known[each["id"]] = each["text"]
            if message["type"] == "renumbered":
                self.assertNotIn(message["new"], known)
                known[message["new"]] = known.pop(message["id"])
        self.assertFalse([each for each in known if each.startswith("local-")])
        return [known[each] for each in sorted(
            known, key=lambda each: tuple(int(part) for part in each.split("-")))]

    def check_all_is_there(self, lose, heal):
        redis, nodes, pages, late = self.lose_and_heal(lose, heal)
        texts = [self.final_texts(page) for page in [*pages, late]]
        self.assertEqual(texts[0], texts[1])
        self.assertEqual(texts[0], texts[2])
        self.assertEqual(sorted(texts[0]), sorted(
            ["before", "after"] + [f"apart {number} {at}" for number in (0, 1) for at in range(5)]))
        for number in (0, 1):
            said = [text for text in texts[0] if text.startswith(f"apart {number}")]
            self.assertEqual(said, sorted(said))
        history = nodes[0].page().expect(type="room")
        self.assertEqual([each["text"] for each in history["messages"]], texts[0])

    def test_redis_is_killed_and_started_again(self):
        self.check_all_is_there(lambda redis: redis.kill(),
                                lambda redis: self.assertTrue(redis.start()))

    def test_redis_is_stopped_and_goes_on(self):
        self.check_all_is_there(lambda redis: redis.signal(signal.SIGSTOP),
                                lambda redis: redis.signal(signal.SIGCONT))

    def test_a_cut_connection_is_no_loss(self):
        redis = self.redis()
        first, second = self.nodes(2, redis)
        ann, bob = first.enter(), second.enter()
        ann.expect(f"* {bob.nick} joined")
        total = 400
        for number in range(total):
            ann.line(f"m{number}.")
            if number % 40 == 20:
                redis.ask("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        for guest in (ann, bob):
            guest.expect(f"m{total - 1}.\r\n")
            self.assertEqual(re.findall(rb": (m\d+)\.\r\n", guest.heard),
                             [b"m%d" % number for number in range(total)])
        self.assertNotIn(b"out of reach", ann.heard + bob.heard)

    def test_nothing_is_lost_and_nothing_twice_while_redis_comes_and_goes(self):
        redis = self.redis()
        nodes = self.nodes(2, redis)
        pages = [node.page() for node in nodes]
        for page in pages:
            page.expect(type="room")
        total, rounds = 240, 8
        for number in range(total):
            for who, page in enumerate(pages):
                page.say(type="say", room="#lobby", text=f"{who} {number:03}", ref=f"{number}")
            if number % (total // rounds) == 15:
                if (number // (total // rounds)) % 2:
                    redis.kill()
                    self.assertTrue(redis.start())
                else:
                    redis.ask("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        wanted = [f"{who} {number:03}" for who in range(2) for number in range(total)]
        acknowledged = []
        for page in pages:
            for number in range(total):
                if not any(each["type"] == "sent" and each["ref"] == f"{number}"
                           for each in page.seen):
                    page.expect(type="sent", ref=f"{number}", kept=True)
            acknowledged += [each for each in page.seen if each["type"] == "sent"]
        self.assertEqual(len(acknowledged), 2 * total)
        for page in pages:
            page.say(type="say", room="#lobby", text="the end")
        for page in pages:
            while sum(each.get("text") == "the end" for each in page.seen) < 2:
                page.expect(type="message", text="the end")
        texts = [[text for text in self.final_texts(page) if text != "the end"] for page in pages]
        self.assertEqual(texts[0], texts[1])
        self.assertEqual(sorted(texts[0]), wanted)
        for who in range(2):
            said = [text for text in texts[0] if text.startswith(f"{who} ")]
            self.assertEqual(said, sorted(said))
        reader = nodes[0].page()
        reader.expect(type="room")
        reader.say(type="history", room="#lobby", limit=500)
        history = [each["text"] for each in reader.expect(type="history")["messages"]]
        self.assertEqual([text for text in history if text != "the end"], texts[0])

    def test_redis_that_has_lost_everything(self):
        redis = self.redis()
        first, second = self.nodes(2, redis)
        ann, bob = first.enter(), second.enter()
        ann.expect(f"* {bob.nick} joined")
        ann.line("/plain")
        ann.line("one")
        before = ann.expect(rb"say #lobby (\d+)-(\d+) \S+ one\r\n").groups()
        bob.expect("one\r\n")
        redis.ask("FLUSHALL")

        def heard():
            ann.line("two")
            ann.sock.settimeout(0.2)
            try:
                ann.heard += ann.sock.recv(1 << 16)
            except TimeoutError:
                pass
            ann.sock.settimeout(30)
            return b" two\r\n" in ann.heard
        wait_until(heard, "the chat goes on")
        after = ann.expect(rb"say #lobby (\d+)-(\d+) \S+ two\r\n").groups()
        self.assertGreater([int(part) for part in after], [int(part) for part in before])
        bob.expect("two\r\n")
        bob.line("three")
        ann.expect("three\r\n")
        ann.line("/who")
        ann.expect("members #lobby 2\r\n")

    def check_forgotten(self, cut):
        redis = self.redis()
        first, second = self.nodes(2, redis)
        ann, bob = first.enter(), second.enter()
        ann.expect(f"* {bob.nick} joined")
        second.server.signal(signal.SIGSTOP)
        for number in range(20):
            ann.line(f"m{number}.")
        ann.expect("m19.\r\n")
        redis.ask("XTRIM", "polyport:chat:wire", "MAXLEN", "1")
        if cut:
            redis.ask("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        second.server.signal(signal.SIGCONT)
        bob.expect("m19.\r\n")
        self.assertEqual(re.findall(rb": (m\d+)\.\r\n", bob.heard),
                         [b"m%d" % number for number in range(20)])
        bob.line("all of them")
        ann.expect("all of them\r\n")

    def test_what_the_wire_has_forgotten_comes_from_the_rooms(self):
        self.check_forgotten(cut=True)

    def test_a_process_that_reads_too_slowly_finds_what_it_missed(self):
        self.check_forgotten(cut=False)

    def test_what_waits_is_bounded_and_comes_in_order(self):
        redis = self.redis()
        first, second = self.nodes(2, redis)
        ann, bob = first.enter(), second.enter()
        ann.expect(f"* {bob.nick} joined")
        redis.kill()
        ann.expect("out of reach")
        ann.line(f"/msg {bob.nick} psst")
        ann.expect(f"* {bob.nick} is on another server of this chat, which is out of reach now")
        ann.line("/topic set apart")  # which has no place any more when all is full
        total = 10_000
        for start in range(0, total, 1000):
            ann.type("".join(f"m{number}.\n" for number in range(start, start + 1000)))
            ann.expect(f": m{start + 999}.\r\n")
        ann.type("one too many\n" * 5)
        for _ in range(5):
            ann.expect("* not sent: too much waits already, for the disk or for other servers")
        self.assertTrue(redis.start())
        bob.expect(f"m{total - 1}.\r\n")
        self.assertEqual(re.findall(rb": m(\d+)\.\r\n", bob.heard),
                         [b"%d" % number for number in range(total)])
        bob.expect(f"* {ann.nick} set the topic of #lobby: set apart\r\n")
        ann.line("again")
        bob.expect("again\r\n")


    def test_what_is_for_one_alone_does_not_wait_for_redis(self):
        redis = self.redis()
        first, second = self.nodes(2, redis)
        ann, bob = first.enter(), second.enter()
        self.name(bob, "Bob", ann)
        redis.signal(signal.SIGSTOP)
        # As many as are sent before one of them is answered.
        ann.type("/msg Bob sent\n" + "".join(f"m{number}.\n" for number in range(1000)))
        ann.type("/msg Bob not sent\n")
        ann.expect("[you to Bob] not sent\r\n")
        ann.expect("* what you wrote to Bob was not sent: that server of this chat is out of reach")
        redis.signal(signal.SIGCONT)
        bob.expect("[%s to you] sent\r\n" % ann.nick)
        bob.expect("m999.\r\n")
        ann.line("/msg Bob again")
        bob.expect("] again\r\n")
        self.assertNotIn(b"not sent", bob.heard)


    def test_who_comes_while_redis_is_away_knows_that_there_may_be_more(self):
        redis = self.redis()
        first = self.nodes(1, redis)[0]
        first.enter().line("kept")
        wait_until(lambda: redis.ask("EXISTS", "polyport:chat:room:#lobby") == ":1\r\n", "it is")
        first.server.stop()
        page = self.nodes(1, redis)[0].page()
        self.assertFalse(page.expect(type="room")["more"])
        redis.kill()
        page.expect(type="notice")
        page.say(type="say", room="#lobby", text="one", ref="r")
        mine = page.expect(type="message", text="one")["id"]
        page.say(type="history", room="#lobby")
        answer = page.expect(type="history")
        self.assertEqual(([each["text"] for each in answer["messages"]], answer["more"]),
                         (["one"], True))
        page.say(type="history", room="#lobby", before=mine)
        answer = page.expect(type="history")
        self.assertEqual((answer["messages"], answer["more"]), ([], True))
        self.assertTrue(redis.start())
        page.expect(type="sent", ref="r")
        page.say(type="history", room="#lobby", before=mine)
        answer = page.expect(type="history")
        self.assertEqual(([each["text"] for each in answer["messages"]], answer["more"]),
                         (["kept"], False))

    # Each of these is more than may wait for a member at once (max_unread, 256 KiB).

    def test_much_that_was_missed_shows_nobody_out(self):
        redis = self.redis()
        first, second = self.nodes(2, redis)
        ann, bob = first.enter(), second.enter()
        ann.expect(f"* {bob.nick} joined")
        second.server.signal(signal.SIGSTOP)
        for number in range(500):
            ann.line(f"m{number}." + "x" * 990)
        ann.expect(": m499.")
        redis.ask("XTRIM", "polyport:chat:wire", "MAXLEN", "1")
        second.server.signal(signal.SIGCONT)
        bob.expect(rb": m499\.x+\r\n")
        self.assertEqual(re.findall(rb": m(\d+)\.x{990}\r\n", bob.heard),
                         [b"%d" % number for number in range(500)])

    def test_much_that_waits_shows_nobody_out(self):
        redis = self.redis()
        first = self.nodes(1, redis)[0]
        ann, bob = first.enter(), first.enter()
        ann.expect(f"* {bob.nick} joined")
        redis.signal(signal.SIGSTOP)
        for number in range(600):
            ann.line(f"m{number}." + "x" * 990)
        bob.expect("out of reach")
        redis.signal(signal.SIGCONT)  # perhaps before all is shown
        bob.expect(": m599.")
        self.assertEqual(re.findall(rb": m(\d+)\.", bob.heard),
                         [b"%d" % number for number in range(600)])
        bob.line("and on")
        ann.expect("and on\r\n")
