"""A grid being executed in a folder: the object that a person holds."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import os
import shutil
import sys
import tempfile
import threading
import warnings
from collections import Counter
from dataclasses import dataclass, field, replace
from decimal import Decimal
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from gridgen._loop import engine, wait, wait_async, wait_future
from gridgen.clock import Clock
from gridgen.errors import BudgetError, GridError, GridgenError, JournalError, OutOfCreditsError
from gridgen.estimate import NEW, Estimate, Services, counted, estimate, pictures, span, time_of
from gridgen.estimate.costs import Costs, costs
from gridgen.estimate.prices import PriceClass, Prices, price_class
from gridgen.grid import Grid
from gridgen.grid.axes import Axis
from gridgen.grid.cells import FIELDS
from gridgen.grid.images import FRESH, keep
from gridgen.grid.sheet import TAKE
from gridgen.grid.tables import csv_text
from gridgen.grid.thinning import counted_takes, money
from gridgen.journal import (
    STATES,
    Journal,
    Record,
    Row,
    abandoned,
    read,
    read_cells,
    read_uploads,
    restore,
    row,
    snapshot,
    spent,
)
from gridgen.judgements import KEEP, Consensus, Judgements
from gridgen.models import enough
from gridgen.outcome import Policy
from gridgen.sweep.misses import nearest_made
from gridgen.sweep.reopen import keep_sweep, kept
from gridgen.sweep.standing import Standing

if TYPE_CHECKING:
    from collections.abc import (
        AsyncIterator,
        Callable,
        Collection,
        Generator,
        Iterable,
        Iterator,
        Mapping,
        Sequence,
    )
    from concurrent.futures import Future
    from types import EllipsisType

    import pandas as pd

    from gridgen.client import Client
    from gridgen.gallery import Gallery
    from gridgen.grid import Cell
    from gridgen.grid.preview import Preview
    from gridgen.judgements import Slot
    from gridgen.judgements.ratings import Merged, Ratings
    from gridgen.judgements.rounds import Rounds
    from gridgen.models import Price
    from gridgen.share import ContactSheet, Page
    from gridgen.sweep.agenda import Item
    from gridgen.sweep.scheduler import Scheduler
    from gridgen.sweep.stats import Stats
    from gridgen.sweep.unknown import Unknown

__all__ = ["Sweep", "open"]

OPEN = frozenset({"planned", "sending", "queued", "running", "downloading"})
"""What `Sweep.wait` waits for."""

UNAWAITED = OPEN | {"skipped"}
"""What `Sweep.as_completed` does not yield."""

INTERVAL = 0.2
"""Shortest time between two messages to a watcher, in seconds of real time."""

LEISURE = 10.0
"""How much longer than showing a sweep took is waited before it is shown again: large ones are shown less often."""


class Sweep:
    """A grid, executed once and for all in a folder.

    What exists is never made again, whatever happens to the process: the
    journal in the folder knows what was submitted, and running the same grid
    again only follows and downloads. Nothing is sent before `start` or `run`.

    Parameters
    ----------
    grid : Grid
        What to make.
    client : Client or None
        Where to make it. With None nothing can be sent; what the folder holds is
        shown all the same.
    folder : str or path
        Holds the journal, the videos, their posters and previews; made when
        absent. Jupyter serves no hidden folder, so choose a visible one.
    budget : number, optional
        USD that the cells of this grid may have cost in this folder, over all
        runs. Required with a real key, not needed on the simulator.
    takes : int, default 1
        How many clips of each cell. Where a model has a seed and none is stated, the
        number of the take is sent as the seed: the first takes of all cells share one,
        and each can be repeated. Where a seed is stated, more seeds take the place of
        takes. Takes of models without a seed differ by chance. A finished take is
        never made again; for another clip of some cells give those, as of
        `Grid.promote`, one take more in the same folder.
    previews : bool, default True
        Whether a poster and a preview are made of each clip; the gallery shows
        only clips that have them.
    on_unknown : str, default "hold"
        What becomes of a submission whose answer was lost. ``"hold"`` leaves it to
        you (`unknown`). ``"replay"`` sends it again as it was, under its own key,
        for models that `Client.prove_idempotency` has proven, and holds the others.
        ``"resubmit"`` gives it up and submits anew, at the price of possibly paying
        twice, up to `resubmit_budget`. ``"lost"`` gives it up.
    resubmit_budget : number, optional
        USD that submissions given up for new ones may have cost together; needed
        for, and only for, ``on_unknown="resubmit"``.
    disk_quota : int, optional
        Bytes that the videos of this folder may take together; what would pass it is
        not downloaded until there is room. A disk is never filled to the last 16 MB.

    Raises
    ------
    GridError
        If an argument is wrong.
    """

    def __init__(
        self,
        grid: Grid,
        *,
        client: Client | None,
        folder: str | os.PathLike[str],
        budget: float | Decimal | str | None = None,
        takes: int = 1,
        previews: bool = True,
        on_unknown: str = "hold",
        resubmit_budget: float | Decimal | str | None = None,
        disk_quota: int | None = None,
    ) -> None:
        _check_arguments(grid, client, takes, disk_quota)
        self.disk_quota = disk_quota
        self._policy = _policy(on_unknown, resubmit_budget)
        self.replaying: set[tuple[str, str, int]] = set()
        self.grid = grid
        self._client = client
        self.name = os.fspath(folder)
        self.folder = Path(folder).expanduser().absolute()
        self.origin = client.origin if client is not None else kept(self.folder)["origin"]
        """Where its clips are made: the official service, a simulator, or another host."""
        self.budget = _budget(budget)
        self.takes = takes
        self.previews = previews
        self._items = _items(grid, takes, self.origin)
        self._by_slot = {item.slot: item for item in self._items}
        self._rows: list[Row] = []
        self._spent = Decimal(0)
        self._stamp: object = None
        self._journal: Journal | None = None
        self._scheduler: Scheduler | None = None
        self._future: Future[None] | None = None
        self._watchers: list[_Watcher] = []
        self._waits: tuple[str, ...] = ()
        self._stops = 0
        self._prices: Prices | None = None
        self._reading = threading.Lock()
        self.judgements = Judgements(self.folder)

    # What a person sees

    def __repr__(self) -> str:
        counts = ", ".join(f"{count} {status}" for status, count in self.counts().items())
        clips = "1 clip" if len(self._items) == 1 else f"{len(self._items)} clips"
        waits = self.waits_for
        shown = f"; waits for {waits[0][:100]}" if waits else ""
        return f"Sweep({self.name[:40]!r}: {clips}, {counts}; ${self.cost:.4f}{shown})"

    def _repr_mimebundle_(self, **options: Any) -> Any:
        from gridgen.board import Board

        return Board(self)._repr_mimebundle_(**options)

    @property
    def df(self) -> pd.DataFrame:
        """One row per cell and take, in grid order; what is unknown is missing.

        What the grid skips has a row too, with the reason as ``error``.

        Columns: ``cell``, ``take``, one per axis (request fields, slots, labels), ``status``,
        ``progress`` (percent), ``task_id``, ``path``, ``url`` (without its
        query), ``expires_at``, ``submitted_at``, ``completed_at`` (UTC),
        ``service_seconds``, ``cost`` (USD), ``error_class``, ``error``, then what
        was measured from the file (``width``, ``height``, ``fps``, ``frames``,
        ``clip_seconds``, ``bytes``, ``sha256``), then the person's: ``rating`` (stars,
        0 to 5; the mean of several reviewers), ``pick`` (True picked, False rejected,
        by most of them), ``tags``, ``note``.
        """
        from gridgen.frame import sweep_frame

        table = sweep_frame(self.grid, self.rows(), self.takes)
        base = self._shown_folder()
        table["path"] = [None if name is None else (base / name).as_posix() for name in self._column("path")]
        table["path"] = table["path"].astype("string")
        return table

    @property
    def cost(self) -> Decimal:
        """USD that the server has charged for these clips so far."""
        paid = (row.cost for row in self.rows() if row.status not in {"failed", "rejected"})
        return sum((cost for cost in paid if cost is not None), Decimal(0))

    @property
    def running(self) -> bool:
        """Whether something is being submitted, followed or downloaded."""
        return self._future is not None and not self._future.done()

    @property
    def waits_for(self) -> tuple[str, ...]:
        """What the sweep waits for now, in words: the server, a pause that it asked for, the rate, money, you.

        What holds everything up comes first; empty when nothing is waited for.
        """
        scheduler, rows = self._scheduler, self.rows()
        standing = Standing() if scheduler is None else scheduler.standing()
        unknown = [row.price or Decimal(0) for row in rows if row.status == "unknown"]
        return replace(standing, unknown=len(unknown), at_risk=sum(unknown, Decimal(0))).words()

    @property
    def unknown(self) -> Unknown:
        """Submissions whose outcome nobody can know, and the ways to settle them.

        They are never repeated unasked.
        """
        from gridgen.sweep.unknown import Unknown

        return Unknown(self)

    @property
    def client(self) -> Client:
        """Where its clips are made; may be set at any time to a client with another key of the same service.

        From then on submissions leave under the new key. Tasks of the old one are
        asked for with whichever key the server answers to.

        Raises
        ------
        GridgenError
            If it was opened without a client, or is given one of another service.
        """
        if self._client is None:
            msg = (
                f"this sweep was opened without a client, so nothing can be sent or followed: "
                f"gridgen.open({self.name!r}, client=gridgen.Client()), or client=gridgen.Simulator().client()"
            )
            raise GridgenError(msg)
        return self._client

    @client.setter
    def client(self, client: Client) -> None:
        if client.origin != self.origin:
            msg = (
                f"this sweep's clips are made at {self.origin!r}, not at {client.origin!r}; a clip of one never "
                "stands for one of the other. Make another Sweep with that client, in the same folder if you like."
            )
            raise GridgenError(msg)
        if client is self._client:
            return
        if self._client is not None:
            before = (self._client, *self._client.earlier)
            client.earlier = tuple(each for each in dict.fromkeys(before) if each is not client)
        self._client = client
        if self._scheduler is not None:
            engine().loop.call_soon_threadsafe(self._scheduler.use, client)

    @property
    def clock(self) -> Clock:
        """The client's clock; the machine's own without a client."""
        return Clock() if self._client is None else self._client.clock

    def rows(self) -> tuple[Row, ...]:
        """Return one row per cell and take, in grid order, as things stand."""
        if self._journal is None:
            self._read()
        self._hear_judgements()
        return tuple(self._rows)

    def counts(self) -> dict[str, int]:
        """Return how many rows have each status, in the order of a cell's life."""
        found = Counter(row.status for row in self.rows())
        return {status: found[status] for status in STATES if found[status]}

    def gallery(
        self,
        rows: str | list[str] | None = None,
        cols: str | list[str] | None = None,
        *,
        view: str = "",
        reviewer: str | None = None,
    ) -> Gallery:
        """Return the wall of players, which fills while the sweep runs.

        What a person clicks in it is Python state: `Gallery.picks` and
        `Gallery.selection` are tables, and ratings are in `df` at once.

        Parameters
        ----------
        rows, cols : str or list of str, optional
            Axes that name the rows and the columns; a list nests.
        view : str, optional
            How to look at it, as `Gallery.view` once said.
        reviewer : str, optional
            Who judges in it; by default the user of the hub or of the system.

        Raises
        ------
        GridError
            If one of them is no axis of the grid.
        """
        from gridgen.gallery import Gallery

        return Gallery(self, rows=rows, cols=cols, view=view, reviewer=reviewer)

    def preview(self, rows: str | list[str] | None = None, cols: str | list[str] | None = None) -> Preview:
        """Return the layout of the gallery with what is made already, what would be made, and what is skipped and why.

        The time is that of other people's runs; `estimate` learns from this folder.

        Parameters
        ----------
        rows, cols : str or list of str, optional
            As of `gallery`.

        Raises
        ------
        GridError
            If one of them is no axis of the grid.
        """
        from gridgen.grid.preview import Preview, Tile, state_of, totals_of

        prices = self._heard_prices()
        takes = tuple(range(1, self.takes + 1))
        axes = (*self.grid.axes, Axis(TAKE, takes, tuple(map(str, takes))))
        tiles = [
            Tile(
                each.index,
                (*self.grid.places.codes(each.index // self.takes), each.take - 1),
                each.cell,
                state_of(each.status),
                each.error,
                prices.of(each.cell) if each.status in NEW else each.price,
            )
            for each in self.rows()
        ]
        services = Services()
        time = span(*time_of([services.of(tile.cell) for tile in tiles if tile.state == "new"]))
        return Preview(axes, tiles, totals_of(tiles, time), rows=rows, cols=cols)

    def explain(self, row: Row | int) -> str:
        """Say in words why a clip is there or not: for one that is not made, in what the nearest that is made differs.

        Parameters
        ----------
        row : Row or int
            One of `rows`, or its index, which is that of the table.
        """
        found = self.rows()[row] if isinstance(row, int) else row
        if found.status == "skipped":
            return f"skipped: {found.error}"
        if found.status not in NEW:
            return f"{found.status}: this folder has it under the key {found.cell.key[:8]}, take {found.take}"
        made = {key for origin, key, _ in read(self.folder) if origin == self.origin}
        if found.cell.key in made:
            return f"{found.status}: takes of this cell are made, and take {found.take} is not yet"
        near = nearest_made(
            found.cell.stated(), [told for key, told in read_cells(self.folder).items() if key in made]
        )
        return f"{found.status}: no clip of this cell is made{f'; {near}' if near else ' in this folder'}"

    def estimate(self, *, ask: bool = True) -> Estimate:
        """Return what running now would make and cost; nothing is sent but a question for the price list.

        Parameters
        ----------
        ask : bool, default True
            Whether the server is asked for prices that the catalogue does not know;
            otherwise those count that this client has heard before.
        """
        return self._estimate(wait(self._load_prices()) if ask else self._heard_prices())

    @property
    def costs(self) -> Costs:
        """What the clips were estimated to cost beside what the server charged, per clip and per value of each axis."""
        return costs(self.grid.places, self.rows(), takes=self.takes)

    def stats(self) -> Stats:
        """Return how the latest run of this object went, in figures; zeros before the first."""
        from gridgen.sweep.stats import Limits, Meter, summed_up

        scheduler = self._scheduler
        sent = [row.price for row in self.rows() if row.submitted_at is not None]
        return summed_up(
            Meter() if scheduler is None else scheduler.meter,
            Limits() if scheduler is None else scheduler.limits,
            estimated=sum((price for price in sent if price is not None), Decimal(0)),
            cost=self.cost,
            at_risk=self.unknown.at_risk,
        )

    # What a person does

    def start(self) -> Self:
        """Submit what is missing, follow and download it, in the background.

        Returns
        -------
        Sweep
            Itself, whose rich form is the live board.

        Raises
        ------
        BudgetError
            If the real API is to be used without a budget, or the known price
            would pass it. Nothing is sent.
        OutOfCreditsError
            If the account says that it has less left than this costs. Nothing is sent.
        JournalError
            If the folder cannot be used. Nothing is sent.
        """
        self._warn_of_probes(wait(self._load_prices()))
        wait(self._start())
        return self

    def stop(self) -> None:
        """Submit nothing more; what was submitted is still followed and downloaded."""
        wait(self._stop())

    def retry(self, where: str | Collection[str] | Callable[[Row], bool] | None = None) -> int:
        """Submit failed cells again, each as a new attempt of the same take, in the background.

        The failed attempts stay in the journal, and what they cost counts.

        Parameters
        ----------
        where : str, collection of str or callable, optional
            Which of them: error classes such as ``"moderation"``, or a function of
            the row. All failed and rejected ones by default. Clips that were paid
            and cannot be had are made and paid again only when their status is named:
            ``"expired"``, ``"missing"`` or ``"lost"``.

        Returns
        -------
        int
            How many are submitted again.

        Raises
        ------
        GridgenError
            As `start`. Nothing has changed then.
        """
        if isinstance(where, str):
            where = {where}
        chosen = [each for each in self.rows() if _is_retried(each, where)]
        if chosen:
            wait(self.renew(chosen))
            self.start()
        return len(chosen)

    def adopt(self, task_id: str, cell: Cell | int, *, take: int = 1) -> None:
        """Take up a task that was submitted elsewhere as one of this grid's clips.

        Parameters
        ----------
        task_id : str
            The server's id; it is asked for before anything is noted.
        cell : Cell or int
            The cell that it shows, or its index in the grid.
        take : int, default 1
            Which take of the cell it is to be.

        Raises
        ------
        APIError
            If the server does not know the task.
        JournalError
            If the take has a clip already, or another one has that task.
        GridError
            If the grid has no such cell or take.
        """
        wait(self._adopt(self._item(cell, take), task_id))

    def _item(self, cell: Cell | int, take: int) -> Item:
        cells = list(self.grid)
        known = cell in cells if not isinstance(cell, int) else -len(cells) <= cell < len(cells)
        if not known:
            msg = f"{cell!r} is no cell of this grid, which has {len(cells)}, numbered from 0"
            raise GridError(msg)
        if type(take) is not int or not 1 <= take <= self.takes:
            msg = f"take={take!r} is none of this sweep's; it has takes={self.takes}, numbered from 1"
            raise GridError(msg)
        index = range(len(cells))[cell] if isinstance(cell, int) else cells.index(cell)
        return self._items[index * self.takes + take - 1]

    def snapshot(self, path: str | os.PathLike[str] | None = None) -> Path:
        """Write the journal to a text file to take away, one JSON object a line.

        Where a folder does not last (Binder, a container), it brings back what was
        paid: `restore` it into a new folder and `run`. Prompts and result links are
        in it; no key is.

        Parameters
        ----------
        path : str or path, optional
            ``journal.jsonl`` in the sweep's folder by default.

        Returns
        -------
        Path
            Where it is.

        Raises
        ------
        JournalError
            If the sweep never ran, or its journal cannot be read.
        """
        target = self.folder / "journal.jsonl" if path is None else Path(path).expanduser()
        if self._journal is not None:
            wait(self._journal.flush())
        return snapshot(self.folder, target)

    def restore(self, path: str | os.PathLike[str]) -> None:
        """Make this folder's journal from a `snapshot`; `run` then downloads the clips whose links live.

        Raises
        ------
        JournalError
            If the folder has a journal already, or the file is no snapshot.
        """
        restore(Path(path).expanduser(), self.folder)

    @property
    def ratings(self) -> Ratings:
        """What each reviewer said of the clips, how far they agree, and undoing."""
        from gridgen.judgements.ratings import Ratings

        return Ratings(self)

    def rate(
        self,
        rows: Any,
        *,
        stars: int | EllipsisType | None = KEEP,
        pick: bool | EllipsisType | None = KEEP,
        tags: str | Iterable[str] | EllipsisType | None = KEEP,
        note: str | EllipsisType | None = KEEP,
        reviewer: str | None = None,
    ) -> None:
        """Note what a reviewer says of clips; what is left out stays as it was.

        It is on the disk when this returns, in `df` and on every open wall of this
        sweep at once. It also works while the sweep runs, here or in another process.

        Parameters
        ----------
        rows : int, Row, Series, DataFrame or iterable of int
            A row of `df` by its index, or several, such as ``sweep.df.query("size == '9:16'")``.
        stars : int, optional
            0 to 5; None takes the rating back.
        pick : bool, optional
            True to pick, False to reject, None for neither.
        tags : str or iterable of str, optional
            In place of those that it has; a string is split at its commas.
        note : str, optional
            At most 2,000 characters.
        reviewer : str, optional
            Who says so; by default the user of the hub or of the system.

        Raises
        ------
        GridError
            If a value or a row is wrong. Nothing is noted.
        JournalError
            If the folder cannot be written.
        """
        self.ratings.rate(rows, reviewer, stars=stars, pick=pick, tags=tags, note=note)

    def merge_ratings(self, path: str | os.PathLike[str], *, reviewer: str | None = None) -> Merged:
        """Take in the file that a reviewer downloaded from an exported page.

        The same file may be merged again, and a later one of the same page: what is
        known already is passed over.

        Parameters
        ----------
        path : str or path
        reviewer : str, optional
            In place of the name in the file; needed where that name has judged here
            as well, so that nobody is spoken for by mistake.

        Returns
        -------
        Merged
            What was new, and how far the reviewers agree.

        Raises
        ------
        GridError
            If it is no such file, or about none of these clips. Nothing is merged.
        """
        return self.ratings.merge(path, reviewer=reviewer)

    def export_html(
        self,
        path: str | os.PathLike[str],
        *,
        rows: str | list[str] | None = None,
        cols: str | list[str] | None = None,
        view: str = "",
        clips: Any = None,
        prompts: bool = True,
        cost: bool = True,
        task_ids: bool = False,
        ratings: bool = True,
        originals: bool = False,
        limit: int = 25_000_000,
    ) -> Page:
        """Write the wall as a page that opens from the disk, offline, in any browser.

        It plays, compares, filters and judges as the gallery does, without Python. A
        reviewer rates there and downloads a small file for `merge_ratings`. The page
        runs no script but its own and asks nobody for anything.

        Parameters
        ----------
        path : str or path
            ``boats.html`` is one file up to `limit`; beyond it the media lie beside
            it in ``boats_files``. ``boats.zip`` holds the page and its media. Any
            other name is a folder, with ``index.html`` in it, fit for a web server.
        rows, cols : str or list of str, optional
            As in `gallery`.
        view : str, optional
            How to look at it first, as `Gallery.view` says.
        clips : int, Row, Series, DataFrame or iterable of int, optional
            Which clips, such as ``gallery.picks``; all by default.
        prompts, cost, task_ids, ratings : bool
            What may be seen. Without prompts they are numbered, files are numbered
            too, and errors show only their kind; what a picture shows cannot be
            hidden. Signed parts of links are never in a page.
        originals : bool, default False
            Whether the originals go along; else a page has the previews only.
        limit : int, default 25,000,000
            Bytes of the largest single file.

        Returns
        -------
        Page
            Where it is and how large.

        Raises
        ------
        GridError
            If an argument is wrong, or the place is taken by other files. Nothing is
            written.
        GridgenError
            If it cannot be written.
        """
        from gridgen.share import Shown, export_html

        shown = Shown(prompts, cost, task_ids, ratings, originals)
        return export_html(self, path, rows=rows, cols=cols, view=view, clips=clips, shown=shown, limit=limit)

    def contact_sheet(
        self,
        path: str | os.PathLike[str],
        *,
        rows: str | list[str] | None = None,
        cols: str | list[str] | None = None,
        clips: Any = None,
        frames: int = 1,
        at: float | None = None,
        width: int = 240,
        prompts: bool = True,
        dark: bool = False,
    ) -> ContactSheet:
        """Write one labelled picture of all clips, laid out by axes.

        Parameters
        ----------
        path : str or path
            A PNG, JPEG or WebP, by its ending.
        rows, cols : str or list of str, optional
            As in `gallery`.
        clips : int, Row, Series, DataFrame or iterable of int, optional
            Which clips, such as ``gallery.picks``; all by default.
        frames : int, default 1
            Pictures of each clip, evenly spaced; one is its poster.
        at : float, optional
            The moment to show of each clip, in seconds; its last picture where it is shorter.
        width : int, default 240
            Pixels of a 16:9 picture; other shapes have the same area.
        prompts : bool, default True
            Whether prompts may be read; else they are numbered. What a picture shows
            cannot be hidden.
        dark : bool, default False
            Whether it is light on dark.

        Returns
        -------
        ContactSheet
            Where it is and how large; in a notebook it shows the picture.

        Raises
        ------
        GridError
            If an argument is wrong, or the picture would be too large. Nothing is
            written.
        GridgenError
            If it cannot be written.
        """
        from gridgen.share import Taken, contact_sheet

        taken = Taken(frames, at, width, prompts, dark)
        return contact_sheet(self, path, rows=rows, cols=cols, clips=clips, taken=taken)

    def rounds(self, rows: Any = None, *, reviewer: str | None = None, seed: int = 0) -> Rounds:
        """Return blind rounds: two clips at a time in step, what they are hidden until one is chosen.

        Parameters
        ----------
        rows : int, Row, Series, DataFrame or iterable of int, optional
            Which finished clips take part, as in `rate`; all of them by default.
        reviewer : str, optional
            Who chooses; by default the user of the hub or of the system.
        seed : int, default 0
            Fixes the sides and, where several pairs tell as much, the pair.

        Raises
        ------
        GridError
            If a row is wrong, or fewer than two different cells have a clip.
        """
        from gridgen.judgements.rounds import Rounds

        return Rounds(self, rows, reviewer=reviewer, seed=seed)

    def wait(self, timeout: float | None = None) -> None:
        """Wait until nothing is planned, running or downloading any more.

        Held, unknown and stalled submissions are named in the table, not waited
        for. Interrupting ends the waiting only.

        Parameters
        ----------
        timeout : float, optional
            Seconds of real time.

        Raises
        ------
        TimeoutError
            If the time is over; the sweep goes on.
        GridgenError
            If the sweep had to stop: no money, a bad key, a full disk.
        """
        if self._future is None:
            return
        try:
            with _progress(self) as tick:
                wait_future(engine().submit(self._settled()), timeout, tick)
        except KeyboardInterrupt:
            msg = "stopped waiting; the sweep goes on in the background. wait() waits again, stop() stops submitting"
            raise KeyboardInterrupt(msg) from None
        except TimeoutError:
            msg = f"not finished after {timeout} s; the sweep goes on in the background. wait() waits again"
            raise TimeoutError(msg) from None

    def run(self) -> None:
        """Do `start` and `wait` in one; interrupting it also stops submitting.

        Raises
        ------
        GridgenError
            As `start` and `wait`.
        """
        try:
            self.start()
            with _progress(self) as tick:
                wait_future(engine().submit(self._settled()), None, tick)
        except KeyboardInterrupt:
            self.stop()
            raise KeyboardInterrupt(_INTERRUPTED) from None

    def __await__(self) -> Generator[Any, None, None]:
        return self._await().__await__()

    async def _begin(self) -> None:
        """Do as `start`, from any event loop."""
        self._warn_of_probes(await wait_async(engine().submit(self._load_prices())))
        await wait_async(engine().submit(self._start()))

    async def _await(self) -> None:
        try:
            await self._begin()
            await wait_async(engine().submit(self._settled()))
        except (asyncio.CancelledError, KeyboardInterrupt) as error:
            engine().submit(self._stop())
            raise type(error)(_INTERRUPTED) from None

    async def as_completed(self) -> AsyncIterator[Row]:
        """Yield each row when it is finished, soonest first, starting the sweep if need be."""
        loop = asyncio.get_running_loop()
        changed = asyncio.Event()
        await self._begin()

        def on_rows(_rows: tuple[Row, ...]) -> None:
            loop.call_soon_threadsafe(changed.set)

        stop = self.watch(on_rows)
        seen: set[int] = set()
        try:
            over = False
            while not over:
                over = not self.running
                changed.clear()
                for found in self.rows():
                    if found.status not in UNAWAITED and found.index not in seen:
                        seen.add(found.index)
                        yield found
                if not over:
                    waiter = asyncio.ensure_future(changed.wait())
                    await asyncio.wait({waiter}, timeout=INTERVAL)
                    waiter.cancel()
        finally:
            stop()

    def slot(self, row: Row) -> tuple[str, str, int]:
        """Return what names a row in the journal: origin, cell and take."""
        return (self.origin, row.cell.key, row.take)

    def watch(self, callback: Callable[[tuple[Row, ...]], None]) -> Callable[[], None]:
        """Call back with the rows that changed, at most five times a second.

        The first call brings all rows, the last one the final state; one without
        rows says that `waits_for` has changed. Calls come on the engine's thread.

        Returns
        -------
        callable
            Ends the watching.
        """
        watcher = _Watcher(callback, set(range(self._length)))
        loop = engine().loop
        loop.call_soon_threadsafe(self._add_watcher, watcher)

        def stop() -> None:
            loop.call_soon_threadsafe(self._remove_watcher, watcher)

        return stop

    # On the engine's loop

    async def _start(self) -> None:
        if self._scheduler is not None and self._future is not None:
            if not self._scheduler.finished:
                self._scheduler.resume()
                return
            await asyncio.wait({asyncio.wrap_future(self._future)})
        client, stops = self.client, self._stops
        prices = await self._load_prices()
        found = self._estimate(prices)
        self._check_budget(found)
        await self._check_balance(found)
        from gridgen.sweep.scheduler import Scheduler

        await self._keep_pictures()
        if self._stops != stops:
            return
        journal = await self._open()
        self._scheduler = Scheduler(
            client=client,
            journal=journal,
            items=_probes_first(self._in_submit_order(), prices),
            slots=self._by_slot,
            prices=prices,
            budget=self.budget,
            on_change=self._held,
            on_step=self._stepped,
            previews=self.previews,
            quota=self.disk_quota,
            policy=self._policy,
            replaying=self.replaying,
        )
        self._future = engine().submit(self._execute(self._scheduler, journal))

    async def _keep_pictures(self) -> None:
        """Have a copy of each picture in the folder before anything is sent."""
        found = pictures(self.grid)
        if found:
            await engine().in_thread(keep, found, self.folder)

    async def _execute(self, scheduler: Scheduler, journal: Journal) -> None:
        try:
            await scheduler.run()
            await engine().in_thread(self._write_csv)
        finally:
            journal.watchers.remove(self._hear)
            self._journal = None
            self._stamp = None
            await _detach(journal)

    async def renew(self, rows: Iterable[Row]) -> None:
        """Plan a new attempt of each of these takes, if there is money for it and for what is planned already.

        Raises
        ------
        BudgetError, OutOfCreditsError
            If there is not. Nothing has changed then.
        """
        renewed = {each.index: replace(each, status="planned") for each in rows}
        prices = await self._load_prices()
        found = self._estimate(prices, [renewed.get(each.index, each) for each in self.rows()])
        self._check_budget(found)
        await self._check_balance(found)
        async with self.journaled() as journal:
            for each in rows:
                record = journal.records[self.slot(each)]
                ending = "lost" if record.state in _PAID_AND_GONE else None
                await journal.again(record, ending=ending)

    async def _adopt(self, item: Item, task_id: str) -> None:
        await self.client.poll(task_id)
        async with self.journaled() as journal:
            last = journal.records.get(item.slot)
            if last is not None and last.state not in {"planned", "rejected", "failed", "lost"}:
                how = "; settle it with sweep.unknown.attach(row, task_id)" if last.state == "unknown" else ""
                msg = f"take {item.take} of this cell is {last.state} already{how}. Nothing has changed."
                raise JournalError(msg)
            self.check_unused(journal, task_id)
            with self._withheld(item):
                await journal.adopt(origin=item.slot[0], cell=item.cell, take=item.take, task_id=task_id)

    @contextlib.contextmanager
    def _withheld(self, item: Item) -> Iterator[None]:
        """Keep an item from being submitted while a person does something with it."""
        scheduler = self._scheduler
        if scheduler is None or scheduler.finished:
            yield
            return
        if not scheduler.withhold(item):
            msg = f"take {item.take} of this cell is being submitted at this moment. Nothing has changed."
            raise JournalError(msg)
        try:
            yield
        finally:
            scheduler.look_again(item)

    def check_unused(self, journal: Journal, task_id: str) -> None:
        """Raise `JournalError` if some clip of the folder has a task already."""
        for record in journal.records.values():
            if record.task_id == task_id and record.origin == self.origin:
                msg = (
                    f"task {task_id[:80]!r} is another clip's already (cell {record.cell[:8]}, take {record.take}); "
                    "one task is one clip. Nothing has changed."
                )
                raise JournalError(msg)

    @contextlib.asynccontextmanager
    async def journaled(self) -> AsyncIterator[Journal]:
        """Lend the journal for a change that a person asked for."""
        if self._journal is not None:
            yield self._journal
            return
        journal = await _attach(self.folder, self.client.clock)
        try:
            yield journal
        finally:
            self._stamp = None
            await _detach(journal)

    async def _settled(self) -> None:
        """Wait for the scheduler to have nothing to wait for, and raise what stopped it."""
        scheduler, future = self._scheduler, self._future
        if scheduler is None or future is None:
            return
        await scheduler.settled.wait()
        if not scheduler.stalled:
            await asyncio.wrap_future(future)
        if scheduler.error is not None:
            raise scheduler.error

    async def _stop(self) -> None:
        self._stops += 1
        if self._scheduler is not None and not self._scheduler.finished:
            await self._scheduler.stop()

    async def _open(self) -> Journal:
        journal = await _attach(self.folder, self.client.clock)
        try:
            await engine().in_thread(self._keep)
        except OSError as error:
            await _detach(journal)
            msg = f"the folder {str(self.folder)!r} cannot be written: {error.strerror}. Nothing was sent."
            raise JournalError(msg) from error
        self._journal = journal
        with self._reading:
            self._rows = self._rows_by(journal.records)
        journal.watchers.append(self._hear)
        self._mark(range(len(self._rows)))
        return journal

    def _keep(self) -> None:
        keep_sweep(self.folder, self.grid.places, takes=self.takes, budget=self.budget, origin=self.origin)

    async def _load_prices(self) -> Prices:
        if self._prices is None:
            unpriced = dict.fromkeys(cell.model for cell in self.grid if cell.price() is None)
            self._prices = Prices({model: await self._listed_price(model) for model in unpriced})
        self._learn(self._prices)
        return self._prices

    def _heard_prices(self) -> Prices:
        if self._prices is not None:
            return self._prices
        prices = Prices(None if self._client is None else self._client.listed)
        self._learn(prices)
        return prices

    def _learn(self, prices: Prices) -> None:
        for each in self.rows():
            if each.cost is not None:
                prices.learn(each.cell, each.cost)

    async def _listed_price(self, model: str) -> Price | None:
        if self._client is None:
            return None
        try:
            return await self._client.price(model)
        except GridgenError:
            return None

    def _hear(self, record: Record | None) -> None:
        item = None if record is None else self._by_slot.get(record.slot)
        if item is not None:
            self._show(item, record)

    def _held(self, item: Item) -> None:
        journal = self._journal
        if journal is not None:
            self._show(item, journal.records.get(item.slot))

    def _show(self, item: Item, record: Record | None) -> None:
        with self._reading:
            self._rows[item.index] = self._row(item, record)
        self._mark([item.index])

    def _stepped(self) -> None:
        """Let the watchers know when something else is waited for."""
        scheduler = self._scheduler
        if scheduler is None or not self._watchers:
            return
        waits = scheduler.standing().words()
        if waits != self._waits:
            self._waits = waits
            self._mark(())

    @property
    def _length(self) -> int:
        return len(self.grid.places) * self.takes

    def _rows_by(self, records: Mapping[tuple[str, str, int], Record]) -> list[Row]:
        """Return a row for every place and take, also for those that are skipped."""
        places = self.grid.places
        found: list[Row | None] = [None] * self._length
        for item in self._items:
            found[item.index] = self._row(item, records.get(item.slot))
        for at, each in enumerate(found):
            if each is None:
                place, take = divmod(at, self.takes)
                found[at] = Row(at, places.cell(place), take + 1, "skipped", error=places.reason(place))
        return [each for each in found if each is not None]

    def _in_submit_order(self) -> list[Item]:
        """Return the items so that every row and column of the gallery begins to fill at once; first takes first."""
        order = self.grid.submit_order()
        return [self._items[at * self.takes + take] for take in range(self.takes) for at in order]

    def _row(self, item: Item, record: Record | None) -> Row:
        planned = "held" if item.phase == "held" else "planned"
        found = row(item.index, item.cell, item.take, record, planned=planned)
        said = self.judgements.book.consensus(item.slot)
        return found if said is None else _judged(found, said)

    def _add_watcher(self, watcher: _Watcher) -> None:
        if self._journal is None:
            self._read()
        self._watchers.append(watcher)
        self._flush(watcher)

    def _remove_watcher(self, watcher: _Watcher) -> None:
        if watcher in self._watchers:
            self._watchers.remove(watcher)

    def _mark(self, indices: Any) -> None:
        for watcher in self._watchers:
            watcher.dirty.update(indices)
            if not watcher.due:
                watcher.due = True
                engine().loop.call_later(watcher.interval, self._flush, watcher)

    def _flush(self, watcher: _Watcher) -> None:
        watcher.due = False
        changed, watcher.dirty = sorted(watcher.dirty), set()
        if watcher in self._watchers:
            begun = Clock().monotonic()
            watcher.callback(tuple(self._rows[index] for index in changed))
            watcher.interval = max(INTERVAL, LEISURE * (Clock().monotonic() - begun))

    # Pieces

    def _read(self) -> None:
        """Take in what the journal says, without its lock."""
        with self._reading:
            stamp = _stamp(self.folder)
            if stamp == self._stamp and self._rows:
                return
            records = read(self.folder)
            if self._journal is None:
                self._rows = self._rows_by(records)
                self._spent = spent(record for slot, record in records.items() if slot in self._by_slot)
                self._stamp = stamp

    def _hear_judgements(self) -> None:
        """Take in what other processes have judged; a spoilt file of judgements stops nothing but judging."""
        try:
            touched = self.judgements.refresh()
        except JournalError as error:
            warnings.warn(str(error), stacklevel=3)
        else:
            self.rejudge(touched)

    def rejudge(self, slots: Collection[Slot]) -> None:
        """Show anew what is said of these clips; from any thread."""
        found = [(self._by_slot[slot].index, slot) for slot in slots if slot in self._by_slot]
        if not found or not self._rows:
            return
        with self._reading:
            for index, slot in found:
                said = self.judgements.book.consensus(slot)
                self._rows[index] = _judged(self._rows[index], said or Consensus())
        if self._watchers:
            engine().loop.call_soon_threadsafe(self._mark, [index for index, _ in found])

    def _column(self, name: str) -> list[Any]:
        return [getattr(each, name) for each in self.rows()]

    def _shown_folder(self) -> Path:
        here = Path.cwd()
        return self.folder.relative_to(here) if self.folder.is_relative_to(here) else self.folder

    def _estimate(self, prices: Prices, rows: Sequence[Row] | None = None) -> Estimate:
        rows = self.rows() if rows is None else rows
        return estimate(
            self.grid.places,
            rows,
            prices,
            committed=self._committed(),
            budget=self.budget,
            uploads=self._unsent_pictures(rows),
            services=Services(rows),
            takes=self.takes,
        )

    def _unsent_pictures(self, rows: Iterable[Row]) -> int:
        """Count the pictures of one's own that a run would upload."""
        needed = pictures(each.cell for each in rows if each.status in NEW)
        if not needed:
            return 0
        known, until = read_uploads(self.folder), self.clock.time() + FRESH
        links = (known.get((self.origin, image)) for image in needed)
        return sum(link is None or (link.expires_at or 0.0) < until for link in links)

    def _committed(self) -> Decimal:
        if self._journal is None:
            self._read()
            return self._spent
        found = (self._journal.records.get(slot) for slot in self._by_slot)
        return spent(record for record in found if record is not None)

    def _warn_of_probes(self, prices: Prices) -> None:
        """Say before it happens which submission may pass the budget."""
        found = None if self.budget is None else self._estimate(prices)
        if found is not None and found.unpriced:
            warnings.warn(
                f"the price of {found.unpriced} of {found.videos} clips is unknown: the shortest of each kind goes first "
                f"and alone, and what it costs prices the others. That one may pass budget={self.budget} USD.",
                UserWarning,
                stacklevel=3,
            )

    def _check_budget(self, found: Estimate) -> None:
        if self.budget is None and (self.client.is_simulator or not found.videos):
            return
        if self.budget is None:
            suggested = "budget=..." if found.unpriced else f"budget={enough(found.usd + found.committed)}"
            msg = (
                f"this would make {counted(found.videos)} for {found.total} on {self.client.origin}; a sweep that "
                f"spends real money needs a cap: add {suggested} to Sweep(...). Nothing was sent."
            )
            raise BudgetError(msg)
        if found.committed + found.usd > self.budget:
            msg = (
                f"{counted(found.videos)} cost {found.total}, and ${found.committed:.4f} is spent already; that is more "
                f"than budget={self.budget} USD. Raise the budget or make the grid smaller. Nothing was sent."
            )
            raise BudgetError(msg)

    async def _check_balance(self, found: Estimate) -> None:
        """Tell before the first submission that the account cannot pay for all; one that does not tell is no obstacle."""
        if not found.usd:
            return
        try:
            left = (await self.client.remaining()).remaining
        except GridgenError:
            return
        if 0 <= left < found.usd:
            msg = (
                f"{counted(found.videos)} cost {found.total}, and the account has ${left:.4f} left. "
                f"Top up by ${enough(found.usd - left)} or make the grid smaller. Nothing was sent."
            )
            raise OutOfCreditsError(msg, status=HTTPStatus.PAYMENT_REQUIRED)

    def _write_csv(self) -> None:
        """Put the table beside the videos, for people without Python."""
        target = self.folder / "sweep.csv"
        names = [
            "take",
            "status",
            "path",
            "cost",
            "service_seconds",
            "error",
            "width",
            "height",
            "clip_seconds",
        ]
        # a name of its own: another sweep of the folder may write its table at this moment
        descriptor, part = tempfile.mkstemp(".part", "sweep-", self.folder)
        with os.fdopen(descriptor, "w", newline="", encoding="utf-8") as file:
            table = csv.writer(file)
            fields = [*FIELDS, *(axis.name for axis in self.grid.axes if axis.name not in FIELDS)]
            table.writerow([*fields, *names])
            for each in self._rows:
                cell = [csv_text(each.cell.get(name)) for name in fields]
                table.writerow([*cell, *(csv_text(getattr(each, name)) for name in names)])
        try:
            Path(part).replace(target)
        except OSError as error:
            Path(part).unlink()
            msg = f"the table {str(target)!r} cannot be replaced: {error.strerror}. The clips are safe; close it and run() again."
            raise GridgenError(msg) from error


def open(  # noqa: A001 - as one opens a file
    folder: str | os.PathLike[str],
    *,
    client: Client | None = None,
    budget: float | Decimal | str | None = None,
    takes: int | None = None,
) -> Sweep:
    """Open a sweep's folder again, with the grid that was last begun there.

    Parameters
    ----------
    folder : str or path
        As of `Sweep`.
    client : Client, optional
        Where to go on. Without one the table, the gallery and all files are there,
        and nothing can be sent.
    budget : number, optional
        USD; by default what was kept with the grid, where the client is of the same
        origin.
    takes : int, optional
        Clips of each cell; as before by default.

    Returns
    -------
    Sweep

    Raises
    ------
    JournalError
        If the folder holds no sweep.
    """
    told = kept(Path(folder).expanduser().absolute())
    elsewhere = client is not None and client.origin != told["origin"]
    if budget is None and not elsewhere:
        # what was allowed on a simulator is no leave to spend real money
        budget = told["budget"]
    return Sweep(
        told["grid"],
        client=client,
        folder=folder,
        budget=budget,
        takes=told["takes"] if takes is None else takes,
    )


_INTERRUPTED = (
    "stopped submitting; what was submitted is still followed and downloaded in the background. "
    "run() submits the rest, wait() waits for what runs"
)


def _judged(found: Row, said: Consensus) -> Row:
    return replace(found, rating=said.rating, pick=said.pick, tags=said.tags, note=said.note)


@dataclass(eq=False, slots=True)
class _Watcher:
    callback: Callable[[tuple[Row, ...]], None]
    dirty: set[int] = field(default_factory=set)
    due: bool = False
    interval: float = INTERVAL


def _check_arguments(grid: object, client: object, takes: int, disk_quota: object) -> None:
    if not isinstance(grid, Grid):
        msg = (
            f"a Sweep takes a Grid, not a {type(grid).__name__}: gridgen.Sweep(gridgen.Grid(prompt=...), ...)"
        )
        raise GridError(msg)
    if client is not None and not hasattr(client, "origin"):
        # what was given may be a key, so it is not shown
        msg = (
            f"client= is a gridgen.Client, not a {type(client).__name__}: gridgen.Client(api_key=...), or "
            "gridgen.Simulator().client(). Nothing was sent."
        )
        raise GridError(msg)
    several = counted_takes(takes) > 1
    seeded = next((cell for cell in grid if cell.get("seed") is not None), None) if several else None
    if seeded is not None:
        seeds = [seeded["seed"] + more for more in range(takes)]
        msg = (
            f"takes={takes} would ask {seeded.model!r} for seed {seeds[0]} {takes} times, and pay for the same clip each "
            f"time; write seed={seeds} and leave takes out. Nothing was sent."
        )
        raise GridError(msg)
    if disk_quota is not None and (type(disk_quota) is not int or disk_quota < 1):
        msg = f"disk_quota={disk_quota!r} is not a number of bytes, such as disk_quota=20 * 10**9"
        raise GridError(msg)


def _items(grid: Grid, takes: int, origin: str) -> list[Item]:
    from gridgen.sweep.agenda import Item

    keyed = ((place, cell, cell.key) for place, cell in zip(grid.places.live, grid, strict=True))
    return [
        Item(place * takes + take - 1, cell, take, (origin, key, take))
        for place, cell, key in keyed
        for take in range(1, takes + 1)
    ]


def _probes_first(items: list[Item], prices: Prices) -> list[Item]:
    """Return items in submit order: where a price is unknown, the shortest of its class comes first, to learn it."""
    probes: dict[PriceClass, Item] = {}
    for item in items:
        if prices.of(item.cell) is None:
            known = probes.setdefault(price_class(item.cell), item)
            if item.cell.seconds < known.cell.seconds:
                probes[price_class(item.cell)] = item
    first = list(probes.values())
    return [*first, *(item for item in items if item not in first)] if first else items


_PAID_AND_GONE = frozenset({"expired", "missing", "unknown"})
"""States of an attempt that must end as lost before another one begins; what they cost still counts."""


def _is_retried(row: Row, where: Collection[str] | Callable[[Row], bool] | None) -> bool:
    if row.status in {"failed", "rejected"}:
        if where is None:
            return True
        return where(row) if callable(where) else row.error_class in where or row.status in where
    return (
        row.status in {"expired", "missing", "lost"} and not callable(where) and row.status in (where or ())
    )


def _policy(on_unknown: str, resubmit_budget: float | Decimal | str | None) -> Policy:
    cap = _budget(resubmit_budget, "resubmit_budget")
    if (on_unknown == "resubmit") != (cap is not None):
        msg = (
            'on_unknown="resubmit" and resubmit_budget= go together: submitting anew what may be paid already '
            "needs a cap in USD, such as resubmit_budget=0.50"
        )
        raise GridError(msg)
    return Policy(on_unknown, cap or Decimal(0))


def _budget(value: float | Decimal | str | None, name: str = "budget") -> Decimal | None:
    return None if value is None else money(value, name)


def _stamp(folder: Path) -> object:
    """Return what changes whenever the journal on disk does, or its writer dies."""
    found: list[object] = []
    for name in ("journal.sqlite", "journal.sqlite-wal"):
        try:
            facts = (folder / name).stat()
        except OSError:
            continue
        found.append((facts.st_mtime_ns, facts.st_size))
    return (*found, abandoned(folder)) if found else None


async def _attach(folder: Path, clock: Clock) -> Journal:
    """Return the folder's journal, shared by the sweeps of this process."""
    shared = engine().shared.setdefault("journals", {})
    async with engine().shared.setdefault("journals lock", asyncio.Lock()):
        key = str(folder.resolve())
        if key not in shared:
            shared[key] = [await engine().in_thread(Journal, folder, clock), 0]
        shared[key][1] += 1
        journal: Journal = shared[key][0]
        return journal


async def _detach(journal: Journal) -> None:
    shared = engine().shared["journals"]
    async with engine().shared["journals lock"]:
        key = str(journal.folder.resolve())
        shared[key][1] -= 1
        if not shared[key][1]:
            del shared[key]
            await engine().in_thread(journal.close)


@contextlib.contextmanager
def _progress(sweep: Sweep) -> Iterator[Callable[[], None] | None]:
    """Show how a sweep gets on while a cell or a terminal waits for it."""
    if _in_notebook():
        from gridgen.board import Board

        Board(sweep).display()
        yield None
    elif sys.stderr.isatty():
        start = Clock().monotonic()

        due = start

        def show() -> None:
            sys.stderr.write(f"\r\x1b[K{_line(sweep, Clock().monotonic() - start)}")
            sys.stderr.flush()

        def tick() -> None:
            nonlocal due
            begun = Clock().monotonic()
            if begun >= due:
                show()
                due = begun + LEISURE * (Clock().monotonic() - begun)

        try:
            yield tick
        finally:
            show()
            sys.stderr.write("\n")
    else:
        yield None


def _line(sweep: Sweep, seconds: float) -> str:
    counts = ", ".join(f"{count} {status}" for status, count in sweep.counts().items())
    waits = sweep.waits_for
    shown = f"; waits for {waits[0]}" if waits and sweep.running else ""
    line = f"{sweep.name[:30]}: {counts}; {seconds:.0f} s; ${sweep.cost:.4f}{shown}"
    return line[: max(40, shutil.get_terminal_size().columns - 1)]


def _in_notebook() -> bool:
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return shell is not None and "IPKernelApp" in shell.config
