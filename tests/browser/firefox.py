"""A headless Firefox, driven over WebDriver BiDi (w3.org/TR/webdriver-bidi)."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

from websocket import WebSocket, create_connection

from gridgen.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

NAMES = ("firefox-esr", "firefox")
MISSING = "no Firefox on the PATH; the page is tested in it too. Debian: apt install firefox-esr (as root)"
_LISTENING = re.compile(r"WebDriver BiDi listening on (ws://\S+)")
_SECONDS = 60

# nothing that Firefox asks of its makers, no first-run pages, clips that begin without a click
_PREFERENCES: dict[str, Any] = {
    "app.normandy.enabled": False,
    "app.update.enabled": False,
    "browser.aboutConfig.showWarning": False,
    "browser.download.folderList": 2,
    "browser.download.useDownloadDir": True,
    "browser.download.alwaysOpenPanel": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.getAddons.cache.enabled": False,
    "media.autoplay.default": 0,
    "media.gmp-manager.updateEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "toolkit.telemetry.reportingpolicy.firstRun": False,
}


class Firefox:
    """One tab of a Firefox.

    Attributes
    ----------
    requests : list of str
        Addresses that pages have asked for since `watch`.
    logged : list of str
        Errors that the console has shown since `watch`.
    """

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket
        self._last = 0
        self.requests: list[str] = []
        self.logged: list[str] = []
        self.send("session.new", capabilities={"alwaysMatch": {"acceptInsecureCerts": False}})
        self.tab = self.send("browsingContext.getTree")["contexts"][0]["context"]

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a command and return its result.

        Raises
        ------
        RuntimeError
            With Firefox's own words, if it refuses.
        """
        self._last += 1
        self._socket.send(json.dumps({"id": self._last, "method": method, "params": params}))
        while True:
            told = json.loads(self._socket.recv())
            if told.get("id") != self._last:
                self._hear(told)
            elif told["type"] == "error":
                msg = f"{method}: {told['error']}: {told['message']}"
                raise RuntimeError(msg)
            else:
                return told["result"]

    def _hear(self, told: dict[str, Any]) -> None:
        if told.get("method") == "network.beforeRequestSent":
            self.requests.append(told["params"]["request"]["url"])
        if told.get("method") == "log.entryAdded" and told["params"]["level"] == "error":
            self.logged.append(str(told["params"]["text"]))

    def watch(self) -> None:
        """Note from now on what is asked of the network, and what goes wrong."""
        self.send("session.subscribe", events=["network.beforeRequestSent", "log.entryAdded"])

    def open(self, url: str) -> None:
        """Go to an address and wait until it is loaded."""
        self.send("browsingContext.navigate", context=self.tab, url=url, wait="complete")

    def size(self, width: int, height: int) -> None:
        """Set the size of the page's view in pixels."""
        self.send(
            "browsingContext.setViewport", context=self.tab, viewport={"width": width, "height": height}
        )

    def evaluate(self, expression: str) -> Any:
        """Return the JSON value of an expression; a promise is awaited."""
        wrapped = f"(async () => JSON.stringify(await ({expression})) ?? 'null')()"
        found = self.send(
            "script.evaluate", expression=wrapped, target={"context": self.tab}, awaitPromise=True
        )
        if found["type"] == "exception":
            msg = f"{expression[:80]}: {found['exceptionDetails']['text']}"
            raise RuntimeError(msg)
        return json.loads(found["result"]["value"])

    def until(self, expression: str, seconds: float = 30.0) -> None:
        """Wait until an expression is true in the page.

        Raises
        ------
        TimeoutError
            If it does not become so.
        """
        waiting = f"""new Promise((resolve) => {{
          const end = performance.now() + {seconds * 1000};
          const look = () => {{
            let found = false;
            try {{ found = Boolean({expression}); }} catch {{}}
            if (found || performance.now() > end) resolve(found);
            else setTimeout(look, 30);
          }};
          look();
        }})"""
        if not self.evaluate(waiting):
            msg = f"not within {seconds} s: {expression}"
            raise TimeoutError(msg)

    def press(self, *keys: str) -> None:
        """Press keys one after another; special ones by their WebDriver code points."""
        actions = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self._perform({"type": "key", "id": "keys", "actions": actions})

    def click(self, selector: str) -> None:
        """Click in the middle of the first element that a selector finds."""
        place = self.evaluate(
            f"(({{left, top, width, height}}) => [left + width / 2, top + height / 2].map(Math.round))"
            f"(document.querySelector({selector!r}).getBoundingClientRect())"
        )
        moves = [{"type": "pointerMove", "x": place[0], "y": place[1]}]
        moves += [{"type": kind, "button": 0} for kind in ("pointerDown", "pointerUp")]
        self._perform({"type": "pointer", "id": "mouse", "actions": moves})

    def _perform(self, source: dict[str, Any]) -> None:
        self.send("input.performActions", context=self.tab, actions=[source])

    def screenshot(self) -> str:
        """Return a PNG of the page as base64."""
        return str(self.send("browsingContext.captureScreenshot", context=self.tab)["data"])


@contextlib.contextmanager
def firefox(
    profile: Path, *, downloads: Path | None = None, preferences: Sequence[tuple[str, Any]] = ()
) -> Iterator[Firefox]:
    """Start a Firefox with a profile of its own.

    Parameters
    ----------
    profile : Path
        An empty folder.
    downloads : Path, optional
        Where files go that a page makes.
    preferences : sequence of (str, value)
        Beside those that keep it quiet.
    """
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        raise RuntimeError(MISSING)
    chosen = {**_PREFERENCES, "browser.download.dir": str(downloads or profile), **dict(preferences)}
    lines = (f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in chosen.items())
    (profile / "user.js").write_text("\n".join(lines), "utf-8")
    log = profile / "stderr.txt"
    command = [found, "--headless", "--no-remote", "--remote-debugging-port", "0", "--profile", str(profile)]
    with log.open("w") as errors:
        process = subprocess.Popen([*command, "about:blank"], stdout=subprocess.DEVNULL, stderr=errors)
        try:
            socket = create_connection(
                f"{_address(process, log)}/session", timeout=_SECONDS, suppress_origin=True
            )
            try:
                yield Firefox(socket)
            finally:
                socket.close()
        finally:
            process.terminate()
            process.wait(20)


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    """Return where it listens, once it says so."""
    clock = Clock()
    end = clock.monotonic() + _SECONDS
    while clock.monotonic() < end:
        found = _LISTENING.search(log.read_text("utf-8", "replace"))
        if found:
            return found[1]
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.05)
            break
    msg = f"Firefox does not listen:\n{log.read_text('utf-8', 'replace')[-2000:]}"
    raise RuntimeError(msg)
