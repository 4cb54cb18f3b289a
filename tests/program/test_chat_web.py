"""The chat's web door: its files, who may connect, and its messages, without a browser."""
# ctest: timeout=180

import http.client
import json
import struct
import unittest

from chat_support import FAST, LONG, ChatTest, Page
from support import TIMEOUT, peak_bytes, run_tool
from websocket_client import BINARY, TEXT, Closed, frame, text


class ChatWeb(ChatTest):
    def get(self, path, headers=None):
        connection = http.client.HTTPConnection(*self.web, timeout=TIMEOUT)
        self.addCleanup(connection.close)
        connection.request("GET", path, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()

    def test_the_page_needs_nothing_else_and_says_so(self):
        self.serve()
        status, headers, page = self.get("/")
        self.assertEqual((status, headers["Content-Type"]), (200, "text/html; charset=utf-8"))
        policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
        self.assertEqual(policy["default-src"], "'none'")
        self.assertEqual(policy["script-src"], "'self'")
        self.assertEqual(policy["frame-ancestors"], "'none'")
        self.assertIn("ws://%s:%d" % self.web, policy["connect-src"])
        self.assertNotIn("unsafe", headers["Content-Security-Policy"])
        for forbidden in (b" onclick", b" style=", b"<script>", b"http://", b"https://"):
            self.assertNotIn(forbidden, page)
        for path, kind in (("/chat.js", "text/javascript"), ("/chat.css", "text/css")):
            status, headers, body = self.get(path)
            self.assertEqual((status, headers["X-Content-Type-Options"]), (200, "nosniff"))
            self.assertTrue(headers["Content-Type"].startswith(kind))
            self.assertEqual(self.get(path, {"If-None-Match": headers["ETag"]})[0], 304)
        self.assertEqual(self.get("/nothing")[0], 404)
        evil = self.get("/", {"Host": "x'; script-src *"})[1]
        self.assertNotIn("script-src *", evil.get("Content-Security-Policy", ""))

    def test_the_script_is_one(self):
        self.serve()
        path = self.folder() / "chat.js"
        path.write_bytes(self.get("/chat.js")[2])
        self.assertEqual(run_tool("node", "--check", path).code, 0)

    def test_a_page_of_another_server_may_not_connect(self):
        self.serve(FAST + "web_origins = [\"https://school.example\"]\n")
        own = "%s:%d" % self.web

        def status(origin, host="test"):
            # The last Host counts for nothing: the client's is "test" unless replaced here.
            page = Page(self, self.web, headers=[f"Origin: {origin}"] if origin else [])
            return page.status
        self.assertEqual(status(None), 101)
        self.assertEqual(status("https://school.example"), 101)
        for origin in ("http://evil.example", "null", "https://school.example.evil", f"http://{own}",
                       "http://test"):
            self.assertEqual(status(origin), 403, origin)

    def test_the_own_page_may_connect_by_a_name_of_this_machine(self):
        self.serve()
        for host, expected in (("127.0.0.1:%d" % self.web[1], 101), ("localhost:%d" % self.web[1], 101),
                               ("rebound.example", 403)):
            connection = http.client.HTTPConnection(*self.web, timeout=TIMEOUT)
            self.addCleanup(connection.close)
            connection.request("GET", "/ws", headers={
                "Host": host, "Origin": f"http://{host}", "Connection": "Upgrade", "Upgrade": "websocket",
                "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="})
            answer = connection.getresponse()
            self.assertEqual(answer.status, expected, host)
            if expected == 403:
                self.assertIn(b"web_origins", answer.read())

    def test_hello_and_talk(self):
        self.serve()
        guest = self.enter()
        page = self.page()
        guest.expect("* guest-2 joined (127.0.0.1:%d, web door %d)\r\n" % (
            page.socket.sock.getsockname()[1], self.web[1]))
        self.assertEqual((page.nick, page.welcome["door"], page.welcome["port"]),
                         ("guest-2", "web", self.web[1]))
        room = page.expect(type="room", room="#lobby")
        self.assertEqual([(one["nick"], one["door"], one["port"]) for one in room["members"]],
                         [("guest-1", "line", self.address[1]), ("guest-2", "web", self.web[1])])
        self.assertEqual((room["count"], room["messages"], room["more"]), (2, [], False))
        guest.line("hello <b>page</b>")
        heard = page.expect(type="message", room="#lobby", nick="guest-1", kind="say")
        self.assertEqual(heard["text"], "hello <b>page</b>")
        page.say(type="say", room="#lobby", text=" grüße\u0007\tdir\u202e ", ref="r1")
        said = page.expect(type="message", nick="guest-2", text="grüße dir")
        sent = page.expect(type="sent", ref="r1", kept=True, id=said["id"])
        self.assertEqual(said["time"], int(sent["id"].split("-")[0]))
        guest.expect("guest-2: grüße dir\r\n")
        page.say(type="act", room="#LOBBY", text="waves")
        guest.expect("* guest-2 waves\r\n")
        page.say(type="msg", to="guest-1", text="psst")
        guest.expect("[guest-2 to you] psst\r\n")
        page.expect(type="private", **{"from": "guest-2", "to": "guest-1", "text": "psst"})
        guest.line("/msg guest-2 what?")
        page.expect(type="private", **{"from": "guest-1", "text": "what?"})
        page.say(type="nick", nick="Paula")
        page.expect(type="nick", nick="guest-2", new="Paula")
        page.say(type="join", room="#lab")
        page.expect(type="room", room="#lab", count=1)
        page.say(type="topic", room="#lab", topic="sockets")
        page.expect(type="topic", room="#lab", topic="sockets")
        page.say(type="rooms")
        rooms = page.expect(type="rooms")["rooms"]
        self.assertIn({"room": "#lab", "members": 1, "topic": "sockets"}, rooms)
        page.say(type="who", room="#lobby")
        page.expect(type="who", room="#lobby", count=2)
        page.say(type="part", room="#lab", why="done")
        page.expect(type="parted", room="#lab", nick="Paula", why="done")
        guest.line("/quit")
        page.expect(type="quit", nick="guest-1", why="quit")

    def test_what_is_wrong_is_refused_by_name(self):
        self.serve()
        page = Page(self, self.web)
        page.say(type="say", room="#lobby", text="x", ref="early")
        page.expect(type="refused", what="not_now", ref="early")
        page.say(type="hello")
        page.expect(type="room")
        page.say(type="hello")
        page.expect(type="refused", what="not_now")
        for raw in ("", "x", "[]", "{}", "{\"type\": 1}", "{\"type\": \"sing\"}", "[" * 1000, "\"say\"",
                    "{\"type\":\"say\",\"room\":1,\"text\":\"x\"}", "{\"type\":\"say\",\"text\":\"\\ud800\"}",
                    "{\"type\":\"history\",\"room\":\"#lobby\",\"limit\":0}",
                    "{\"type\":\"history\",\"room\":\"#lobby\",\"before\":\"x\"}",
                    json.dumps({"type": "say", "ref": "r" * 65})):
            page.socket.send(text(raw))
            page.expect(type="refused", what="not_understood")
        for what, message in (("not_in_room", {"type": "say", "room": "#lab", "text": "x"}),
                              ("nothing_said", {"type": "say", "room": "#lobby", "text": "\u001b\u0000 "}),
                              ("too_long", {"type": "say", "room": "#lobby", "text": "x" * 1025}),
                              ("nobody", {"type": "msg", "to": "nobody", "text": "x"}),
                              ("room_not_legal", {"type": "join", "room": "lab"}),
                              ("not_in_room", {"type": "part", "room": "#lab"}),
                              ("nick_reserved", {"type": "nick", "nick": "guest-99"}),
                              ("not_in_room", {"type": "history", "room": "#lab"}),
                              ("no_such_room", {"type": "who", "room": "#lab"}),
                              ("not_operator", {"type": "kick", "room": "#lobby", "nick": "guest-1"}),
                              ("not_operator", {"type": "mute", "nick": "guest-1"}),
                              ("no_operators", {"type": "op", "password": "x"})):
            page.say(ref="r", **message)
            self.assertIn("text", page.expect(type="refused", what=what, ref="r"))

    def test_history_is_paged(self):
        self.serve(FAST + "history_lines = 5\nhistory_kept = 50\n")
        guest = self.enter()
        for number in range(60):
            guest.line(f"line {number}")
        guest.expect("line 59\r\n")
        page = self.page()
        room = page.expect(type="room")
        self.assertEqual([one["text"] for one in room["messages"]], [f"line {n}" for n in range(55, 60)])
        self.assertTrue(room["more"])
        seen, oldest = [], room["messages"][0]["id"]
        while True:
            page.say(type="history", room="#lobby", before=oldest, limit=20)
            history = page.expect(type="history")
            seen = [one["text"] for one in history["messages"]] + seen
            if not history["more"]:
                break
            oldest = history["messages"][0]["id"]
        self.assertEqual(seen, [f"line {number}" for number in range(10, 55)])

    def test_who_comes_back_has_its_name_and_what_it_missed(self):
        self.serve(FAST + "history_lines = 2\n")
        guest, page = self.enter(), self.page()
        page.say(type="nick", nick="Paula")
        guest.line("before")
        last = page.expect(type="message", text="before")["id"]
        page.socket.sock.close()
        guest.expect("* Paula left (closed the page)\r\n")
        for number in range(5):
            guest.line(f"meanwhile {number}")
        guest.expect("meanwhile 4\r\n")
        back = self.page(token=page.token, rooms=[{"room": "#lobby", "after": last}, {"room": "#lab"}])
        self.assertEqual((back.nick, back.token), ("Paula", page.token))
        room = back.expect(type="room", room="#lobby", missed=True, more=False)
        self.assertEqual([one["text"] for one in room["messages"]], [f"meanwhile {n}" for n in range(5)])
        back.expect(type="room", room="#lab", missed=False)
        guest.expect("* Paula joined (")
        # While the old connection still seems to be there.
        again = self.page(token=page.token)
        self.assertEqual(again.nick, "Paula")
        code, reason = back.expect_close()
        self.assertEqual(code, 1008)
        self.assertIn("another connection", reason)

    def test_a_flood_is_answered_each_time(self):
        self.serve(rows="")
        guest, page = self.enter(), self.page()
        for number in range(50):
            page.say(type="say", room="#lobby", text=f"spam {number}.", ref=f"r{number}")
        page.expect(type="refused", what="too_fast", ref="r49")
        guest.expect("spam 4.\r\n")
        refused = [one for one in page.seen if one["type"] == "refused"]
        sent = [one for one in page.seen if one["type"] == "sent"]
        self.assertEqual(len(refused) + len(sent), 50)  # nothing is left open
        self.assertLess(len(sent), 20)

    def test_connections_of_one_address_are_limited(self):
        self.serve(FAST + "web_connections_per_address = 3\n")
        pages = [self.page() for _ in range(3)]
        fourth = Page(self, self.web)
        self.assertEqual(fourth.expect_close(), (1008, "too many connections from your address"))
        pages[0].socket.sock.close()
        pages[1].expect(type="quit", nick=pages[0].nick)
        self.page().expect(type="room")

    def test_a_page_that_never_reads_is_cut_off(self):
        self.serve(FAST + LONG)
        guest, slow = self.enter(), self.page()
        slow.expect(type="room")
        for _ in range(1000):
            guest.line("z" * 60_000)
            if b"left (too slow)" in guest.heard:
                break
            guest.expect("z\r\n")
        guest.expect("* guest-2 left (too slow)\r\n")
        try:
            code, reason = slow.expect_close()
            self.assertIn("too slow", reason)
        except Closed:
            self.fail("it was not told why")

    def test_what_is_no_message(self):
        self.serve()
        binary = self.page()
        binary.socket.send(frame(BINARY, b"x"))
        self.assertEqual(binary.expect_close()[0], 1003)
        invalid = self.page()
        invalid.socket.send(frame(TEXT, b"{\"type\":\"say\",\"text\":\"\xff\"}"))
        self.assertEqual(invalid.expect_close()[0], 1007)
        large = self.page()
        before = peak_bytes(self.server.pid)
        large.socket.send(struct.pack(">BBQ4s", 0x81, 0xff, 10 << 20, b"\0\0\0\0") + b"x" * (1 << 20))
        self.assertEqual(large.expect_close()[0], 1009)
        self.assertLess(peak_bytes(self.server.pid) - before, 8 << 20)

    def test_a_server_that_stops_closes_with_going_away(self):
        server = self.serve()
        page = self.page()
        page.expect(type="room")
        server.signal(15)
        page.expect(type="notice", text="the server is stopping, goodbye")
        self.assertEqual(page.expect_close()[0], 1001)
        page.socket.sock.close()
        self.assertEqual(server.wait(), 0)


if __name__ == "__main__":
    unittest.main()
