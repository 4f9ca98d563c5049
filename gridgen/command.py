"""gridgen as a command, for shells and for what runs shells, such as Snakemake and DVC.

It is a thin shell over the public verbs. What a verb has to tell goes to stdout, as text or
with ``--json`` as one document; progress, questions, warnings and errors go to stderr. A
key is read from the environment alone, as `gridgen.Client` does.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

import gridgen as gg
from gridgen.client.key import VARIABLE
from gridgen.errors import BudgetError, GridgenError, MissingKeyError, OutOfCreditsError
from gridgen.estimate import counted
from gridgen.money import dollars, total
from gridgen.states import ACHIEVED, RETRIED, TROUBLED, State
from gridgen.traces import printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from gridgen.client import Client
    from gridgen.estimate import Estimate
    from gridgen.journal import Row
    from gridgen.sweep import Sweep

__all__ = ["main"]

F = TypeVar("F", bound="Callable[..., Any]")

ERROR, FAILED, UNKNOWN, MONEY, INTERRUPTED = 1, 3, 4, 5, 130
"""Exit codes, beside 0 and click's 2 for a wrong call; of several the highest counts."""

_MOST_LISTED = 20
_CODES = """\b
Exit codes, the highest that holds:
  0  all is done
  1  it could not be done, and stderr says why
  2  the command is written wrongly
  3  some clips failed, or are not made yet
  4  the answer to a submission was lost: it may be paid
  5  money: over the budget, out of credits, or nobody agreed to pay
  130  interrupted

Completion in bash: eval "$(_GRIDGEN_COMPLETE=bash_source gridgen)"; zsh_source and fish_source likewise.
"""


@dataclass(frozen=True, slots=True)
class _Report:
    """What a verb has to tell: a document for machines, lines for people, and the exit code."""

    document: dict[str, Any]
    lines: list[str] = field(default_factory=list)
    code: int = 0


class _Verb(click.Command):
    """A verb whose function returns a report; what gridgen raises becomes one, of its sentence."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        said = "Print one JSON document on stdout."
        self.params.append(click.Option(["--json", "as_json"], is_flag=True, help=said))

    def invoke(self, ctx: click.Context) -> int:
        as_json = ctx.params.pop("as_json")
        try:
            report: _Report = super().invoke(ctx)
        except (GridgenError, OSError) as error:
            _say(str(error))
            report = _Report({"error": str(error)}, code=_code_of(error))
        if as_json:
            click.echo(json.dumps({**report.document, "exit_code": report.code}, indent=1))
        else:
            for line in report.lines:
                click.echo(printable(line))
        return report.code


class _Verbs(click.Group):
    command_class = _Verb


def _folder(verb: F) -> F:
    return click.argument("folder", type=click.Path(file_okay=False))(verb)


def _grid(verb: F) -> F:
    """Add what says which grid is made, where, and up to what sum."""
    for option in (
        click.option("--simulator", is_flag=True, help="Use the embedded simulator: no key, no cost."),
        click.option(
            "--budget", metavar="USD", help="What this grid may cost in this folder, over all runs."
        ),
        click.option(
            "--grid",
            "file",
            type=click.Path(exists=True, dir_okay=False),
            help="YAML, JSON or CSV file of the grid; by default the one last begun in the folder.",
        ),
        _folder,
    ):
        verb = option(verb)
    return verb


_yes = click.option("--yes", is_flag=True, help="Pay what the estimate says without being asked.")


def _output(ending: str) -> Callable[[F], F]:
    return click.option(
        "--output",
        "-o",
        type=click.Path(),
        help=f"The file to write; by default beside the folder, with its name and {ending}.",
    )


def _laid_out(verb: F) -> F:
    """Add what says which axes name the rows and the columns of a wall."""
    verb = click.option("--cols", multiple=True, metavar="AXIS", help="Axis along the columns; may repeat.")(
        verb
    )
    return click.option("--rows", multiple=True, metavar="AXIS", help="Axis along the rows; may repeat.")(
        verb
    )


@click.group(cls=_Verbs, epilog=_CODES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(gg.__version__, prog_name="gridgen")
def _gridgen() -> None:
    """Build, price, run and show grids of text-to-video requests.

    FOLDER holds a sweep: its journal, videos and table. The key of the API is read from
    APIMART_API_KEY; --simulator needs none.
    """


@_gridgen.command()
@click.argument("folder", type=click.Path(file_okay=False), default="gridgen-demo")
def demo(folder: str) -> _Report:
    """Run eight clips on the simulator, and write a page that plays them.

    The clips are kept in FOLDER, gridgen-demo by default; the last line is the page's path.
    """
    grid = gg.Grid(
        prompt=["a paper boat crossing a puddle", "a paper boat in a storm"],
        size=["16:9", "9:16"],
        duration=[6, 10],
    )
    sweep = gg.Sweep(grid, client=_client(simulator=True), folder=folder, budget=2)
    report = _carry_out(sweep, sweep.run)
    if report.code == INTERRUPTED:
        return report
    page = sweep.to_html(_beside(sweep, ".html"), rows="prompt", cols=["size", "duration"])
    return _Report({**report.document, "page": str(page.path)}, [*report.lines, str(page.path)], report.code)


@_gridgen.command()
@_grid
def estimate(folder: str, file: str | None, budget: str | None, *, simulator: bool) -> _Report:
    """Tell what `run` would make and cost now; nothing is made."""
    sweep = _opened(folder, file, budget, _client(simulator=simulator))
    found = sweep.estimate()
    document = {
        "videos": found.videos,
        "seconds": found.seconds,
        "usd": str(found.usd),
        "unpriced": found.unpriced,
        "made": found.made,
        "skipped": found.skipped,
        "committed": str(found.committed),
        "budget": None if found.budget is None else str(found.budget),
    }
    over = found.budget is not None and found.committed + found.usd > found.budget
    return _Report(document, str(found).splitlines(), MONEY if over else 0)


@_gridgen.command()
@_grid
@_yes
def run(folder: str, file: str | None, budget: str | None, *, simulator: bool, yes: bool) -> _Report:
    """Make what is missing, and fetch it; what exists is never paid again.

    The first Ctrl-C stops submitting and goes on to fetch what is paid, the second one ends.
    """
    sweep = _opened(folder, file, budget, _client(simulator=simulator))
    if not simulator:
        found = sweep.estimate()
        sweep.internals.check_budget(found, sweep.budget)
        _agree(sweep, found, yes=yes)
    return _carry_out(sweep, sweep.run)


@_gridgen.command()
@_folder
def status(folder: str) -> _Report:
    """Tell how many clips are done, what they cost, and what needs attention."""
    return _standing(gg.open(folder))


@_gridgen.command()
@_folder
def unknown(folder: str) -> _Report:
    """List submissions whose answer was lost; each may be paid.

    A look at the account's usage tells what became of one. Settle it in Python, by its row:
    gridgen.open(FOLDER, client=gridgen.Client()).unknown has attach, replay, resubmit and drop.
    """
    sweep = gg.open(folder)
    found = sweep.unknown
    lines = [f"row {row.index}, take {row.take}: {row.cell.prompt}: {row.error or ''}" for row in found]
    document = {"at_risk": str(found.at_risk), "rows": [_row(row) for row in found]}
    return _Report(document, [repr(found), *lines], UNKNOWN if found else 0)


@_gridgen.command()
@_grid
@_yes
def retry(folder: str, file: str | None, budget: str | None, *, simulator: bool, yes: bool) -> _Report:
    """Make failed and rejected clips again, and what is missing; with a real key they cost money."""
    sweep = _opened(folder, file, budget, _client(simulator=simulator))
    again = [row for row in sweep.rows() if row.status in RETRIED]

    def begin() -> None:
        sweep.retry()
        sweep.run()

    if not simulator:
        _agree(sweep, sweep.estimate(), yes=yes, again=again)
    return _carry_out(sweep, begin)


@_gridgen.command()
@_folder
@click.option("--by", metavar="AXIS", help="Rank the values of an axis; by default the cells.")
def rank(folder: str, by: str | None) -> _Report:
    """Rank what was compared in blind rounds, best first."""
    rounds = gg.open(folder).rounds()
    table = rounds.ranking(by)
    shown = table.drop(columns="cell", errors="ignore").to_string(max_colwidth=40)
    document = {
        "choices": len(rounds.choices),
        "ranking": json.loads(table.reset_index().to_json(orient="records")),
    }
    note = [] if rounds.choices else ["Nobody has compared clips yet: sweep.rounds() does, in a notebook."]
    return _Report(document, [*shown.splitlines(), *note])


@_gridgen.command()
@_folder
@_output(".html")
@_laid_out
def page(folder: str, output: str | None, rows: tuple[str, ...], cols: tuple[str, ...]) -> _Report:
    """Write the wall as a page that plays in any browser, offline."""
    sweep = gg.open(folder)
    made = sweep.to_html(output or _beside(sweep, ".html"), rows=list(rows) or None, cols=list(cols) or None)
    return _written(made.path)


@_gridgen.command()
@_folder
@_output(".png")
@_laid_out
def sheet(folder: str, output: str | None, rows: tuple[str, ...], cols: tuple[str, ...]) -> _Report:
    """Write one labelled picture of all clips."""
    sweep = gg.open(folder)
    made = sweep.to_image(output or _beside(sweep, ".png"), rows=list(rows) or None, cols=list(cols) or None)
    return _written(made.path)


@_gridgen.command()
@_folder
@_output(".zip")
def bundle(folder: str, output: str | None) -> _Report:
    """Pack clips, table, journal, ratings and page into one zip, for `gridgen.unpack`."""
    sweep = gg.open(folder)
    return _written(sweep.to_zip(output or _beside(sweep, ".zip")).path)


def main() -> NoReturn:
    """Run the command that the process was called with, and end the process with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]  # a terminal may know few letters
    warnings.showwarning = lambda message, *_, **__: _say(f"warning: {message}")
    try:
        code: int = _gridgen.main(prog_name="gridgen", standalone_mode=False) or 0
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        code = INTERRUPTED
    except BrokenPipeError:
        # who reads the lines has heard enough; Python would complain once more while it ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = ERROR
    sys.exit(code)


def _client(*, simulator: bool) -> Client:
    if simulator:
        return gg.Simulator().client()
    if not os.environ.get(VARIABLE, "").strip():
        msg = f"no API key: set the environment variable {VARIABLE}, or do without one: --simulator"
        raise MissingKeyError(msg)
    return gg.Client()


def _opened(folder: str, file: str | None, budget: str | None, client: Client) -> Sweep:
    if file is None:
        return gg.open(folder, client=client, budget=budget)
    return gg.Sweep(gg.Grid.load(file), client=client, folder=folder, budget=budget)


def _agree(sweep: Sweep, found: Estimate, *, yes: bool, again: list[Row] | None = None) -> None:
    """Show what is about to be paid, and raise `BudgetError` unless somebody says yes to it."""
    parts = [f"{counted(found.videos)} for {found.total}"] if found.videos else []
    if again:
        prices = [row.price for row in again]
        known = "an unknown price" if None in prices else dollars(total(prices))
        parts.append(f"{counted(len(again))} again for {known}")
    if not parts:
        return
    cost = f"{' and '.join(parts)}, on {sweep.origin}"
    for line in str(found).splitlines():
        _say(line)
    if yes:
        return
    if not sys.stdin.isatty():
        msg = f"nobody can be asked here whether to pay: {cost}. Add --yes to agree beforehand. Nothing was sent."
        raise BudgetError(msg)
    if not click.confirm(printable(f"Make {cost}?"), err=True):
        msg = "not agreed to. Nothing was sent."
        raise BudgetError(msg)


def _carry_out(sweep: Sweep, begin: Callable[[], None]) -> _Report:
    """Do what makes clips, and tell how it ended."""
    code, told = 0, {}
    try:
        begin()
    except KeyboardInterrupt:
        code = INTERRUPTED
        _say("Submitting has stopped; what is paid is still fetched. Ctrl-C again leaves it to the next run.")
        # what else goes wrong meanwhile is what the report says that the sweep waits for
        with contextlib.suppress(KeyboardInterrupt, GridgenError):
            sweep.wait()
    except GridgenError as error:
        code, told = _code_of(error), {"error": str(error)}
        _say(str(error))
    report = _standing(sweep, code)
    return _Report({**report.document, **told}, report.lines, report.code)


def _standing(sweep: Sweep, ended: int = 0) -> _Report:
    """Tell how a sweep stands; `ended` is the code of what was done with it."""
    rows, unknown = sweep.rows(), sweep.unknown
    code = max(ended, _code(rows, finished=not ended))
    counts = ", ".join(f"{count} {state}" for state, count in sweep.counts().items())
    troubled = [row for row in rows if row.status in TROUBLED]
    lines = [f"{sweep.name}: {counts}; {dollars(sweep.cost)}"]
    lines += [f"row {row.index} {row.status}: {row.error or ''}" for row in troubled[:_MOST_LISTED]]
    if len(troubled) > _MOST_LISTED:
        lines.append(f"and {len(troubled) - _MOST_LISTED} more; sweep.csv in the folder has them all")
    waits = sweep.waits_for
    document = {
        "folder": str(sweep.folder),
        "origin": sweep.origin,
        "counts": sweep.counts(),
        "cost": str(sweep.cost),
        "at_risk": str(unknown.at_risk),
        "waits_for": list(waits),
        "rows": [_row(row) for row in rows],
    }
    return _Report(document, [*lines, *(f"waits for {each}" for each in waits)], code)


def _row(row: Row) -> dict[str, Any]:
    return {
        "row": row.index,
        "cell": row.cell.key,
        "take": row.take,
        "prompt": row.cell.prompt,
        "status": str(row.status),
        "cost": None if row.cost is None else str(row.cost),
        "path": row.path,
        "task_id": row.task_id,
        "error_class": row.error_class,
        "error": row.error,
    }


def _code(rows: tuple[Row, ...], *, finished: bool) -> int:
    """Return the exit code that rows mean; of a run that did not come to its end, what was not begun is no failure."""
    found = {row.status for row in rows}
    if State.HELD in found:
        return MONEY
    if State.UNKNOWN in found:
        return UNKNOWN
    left = found - ACHIEVED if finished else found & TROUBLED
    return FAILED if left else 0


def _code_of(error: Exception) -> int:
    return MONEY if isinstance(error, (BudgetError, OutOfCreditsError)) else ERROR


def _beside(sweep: Sweep, ending: str) -> Path:
    folder, here = sweep.folder.resolve(), Path.cwd()
    path = folder.with_name(f"{folder.name}{ending}")
    return path.relative_to(here) if path.is_relative_to(here) else path


def _written(path: Path) -> _Report:
    return _Report({"path": str(path), "bytes": path.stat().st_size}, [str(path)])


def _say(text: str) -> None:
    click.echo(printable(text), err=True)
