"""JupyterLab on a loopback port, and a Chromium that drives it."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import nbformat
from playwright.sync_api import sync_playwright

import gridgen

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from playwright.sync_api import Browser, Page

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}

QUIET = "try { localStorage.setItem('gridgen/autoplay', 'no') } catch {}"
"""Turns off that a wall plays by itself, where a frame may keep that."""

READY = "window.jupyterapp?.shell?.currentWidget?.sessionContext?.isReady"
RUN_ALL = "() => jupyterapp.commands.execute('notebook:run-all-cells')"
IDLE = """() => {
  const { content, sessionContext } = jupyterapp.shell.currentWidget;
  return sessionContext.session?.kernel?.status === "idle"
    && content.widgets.every((cell) => cell.model.type !== "code" || cell.model.executionCount);
}"""

ASK = """async (code) => {
  const { kernel } = jupyterapp.shell.currentWidget.sessionContext.session;
  const future = kernel.requestExecute({ code: "None", user_expressions: { asked: code } });
  const { asked } = (await future.done).content.user_expressions;
  return asked.data?.["text/plain"] ?? `${asked.ename}: ${asked.evalue}`;
}"""


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Start a Chromium that plays H.264; Playwright's own build does not."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        msg = "no Chromium or Chrome found; install one (Debian: apt install chromium)"
        raise RuntimeError(msg)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def lab(root: Path, home: Path, base: str = "/user/me/") -> Iterator[str]:
    """Serve a folder with JupyterLab, with settings of its own, and yield the address of its base.

    Parameters
    ----------
    root : Path
        The server's root.
    home : Path
        An empty folder for settings, runtime files and IPython.
    base : str
        The server's base path, as behind a hub.
    """
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    switches = {
        "--ServerApp.root_dir": root,
        "--ServerApp.port": port,
        "--ServerApp.port_retries": 0,
        "--ServerApp.base_url": base,
        "--IdentityProvider.token": "",
    }
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--expose-app-in-browser"]
    command += [f"{name}={value}" for name, value in switches.items()]
    command += ["--JupyterNotebookApp.expose_app_in_browser=True"]
    _quiet(home / "settings")
    folders = {"JUPYTER_CONFIG_DIR": "config", "JUPYTER_RUNTIME_DIR": "runtime", "IPYTHONDIR": "ipython"}
    places = {name: str(home / folder) for name, folder in folders.items()}
    places["PYTHONPATH"] = str(Path(gridgen.__file__).parents[1])
    environment = {**os.environ, **places, "JUPYTERLAB_SETTINGS_DIR": str(home / "settings")}
    with (home / "server.log").open("w+") as log:
        server = subprocess.Popen(command, env=environment, stderr=log)
        try:
            _await_start(server, home / "server.log")
            yield f"http://127.0.0.1:{port}{base}"
        finally:
            server.terminate()
            server.wait(20)


def _quiet(settings: Path) -> None:
    """Switch off the prompt that asks a new user about news."""
    notices = settings / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    notices.parent.mkdir(parents=True, exist_ok=True)
    notices.write_text('{"fetchNews": "false", "checkForUpdates": false}', "utf-8")


def _await_start(server: subprocess.Popen[bytes], log: Path) -> None:
    """Return once the server says that it runs."""
    for _ in range(2400):
        if "is running at" in log.read_text("utf-8", "replace"):
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(0.05)
            break
    msg = f"JupyterLab served nothing:\n{log.read_text('utf-8', 'replace')[-3000:]}"
    raise RuntimeError(msg)


def write_notebook(path: Path, cells: Sequence[str]) -> None:
    """Write a notebook of code cells."""
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell) for cell in cells], metadata=KERNEL
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)


def open_notebook(
    browser: Browser,
    base: str,
    name: str,
    *,
    at: str = "lab/tree",
    before: str = "",
    quiet: bool = True,
    **options: Any,
) -> tuple[Page, list[str]]:
    """Open a notebook and wait for its kernel.

    Parameters
    ----------
    at : str
        ``"lab/tree"`` for JupyterLab, ``"notebooks"`` for Notebook 7.
    before : str
        A script that runs before those of the page.
    quiet : bool
        Whether walls rest until Play is pressed.

    Returns
    -------
    tuple
        The page, and a list that collects what goes wrong on it.
    """
    page = browser.new_page(**{"viewport": {"width": 1500, "height": 1000}, **options})
    page.set_default_timeout(60_000)
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(f"error: {error}"))
    page.on(
        "console",
        lambda said: troubles.append(f"{said.text} {said.location['url']}") if said.type == "error" else None,
    )
    page.add_init_script(before)
    if quiet:
        page.add_init_script(QUIET)
    page.goto(f"{base}{at}/{quote(name)}{'?reset' if at.startswith('lab') else ''}")
    page.wait_for_function(READY)
    return page, troubles


def run_all(page: Page, *, timeout: float = 90.0) -> None:
    """Run all cells and wait until the kernel has run the last of them; `timeout` is in seconds."""
    page.evaluate(RUN_ALL)
    page.wait_for_function(IDLE, timeout=timeout * 1000)


def ask(page: Page, code: str) -> str:
    """Return the repr of an expression in the notebook's kernel."""
    found: str = page.evaluate(ASK, code)
    return found
