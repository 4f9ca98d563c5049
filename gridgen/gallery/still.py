"""The still of a widget: a plain output of the same cell, for whenever the widget itself is not there.

JupyterLab never takes another form of an output whose widget it does not find, and
what turns a notebook into a page leaves an empty place for it. So a widget is shown
as two outputs, itself and its still. A widget that is alive hides its still
(``js/still.js``). Otherwise the still hides the row of the widget, where it has
kept its style sheet: what untrusted notebooks lose of it they lose with the widget.
"""

from __future__ import annotations

import logging
import secrets
import threading
from typing import TYPE_CHECKING, Any

import IPython.display
from IPython.core.getipython import get_ipython

from gridgen._loop import engine

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping

__all__ = ["Still"]

_LARGEST = 98_000
"""Bytes of what a still shows; with the frame around it under 100 kB."""
INTERVAL = 10.0
"""Seconds between two updates while a sweep goes on: each is written into the notebook anew."""
SOON = 0.3
"""Seconds in which the last changes of a sweep come together."""

_log = logging.getLogger("gridgen")

_FRAME = (
    '<div data-gg-still="{name}"><style>'
    '.jp-OutputArea-child:has(+ .jp-OutputArea-child [data-gg-still="{name}"]):not(:has('
    '[data-gg-live="{name}"], .jp-OutputArea-output[data-mime-type])) {{display: none}}'
    "</style>{page}</div>"
)
"""In JupyterLab, Notebook 7 and nbconvert's pages an output of any other kind says of what kind it is."""


class Still:
    """What stands in for one widget.

    It is sent again when a cell has run, which is what nbclient and papermill hear of, and
    while none runs from the engine's threads.

    Parameters
    ----------
    facts : callable
        Returns what it depends on, as things stand; it is drawn anew where that is not equal to what it was.
    draw : callable
        Returns the HTML as things stand, of at most so many bytes. Both are called on any thread.

    Attributes
    ----------
    name : str
        By which the widget in the browser finds it: 16 hexadecimal digits.
    shown : bool
        Whether a cell shows it.
    """

    def __init__(self, facts: Callable[[], object], draw: Callable[[int], str]) -> None:
        self.name = secrets.token_hex(8)
        self._facts, self.draw = facts, draw
        self._drawn: tuple[object, str] | None = None
        self._lock = threading.Lock()
        self.shown = False
        self._sent = self._settled = ""
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    def show(self, data: Mapping[str, Any], metadata: Mapping[str, Any] | None = None) -> None:
        """Show a widget, and after it its still, in the cell that runs.

        Parameters
        ----------
        data, metadata : mapping
            The widget's mimebundle; an HTML form in it is left out.
        """
        widget = {kind: each for kind, each in data.items() if kind != "text/html"}
        IPython.display.publish_display_data(widget, dict(metadata or {}))  # type: ignore[no-untyped-call]
        with self._lock:
            self._sent = self._settled = self._page()
            self._publish(update=False)
        if not self.shown and (shell := get_ipython()) is not None:
            shell.events.register("post_run_cell", self._settle)
        self.shown = True

    def changed(self, *, last: bool = False) -> None:
        """Take up that it may show something else from now on; from any thread.

        Parameters
        ----------
        last : bool
            Whether that is the last change for a while.
        """
        if self.shown:
            engine().loop.call_soon_threadsafe(self._wait, SOON if last else INTERVAL)

    def close(self) -> None:
        """Leave it as it is."""
        shell = get_ipython()
        if self.shown and shell is not None:
            shell.events.unregister("post_run_cell", self._settle)
        self.shown = False

    def _wait(self, seconds: float) -> None:
        loop = engine().loop
        due = loop.time() + seconds
        if self._timer is not None and self._timer.when() <= due:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = loop.call_at(due, self._begin)

    def _begin(self) -> None:
        self._timer = None
        self._task = engine().loop.create_task(engine().in_thread(self._again))

    def _again(self) -> None:
        with self._lock:
            page = self._page()
            if self.shown and page != self._sent:
                self._sent = page
                self._publish(update=True)

    def _settle(self, _result: object) -> None:
        """Send what the cell that has just run does not know to be sent: of other times it hears nothing."""
        with self._lock:
            page = self._page()
            if page != self._settled:
                self._sent = self._settled = page
                self._publish(update=True)

    def _page(self) -> str:
        try:
            facts = self._facts()
            if self._drawn is None or self._drawn[0] != facts:
                self._drawn = facts, self.draw(_LARGEST)
        except Exception:  # noqa: BLE001 - a folder that is gone or spoilt says so where its sweep is used
            _log.debug("the still of a widget could not be drawn", exc_info=True)
        return self._drawn[1] if self._drawn else ""

    def _publish(self, *, update: bool) -> None:
        data = {"text/html": _FRAME.format(name=self.name, page=self._sent)}
        IPython.display.publish_display_data(data, transient={"display_id": self.name}, update=update)  # type: ignore[no-untyped-call]
