"""Rendering in processes of their own, so that the caller's interpreter stays free.

A clip takes a third of a second of one core, in hundreds of short steps; in a thread
of the kernel each of them would wait for the interpreter, and make it wait.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gridgen.simulator.clips import Scene

__all__ = ["RenderPool"]

_COMMAND = (sys.executable, "-P", "-m", "gridgen.simulator.clips")
_PATIENCE = 3


class RenderPool:
    """The rendering processes of one simulator, one for each thread that asks.

    Where no process can be had, or they keep dying, the thread that asks renders.

    Parameters
    ----------
    command : sequence of str
        What starts a process.
    """

    def __init__(self, command: Sequence[str] = _COMMAND) -> None:
        self._command = command
        self._failures = 0
        self._mine = threading.local()
        self._all: list[subprocess.Popen[bytes]] = []
        self._lock = threading.Lock()
        self._closed = False

    def render(self, scene: Scene) -> bytes:
        """Return the clip of a scene; raises as `clips.render`."""
        return self._made("render", scene)

    def still(self, scene: Scene) -> bytes:
        """Return the thumbnail of a scene; raises as `clips.still`."""
        return self._made("still", scene)

    def close(self) -> None:
        """End the processes, whatever they are at; a second call does nothing."""
        with self._lock:
            self._closed = True
            while self._all:
                _end(self._all.pop())

    def _made(self, what: Literal["render", "still"], scene: Scene) -> bytes:
        while self._failures < _PATIENCE:
            try:
                answer = self._asked(what, scene)
            except (OSError, EOFError, ValueError, pickle.UnpicklingError):
                if self._closed:
                    raise
                self._failures += 1
                continue
            if isinstance(answer, ValueError):
                raise answer
            self._failures = 0
            return answer
        from gridgen.simulator import clips

        return getattr(clips, what)(scene)  # type: ignore[no-any-return]

    def _asked(self, what: str, scene: Scene) -> bytes | ValueError:
        process = self._process()
        pickle.dump((what, scene), process.stdin)  # type: ignore[arg-type]
        process.stdin.flush()  # type: ignore[union-attr]
        answer: bytes | ValueError = pickle.load(process.stdout)  # type: ignore[arg-type]  # noqa: S301 - our own child
        return answer

    def _process(self) -> subprocess.Popen[bytes]:
        """Return this thread's process, started anew if it has ended."""
        process: subprocess.Popen[bytes] | None = getattr(self._mine, "process", None)
        if process is not None and process.poll() is None:
            return process
        with self._lock:
            if process in self._all:
                self._all.remove(process)
                _end(process)
            if self._closed:
                message = "the simulator is closed"
                raise OSError(message)
            self._mine.process = process = _begin(self._command)
            self._all.append(process)
        return process


def _begin(command: Sequence[str]) -> subprocess.Popen[bytes]:
    path = os.pathsep.join(filter(None, sys.path))
    return subprocess.Popen(  # noqa: S603 - this interpreter, a module of this package
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": path},
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        with contextlib.suppress(OSError):
            pipe.close()  # type: ignore[union-attr]
