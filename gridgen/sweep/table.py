"""``sweep.csv``: the rows beside the videos, for people without Python."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from gridgen.atomic import write_atomically
from gridgen.errors import GridgenError, JournalError
from gridgen.grid.cells import FIELDS
from gridgen.grid.rows_io import csv_text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from gridgen.grid.axes import Axis
    from gridgen.journal import Row

__all__ = ["OTHER_FILES", "write_table"]

OTHER_FILES = frozenset(
    {
        ".avif",
        ".bmp",
        ".csv",
        ".doc",
        ".docx",
        ".gif",
        ".html",
        ".htm",
        ".ipynb",
        ".jpeg",
        ".jpg",
        ".json",
        ".md",
        ".mkv",
        ".mov",
        ".mp4",
        ".ods",
        ".pdf",
        ".png",
        ".ppt",
        ".pptx",
        ".py",
        ".svg",
        ".tar",
        ".tgz",
        ".tif",
        ".tiff",
        ".tsv",
        ".txt",
        ".webm",
        ".webp",
        ".xls",
        ".xlsx",
        ".xml",
        ".yaml",
        ".yml",
        ".zip",
    }
)
"""How names of files end that are of a kind of their own, so that none is taken for a folder or a journal."""

_COLUMNS = (
    "take",
    "status",
    "path",
    "task_id",
    "cost",
    "service_seconds",
    "error",
    "width",
    "height",
    "clip_seconds",
    "last_frame",
    "further",
)


def write_table(folder: Path, axes: Iterable[Axis], rows: Iterable[Row]) -> None:
    """Write the table of a sweep, in place of an earlier one.

    Raises
    ------
    JournalError
        If the folder is gone.
    GridgenError
        If it cannot be written or replaced, such as while another program has it open.
    """
    target = folder / "sweep.csv"
    fields = [*FIELDS, *(axis.name for axis in axes if axis.name not in FIELDS)]
    try:
        # another sweep of the folder may write its table at this moment
        with (
            write_atomically(target, mode=0o600, shared=True) as part,
            part.open("w", newline="", encoding="utf-8") as file,
        ):
            table = csv.writer(file)
            table.writerow([*map(csv_text, fields), *_COLUMNS, "cell"])
            for each in rows:
                cell = [csv_text(each.cell.get(name)) for name in fields]
                table.writerow([*cell, *(csv_text(getattr(each, name)) for name in _COLUMNS), each.cell.key])
    except FileNotFoundError as error:
        msg = (
            f"the folder {str(folder)!r} was deleted or moved while it was in use. Nothing more is sent. "
            "gridgen.open(...) it where it is now, and run() goes on; run() here makes it anew and fetches the clips."
        )
        raise JournalError(msg) from error
    except OSError as error:
        msg = (
            f"the table {str(target)!r} cannot be written: {error.strerror}. The clips are safe; close it where another "
            "program has it open, and run() again."
        )
        raise GridgenError(msg) from error
