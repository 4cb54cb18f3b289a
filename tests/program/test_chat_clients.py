"""One room, and in it `polyport connect`, Chromium, irssi in a terminal, WeeChat without one, and nc's kind."""
# ctest: timeout=300 serial

import os
import pathlib
import subprocess
import unittest

from browser import Browser
from chat_support import FAST, ChatTest
from support import BINARY, TIMEOUT, TOOLS, clean_environment, tool, tool_environment, wait_until


class Irssi:
    """irssi in a tmux of its own: a server of tmux that nobody else has."""

    def __init__(self, test, address, nick):
        self.home = test.folder()
        self.socket = str(self.home / "tmux")
        command = [tool("irssi"), f"--home={self.home}/irssi", "--noconnect"]
        env = tool_environment({"HOME": str(self.home), "TERM": "screen", "LC_ALL": "C.UTF-8"})
        perl = TOOLS / "root/usr/share/irssi"
        if perl.exists():
            env["PERL5LIB"] = str(TOOLS / "root/usr/share/perl5")
        self.env = env
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", "160", "-y", "50", *command)
        test.addCleanup(self.tmux, "kill-server", check=False)
        self.expect("Irssi v")
        self.type(f"/connect {address[0]} {address[1]} {nick} {nick}")

    def tmux(self, *arguments, check=True):
        done = subprocess.run([tool("tmux"), "-S", self.socket, *arguments], env=self.env, timeout=TIMEOUT,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if check and done.returncode != 0:
            raise AssertionError(f"tmux {arguments}: {done.stdout.decode()}")
        return done.stdout.decode(errors="replace")

    def type(self, words):
        self.tmux("send-keys", "-l", words)
        self.tmux("send-keys", "Enter")

    def screen(self):
        return self.tmux("capture-pane", "-p", "-S", "-200")

    def expect(self, words):
        try:
            wait_until(lambda: words in self.screen(), words)
        except AssertionError:
            raise AssertionError(f"{words!r} is not on the screen:\n{self.screen()}") from None


class WeeChat:
    """weechat-headless, driven through its pipe, heard through its log."""

    def __init__(self, test, address, nick, room):
        self.home = test.folder()
        lib = next((TOOLS / "root/usr/lib").glob("*-linux-gnu/weechat"), None)
        env = tool_environment({"HOME": str(self.home), "LC_ALL": "C.UTF-8"})
        commands = [f"/set logger.file.path {self.home}/logs", "/set logger.file.flush_delay 0",
                    f"/set fifo.file.path {self.home}/pipe", "/fifo disable", "/fifo enable",
                    f"/server add lab {address[0]}/{address[1]} -nicks={nick} -autojoin={room}",
                    "/set irc.server.lab.ssl off", "/set irc.server_default.anti_flood_prio_high 0",
                    "/connect lab"]
        command = [tool("weechat-headless"), "--dir", str(self.home / "weechat")]
        if lib is not None:
            env["WEECHAT_EXTRA_LIBDIR"] = str(lib)
        for words in commands:
            command += ["-r", words]
        self.log = open(self.home / "log", "wb")
        self.process = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=self.log,
                                        stderr=self.log)
        test.addCleanup(self.close)
        self.room = room

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
        self.log.close()

    def heard(self):
        logs = sorted(pathlib.Path(self.home, "logs").glob("*.weechatlog"))
        return "\n".join(f"--- {path.name}\n" + path.read_text(errors="replace") for path in logs)

    def expect(self, words):
        try:
            wait_until(lambda: words in self.heard(), words)
        except AssertionError:
            raise AssertionError(f"{words!r} is not in its log:\n{self.heard()}\n"
                                 + pathlib.Path(self.home, "log").read_text()) from None

    def say(self, words):
        pipe = self.home / "pipe"
        wait_until(pipe.exists, "the pipe of weechat")
        fd = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        try:
            os.write(fd, f"irc.lab.{self.room} *{words}\n".encode())
        finally:
            os.close(fd)


class Connect:
    """polyport connect, with a pipe for a keyboard."""

    def __init__(self, test, address):
        folder = test.folder()
        self.out = open(folder / "out", "w+b")
        self.process = subprocess.Popen(
            [str(BINARY), "connect", "%s:%d" % address], stdin=subprocess.PIPE, stdout=self.out,
            stderr=subprocess.STDOUT, env=clean_environment(folder))
        test.addCleanup(self.close)

    def heard(self):
        return pathlib.Path(self.out.name).read_text(errors="replace")

    def expect(self, words):
        try:
            wait_until(lambda: words in self.heard(), words)
        except AssertionError:
            raise AssertionError(f"{words!r} does not come: {self.heard()}") from None

    def say(self, words):
        self.process.stdin.write(words.encode() + b"\n")
        self.process.stdin.flush()

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
        self.out.close()


LOG = "document.querySelector('#log').innerText"


class ChatClients(ChatTest):
    def page_of(self, browser, **view):
        page = browser.page(**view)
        page.goto("http://127.0.0.1:%d/" % self.web[1])
        page.wait_until("document.querySelector('#state').textContent === 'connected'")
        page.wait_until("document.querySelector('#room-name').textContent === '#lobby'")
        return page

    def say_on(self, page, words):
        page.type("#line", words)
        page.click("#say-form button")

    def test_one_room_for_all_of_them(self):
        self.serve()
        terminal = Connect(self, self.address)
        terminal.expect("You are guest-1 from")
        terminal.say("/nick Terry")
        terminal.expect("* guest-1 is now Terry")
        irssi = Irssi(self, self.irc, "Irene")
        irssi.expect("You are Irene from")
        irssi.type("/join #lobby")
        terminal.expect("* Irene joined (127.0.0.1:")
        weechat = WeeChat(self, self.irc, "Wim", "#lobby")
        terminal.expect("* Wim joined (127.0.0.1:")
        with Browser(self.folder()) as browser:
            page = self.page_of(browser)
            self.say_on(page, "/nick Bea")
            terminal.expect("is now Bea")

            everybody = ((terminal.expect, "Terry"), (irssi.expect, "Irene"), (weechat.expect, "Wim"),
                         (lambda words: page.wait_until(f"{LOG}.includes({words!r})"), "Bea"))
            speakers = {"Terry": terminal.say, "Irene": irssi.type, "Wim": weechat.say,
                        "Bea": lambda words: self.say_on(page, words)}
            for name, say in speakers.items():
                say(f"grüße from {name}")
                for expect, _ in everybody:
                    expect(f"grüße from {name}")
            irssi.type("/me nods")
            terminal.expect("* Irene nods")
            page.wait_until(f"{LOG}.includes('* Irene')")
            # Alone with one of them.
            terminal.say("/msg Bea only for you")
            page.wait_until("[...document.querySelectorAll('#room-list .open')].some((one) => "
                            "one.textContent === 'Terry')")
            page.wait_until("document.title.startsWith('(1)')")
            page.click("([...document.querySelectorAll('#room-list .open')].find((one) => "
                       "one.textContent === 'Terry'))")
            page.wait_until(f"{LOG}.includes('only for you')")
            self.say_on(page, "and this for you")
            terminal.expect("[Bea to you] and this for you")
            irssi.type("/msg Terry from irssi")
            terminal.expect("[Irene to you] from irssi")
            # Who is here, through which door.
            page.click("([...document.querySelectorAll('#room-list .open')][0])")
            members = page.wait_until("document.querySelector('#member-list').innerText")
            for name, door, port in (("Terry", "line", self.address[1]), ("Irene", "irc", self.irc[1]),
                                     ("Wim", "irc", self.irc[1]), ("Bea", "web", self.web[1])):
                self.assertRegex(members, rf"{name}\s+127\.0\.0\.1:\d+, {door} door {port}")
            irssi.type("/topic ports and sockets")
            page.wait_until("document.querySelector('#topic').textContent === 'ports and sockets'")
            irssi.type("/quit")
            terminal.expect("* Irene left (")
            self.assertEqual(page.errors, [])

    def test_a_page_that_was_cut_off_comes_back_and_misses_nothing(self):
        self.serve(FAST + "operator_password = \"x\"\nhistory_lines = 5\n")
        guest = self.enter()
        for number in range(120):
            guest.line(f"line {number}.")
        guest.expect("line 119.")
        with Browser(self.folder()) as browser:
            page = self.page_of(browser)
            # Older lines are fetched.
            page.click("#earlier")
            page.wait_until(f"{LOG}.includes('line 20.')")
            self.assertEqual(page.run("document.querySelectorAll('#log li:not(.note)').length"), 105)
            nick = page.text("#nick")
            page.run("state.socket.close()")
            guest.expect(f"* {nick} left")
            guest.line("meanwhile <img src=x onerror=alert(1)>")
            guest.expect(f"* {nick} joined")
            page.wait_until(f"{LOG}.includes('meanwhile <img')")
            self.assertEqual(page.text("#nick"), nick)
            # A reload is the same one, too.
            page.goto("http://127.0.0.1:%d/" % self.web[1])
            page.wait_until("document.querySelector('#state').textContent === 'connected'")
            self.assertEqual(page.text("#nick"), nick)
            self.assertEqual(page.errors, [])

    def test_the_page_is_for_keyboards_phones_and_the_dark(self):
        self.serve()
        with Browser(self.folder()) as browser:
            page = self.page_of(browser, width=360, height=640, dark=True)
            self.assertTrue(page.run("document.documentElement.scrollWidth <= innerWidth"))
            self.assertEqual(page.run("getComputedStyle(document.body).backgroundColor"), "rgb(22, 22, 22)")
            self.assertEqual(page.run("document.activeElement.id"), "line")
            page.click("#show-members")
            page.wait_until("document.querySelector('#members').checkVisibility()")
            self.assertEqual(page.run("document.querySelector('#show-members').ariaExpanded"), "true")
            page.click("#show-rooms")
            page.type("#join-name", "lab")
            page.click("#join-form button")
            page.wait_until("document.querySelector('#room-name').textContent === '#lab'")
            self.say_on(page, "hello")
            page.wait_until(f"{LOG}.includes('hello')")
            for kind in ("rawKeyDown", "keyUp"):
                page.call("Input.dispatchKeyEvent", {"type": kind, "key": "ArrowUp", "code": "ArrowUp",
                                                     "windowsVirtualKeyCode": 38, "modifiers": 1})
            page.wait_until("document.querySelector('#room-name').textContent === '#lobby'")
            # Everything that can be used has a name for those who do not see it.
            unnamed = page.run("""[...document.querySelectorAll('button, input')].filter((one) =>
                !one.textContent.trim() && !one.ariaLabel && !(one.labels && one.labels.length))
                .map((one) => one.outerHTML)""")
            self.assertEqual(unnamed, [])
            self.assertEqual(page.errors, [])


if __name__ == "__main__":
    unittest.main()
