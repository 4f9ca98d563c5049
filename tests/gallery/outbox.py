"""What a widget sends, without a browser to send it to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gridgen.gallery.rpc import SweepWidget


class Outbox:
    """Collects what a widget sends to the browser."""

    def __init__(self, widget: SweepWidget) -> None:
        self.widget = widget
        self.sent: list[tuple[dict[str, Any], list[bytes]]] = []
        widget.send = lambda content, buffers=None: self.sent.append((content, buffers or []))

    def ask(self, **question: object) -> tuple[dict[str, Any], list[bytes]]:
        """Send a message as the browser does and return the last thing sent back."""
        self.widget._handle_custom_msg(question, [])
        return self.sent[-1]
