"""A grid being executed in a folder: the object that a person holds.

`Sweep` is the face. Behind it are the `plan` of what is to be made, the `rows` in
which it is seen, the `pricing` and the `preflight`, and the `execution` on the engine's
loop. That hands each run to a `scheduler`, whose `work_queue` tells what is due; what
falls due is `submitting`, `uploading`, `polling`, `reconciling` or `fetching`.
"""

from __future__ import annotations

import asyncio
import operator
import os
import warnings
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self, overload

from gridgen._loop import engine, on_engine, wait, wait_async, wait_future
from gridgen.calls import Fixed, Rooted, explained
from gridgen.errors import GridError, GridgenError
from gridgen.estimate.costs import Costs, costs
from gridgen.file_links import WrittenFile
from gridgen.journal import Row, restore, snapshot
from gridgen.ledger import address
from gridgen.money import Dollars, dollars, total
from gridgen.states import UNYIELDED, State
from gridgen.sweep.arguments import cap, check, client_of, flag, policy, quota, workers
from gridgen.sweep.execution import Execution, RunOptions
from gridgen.sweep.explain import explain
from gridgen.sweep.internals import INTERRUPTED, Internals
from gridgen.sweep.plan import Plan, is_condition, is_retried, matches_nothing, passed_over
from gridgen.sweep.preflight import warn_of_probes
from gridgen.sweep.pricing import Pricing
from gridgen.sweep.progress import showing
from gridgen.sweep.reopen import load_sweep_json
from gridgen.sweep.rows import Rows
from gridgen.sweep.table import OTHER_FILES, write_workbook
from gridgen.sweep.watching import INTERVAL

if TYPE_CHECKING:
    from collections.abc import (
        AsyncIterator,
        Callable,
        Collection,
        Coroutine,
        Generator,
        Iterator,
        Mapping,
    )
    from concurrent.futures import Executor
    from decimal import Decimal

    import pandas as pd

    from gridgen.client import Client
    from gridgen.estimate import Estimate
    from gridgen.estimate.prices import Prices
    from gridgen.gallery import ClipTable, Gallery
    from gridgen.grid import Cell, Grid
    from gridgen.grid.preview import Preview
    from gridgen.judgements.ratings import Ratings
    from gridgen.judgements.rounds import Rounds
    from gridgen.share import Bundle, ContactSheet, Page
    from gridgen.sweep.stats import Stats
    from gridgen.sweep.unknown import Unknown

__all__ = ["Sweep", "open"]


_SAID_OTHERWISE = {
    "cancel": "stop() submits nothing more; what was submitted is paid and is followed to its end",
    "pause": "stop() submits nothing more, and run() goes on",
    "resume": "run() or start() goes on where it stood; gridgen.open(folder) opens it again",
    **dict.fromkeys(
        ("submit", "execute", "go", "launch", "generate"),
        "run() submits and waits, start() submits in the background",
    ),
    "filter": "take rows of the table, sweep.df.query('size == \"9:16\"'), and give them to any verb as rows",
    **dict.fromkeys(("status", "progress"), "counts() counts the rows by state, df has each row's status"),
    **dict.fromkeys(
        ("results", "dataframe", "to_df", "to_pandas", "to_frame", "head", "clips"),
        "rows() and df have one row for each clip",
    ),
    **dict.fromkeys(
        ("videos", "paths", "files", "download"), "df.path names each clip's file, in sweep.folder"
    ),
    **dict.fromkeys(
        ("failed", "errors"), "sweep.df.query('status == \"failed\"') has them, and retry() makes them again"
    ),
    **dict.fromkeys(("price", "total"), "estimate() says what it costs, cost and costs what it has cost"),
    **dict.fromkeys(
        ("show", "display", "wall", "plot", "view"), "gallery() shows the clips beside each other"
    ),
    **dict.fromkeys(
        ("best", "ranking"),
        "rounds() compares clips in pairs, and ranking of it orders them; ratings has the stars",
    ),
    "to_csv": "sweep.csv in its folder is the table; df.to_csv(path) writes another",
    "to_json": "snapshot(path) writes the journal as JSON lines; df.to_json(path) writes the table",
    **dict.fromkeys(
        ("export", "export_html"),
        "to_html, to_image, to_excel and to_zip write pages, pictures, workbooks and bundles",
    ),
    "save": "all is kept in sweep.folder as it comes; gridgen.open(folder) opens it again, to_zip(path) packs it",
    **dict.fromkeys(
        ("close", "delete"), "nothing needs to be closed; what is in sweep.folder is yours to delete"
    ),
}
"""What people look for under another name."""

_ANOTHER = "another Sweep(grid, client=..., folder=...) in the same folder pays for nothing that is made"
_INSTEAD = {
    "grid": _ANOTHER,
    "takes": _ANOTHER,
    "folder": "gridgen.open(folder) opens another one",
    "name": "it is the folder's, as it was given",
    "origin": "it is that of its client",
    "internals": "gridgen makes them",
}
_EXAMPLES = {
    "Sweep": "sweep = gridgen.Sweep(gridgen.Grid(prompt=...), client=gridgen.Client(), folder='boats', budget=2.00)",
    "gallery": "sweep.gallery(rows='prompt', cols=['size', 'duration'])",
    "preview": "sweep.preview(rows='prompt', cols=['size', 'duration'])",
    "to_html": "sweep.to_html('boats.html')",
    "to_excel": "sweep.to_excel('boats.xlsx')",
    "to_image": "sweep.to_image('boats.png')",
    "to_zip": "sweep.to_zip('boats.zip')",
    "adopt": "sweep.adopt('task_...', cell=0)",
    "open": "sweep = gridgen.open('boats', client=gridgen.Client())",
}
_SYNONYMS = {
    **dict.fromkeys(("n", "count", "samples", "num_videos", "variations", "batch_size"), "takes"),
    **dict.fromkeys(("path", "dir", "directory", "output", "out", "output_dir", "name"), "folder"),
    **dict.fromkeys(("max_cost", "limit", "cap", "cost", "price", "usd"), "budget"),
    **dict.fromkeys(("api", "api_key", "simulator"), "client"),
    **dict.fromkeys(("executor", "pool", "n_workers", "max_workers", "processes", "n_jobs"), "workers"),
    **dict.fromkeys(("columns", "x"), "cols"),
    **dict.fromkeys(("index", "y"), "rows"),
}


@explained(_EXAMPLES, _SYNONYMS)
class Sweep(Rooted, Fixed):
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
    workers : concurrent.futures.Executor, optional
        Who draws posters and previews, by default two threads of this process: a
        ``ProcessPoolExecutor``, or ``client.get_executor()`` of ``dask.distributed``. Its
        workers see the folder under the same path and have this version of gridgen. It
        draws nothing else, submits nothing, and is never shut down here. What a lost
        worker drew is drawn again, three times at most; where the executor itself is
        broken, this process draws, and `waits_for` says so.
    ledger : str, optional
        Where several machines claim the clips that they make, so that each is made once,
        all keep to `budget` and to the key's rate together, and every machine's folder
        and wall get all of them: ``"postgresql://host/database"`` (with the extra
        ``team``), or ``"sqlite:///path"`` for the processes of one machine. Each has a
        folder of its own. Without the database nothing is submitted.

    Raises
    ------
    GridError
        If an argument is wrong.
    """

    _SEND = (
        "holds its client and its folder, so it is neither pickled nor copied: send str(sweep.folder) and call "
        "gridgen.open() there, or send what it says, such as sweep.rows() or sweep.df"
    )
    ONCE = INSTEAD = _INSTEAD
    CHECKED: ClassVar[Mapping[str, Callable[[Any], Any]]] = {
        "budget": cap,
        "client": client_of,
        "previews": flag,
        "disk_quota": quota,
        "workers": workers,
    }

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
        workers: Executor | None = None,
        ledger: str | None = None,
    ) -> None:
        # it may hold a password, so no frame that raises may hold it
        given, ledger = iter((ledger,)), None
        self._ledger = address(next(given))
        check(grid, client, takes, disk_quota)
        self.disk_quota = disk_quota
        self.workers = workers
        self._policy = policy(on_unknown, resubmit_budget)
        self.grid = grid
        self.name = os.fspath(folder)
        self.folder = Path(folder).expanduser().absolute()
        self.origin = client.origin if client is not None else load_sweep_json(self.folder)["origin"]
        """Where its clips are made: the official service, a simulator, or another host."""
        self.budget: Decimal | None = cap(budget)
        self.takes = takes
        self.previews = previews
        self._plan = Plan(grid, takes=takes, origin=self.origin, folder=self.folder, name=self.name)
        self._rows = Rows(self._plan)
        self._pricing = Pricing(self._plan, self._rows)
        self._execution = Execution(self._plan, self._rows, self._pricing, client)
        self.internals = Internals(self._plan, self._rows, self._execution, self._start)
        """What other parts of gridgen need of it; no part of its public face."""

    # What a person sees

    def __repr__(self) -> str:
        counts = ", ".join(f"{count} {status}" for status, count in self.counts().items())
        clips = "1 clip" if len(self._plan.jobs) == 1 else f"{len(self._plan.jobs)} clips"
        waits = self.waits_for
        shown = f"; waits for {waits[0][:100]}" if waits else ""
        return f"Sweep({self.name[:40]!r}: {clips}, {counts}; {dollars(self.cost)}{shown})"

    def _repr_mimebundle_(self, **options: Any) -> Any:
        from gridgen.board import Board

        return Board(self)._repr_mimebundle_(**options)

    def _display_(self) -> Any:
        """Return what marimo shows."""
        from gridgen.board import Board

        return Board(self)

    def _ipython_display_(self) -> None:
        from gridgen.board import Board

        Board(self)._ipython_display_()

    @property
    def df(self) -> pd.DataFrame:
        """One row per cell and take, in grid order; what is unknown is missing.

        What the grid skips has a row too, with the reason as ``error``.

        Columns: one per axis that varies (request fields, slots, labels) and ``take``
        where there are several; ``status``, ``cost`` (USD); the person's: ``rating``
        (stars, 0 to 5; the mean of several reviewers), ``pick`` (True picked, False
        rejected, by most of them), ``tags``, ``note``; ``error``, ``error_class``,
        ``progress`` (percent), ``service_seconds``; of the file ``clip_seconds``,
        ``width``, ``height``, ``fps``, ``path``; ``submitted_at``, ``completed_at``
        (UTC). Then what is the same in all rows, and what is for machines:
        ``last_frame``, ``further``, ``url`` (without its query), ``expires_at``,
        ``frames``, ``bytes``, ``sha256``, ``task_id`` and last ``cell``, the key.
        """
        from gridgen.frame import sweep_frame

        table = sweep_frame(self.grid, self.rows(), self.takes)
        base = self._shown_folder()
        table["path"] = [None if row.path is None else (base / row.path).as_posix() for row in self.rows()]
        table["path"] = table["path"].astype("string")
        return table

    @property
    def cost(self) -> Decimal:
        """USD that the server has charged for the cells of this grid so far, in all attempts of all their takes."""
        return Dollars(self._rows.charged())

    @property
    def running(self) -> bool:
        """Whether something is being submitted, followed or downloaded."""
        return self._execution.running

    @property
    def waits_for(self) -> tuple[str, ...]:
        """What the sweep waits for now, in words: the server, a pause that it asked for, the rate, money, you.

        What holds everything up comes first; empty when nothing is waited for. After a run it
        may end with what is for you to look at: what went wrong with the executor of `workers`,
        and what the account was charged beyond what the folder knows, where the key has a
        balance of its own in USD and no other process of this machine used the key meanwhile.
        """
        unknown = [row.price for row in self.rows() if row.status == State.UNKNOWN]
        standing = self._execution.wait_reasons
        return replace(standing, unknown=len(unknown), at_risk=total(unknown)).words()

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
        return self._execution.connected()

    @client.setter
    def client(self, client: Client) -> None:
        if client.origin != self.origin:
            msg = (
                f"this sweep's clips are made at {self.origin!r}, not at {client.origin!r}; a clip of one never "
                "stands for one of the other. Make another Sweep with that client, in the same folder if you like."
            )
            raise GridgenError(msg)
        before = self._execution.client
        if client is before:
            return
        if before is not None:
            earlier = dict.fromkeys((before, *before.earlier))
            client.earlier = tuple(each for each in earlier if each is not client)
        self._execution.use(client)

    def rows(self) -> tuple[Row, ...]:
        """Return one row per cell and take, in grid order, as things stand."""
        return self._rows.now()

    def counts(self) -> dict[str, int]:
        """Return how many rows have each status, in the order of a cell's life."""
        found = Counter(row.status for row in self.rows())
        return {str(state): found[state] for state in State if found[state]}

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

    def table(self, rows: Any = None) -> ClipTable:
        """Return a table with the posters of the clips, as they stand, in which a person sorts and searches.

        A click on the head of a column sorts by it: cost, rating, state or an axis; words
        that are typed find rows by their prompts and all else. It works without a kernel,
        offline, and in what nbconvert makes of a notebook. For work in pandas there is `df`.

        Parameters
        ----------
        rows : int, Row, Series, DataFrame, or several of them, optional
            Which rows, as in `Ratings.rate`; all by default.

        Raises
        ------
        GridError
            If something is no row of this sweep.
        """
        from gridgen.gallery import ClipTable

        return ClipTable(self, rows)

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
        from gridgen.sweep.layout import laid_out

        prices = self._pricing.heard(self._execution.client)
        return laid_out(self._plan, self.rows(), prices, rows=rows, cols=cols, speed=self.internals.speed)

    def explain(self, rows: Any) -> str:
        """Say in words why a clip is there or not: for one that is not made, in what the nearest that is made differs.

        Parameters
        ----------
        rows : int, Row, Series, DataFrame, or several of them
            As of `Ratings.rate`; of more than one there is a line for each.

        Raises
        ------
        GridError
            If something is no row of this sweep.
        """
        chosen = self.internals.chosen(rows, nothing="Nothing has changed.")
        said = explain(chosen, self.folder, self.origin)
        if len(chosen) == 1:
            return said[0]
        return "\n".join(f"row {row.index}: {text}" for row, text in zip(chosen, said, strict=True))

    def estimate(self, *, ask: bool = True) -> Estimate:
        """Return what running now would make and cost; nothing is sent but a question for the price list.

        Parameters
        ----------
        ask : bool, default True
            Whether the server's list is asked for the price of every model; otherwise
            what this client has heard of it before counts, and then the catalogue.
        """
        client = self._execution.client
        return self._estimate(wait(self._pricing.asked(client)) if ask else self._pricing.heard(client))

    @property
    def costs(self) -> Costs:
        """What the clips were estimated to cost beside what the server charged, per clip and per value of each axis."""
        shown = ((row.index // self.takes, row) for row in self.rows())
        return costs(self.grid.combinations, [*shown, *self._rows.unshown()])

    def stats(self) -> Stats:
        """Return how the latest run of this object went, in figures; zeros before the first."""
        from gridgen.sweep.stats import Limits, Meter, summed_up

        scheduler = self._execution.scheduler
        sent = (row.price for row in self.rows() if row.submitted_at is not None)
        return summed_up(
            Meter() if scheduler is None else scheduler.meter,
            Limits() if scheduler is None else scheduler.limits,
            estimated=total(sent),
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
        with self.internals.stoppable() as start:
            start()
        return self

    def stop(self) -> None:
        """Submit nothing more; what was submitted is still followed and downloaded.

        It stops every sweep of this process that brings clips of this one. It may be
        called from anywhere, from a callback of `watch` as well.
        """
        if on_engine():
            engine().submit(self._execution.stop())
        else:
            wait(self._execution.stop())

    def retry(self, *rows: Any, where: str | Collection[str] | Callable[[Row], bool] | None = None) -> int:
        """Submit failed cells again, each as a new attempt of the same take, in the background.

        The failed attempts stay in the journal, and what they cost counts.

        Parameters
        ----------
        *rows : int, Row, Series, DataFrame, or several of them, optional
            Which rows, as of `Ratings.rate`; all by default. Those that are passed over are
            named in a warning.
        where : str, collection of str or callable, optional
            What kind of them: error classes such as ``"moderation"``, or a function of
            the row; alone it may be given without its name. All failed and rejected
            ones by default. Clips that were paid and cannot be had are made and paid
            again only when their status is named, whether rows are given or not:
            ``"expired"``, ``"missing"`` or ``"lost"``.

        Returns
        -------
        int
            How many are submitted again.

        Raises
        ------
        GridError
            If something is no row of this sweep. Nothing is sent.
        GridgenError
            As `start`. Nothing has changed then.
        """
        if len(rows) == 1 and where is None and is_condition(rows[0]):
            where, rows = rows[0], ()
        if isinstance(where, str):
            where = {where}
        given = self.internals.chosen(rows, nothing="Nothing was sent.") if rows else self.rows()
        chosen = [each for each in given if is_retried(each, where)]
        left = passed_over(given, chosen) if rows else None
        if left is None and not chosen and where is not None and not callable(where):
            left = matches_nothing(given, where)
        if left is not None:
            warnings.warn(left, stacklevel=3)
        if chosen:
            with self.internals.stoppable() as start:
                self.internals.renew(chosen, self.budget)
                start()
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
        wait(self._execution.adopt(self._plan.job(cell, take), task_id))

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
            Where it is; in a notebook it shows as a link.

        Raises
        ------
        GridError
            If the name is that of another kind of file. Nothing is written.
        JournalError
            If the sweep never ran, or its journal cannot be read.
        """
        target = self.folder / "journal.jsonl" if path is None else Path(path).expanduser()
        if target.suffix.lower() in OTHER_FILES - {".json", ".txt"}:
            msg = f"{str(path)!r} is not the name of a journal's snapshot, such as 'journal.jsonl'"
            raise GridError(msg, nothing="Nothing was written.")
        if self._rows.journal is not None:
            wait(self._rows.journal.flush())
        return WrittenFile(snapshot(self.folder, target))

    def restore(self, path: str | os.PathLike[str] | None = None) -> None:
        """Make this folder's journal from a `snapshot`, or bring it up to date with the clips that lie beside it.

        Parameters
        ----------
        path : str or path, optional
            A snapshot; `run` then downloads the clips whose links live. Without one,
            those of this grid's clips of which the journal knows nothing are noted as
            paid, at their known price: what lies in the folder under the name of its cell
            is done, and of what ``sweep.csv`` lists besides `run` asks the server for
            its task.

        Raises
        ------
        JournalError
            If the folder's journal holds what the snapshot does not, or the file is no
            snapshot.
        """
        if path is None:
            wait(self._execution.take_in(self._terms, self.internals.clock))
        else:
            restore(Path(path).expanduser(), self.folder)

    @property
    def ratings(self) -> Ratings:
        """What each reviewer said of the clips, how far they agree, and undoing."""
        from gridgen.judgements.ratings import Ratings

        return Ratings(self)

    def to_html(
        self,
        path: str | os.PathLike[str],
        *,
        rows: str | list[str] | None = None,
        cols: str | list[str] | None = None,
        view: str = "",
        clips: Any = None,
        title: str = "",
        intro: str = "",
        send_to: str = "",
        prompts: bool = True,
        cost: bool = False,
        task_ids: bool = False,
        ratings: bool = True,
        originals: bool | None = None,
        limit: int = 25_000_000,
    ) -> Page:
        """Write the wall as a page that opens from the disk, offline, in any browser.

        It plays, compares, filters and judges as the gallery does, without Python. A
        reviewer rates there and downloads a small file for `Ratings.merge`. The page
        runs no script but its own and asks nobody for anything.

        Parameters
        ----------
        path : str or path
            ``boats.html`` is one file up to `limit`; beyond it the media lie beside
            it in ``boats_files``. ``boats.zip`` holds the page and its media. Any
            other name is a folder, with ``index.html`` in it, fit for a web server;
            one that ends as another kind of file does, such as ``.pdf``, is refused.
        rows, cols : str or list of str, optional
            As in `gallery`.
        view : str, optional
            How to look at it first, as `Gallery.view` says.
        clips : int, Row, Series, DataFrame, or several of them, optional
            Which clips, such as ``gallery.picks``, as in `Ratings.rate`; all by default.
        title, intro : str, optional
            Plain text above the wall: at most 200 characters, by default the sweep's
            name; and at most 5,000.
        send_to : str, optional
            An email address, or an https address such as that of a form, which the
            page tells a reviewer to send ratings to; it sends nothing by itself.
        prompts, cost, task_ids, ratings : bool
            What may be seen; cost and task ids only if asked for. Without prompts they are numbered, files are numbered
            too, and errors show only their kind; what a picture shows cannot be
            hidden. Signed parts of links are never in a page.
        originals : bool, optional
            Whether the originals go along, which are then what the open clip shows;
            by default where all of it stays within `limit`, else the previews alone.
        limit : int, default 25,000,000
            Bytes of the largest single file.

        Returns
        -------
        Page
            Where it is and how large; in a notebook it shows as a link.

        Raises
        ------
        GridError
            If an argument is wrong, or the place is taken by other files. Nothing is
            written.
        GridgenError
            If it cannot be written.
        """
        from gridgen.share import ExportOptions, Heading, to_html

        shown = ExportOptions(prompts, cost, task_ids, ratings, originals)
        lead = Heading.checked(title, intro, send_to)
        return to_html(
            self, path, rows=rows, cols=cols, view=view, clips=clips, shown=shown, limit=limit, lead=lead
        )

    def to_zip(self, path: str | os.PathLike[str]) -> Bundle:
        """Pack all of it into one zip: clips, table, journal, ratings and the wall as a page.

        Who has gridgen opens it as this sweep with `gridgen.unpack`; who has not
        unzips it and opens its ``index.html``. Prompts, costs, task ids and result
        links are in it; no key is. `to_html` shows less.

        Parameters
        ----------
        path : str or path
            Such as ``boats.zip``.

        Returns
        -------
        Bundle
            Where it is and how large; in a notebook it shows as a link.

        Raises
        ------
        GridError
            If that is not the name of a zip. Nothing is written.
        JournalError
            If the sweep never ran.
        GridgenError
            If it cannot be written.
        """
        from gridgen.share import pack

        return pack(self, path)

    def to_excel(self, path: str | os.PathLike[str]) -> Path:
        """Write `df` as an Excel workbook: its columns and order, times in UTC, and no text that is a formula.

        It needs openpyxl, which ``pip install "gridgen[excel]"`` brings. ``sweep.csv`` in the folder
        opens in Excel without it.

        Parameters
        ----------
        path : str or path
            Such as ``boats.xlsx``.

        Returns
        -------
        Path
            Where it is; in a notebook it shows as a link.

        Raises
        ------
        GridError
            If that is not the name of a workbook. Nothing is written.
        GridgenError
            If openpyxl is missing, or it cannot be written.
        """
        return write_workbook(self.df, Path(path).expanduser())

    def to_image(
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
        clips : int, Row, Series, DataFrame, or several of them, optional
            Which clips, such as ``gallery.picks``, as in `Ratings.rate`; all by default.
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
            Where it is and how large; in a notebook it shows the picture, and a link.

        Raises
        ------
        GridError
            If an argument is wrong, or the picture would be too large. Nothing is
            written.
        GridgenError
            If it cannot be written.
        """
        from gridgen.share import FrameOptions, contact_sheet

        taken = FrameOptions(frames, at, width, prompts, dark)
        return contact_sheet(self, path, rows=rows, cols=cols, clips=clips, taken=taken)

    def rounds(self, rows: Any = None, *, reviewer: str | None = None, seed: int = 0) -> Rounds:
        """Return blind rounds: two clips at a time in step, what they are hidden until one is chosen.

        Parameters
        ----------
        rows : int, Row, Series, DataFrame, or several of them, optional
            Which finished clips take part, as in `Ratings.rate`; all of them by default.
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
        if self._execution.future is None:
            return
        try:
            with showing(self) as tick:
                wait_future(engine().submit(self._execution.until_idle()), timeout, tick)
        except KeyboardInterrupt:
            msg = "stopped waiting; the sweep goes on in the background. wait() waits again, stop() stops submitting"
            raise KeyboardInterrupt(msg) from None
        except TimeoutError:
            msg = f"not finished after {timeout} s; the sweep goes on in the background. wait() waits again"
            raise TimeoutError(msg) from None

    def run(self) -> None:
        """Do `start` and `wait` in one; interrupting it also stops submitting.

        ``await sweep`` does the same in an event loop. Meanwhile a notebook shows the board, a
        terminal one line, and anything else, once half a minute has passed, a line on stderr with
        each quarter of the clips, and every five minutes. ``logging.getLogger("gridgen").setLevel("WARNING")``
        lets neither of the two be written.

        Raises
        ------
        GridgenError
            As `start` and `wait`.
        """
        with self.internals.stoppable() as start:
            start()
            with showing(self) as tick:
                wait_future(engine().submit(self._execution.until_idle()), None, tick)

    def __len__(self) -> int:
        return len(self.rows())

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Row, ...]: ...
    def __getitem__(self, index: int | slice) -> Row | tuple[Row, ...]:
        rows = self.rows()
        if isinstance(index, slice):
            return rows[index]
        try:
            at = operator.index(index)
        except TypeError:
            msg = f"a Sweep is a sequence of its rows, and {index!r:.60} is no index of one; its table is sweep.df"
            raise TypeError(msg) from None
        if not -len(rows) <= at < len(rows):
            msg = f"row {at} is none of this sweep: it has {len(rows)}, from 0"
            raise IndexError(msg)
        return rows[at]

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows())

    if not TYPE_CHECKING:  # a checker knows by itself what is not there

        def __getattr__(self, name: str) -> Any:
            hint = _SAID_OTHERWISE.get(name)
            msg = f"a Sweep has no {name!r}{f': {hint}' if hint else ''}"
            raise AttributeError(msg, name=name, obj=self)

    def __await__(self) -> Generator[Any, None, None]:
        return self._await().__await__()

    async def _begin(self) -> None:
        """Do as `start`, from any event loop."""
        stops = await wait_async(engine().submit(self._execution.stops_until_now()))
        prices = await wait_async(engine().submit(self._pricing.asked(self._execution.client)))
        if self.budget is not None:
            warn_of_probes(self._estimate(prices), self.budget)
        await wait_async(engine().submit(self._execution.start(self._terms, stops)))

    async def _await(self) -> None:
        await self._interruptible(self._run_out())

    async def _run_out(self) -> None:
        await self._begin()
        with showing(self) as tick:
            await wait_async(engine().submit(self._execution.until_idle()), tick)

    async def _interruptible(self, work: Coroutine[Any, Any, None]) -> None:
        """Do as `stoppable`, from any event loop."""
        try:
            await work
        except (asyncio.CancelledError, KeyboardInterrupt) as error:
            engine().submit(self._execution.stop())
            raise type(error)(INTERRUPTED) from None

    async def as_completed(self) -> AsyncIterator[Row]:
        """Yield each row when it is finished, soonest first, starting the sweep if need be."""
        loop = asyncio.get_running_loop()
        changed = asyncio.Event()
        await self._interruptible(self._begin())

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
                    if found.status not in UNYIELDED and found.index not in seen:
                        seen.add(found.index)
                        yield found
                if not over:
                    waiter = asyncio.ensure_future(changed.wait())
                    await asyncio.wait({waiter}, timeout=INTERVAL)
                    waiter.cancel()
        finally:
            stop()

    def watch(self, callback: Callable[[tuple[Row, ...]], None]) -> Callable[[], None]:
        """Call back with the rows that changed, at most five times a second.

        The first call brings all rows, the last one the final state; one without
        rows says that `waits_for` has changed. Calls come on the engine's thread.

        Returns
        -------
        callable
            Ends the watching.
        """
        return self._rows.watchers.add(callback)

    # Pieces

    @property
    def _terms(self) -> RunOptions:
        return RunOptions(
            self.budget, self.previews, self.disk_quota, self._policy, self.workers, self._ledger
        )

    def _start(self, stops: int) -> None:
        """Begin a run, unless there was a stop since so many were counted."""
        prices = wait(self._pricing.asked(self._execution.client))
        if self.budget is not None:
            warn_of_probes(self._estimate(prices), self.budget)
        wait(self._execution.start(self._terms, stops))

    def _estimate(self, prices: Prices) -> Estimate:
        inner = self.internals
        return self._pricing.estimate(
            prices,
            budget=self.budget,
            wider=self._pricing.wider_caps(self._execution.client),
            clock=inner.clock,
            speed=inner.speed,
        )

    def _shown_folder(self) -> Path:
        here = Path.cwd()
        return self.folder.relative_to(here) if self.folder.is_relative_to(here) else self.folder


@explained(_EXAMPLES, _SYNONYMS)
def open(  # noqa: A001 - as one opens a file
    folder: str | os.PathLike[str],
    *,
    client: Client | None = None,
    budget: float | Decimal | str | None = None,
    takes: int | None = None,
    workers: Executor | None = None,
    ledger: str | None = None,
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
        origin and this user kept it on this machine. A folder of somebody else, or of an
        earlier gridgen, needs it again to spend real money.
    takes : int, optional
        Clips of each cell; as before by default.
    workers : concurrent.futures.Executor, optional
        As of `Sweep`.
    ledger : str, optional
        As of `Sweep`; it is not kept with the folder.

    Returns
    -------
    Sweep

    Raises
    ------
    JournalError
        If the folder holds no sweep.
    """
    # it may hold a password, so no frame that raises may hold it
    given, ledger = iter((ledger,)), None
    if client is not None:
        client_of(client)
    told = load_sweep_json(Path(folder).expanduser().absolute())
    elsewhere = client is not None and client.origin != told["origin"]
    if budget is None and not elsewhere and (told["own"] or told["origin"] == "simulator"):
        # what was allowed on a simulator, or by somebody else, is no leave to spend real money
        budget = told["budget"]
    return Sweep(
        told["grid"],
        client=client,
        folder=folder,
        budget=budget,
        takes=told["takes"] if takes is None else takes,
        workers=workers,
        ledger=next(given),
    )
