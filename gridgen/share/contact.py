"""A contact sheet: the clips of a sweep on one labelled picture, for a report, a chat or a printer."""

from __future__ import annotations

import base64
import io
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageDraw

from gridgen.atomic import write_atomically
from gridgen.errors import GridError, GridgenError
from gridgen.file_links import file_link
from gridgen.gallery.change_feed import inside
from gridgen.gallery.layout import Sides, coordinates, sheet_axes, sides, speak
from gridgen.gallery.rpc import QuestionError
from gridgen.grid.pivot import Pivot, runs
from gridgen.lettering import broken, font, lettering
from gridgen.media import MediaError, is_whole, stills
from gridgen.share.page_data import hidden_axes
from gridgen.states import State

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Sequence

    from gridgen.grid.axes import Axis
    from gridgen.journal import Row
    from gridgen.sweep import Sweep

__all__ = ["ContactSheet", "FrameOptions", "contact_sheet"]

FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
MOST_SIDE = 16_000
"""Pixels of a sheet's longer side, about the most that WebP holds and viewers open."""
MOST_FRAMES = 24

_GAP, _MARGIN, _LINE = 8, 20, 1.3
_SHOWN_SIDE, _SHOWN_BYTES = 1100, 80_000


@dataclass(frozen=True, slots=True)
class FrameOptions:
    """How the clips are taken; as the arguments of `Sweep.to_image`."""

    frames: int = 1
    at: float | None = None
    width: int = 240
    prompts: bool = True
    dark: bool = False

    def checked(self) -> FrameOptions:
        """Return it, if it can be done.

        Raises
        ------
        GridError
            If a value is out of its range.
        """
        for name, value, least, most in (
            ("frames", self.frames, 1, MOST_FRAMES),
            ("width", self.width, 48, 1920),
        ):
            if type(value) is not int or not least <= value <= most:
                msg = f"{name}={value!r} is not a whole number from {least} to {most}"
                raise GridError(msg, nothing="Nothing was written.")
        if self.at is not None and (self.frames != 1 or not 0 <= self.at < math.inf):
            msg = f"at={self.at!r}, frames={self.frames!r}: at= is one moment, in seconds from 0 on, and takes the place of frames="
            raise GridError(msg, nothing="Nothing was written.")
        return self


@dataclass(frozen=True, slots=True)
class ContactSheet:
    """A contact sheet that was written; the last line of a cell shows it.

    Attributes
    ----------
    path : Path
    width, height : int
        Pixels.
    clips : int
        How many it shows.
    bytes : int
        Size of the file.
    """

    path: Path
    width: int
    height: int
    clips: int
    bytes: int

    def __fspath__(self) -> str:
        return str(self.path)

    def __repr__(self) -> str:
        clips = "1 clip" if self.clips == 1 else f"{self.clips} clips"
        return f"ContactSheet({self.path.name!r}: {clips}, {self.width}x{self.height})"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        told = {"text/plain": repr(self)}
        try:
            with Image.open(self.path) as image:
                image.thumbnail((_SHOWN_SIDE, _SHOWN_SIDE * 3), Image.Resampling.LANCZOS)
                shown = base64.b64encode(_jpeg(image.convert("RGB"))).decode()
        except OSError:
            return told
        # where HTML is shown no picture besides is, so the one with the link holds it as well
        page = (
            f'{file_link(self.path)}<img src="data:image/jpeg;base64,{shown}" alt="" style="max-width:100%">'
        )
        return told | {"image/jpeg": shown, "text/html": page}


def _jpeg(image: Image.Image) -> bytes:
    for quality in (84, 70, 55, 40):
        out = io.BytesIO()
        image.save(out, "JPEG", quality=quality, optimize=True)
        if out.tell() <= _SHOWN_BYTES:
            break
    return out.getvalue()


def contact_sheet(
    sweep: Sweep,
    path: str | os.PathLike[str],
    *,
    rows: str | Iterable[str] | None,
    cols: str | Iterable[str] | None,
    clips: Any,
    taken: FrameOptions,
) -> ContactSheet:
    """Write a contact sheet; arguments and errors as in `Sweep.to_image`."""
    target = Path(path).expanduser()
    if target.suffix.lower() not in FORMATS:
        msg = f"{target.name!r} names no kind of picture that is written ({', '.join(FORMATS)})"
        raise GridError(msg, nothing="Nothing was written.")
    given = (
        sweep.rows()
        if clips is None
        else sweep.internals.chosen(clips, usable={State.DONE}, nothing="Nothing was written.")
    )
    chosen = sorted(given, key=lambda row: row.index)
    if not chosen:
        msg = "there is no clip to show: clips= names none"
        raise GridError(msg, nothing="Nothing was written.")
    image = _Table(sweep, chosen, rows, cols, taken.checked()).image()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with write_atomically(target, shared=True) as part:
            image.save(part, FORMATS[target.suffix.lower()], quality=88, optimize=True)
    except OSError as error:
        msg = f"the sheet {str(path)!r} cannot be written: {error.strerror or error}. What was there is as it was."
        raise GridgenError(msg) from error
    return ContactSheet(target, *image.size, len(chosen), target.stat().st_size)


class _Table:
    """Boxes of clips between the headers of their axes."""

    def __init__(
        self,
        sweep: Sweep,
        chosen: Sequence[Row],
        rows: str | Iterable[str] | None,
        cols: str | Iterable[str] | None,
        taken: FrameOptions,
    ) -> None:
        self._folder, self._taken, self._chosen = sweep.folder, taken, chosen
        axes = sheet_axes(sweep)
        shown: Sides = sides(axes, rows, cols)
        said = axes if taken.prompts else _numbered(axes)
        self._sheet = Pivot(said, [coordinates(axes, row) for row in chosen], shown)
        self._ink, self._quiet, self._paper, self._wash = _COLOURS[taken.dark]
        self._letter = max(11, round(taken.width / 16))
        name, self._face = lettering(Path(sweep.name).name, "")
        self._title = f"{name}  ·  {_counted(chosen)}" if name else _counted(chosen)

    def image(self) -> Image.Image:
        """Draw it."""
        sheet, gap = self._sheet, _GAP * 2
        boxes = {place: self._box(numbers) for place, numbers in sheet.boxes.items()}
        aside = 0 if not sheet.rows else (self._taken.width * 3 // 4) * len(sheet.rows)
        wide = {
            col: max(box.width for (_, key), box in boxes.items() if key == col) for col in sheet.col_keys
        }
        high = {row: self._tall(row, boxes, aside) for row in sheet.row_keys}
        heads = [self._heads(level, wide, gap) for level in range(len(sheet.cols))]
        top = (
            _MARGIN
            + round(self._letter * 2.4)
            + sum(max(line.height for line, _ in level) + _GAP for level in heads)
        )
        across = max(
            aside + sum(wide.values()) + gap * len(wide),
            round(font(self._face, self._letter).getlength(self._title)),
        )
        size = (2 * _MARGIN + across, top + sum(high.values()) + gap * len(high) + _MARGIN)
        if max(size) > MOST_SIDE:
            msg = f"the sheet would have {size[0]}x{size[1]} pixels, more than {MOST_SIDE} a side: choose fewer clips=, fewer frames= or a smaller width="
            raise GridError(msg, nothing="Nothing was written.")
        image = Image.new("RGB", size, self._paper)
        ImageDraw.Draw(image).text(
            (_MARGIN, _MARGIN - 4), self._title, self._quiet, font(self._face, self._letter)
        )
        self._place_heads(image, heads, _MARGIN + aside)
        self._place_rows(image, boxes, wide, high, (top, aside))
        return image

    def _tall(self, row: tuple[int, ...], boxes: dict[Any, Image.Image], aside: int) -> int:
        beside = [
            self._head(axis, at, aside // len(self._sheet.rows)).height
            for axis, at in zip(self._sheet.rows, row, strict=True)
        ]
        return max(*(box.height for (key, _), box in boxes.items() if key == row), *beside, 0)

    def _heads(self, level: int, wide: dict[tuple[int, ...], int], gap: int) -> list[tuple[Image.Image, int]]:
        """Return the headers of one level of the columns, each with its left edge."""
        keys, found = self._sheet.col_keys, []
        for at, start, span in runs(keys, level):
            left = sum(wide[key] + gap for key in keys[:start])
            room = sum(wide[key] + gap for key in keys[start : start + span]) - gap
            found.append((self._head(self._sheet.cols[level], at, room), left))
        return found

    def _head(self, axis: Axis, at: int, room: int) -> Image.Image:
        return self._words([(speak(axis, at), f"{axis.name} {at + 1}", self._ink)], room, self._letter)

    def _place_heads(self, image: Image.Image, heads: list[list[tuple[Image.Image, int]]], left: int) -> None:
        top = _MARGIN + round(self._letter * 2.4)
        for level in heads:
            for head, at in level:
                image.paste(head, (left + at, top))
            top += max(head.height for head, _ in level) + _GAP

    def _place_rows(
        self,
        image: Image.Image,
        boxes: dict[Any, Image.Image],
        wide: dict[tuple[int, ...], int],
        high: dict[tuple[int, ...], int],
        corner: tuple[int, int],
    ) -> None:
        top, aside = corner
        keys, levels = self._sheet.row_keys, len(self._sheet.rows)
        starts = [{start: at for at, start, _ in runs(keys, level)} for level in range(levels)]
        for number, row in enumerate(keys):
            for level in range(levels):
                if number in starts[level]:
                    room = aside // levels
                    head = self._head(self._sheet.rows[level], row[level], room - 2 * _GAP)
                    image.paste(head, (_MARGIN + level * room, top))
            left = _MARGIN + aside
            for col in self._sheet.col_keys:
                if (row, col) in boxes:
                    image.paste(boxes[row, col], (left, top))
                left += wide[col] + _GAP * 2
            top += high[row] + _GAP * 2

    def _box(self, numbers: Sequence[int]) -> Image.Image:
        """Draw the clips of one box, in a block as wide as high."""
        shown = [self._clip(number) for number in numbers]
        across = math.ceil(math.sqrt(len(shown)))
        lines = [
            _joined(shown[start : start + across], self._paper) for start in range(0, len(shown), across)
        ]
        return _joined(lines, self._paper, down=True)

    def _clip(self, number: int) -> Image.Image:
        row = self._chosen[number]
        pictures = self._pictures(row)
        ratio = _ratio(row, pictures)
        width = round(self._taken.width * math.sqrt(ratio * 9 / 16))
        size = (width, round(width / ratio))
        strip = [picture.resize(size, Image.Resampling.LANCZOS) for picture in pictures] or [
            self._blank(row, size)
        ]
        caption = self._sheet.caption(number)
        said = (
            [
                self._words(
                    [(caption, f"clip {row.index + 1}", self._quiet)],
                    width * len(strip),
                    round(self._letter * 0.85),
                )
            ]
            if caption
            else []
        )
        return _joined([_joined(strip, self._paper, gap=2), *said], self._paper, down=True, gap=4)

    def _blank(self, row: Row, size: tuple[int, int]) -> Image.Image:
        """Draw what stands for a clip that is not there: its state, and the kind of trouble."""
        image = Image.new("RGB", size, self._wash)
        state = row.status if row.status != State.DONE else "no picture"
        texts = [(text, "not shown", self._quiet) for text in dict.fromkeys((state, row.error_class)) if text]
        words = self._words(texts, size[0] - 2 * _GAP, round(self._letter * 0.9), self._wash)
        image.paste(words, (_GAP, max(_GAP, (size[1] - words.height) // 2)))
        return image

    def _pictures(self, row: Row) -> list[Image.Image]:
        taken = self._taken
        if row.status != State.DONE:
            return []
        try:
            if taken.frames == 1 and taken.at is None and row.poster:
                with Image.open(inside(self._folder, row.poster)) as image:
                    return [image.convert("RGB")]
            length = row.clip_seconds or row.cell.seconds
            moments = (
                [length * (at + 0.5) / taken.frames for at in range(taken.frames)]
                if taken.at is None
                else [taken.at]
            )
            preview = row.preview and inside(self._folder, row.preview)
            return stills(
                preview if preview and is_whole(preview) else inside(self._folder, row.path), moments
            )
        except (MediaError, QuestionError, OSError, ValueError):
            return []

    def _words(
        self, texts: Sequence[tuple[str, str, str]], room: int, letter: int, paper: str | None = None
    ) -> Image.Image:
        """Set texts under one another, broken where there is no room, each with what stands for it where no font has it."""
        lines = []
        for text, instead, colour in texts:
            plain, name = lettering(text, instead)
            face = font(name, letter)
            lines += [
                (line, colour, face) for line in broken(plain, face, max(room, letter * 4), _MOST_LINES)
            ]
        pitch = round(letter * _LINE)
        image = Image.new("RGB", (max(room, 1), pitch * len(lines) + 2), paper or self._paper)
        draw = ImageDraw.Draw(image)
        for at, (line, colour, face) in enumerate(lines):
            draw.text((0, at * pitch), line, colour, face)
        return image


_COLOURS = {
    False: ("#17181c", "#5f6368", "#ffffff", "#eceef1"),
    True: ("#f2f3f5", "#a4a8b0", "#131417", "#26282e"),
}
"""Ink, quiet ink, paper and wash, by whether it is dark."""

_MOST_LINES = 6


def _ratio(row: Row, pictures: Sequence[Image.Image]) -> float:
    if pictures:
        return pictures[0].width / pictures[0].height
    across, _, down = str(row.cell.size).partition(":")
    return (
        int(across) / int(down)
        if across.isdigit() and down.isdigit() and int(across) and int(down)
        else 16 / 9
    )


def _joined(images: Sequence[Image.Image], paper: str, *, down: bool = False, gap: int = _GAP) -> Image.Image:
    """Set pictures side by side, or under one another."""
    along = sum((each.height if down else each.width) + gap for each in images) - gap
    beside = max(each.width if down else each.height for each in images)
    whole = Image.new("RGB", (beside, along) if down else (along, beside), paper)
    at = 0
    for each in images:
        whole.paste(each, (0, at) if down else (at, 0))
        at += (each.height if down else each.width) + gap
    return whole


def _counted(rows: Sequence[Row]) -> str:
    states = sorted({row.status for row in rows}, key=lambda status: (status != State.DONE, status))
    counts = [f"{sum(row.status == status for row in rows)} {status}" for status in states]
    return f"{len(rows)} {'clip' if len(rows) == 1 else 'clips'}: {', '.join(counts)}"


def _numbered(axes: Sequence[Axis]) -> list[Axis]:
    """Return axes from which no prompt can be read."""
    hidden = hidden_axes(axes)
    return [
        replace(axis, labels=tuple(f"{axis.name} {at + 1}" for at in range(len(axis))), notes=())
        if axis.name in hidden
        else axis
        for axis in axes
    ]
