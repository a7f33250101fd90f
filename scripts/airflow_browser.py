"""Chromium without a window: opens pages, clicks, and takes pictures of them.

Speaks the Chrome DevTools Protocol, as ``chrome://inspect`` does, over a socket on loopback.
"""

from __future__ import annotations

import base64
import contextlib
import json
import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

_PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
_WAIT_S = 60
_POLL_S = 0.2
_QUIET_S = 1.5  # after the text that was waited for: what comes with it is drawn by then


class Browser:
    """One page of a browser, of ``width`` by ``height`` pixels."""

    def __init__(self, socket: ClientConnection, width: int, height: int) -> None:
        self._socket = socket
        self._last_id = 0
        self._call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def open(self, url: str, *, text: str) -> None:
        """Load a page and wait until it shows ``text``.

        Raises:
            RuntimeError: it does not.
        """
        self._call("Page.navigate", url=url)
        self._wait_for(text)

    def click(self, label: str, *, text: str) -> None:
        """Click the button of this accessible name, and wait until the page shows ``text``.

        Raises:
            RuntimeError: there is no such button, or the text does not come.
        """
        has_name = f"it => it.ariaLabel === {json.dumps(label)}"
        button = f"[...document.querySelectorAll('button')].find({has_name})"
        if not self._value_of(f"!!{button}"):
            raise RuntimeError(f"the page has no button {label!r}")
        self._value_of(f"{button}.click()")
        self._wait_for(text)

    def picture(self) -> bytes:
        """Return what the page shows, as PNG."""
        picture: str = self._call("Page.captureScreenshot", format="png")["data"]
        return base64.b64decode(picture)

    def _wait_for(self, text: str) -> None:
        shows = f"document.body?.innerText.includes({json.dumps(text)})"
        until_s = time.monotonic() + _WAIT_S
        while not self._value_of(shows):
            if time.monotonic() > until_s:
                shown = self._value_of("document.body?.innerText")
                raise RuntimeError(f"the page does not show {text!r} but:\n{shown}")
            time.sleep(_POLL_S)
        time.sleep(_QUIET_S)

    def _value_of(self, expression: str) -> Any:
        return self._call("Runtime.evaluate", expression=expression)["result"].get("value")

    def _call(self, method: str, **parameters: Any) -> Any:
        """Return the result of a method; events that come before it are not of use here."""
        self._last_id += 1
        self._socket.send(json.dumps({"id": self._last_id, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self._socket.recv(_WAIT_S))
            if answer.get("id") == self._last_id:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]


@contextlib.contextmanager
def browser(*, width: int, height: int) -> Iterator[Browser]:
    """Start Chromium with an empty profile for as long as the ``with`` block lasts.

    Raises:
        RuntimeError: it is not installed, or does not start.
    """
    program = next(filter(None, map(shutil.which, _PROGRAMS)), None)
    if program is None:
        raise RuntimeError(f"none of these is installed: {', '.join(_PROGRAMS)}")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(  # noqa: S603 - the browser of this machine
            [
                program,
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--hide-scrollbars",
                f"--user-data-dir={profile}",
                "--remote-debugging-port=0",
                "about:blank",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            with connect(_address_of_page(Path(profile), process), max_size=None) as socket:
                yield Browser(socket, width, height)
        finally:
            process.terminate()
            process.wait()


def _address_of_page(profile: Path, process: subprocess.Popen[bytes]) -> str:
    """Return where the only page listens, once it does."""
    until_s = time.monotonic() + _WAIT_S
    while time.monotonic() < until_s and process.poll() is None:
        with contextlib.suppress(OSError, StopIteration):
            port = (profile / "DevToolsActivePort").read_text().splitlines()[0]
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list") as answer:
                pages = json.load(answer)
            return str(next(it["webSocketDebuggerUrl"] for it in pages if it["type"] == "page"))
        time.sleep(_POLL_S)
    raise RuntimeError("Chromium did not start")
