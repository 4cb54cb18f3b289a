"""Several processes that are one chat, through a real Redis."""
# ctest: timeout=600

import json
import re
import signal
import socket

from redis_support import Node, RedisTest
from support import peak_bytes, wait_until


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

    def test_members_of_other_processes_are_seen_with_their_place(self):
        redis = self.redis()
        first, second, third = self.nodes(3, redis)
        ann, bob = first.enter(), second.enter()
        ann.expect(f"* {bob.nick} joined (127.0.0.1:%d, line door %d of " % (
            bob.sock.getsockname()[1], second.lines[1]))
        bob.line("/nick Bob")
        ann.expect(f"* {bob.nick} is now Bob\r\n")
        cid = third.irc("Cid")
        for guest in (ann, bob):
            guest.expect("* Cid joined (127.0.0.1:")
        dora = third.page()
        for guest in (ann, bob):
            guest.expect(f"* {dora.nick} joined (127.0.0.1:")
        host = dora.expect(type="room", room="#lobby")["members"]
        self.assertEqual({member["nick"]: "host" in member for member in host},
                         {ann.nick: True, "Bob": True, "Cid": False, dora.nick: False})
        ann.line("/who")
        ann.expect("* 4 here:\r\n")
        ann.expect(rb"\*   Bob  127\.0\.0\.1:\d+, line door %d of \S+\r\n" % second.lines[1])
        cid.line("WHOIS Bob")
        cid.expect(":chat 311 Cid Bob ")
        bob.line("/quit see you")
        ann.expect("* Bob left (quit: see you)\r\n")
        cid.expect(":Bob!Bob@chat QUIT :quit: see you\r\n")
        dora.say(type="part", room="#lobby", why="lunch")
        ann.expect("(lunch)\r\n")

    def test_direct_messages_topics_kicks_and_mutes_reach_the_other_process(self):
        redis = self.redis()
        first, second = self.nodes(2, redis, "operator_password = \"let me\"\n")
        ann, bob, cid = first.enter(), second.enter(), second.enter()
        self.name(bob, "Bob", ann)
        ann.line("/msg bob just for you")
        ann.expect("[you to Bob] just for you\r\n")
        bob.expect(f"[{ann.nick} to you] just for you\r\n")
        ann.line("/topic ports & sockets")
        for guest in (ann, bob, cid):
            guest.expect("ports & sockets")
        late = second.enter()
        late.expect("the topic of #lobby: ports & sockets")
        ann.line("/op let me")
        ann.line("/mute Bob")
        bob.expect("* an operator has muted you")
        bob.line("can you hear me?")
        bob.expect("* not sent: an operator has muted you\r\n")
        ann.line("/unmute Bob")
        bob.expect("* an operator lets you talk again\r\n")
        ann.line("/kick Bob shouting")
        bob.expect("shouting")
        cid.expect("Bob")
        ann.line("/who")
        ann.expect("* 3 here:\r\n")
        bob.line("/join #lobby")
        cid.expect("* Bob joined (")
        self.assertNotIn(b"just for you", cid.heard)

    def test_a_direct_message_reaches_whom_it_was_for_by_whatever_name(self):
        redis = self.redis()
        first, second = self.nodes(2, redis)
        ann, bob, cid = first.enter(), second.enter(), second.enter()
        self.name(bob, "Bob", ann)
        keys = redis.ask("KEYS", "polyport:chat:members:*")
        for node in re.findall(r"members:([0-9a-f]{16})", keys):
            record = redis.ask("HGETALL", f"polyport:chat:members:{node}")
            if found := re.search(r"\r\n(\d+)\r\n\$\d+\r\nBob\n", record):
                home, number = node, found.group(1)
        bob.line("/nick Bobby")
        ann.expect("* Bob is now Bobby\r\n")
        self.name(cid, "Bob", ann)
        # What was written to Bob before the first process knew of that.
        to_bob = ("at", home, "m", number, "to", "Bob")
        self.add_counted(redis, "0123456789abcdef", "t", "private", "s", "1", "kind", "say",
                         "from", "eve", *to_bob, "text", "a secret")
        self.add_counted(redis, "0123456789abcdef", "t", "mute", "s", "2", *to_bob, "on", "1")
        self.add_counted(redis, "0123456789abcdef", "t", "kick", "s", "3", "room", "#lobby",
                         "by", "eve", *to_bob, "text", "noise")
        bob.expect("[eve to you] a secret\r\n")
        bob.expect("* an operator has muted you")
        ann.expect("* eve put Bobby out of #lobby (noise)\r\n")
        cid.line("still here")
        ann.expect("Bob: still here\r\n")
        self.assertNotIn(b"secret", cid.heard)

    def test_who_writes_to_somebody_who_goes_is_told(self):
        redis = self.redis()
        first, second = self.nodes(2, redis)
        ann, bob = first.enter(), second.enter()
        self.name(bob, "Bob", ann)
        first.server.signal(signal.SIGSTOP)
        bob.line("/quit")
        wait_until(lambda: redis.ask("EXISTS", "polyport:chat:nick:bob") == ":0\r\n", "Bob is gone")
        ann.line("/msg Bob are you there?")
        first.server.signal(signal.SIGCONT)
        ann.expect(rb"(Bob had gone before what you wrote came there|nobody here is called Bob)")

    def test_names_are_one_for_all_processes(self):
        redis = self.redis()
        first, second = self.nodes(2, redis)
        ann, bob = first.enter(), second.enter()
        ann.expect(f"* {bob.nick} joined")
        ann.line("/nick Alice")
        bob.expect("* guest-1 is now Alice\r\n")
        bob.line("/nick aIice")  # with a capital i
        bob.expect("* somebody here has a name that looks like aIice")
        # At one time: one of them keeps it, and both processes say which.
        for number in range(20):
            ann.line(f"/nick both{number}")
            bob.line(f"/nick both{number}")
            ann.line(f"mark {number}.")
            bob.line(f"mark {number}.")
            for guest in (ann, bob):
                guest.expect(f"mark {number}.")
                guest.expect(f"mark {number}.")

        def names(guest):
            guest.line("/who")
            guest.expect("* 2 here:\r\n")
            rows = (guest.expect(rb"\*   (\S+)  .*\r\n").group(1) for _ in range(2))
            return sorted(set(rows))

        # Whoever comes second has another name as soon as its process hears of it.
        wait_until(lambda: len(names(ann)) == 2 and names(ann) == names(bob), "both say the same")

    def test_history_is_that_of_all(self):
        redis = self.redis()
        first, second = self.nodes(2, redis, "history_lines = 3\n")
        ann, witness = first.enter(), second.enter()
        for text in ("one", "two", "three", "four"):
            ann.line(text)
        witness.expect("four\r\n")  # the second process has read it all
        bob = second.enter()
        bob.expect(f"* said before you came:\r\n{ann.nick}: two\r\n{ann.nick}: three\r\n"
                   f"{ann.nick}: four\r\n* you are here now\r\n")
        first.server.stop()
        second.server.stop()
        late = self.nodes(1, redis)[0]
        page = late.page()
        room = page.expect(type="room", room="#lobby")
        self.assertEqual([message["text"] for message in room["messages"]],
                         ["one", "two", "three", "four"])
        middle = room["messages"][1]["id"]
        page.say(type="history", room="#lobby", after=middle, limit=1)
        answer = page.expect(type="history")
        self.assertEqual(([message["text"] for message in answer["messages"]], answer["more"]),
                         (["four"], True))
        page.say(type="history", room="#lobby", before=middle)
        answer = page.expect(type="history")
        self.assertEqual(([message["text"] for message in answer["messages"]], answer["more"]),
                         (["one"], False))

    def test_nobody_who_comes_in_while_others_talk_misses_or_hears_twice(self):
        redis = self.redis()
        first, second = self.nodes(2, redis, "history_lines = 500\n")
        ann = first.enter()
        total, seen = 600, []
        late = []
        for number in range(total):
            ann.line(f"m{number}.")
            if number % 60 == 30:
                late.append(second.page())
        for page in late:
            page.expect(type="room")
            if f'"m{total - 1}."' not in json.dumps(page.seen):
                page.expect(type="message", text=f"m{total - 1}.")
            heard = []
            for message in page.seen:
                if message["type"] == "room":
                    heard += [each["text"] for each in message["messages"]]
                elif message["type"] == "message":
                    heard.append(message["text"])
            seen.append(heard)
        for heard in seen:
            start = int(heard[0][1:-1])
            self.assertEqual(heard, [f"m{number}." for number in range(start, total)])


    def test_a_line_typed_behind_a_join_goes_to_that_room(self):
        redis = self.redis()
        first, second = self.nodes(2, redis)
        bob = second.enter()
        bob.line("/join #lab")
        bob.expect("* you are in #lab now")
        script = socket.create_connection(first.lines, timeout=30)
        self.addCleanup(script.close)
        script.sendall(b"/nick Script\nfirst\n/join #lab\nsecond\nlast and no end")
        script.shutdown(socket.SHUT_WR)
        bob.expect("[#lobby] Script: first\r\n")
        bob.expect("Script: second\r\nScript: last and no end\r\n")
        bob.expect("* Script left (closed the connection)\r\n")
        cid = first.irc("Cid")
        cid.type("JOIN #lab\r\nPRIVMSG #lab :from IRC\r\nQUIT\r\n")
        bob.expect("Cid: from IRC\r\n")


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


class TroubleTest(RedisTest):
    def away(self, url, words, rows=""):
        """A chat that has no Redis, says why, and goes on."""
        node = Node(self, url, rows)
        row = self.wait_for_state(node, "failed")
        self.assertRegex(row["error"], words)
        ann, bob = node.enter(), node.enter()
        ann.line("hello")
        bob.expect("hello\r\n")
        bob.expect("out of reach") if b"out of reach" not in bob.heard else None
        wait_until(lambda: re.search(words, node.server.stderr()), "the log")
        for path in ("/healthz", "/readyz"):
            self.assertEqual(node.server.get("health", path)[0], 200)
        self.assertNotIn("secret", node.server.stderr() + str(row))
        return node

    def test_nobody_listens_there(self):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.away(f"redis://127.0.0.1:{port}", r"cannot be reached: 127\.0\.0\.1:\d+: Connection refused")

    def test_a_name_that_does_not_exist(self):
        self.away("redis://no-such-host.invalid", "no-such-host.invalid, has no address")

    def test_a_wrong_password(self):
        redis = self.redis("--requirepass", "right")
        self.away(f"redis://:secret@127.0.0.1:{redis.port}/0", "refuses the password .*WRONGPASS")
        self.away(f"redis://127.0.0.1:{redis.port}/0", "wants a password")
        self.wait_together(Node(self, f"redis://127.0.0.1:{redis.port}/0",
                                "backplane_password = \"right\"\n"))
        self.wait_together(Node(self, f"redis://127.0.0.1:{redis.port}/0", env={
            "POLYPORT_SERVICES__CHAT__BACKPLANE_PASSWORD": "right"}))

    def test_a_password_where_there_is_none(self):
        self.away(self.redis().url.replace("//", "//:secret@"), "has no password, but one is set")

    def test_a_wrong_database(self):
        redis = self.redis()
        self.away(redis.url.replace("/0", "/99"), "does not have that database")

    def test_it_is_a_web_server(self):
        node = self.start("http:0")
        port = node.port("http")
        self.away(f"redis://127.0.0.1:{port}", "is no Redis")

    def test_it_says_nothing(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            self.away(f"redis://127.0.0.1:{silent.getsockname()[1]}", "does not answer")

    def test_a_read_only_replica(self):
        redis = self.redis()
        copy = self.redis("--replicaof", "127.0.0.1", str(redis.port))
        wait_until(lambda: "master_link_status:up" in copy.ask("INFO", "replication"), "the replica")
        self.away(copy.url, "is a read-only replica")

    def test_no_memory_left(self):
        redis = self.redis("--maxmemory", "1", "--maxmemory-policy", "noeviction")
        node = self.away(redis.url, "has no memory left")
        redis.ask("CONFIG", "SET", "maxmemory", "0")
        self.wait_together(node)

    def test_no_memory_left_in_the_middle(self):
        redis = self.redis()
        first, second = self.nodes(2, redis)
        ann, bob = first.enter(), second.enter()
        ann.expect(f"* {bob.nick} joined")
        redis.ask("CONFIG", "SET", "maxmemory", "1")
        ann.line("one")
        ann.expect("out of reach")
        ann.expect(": one\r\n")
        redis.ask("CONFIG", "SET", "maxmemory", "0")
        bob.expect(": one\r\n")

    def test_it_has_no_streams(self):
        self.away(self.redis("--rename-command", "XADD", "").url, "too old|lacks a command")

    def test_a_user_without_rights(self):
        redis = self.redis("--user", "weak", "on", ">secret", "~other:*", "+@all")
        self.away(f"redis://weak:secret@127.0.0.1:{redis.port}", "rights it needs")

    def test_keys_of_another_program(self):
        redis = self.redis()
        redis.ask("SET", "polyport:chat:wire", "mine")
        self.away(redis.url, "keys of another program")

    def test_a_stream_that_takes_nothing_more(self):
        redis = self.redis()
        last = "18446744073709551615"
        redis.ask("XADD", "polyport:chat:wire", f"{last}-{last}", "a", "b")
        self.away(redis.url, "a stream that another program has written to")

    def test_a_user_a_name_and_a_unix_socket(self):
        redis = self.redis("--user", "chat", "on", ">pass%word", "~*", "+@all")
        nodes = [Node(self, url) for url in (
            f"redis://chat:pass%25word@localhost:{redis.port}/3",
            f"unix:{redis.folder}/redis.sock?db=3")]
        for node in nodes:
            self.wait_together(node)
        ann, bob = nodes[0].enter(), nodes[1].enter()
        ann.line("hello")
        bob.expect("hello\r\n")

    def test_hostile_entries_are_passed_over(self):
        redis = self.redis()
        first, second = self.nodes(2, redis)
        ann, bob = first.enter(), second.enter()
        ann.expect(f"* {bob.nick} joined")
        node = "0123456789abcdef"
        good = {"t": "say", "n": node, "s": "1", "room": "#lobby", "nick": "eve", "text": "x"}
        for wrong in ({}, {"t": "dance"}, {"n": "short"}, {"s": "0"}, {"s": "x"}, {"room": "lobby"},
                      {"nick": "a b"}, {"text": ""}, {"text": b"\xff\xfe"}, {"text": "\x1b[31mred"},
                      {"text": "y" * 100_000}, {"t": "member", "m": "1", "record": "eve"},
                      {"t": "gone", "m": "-1"}, {"t": "kick", "by": "eve", "who": "a b"}):
            fields = {**good, **wrong} if wrong else {"a": "b"}
            redis.ask("XADD", "polyport:chat:wire", "*", *sum(fields.items(), ()))
        redis.ask("XADD", "polyport:chat:room:#lobby", "99999999999999-0", "a", "b")
        redis.ask("HSET", "polyport:chat:members:" + node, "1", "eve")
        redis.ask("HSET", "polyport:chat:topics", "#lobby", "1 eve #lobby \x1b[31mred")
        bob.line("still here")
        for guest in (ann, bob):
            guest.expect("still here\r\n")
            self.assertNotIn(b"eve", guest.heard)
        self.assertIn("is not of this chat", first.server.stderr())
        late = self.nodes(1, redis)[0].enter()
        late.expect("still here\r\n")
        self.assertNotIn(b"eve", late.heard)

    def test_an_entry_that_cannot_be_read_has_its_place(self):
        redis = self.redis()
        first, second = self.nodes(2, redis)
        ann, bob = first.enter(), second.enter()
        ann.expect(f"* {bob.nick} joined")
        for wrong in (("t", "dance"), ("t", "say", "s", "1", "room", "#lobby", "nick", "eve",
                                       "text", "\x1b[31mred")):
            self.add_counted(redis, "0123456789abcdef", *wrong)
        bob.line("still here")
        for guest in (ann, bob):
            guest.expect("still here\r\n")
        for node in (first, second):
            self.assertIn("a later version of polyport", node.server.stderr())
            self.assertNotIn("backplane_failed", node.server.stderr())

    def test_what_nobody_can_read_its_own_process_does_not_show(self):
        redis = self.redis()
        first = self.nodes(1, redis)[0]
        own = re.search(r"[0-9a-f]{16}", redis.ask("ZRANGE", "polyport:chat:nodes", 0, -1)).group()
        second = self.nodes(1, redis)[0]
        ann, bob = first.enter(), second.enter()
        ann.expect(f"* {bob.nick} joined")
        # What ann says is in the first process' hands before it reads that entry.
        first.server.signal(signal.SIGSTOP)
        ann.line("lost")
        self.add_counted(redis, own, "t", "dance", "s", "1", taken="1")
        first.server.signal(signal.SIGCONT)
        ann.line("next")
        for guest in (ann, bob):
            guest.expect("next\r\n")
            self.assertNotIn(b"lost", guest.heard)

    def test_something_huge_is_taken_out(self):
        redis = self.redis()
        first = self.nodes(1, redis)[0]
        ann = first.enter()
        redis.ask("XADD", "polyport:chat:wire", "*", "text", b"z" * (70 << 20))
        wait_until(lambda: "larger than 256 KiB" in first.server.stderr(), "the weeding")
        self.wait_together(first)
        ann.line("hello")
        ann.expect("hello\r\n")
        self.assertLess(peak_bytes(first.server.pid), 1 << 30)
