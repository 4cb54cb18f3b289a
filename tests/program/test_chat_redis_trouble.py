"""A chat whose Redis is none, is wrong, or holds what no chat has written."""
# ctest: timeout=600

import re
import signal
import socket

from redis_support import Node, RedisTest
from support import peak_bytes, wait_until


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
