"""Chromium, headless, driven by its own debugging protocol through a pipe: no port, no other library.

    with Browser(self.folder()) as browser:
        page = browser.page(width=360, height=740, dark=True)
        page.goto(url)
        page.click("button")
        self.assertEqual(page.errors, [])

Clicks and keys are those of the browser, at a place on the page: what covers a button keeps it from being
clicked. Every wait has a bound. https://chromedevtools.github.io/devtools-protocol/
"""

import base64
import contextlib
import fcntl
import json
import os
import pathlib
import select
import signal
import subprocess
import time

from support import TIMEOUT, TOOLS, tool, tool_environment

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--no-proxy-server", "--disable-dev-shm-usage", "--remote-debugging-pipe"]


def program():
    """The browser itself: the script of Debian's package in front of it knows only its own folders."""
    unpacked = TOOLS / "root/usr/lib/chromium/chromium"
    return str(unpacked) if unpacked.exists() else tool("chromium")


def environment(folder):
    """Its libraries, the fonts that were unpacked, and no way to the desktop of whoever runs the tests."""
    fonts = pathlib.Path(folder, "fonts.conf")
    fonts.write_text('<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">'
                     f"<fontconfig><dir>{TOOLS}/root/usr/share/fonts</dir><dir>/usr/share/fonts</dir>"
                     f"<cachedir>{folder}/fonts</cachedir></fontconfig>\n")
    env = tool_environment({"HOME": str(folder), "FONTCONFIG_FILE": str(fonts),
                            "DBUS_SESSION_BUS_ADDRESS": "disabled:"})
    sound = [str(path) for path in (TOOLS / "root").glob("usr/lib/*-linux-gnu/pulseaudio")]
    env["LD_LIBRARY_PATH"] = ":".join([env["LD_LIBRARY_PATH"], *sound])
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        env.pop(name, None)
    return env


def high(fd):
    """The same above 9, where the redirections below are not in its way."""
    copy = fcntl.fcntl(fd, fcntl.F_DUPFD, 10)
    os.close(fd)
    return copy


class Browser:
    def __init__(self, folder):
        reading, self._commands = os.pipe()
        self._events, writing = os.pipe()
        reading, writing = high(reading), high(writing)
        command = [program(), *FLAGS, f"--user-data-dir={folder}/profile", "about:blank"]
        self._log = open(pathlib.Path(folder, "chromium.log"), "wb")
        try:
            # It reads its commands from descriptor 3 and answers on 4.
            self.process = subprocess.Popen(
                ["bash", "-c", f'exec "$@" 3<&{reading} 4>&{writing} {reading}<&- {writing}>&-',
                 "browser", *command],
                stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log, cwd=folder,
                env=environment(folder), pass_fds=[reading, writing], start_new_session=True)
        finally:
            os.close(reading)
            os.close(writing)
        self._number = 0
        self._buffer = b""
        self._answers = {}
        self._pages = {}

    def page(self, **view):
        """A new page, with the size and colours of Page.view."""
        target = self.call("Target.createTarget", {"url": "about:blank"})["targetId"]
        session = self.call("Target.attachToTarget",
                            {"targetId": target, "flatten": True})["sessionId"]
        page = self._pages[session] = Page(self, session)
        for domain in ("Page", "Runtime", "Log"):
            page.call(f"{domain}.enable")
        page.view(**view)
        return page

    def call(self, method, parameters=None, session=None, timeout=TIMEOUT):
        self._number += 1
        number = self._number
        message = {"id": number, "method": method, "params": parameters or {}}
        if session is not None:
            message["sessionId"] = session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + timeout
        while number not in self._answers:
            self.pump(deadline - time.monotonic(), method)
        answer = self._answers.pop(number)
        if "error" in answer:
            raise AssertionError(f"{method}: {answer['error']}")
        return answer["result"]

    def pump(self, timeout, what):
        """Takes in what the browser says next."""
        if timeout <= 0 or not select.select([self._events], [], [], timeout)[0]:
            raise AssertionError(f"the browser says nothing any more: {what}")
        part = os.read(self._events, 1 << 20)
        if not part:
            raise AssertionError(f"the browser has ended: {self._log.name}:\n"
                                 + pathlib.Path(self._log.name).read_text(errors="replace")[-2000:])
        *messages, self._buffer = (self._buffer + part).split(b"\0")
        for message in map(json.loads, messages):
            if "id" in message:
                self._answers[message["id"]] = message
            elif message.get("sessionId") in self._pages:
                self._pages[message["sessionId"]].heard(message["method"], message["params"])

    def close(self):
        with contextlib.suppress(OSError, AssertionError):
            self.call("Browser.close", timeout=10)
        os.close(self._commands)
        os.close(self._events)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            pass
        # Its helpers end with it; where it was stuck, they are of its session, which is ours alone.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)
        self._log.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Page:
    """One tab. `errors` is what a person would see as red lines in the console."""

    def __init__(self, browser, session):
        self._browser, self._session = browser, session
        self._loaded = 0
        self.errors = []

    def call(self, method, parameters=None):
        return self._browser.call(method, parameters, self._session)

    def heard(self, method, what):
        if method == "Page.loadEventFired":
            self._loaded += 1
        elif method == "Runtime.exceptionThrown":
            details = what["exceptionDetails"]
            self.errors.append(details.get("exception", {}).get("description") or details["text"])
        elif method == "Runtime.consoleAPICalled" and what["type"] in ("error", "warning", "assert"):
            self.errors.append(" ".join(str(part.get("value")) for part in what["args"]))
        elif method == "Log.entryAdded" and what["entry"]["level"] in ("error", "warning"):
            # The icon of an answer that is no page, JSON for one, is the browser's own idea.
            if not what["entry"].get("url", "").endswith("/favicon.ico"):
                self.errors.append(what["entry"]["text"])

    def view(self, width=1200, height=800, dark=False):
        self.call("Emulation.setDeviceMetricsOverride",
                  {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600})
        self.call("Emulation.setEmulatedMedia", {"features": [
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]})

    def goto(self, url):
        """Opens an address and waits until all of it is there."""
        before = self._loaded
        answer = self.call("Page.navigate", {"url": url})
        if "errorText" in answer:
            raise AssertionError(f"{url}: {answer['errorText']}")
        self.loaded(before, url)

    def loaded(self, before, what):
        deadline = time.monotonic() + TIMEOUT
        while self._loaded == before:
            self._browser.pump(deadline - time.monotonic(), f"{what} is loaded")

    def run(self, script):
        """The value of an expression, or of the promise it is."""
        answer = self.call("Runtime.evaluate", {"expression": script, "awaitPromise": True,
                                                "returnByValue": True})
        if "exceptionDetails" in answer:
            raise AssertionError(f"{script}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def wait_until(self, script, timeout=TIMEOUT):
        deadline = time.monotonic() + timeout
        while not (value := self.run(script)):
            if time.monotonic() > deadline:
                raise AssertionError(f"never true on the page: {script}\n"
                                     + self.run("document.body.innerText")[:2000])
            time.sleep(0.02)
        return value

    def text(self, selector="body"):
        return self.run(f"document.querySelector({json.dumps(selector)}).innerText")

    def click(self, element):
        """Clicks the middle of an element, given as a selector or as a script in parentheses, as soon as
        it is there with nothing in front of it."""
        place = self.wait_until(f"""(() => {{
            const element = {self._element(element)};
            if (!element) return null;
            element.scrollIntoView({{ block: "center" }});
            const box = element.getBoundingClientRect();
            const place = {{ x: box.x + box.width / 2, y: box.y + box.height / 2 }};
            const there = document.elementFromPoint(place.x, place.y);
            return there && (element.contains(there) || there.contains(element)) ? place : null;
        }})()""")
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", {"type": kind, "x": place["x"], "y": place["y"],
                                                   "button": "left", "clickCount": 1})

    @staticmethod
    def _element(element):
        return element if element.startswith("(") else f"document.querySelector({json.dumps(element)})"

    def submit(self, element):
        """Clicks what leads to another page, and waits for that."""
        before = self._loaded
        self.click(element)
        self.loaded(before, f"what {element} leads to")

    def type(self, element, text):
        """Clicks into a field and writes over what is there."""
        self.click(element)
        self.run("document.activeElement.select()")
        self.call("Input.insertText", {"text": text})

    def screenshot(self, path):
        data = self.call("Page.captureScreenshot", {"captureBeyondViewport": False})["data"]
        pathlib.Path(path).write_bytes(base64.b64decode(data))
