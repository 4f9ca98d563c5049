"""Kernels to talk to by the Jupyter protocol: the installed one, and older ones in environments of their own."""

from __future__ import annotations

import json
import os
import sys
import time
import tomllib
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from environments import ROOT, environment
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager
from packaging.requirements import Requirement

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SAFE, UNSAFE = True, False
SUITE = {
    "installed": ([], SAFE),
    "6.31.0": (["nest-asyncio==1.6.0"], SAFE),
    "7.0.1": (["nest-asyncio==1.6.0"], SAFE),
    "7.3.0": (["nest-asyncio==1.6.0", "nest-asyncio2==1.7.2"], UNSAFE),
    "7.4.0": (["nest-asyncio==1.6.0"], UNSAFE),
}
"""By version of ipykernel: what nests loops there, and whether cells survive it."""


@dataclass
class Ran:
    """What one cell did: how it ended, and what it printed."""

    status: str
    error: str
    message: str
    printed: dict[str, str] = field(default_factory=dict)


class Kernel:
    """A running kernel; cells are sent without waiting, as Run All does, and collected later."""

    def __init__(self, manager: KernelManager) -> None:
        self.manager = manager
        self._client = manager.blocking_client()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=60)
        self._replies: dict[str, dict[str, Any]] = {}
        self._printed: dict[str, dict[str, str]] = defaultdict(lambda: {"stdout": "", "stderr": ""})
        self._idle: set[str] = set()

    def send(self, *cells: str) -> list[str]:
        """Queue cells at once and return their message ids."""
        return [self._client.execute(cell) for cell in cells]

    def ended(self, sent: str, seconds: float = 60.0) -> Ran:
        """Wait for a queued cell to end.

        Raises
        ------
        TimeoutError
            If it does not: it was lost, or it hangs.
        """
        end = time.perf_counter() + seconds
        while sent not in self._replies or sent not in self._idle:
            if time.perf_counter() > end:
                msg = f"the cell did not end within {seconds} s"
                raise TimeoutError(msg)
            self._hear()
        content = self._replies[sent]
        error, message = content.get("ename", ""), content.get("evalue", "")
        return Ran(content["status"], error, message, self._printed[sent])

    def says(self, sent: str, word: str) -> None:
        """Wait until a queued cell has printed a word, and so is at work: an earlier interrupt would be lost."""
        end = time.perf_counter() + 30
        while word not in self._printed[sent]["stdout"]:
            assert time.perf_counter() < end, f"the cell did not print {word!r}"
            self._hear()

    def run(self, cell: str, seconds: float = 60.0) -> str:
        """Run one cell that must succeed, and return what it printed."""
        ran = self.ended(*self.send(cell), seconds)
        assert ran.status == "ok", f"{ran.error}: {ran.message}"
        return ran.printed["stdout"].strip()

    def interrupt(self) -> None:
        """Press the stop button."""
        self.manager.interrupt_kernel()

    def complaints(self) -> str:
        """Return what any cell has printed to stderr so far."""
        return "".join(printed["stderr"] for printed in self._printed.values())

    def close(self) -> None:
        """Stop the kernel."""
        self._client.stop_channels()
        self.manager.shutdown_kernel(now=True)
        self.manager.cleanup_resources()

    def _hear(self) -> None:
        while self._client.shell_channel.msg_ready():
            message = self._client.get_shell_msg(timeout=1)
            self._replies[message["parent_header"]["msg_id"]] = message["content"]
        if not self._client.iopub_channel.socket.poll(20):
            return
        message = self._client.get_iopub_msg(timeout=1)
        parent = message["parent_header"].get("msg_id", "")
        if message["msg_type"] == "stream":
            self._printed[parent][message["content"]["name"]] += message["content"]["text"]
        elif message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
            self._idle.add(parent)


def installed(version: str) -> str:
    """Return the interpreter that has this version of ipykernel and gridgen."""
    if version == "installed":
        return sys.executable
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = [Requirement(text) for text in project["dependencies"]]
    others = [str(each) for each in needed if not each.name.startswith("nest")]
    nesting = SUITE[version][0]
    steps = [
        ["install", "-q", f"ipykernel=={version}", *others, *nesting],
        ["install", "-q", "--no-deps", "-e", str(ROOT)],
    ]
    if "nest-asyncio2" not in " ".join(nesting):
        steps.append(["uninstall", "-q", "-y", "nest-asyncio2"])
    return str(environment(f"ipykernel-{version}", *steps))


@pytest.fixture(scope="module", params=SUITE, ids=lambda version: f"ipykernel-{version}")
def version(request: pytest.FixtureRequest) -> str:
    """Each version of ipykernel of the suite."""
    return request.param


@pytest.fixture
def kernel(version: str, tmp_path: Path) -> Iterator[Kernel]:
    """Start a kernel in an empty folder."""
    spec = tmp_path / "kernels" / "probe" / "kernel.json"
    spec.parent.mkdir(parents=True)
    command = [installed(version), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec.write_text(json.dumps({"argv": command, "display_name": "probe", "language": "python"}))
    specs = KernelSpecManager(kernel_dirs=[str(tmp_path / "kernels")], ensure_native_kernel=False)
    manager = KernelManager(kernel_name="probe", kernel_spec_manager=specs)
    manager.start_kernel(cwd=str(tmp_path), env={**os.environ, "IPYTHONDIR": str(tmp_path / "ipython")})
    kernel = Kernel(manager)
    yield kernel
    kernel.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs an environment of its own."""
    for item in items:
        case = getattr(item, "callspec", None)
        if case is not None and case.params.get("version", "installed") != "installed":
            item.add_marker("kernels")
