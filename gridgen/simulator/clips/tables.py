"""Tables that are written as text: a row a line, cells between bars."""

from __future__ import annotations

__all__ = ["rows"]


def rows(text: str) -> list[list[str]]:
    """Return the cells of each row below the header; a row without a name goes on with the last cell of the one above."""
    found: list[list[str]] = []
    for line in text.strip().splitlines()[1:]:
        cells = [cell.strip() for cell in line.split("|")]
        if cells[0]:
            found.append(cells)
        else:
            found[-1][-1] += f" {cells[-1]}"
    return found
