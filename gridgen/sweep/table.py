"""``sweep.csv``: the rows beside the videos, for people without Python."""

from __future__ import annotations

import csv
import importlib.util
import re
from typing import TYPE_CHECKING

from gridgen.atomic import write_atomically
from gridgen.errors import GridError, GridgenError, JournalError
from gridgen.file_links import WrittenFile
from gridgen.grid.cells import FIELDS
from gridgen.grid.rows_io import csv_text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import pandas as pd

    from gridgen.grid.axes import Axis
    from gridgen.journal import Row

__all__ = ["OTHER_FILES", "write_table", "write_workbook"]

_NOTHING = "Nothing was written."
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")
_LONGEST_CELL = 32_767
"""Characters that a cell of a workbook holds (Excel specifications and limits)."""

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
            part.open("w", newline="", encoding="utf-8-sig") as file,
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


def write_workbook(frame: pd.DataFrame, target: Path) -> WrittenFile:
    """Write a table as an Excel workbook; arguments and errors as in `Sweep.to_excel`."""
    if target.suffix.lower() != ".xlsx":
        msg = f"{str(target)!r} is not the name of a workbook, such as 'boats.xlsx'"
        raise GridError(msg, nothing=_NOTHING)
    if importlib.util.find_spec("openpyxl") is None:
        msg = "to_excel needs openpyxl: pip install 'gridgen[excel]', or take sweep.csv, which Excel opens. Nothing was written."
        raise GridgenError(msg)
    import pandas as pd

    shown = frame.copy()
    for name, column in shown.items():
        if isinstance(column.dtype, pd.DatetimeTZDtype):
            shown[name] = column.dt.tz_localize(None)
        elif not pd.api.types.is_numeric_dtype(column):
            shown[name] = [None if pd.isna(each) else _cell_text(each) for each in column]
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with write_atomically(target, shared=True) as part, part.open("wb") as file:
            shown.rename(columns=csv_text).to_excel(
                file, sheet_name="clips", index=False, engine="openpyxl", freeze_panes=(1, 0)
            )
    except OSError as error:
        msg = f"the workbook {str(target)!r} cannot be written: {error.strerror}. Close it where another program has it open."
        raise GridgenError(msg) from error
    return WrittenFile(target)


def _cell_text(value: object) -> str:
    """Return a text that is no formula and that a cell of a workbook can hold."""
    return _UNWRITABLE.sub("", csv_text(value))[:_LONGEST_CELL]
