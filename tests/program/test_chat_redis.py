"""Several processes that are one chat, through a real Redis."""
# ctest: timeout=600

import json
import re
import signal
import socket

from redis_support import RedisTest
from support import wait_until


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
