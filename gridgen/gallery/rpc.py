"""What the widgets have in common: they answer the browser, and most follow a sweep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anywidget
import traitlets as t

from gridgen.calls import Rooted
from gridgen.gallery.box import IN_A_NOTEBOOK
from gridgen.states import UNFINISHED

if TYPE_CHECKING:
    from collections.abc import Callable

    from gridgen.gallery.still import Still
    from gridgen.journal import Row
    from gridgen.sweep import Sweep

__all__ = ["QuestionError", "RpcWidget", "SweepWidget"]


class QuestionError(ValueError):
    """A question from the browser that has no answer; the message is for the person there."""


def _nothing() -> None:
    """Stop nothing: it is not watching, or no more."""


class RpcWidget(Rooted, anywidget.AnyWidget):
    """A widget that answers questions.

    Questions from the browser are custom messages with a number; what bytes came
    along stands under ``buffers``. Each gets an answer or an ``error`` under the
    same number.
    """

    _SEND = IN_A_NOTEBOOK
    _ipython_display_: Any = None  # ipywidgets 7 displays by it, and would leave out what the bundle adds

    def listen(self) -> None:
        """Take up what the browser asks from now on."""
        self.on_msg(self._heard)

    def answer(self, question: dict[str, Any]) -> tuple[dict[str, Any], list[bytes]]:
        """Answer one question with JSON values and buffers.

        Raises
        ------
        QuestionError
            If there is no answer to it.
        """
        raise NotImplementedError

    def _heard(self, _widget: object, content: object, received: object) -> None:
        request = content.get("request") if isinstance(content, dict) else None
        if type(request) is not int or not isinstance(content, dict):
            return
        try:
            reply, buffers = self.answer({**content, "buffers": received})
        except QuestionError as error:
            reply, buffers = {"error": str(error)}, []
        except Exception as error:  # noqa: BLE001 - the front end swallows what escapes; the person must see it
            reply, buffers = {"error": f"gridgen failed here: {type(error).__name__}: {error}"}, []
        self.send({"request": request, **reply}, buffers)


class SweepWidget(RpcWidget):
    """A widget that follows a sweep."""

    picture: Still
    _stop_watching: Callable[[], None] = staticmethod(_nothing)

    still = t.Unicode().tag(sync=True)
    """The name of the still that stands in for it."""

    def follow(self, sweep: Sweep, still: Still) -> None:
        """Take up what changes, and what the browser asks, from now until `close`; so does what stands in for it."""
        self.picture = still
        self.listen()

        def told(rows: tuple[Row, ...]) -> None:
            self.changed(rows)
            if rows and still.shown:
                still.changed(last=not any(row.status in UNFINISHED for row in sweep.rows()))

        self._stop_watching = sweep.watch(told)

    def close(self) -> None:
        """Take it off every page, and stop following the sweep."""
        stop, self._stop_watching = self._stop_watching, _nothing
        stop()
        self.picture.close()
        super().close()

    def changed(self, rows: tuple[Row, ...]) -> None:
        """Take up rows that changed; called on the engine's thread."""
        raise NotImplementedError
