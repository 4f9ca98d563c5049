"""Servers of other hosts than JupyterLab, each in an environment of its own, and a browser that drives them."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from environments import ROOT, environment

sys.path.append(str(Path(__file__).parents[1] / "browser"))

from lab import QUIET, chromium

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Page

    Serve = Callable[..., contextlib.AbstractContextManager[str]]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium that plays H.264."""
    with chromium() as started:
        yield started


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page on which walls rest until Play is pressed."""
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    page.set_default_timeout(90_000)
    page.add_init_script(QUIET)
    yield page
    page.close()


@pytest.fixture
def serve(tmp_path: Path) -> Serve:
    """Start a server by the first package's own command, in an environment with those packages and gridgen."""

    @contextlib.contextmanager
    def serving(packages: tuple[str, ...], *words: str) -> Iterator[str]:
        name = packages[0].partition("==")[0]
        python = environment(name, ["install", "-q", *packages, "-e", str(ROOT)])
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        folders = {"IPYTHONDIR": "ipython", "JUPYTER_CONFIG_DIR": "config", "JUPYTER_RUNTIME_DIR": "runtime"}
        surroundings = {
            **os.environ,
            **{variable: str(tmp_path / folder) for variable, folder in folders.items()},
            "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}",
        }
        command = [str(python), "-m", name, *(word.format(port=port) for word in words)]
        log = tmp_path / "server.log"
        with log.open("w") as written:
            server = subprocess.Popen(
                command, cwd=tmp_path, env=surroundings, stdout=written, stderr=subprocess.STDOUT
            )
        try:
            yield _started(server, f"http://127.0.0.1:{port}/", log)
        finally:
            server.terminate()
            server.wait(20)

    return serving


def _started(server: subprocess.Popen[bytes], address: str, log: Path) -> str:
    """Return the address once it answers."""
    end = time.perf_counter() + 120
    while server.poll() is None and time.perf_counter() < end:
        try:
            urllib.request.urlopen(f"{address}static/nothing", timeout=5).close()
        except urllib.error.HTTPError:
            return address
        except OSError:
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(0.05)
        else:
            return address
    msg = f"nothing is served:\n{log.read_text('utf-8', 'replace')[-3000:]}"
    raise RuntimeError(msg)
