"""Drives a headless Chromium through pipes, in the DevTools protocol."""

import base64
import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import time

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
SECONDS = 90
"""Longest time to wait for what should happen at once."""

FLAGS = [
    *("--headless=new", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu"),
    *("--no-first-run", "--disable-background-networking", "--disable-dev-shm-usage"),
    *("--disable-extensions", "--disable-component-update", "--window-size=900,1100"),
    *("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"),
]

KEYS = {
    "Tab": {"key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9},
    "Enter": {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"},
}


class Browser:
    """Holds a running browser; messages go through its file descriptors 3 and 4."""

    def __init__(self, profile: pathlib.Path) -> None:
        to_browser, self._write = os.pipe()
        self._read, from_browser = os.pipe()
        command = [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", "about:blank"]
        redirect = 'exec 3<&"$IN" 4>&"$OUT"; exec "$@"'
        self._process = subprocess.Popen(
            ["bash", "-c", redirect, "chromium", *command],
            pass_fds=(to_browser, from_browser),
            env=os.environ | {"IN": str(to_browser), "OUT": str(from_browser)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_browser)
        os.close(from_browser)
        self._buffer, self._number, self.events = b"", 0, []

    def call(self, method, session=None, **parameters):
        """Calls a method of the protocol, and returns its result."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]
            self.events.append(answer)

    def _next(self):
        while b"\0" not in self._buffer:
            data = os.read(self._read, 1 << 20)
            assert data, "the browser has ended"
            self._buffer += data
        message, self._buffer = self._buffer.split(b"\0", 1)
        return json.loads(message)

    def open(self, url):
        """Opens a tab."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        return Tab(self, target, url)

    def close(self):
        """Ends the browser."""
        os.close(self._write)
        self._process.wait(30)
        os.close(self._read)


class Tab:
    """Holds a tab that shows a page."""

    def __init__(self, browser, target, url):
        self._browser, self._target = browser, target
        attached = browser.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "DOM", "Network", "Log"):
            self.call(f"{domain}.enable")
        self.call("Page.navigate", url=url)
        self.wait("document.readyState === 'complete'")

    def call(self, method, **parameters):
        """Calls a method of the protocol for this tab."""
        return self._browser.call(method, self._session, **parameters)

    def front(self):
        """Brings the tab to the front, so that it has the focus."""
        self._browser.call("Target.activateTarget", targetId=self._target)

    def run(self, script):
        """Returns the value of an expression."""
        answer = self.call(
            "Runtime.evaluate",
            expression=script,
            returnByValue=True,
            awaitPromise=True,
            userGesture=True,
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def wait(self, condition):
        """Waits until an expression is true, and returns its value."""
        end = time.monotonic() + SECONDS
        while not (value := self.run(condition)):
            assert time.monotonic() < end, (
                f"never: {condition}: {self.run('document.body.innerText')}"
            )
            time.sleep(0.05)
        return value

    def press(self, key):
        """Presses a key."""
        self.call("Input.dispatchKeyEvent", type="keyDown", **KEYS[key])
        self.call("Input.dispatchKeyEvent", type="keyUp", **KEYS[key])

    def choose_files(self, selector, paths):
        """Puts files into an input, as the dialog does."""
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.call("DOM.setFileInputFiles", files=[str(path) for path in paths], nodeId=node)

    def screenshot(self, path):
        """Saves what the tab shows."""
        data = self.call("Page.captureScreenshot", captureBeyondViewport=True)["data"]
        pathlib.Path(path).write_bytes(base64.b64decode(data))

    def complaints(self):
        """Returns the errors and warnings of the console so far, and requests to other hosts."""
        self.run("1")
        found = []
        for event in self._browser.events:
            if event.get("sessionId") != self._session:
                continue
            parameters = event["params"]
            if event["method"] == "Runtime.exceptionThrown":
                found.append(parameters["exceptionDetails"]["text"])
            if event["method"] == "Log.entryAdded":
                found.append(parameters["entry"]["text"])
            if event["method"] == "Network.requestWillBeSent":
                found.append(parameters["request"]["url"])
        return found


@contextlib.contextmanager
def browser(profile):
    """Yields a browser, which ends with the block."""
    running = Browser(profile)
    try:
        yield running
    finally:
        running.close()
