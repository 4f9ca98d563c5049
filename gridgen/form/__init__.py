"""A form that builds a grid by hand, runs it, and prints the Python for it."""

from __future__ import annotations

import contextlib
import html
import re
import threading
import warnings
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import IPython.display
import ipywidgets

from gridgen._loop import engine
from gridgen.atomic import write_atomically
from gridgen.board import Board
from gridgen.errors import BudgetError, GridError, GridgenError, Problem
from gridgen.form.draft import Draft, slots_of
from gridgen.form.fields import LEFT, WIDE, Chips, Slots, lines_of, priced, searched
from gridgen.form.layout_picker import LayoutPicker
from gridgen.form.messages import worded
from gridgen.gallery.box import Box
from gridgen.gallery.rpc import QuestionError
from gridgen.gallery.still import Still
from gridgen.grid.images import LocalImage, reference
from gridgen.models import DEFAULT_MODEL, find
from gridgen.models.price import money
from gridgen.money import exact_dollars, without_mathematics
from gridgen.states import AWAITED, State
from gridgen.sweep import Sweep

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping, Sequence

    from gridgen.client import Client
    from gridgen.estimate import Estimate
    from gridgen.form.draft import Pattern
    from gridgen.grid import Grid
    from gridgen.grid.preview import Preview

__all__ = ["Builder", "builder"]

_REFERENCES = "references"


class Builder(Box):
    """The form that `builder` makes.

    Parameters
    ----------
    client : Client, optional
        Where Run submits.
    folder : str or path, default "sweep"
        Of the sweep.
    budget : number, optional
        USD, as for `Sweep`.

    Attributes
    ----------
    grid : Grid
        The grid as the form has it now.
    code : str
        The Python that builds the same grid and runs it.
    sweep : Sweep or None
        What Run started last.
    """

    _SEND = "lives in one notebook, so it is neither pickled nor copied: send its grid, or the Python that is its code"

    def __init__(
        self,
        *,
        client: Client | None = None,
        folder: str | os.PathLike[str] = "sweep",
        budget: float | Decimal | str | None = None,
    ) -> None:
        self.client = client
        self.sweep: Sweep | None = None
        self._stop_watching: Callable[[], None] = lambda: None
        self._draft = Draft()
        self._grid: Grid | None = None
        self._started: tuple[object, ...] = ()
        self._seen = False
        self._filling = False
        self._asked: set[str] = set()
        self._showing = threading.RLock()
        self._prompts = ipywidgets.Textarea(
            description="Prompts", placeholder="One prompt a line", rows=4, layout=WIDE, style=LEFT
        )
        self._templated = ipywidgets.Checkbox(
            description="Braces are slots and choices: a {animal} at {dawn|dusk}", indent=True, style=LEFT
        )
        self._templated.layout.width = "auto"
        self._slots = Slots()
        self._search = ipywidgets.Text(
            description="Find", placeholder="A model by its name", layout=WIDE, style=LEFT
        )
        self._models = ipywidgets.SelectMultiple(
            options=priced(),
            value=(DEFAULT_MODEL,),
            description="Models",
            rows=5,
            layout=WIDE,
            style=LEFT,
        )
        self._sizes, self._qualities = Chips("Sizes"), Chips("Quality")
        self._durations = ipywidgets.Text(description="Seconds", layout=WIDE, style=LEFT)
        self._images = ipywidgets.Textarea(
            description="Images",
            placeholder="Paths or URLs, one a line; or drop files anywhere on the form",
            rows=2,
            layout=WIDE,
            style=LEFT,
        )
        self._bare = ipywidgets.Checkbox(value=True, description="Also without an image", style=LEFT)
        self._folder = ipywidgets.Text(str(folder), description="Folder", layout=WIDE, style=LEFT)
        self._budget = ipywidgets.Text(
            "" if budget is None else str(budget),
            description="Budget",
            placeholder="USD, such as 2.00",
            layout=WIDE,
            style=LEFT,
        )
        self._takes = ipywidgets.BoundedIntText(
            1, min=1, max=99, description="Takes", layout=WIDE, style=LEFT
        )
        self._run = ipywidgets.Button(description="Run", button_style="primary", layout={"width": "auto"})
        self._run.add_class("gg-run")
        self._picker = LayoutPicker(self._toggled, self._take_image)
        self._still = Still(self._facts, self._static)
        self._picker.still = self._still.name
        self._standing = ipywidgets.VBox()
        self._results = ipywidgets.VBox()
        fields = {
            "prompts": self._prompts,
            "slots": self._slots,
            "models": self._models,
            "sizes": self._sizes,
            "qualities": self._qualities,
            "durations": self._durations,
            "images": self._images,
            "folder": self._folder,
            "budget": self._budget,
            "takes": self._takes,
        }
        for name, field in fields.items():
            field.add_class("gg-field").add_class(f"gg-field-{name}")
        self._search.add_class("gg-field")
        money_row = ipywidgets.HBox([self._folder, self._budget, self._takes]).add_class("gg-fields")
        form = ipywidgets.VBox(
            [
                self._prompts,
                self._templated,
                self._slots,
                self._search,
                self._models,
                self._sizes,
                self._qualities,
                self._durations,
                self._images,
                self._bare,
                money_row,
            ]
        )
        super().__init__([self._run, self._standing, form, self._picker, self._results])
        self.add_class("gridgen-builder")
        if client is None:
            self._picker.said = "To run from here, give the client: gridgen.builder(client=...)"
        self._listen()
        self._offer()
        self._changed()

    def __repr__(self) -> str:
        return "Builder(not a grid yet)" if self._grid is None else f"Builder({self._grid!r})"

    @property
    def grid(self) -> Grid:
        """The grid as the form has it.

        Raises
        ------
        GridError
            If what stands in the form makes none.
        """
        return self._grid or self._draft.grid()

    @property
    def code(self) -> str:
        """The Python that builds the same grid and runs it; empty while the form makes none."""
        if self._grid is None:
            return ""
        simulated = self.client is None or self.client.is_simulator
        return self._draft.code(
            self._grid,
            client="gg.Simulator().client()" if simulated else "gg.Client()",
            folder=self._folder.value.strip() or "sweep",
            budget=str(self._money() or ""),
            takes=self._takes.value,
        )

    def fill(
        self,
        *,
        prompts: Sequence[str] = (),
        slots: dict[str, Sequence[str]] | None = None,
        models: Sequence[str] = (DEFAULT_MODEL,),
        sizes: Sequence[str] = (),
        qualities: Sequence[str] = (),
        durations: str = "",
        images: Sequence[str] = (),
        exclude: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        """Write into the fields, as a person would; slots make the prompts templates.

        ``exclude`` are patterns as of `Grid`, for the places that a person would click.
        """
        self._filling = True
        self._draft = replace(self._draft, excluded=tuple(tuple(each.items()) for each in exclude))
        self._prompts.value = "\n".join(prompts)
        self._templated.value = slots is not None
        self._slots.fill(slots or {})
        self._models.value = tuple(models)
        self._offer()
        self._sizes.tick(sizes)
        self._qualities.tick(qualities)
        self._durations.value = durations
        self._images.value = "\n".join(images)
        self._filling = False
        self._changed()

    def start(self) -> Sweep:
        """Do what the button Run does, and return the sweep.

        Raises
        ------
        GridgenError
            If the form makes no grid or has no client, and as `Sweep.start`.
        """
        sweep = self._sweep(self.grid).start()
        self.sweep, self._started, self._seen = sweep, self._meant(sweep.grid), False
        self._stop_watching()
        self._stop_watching = sweep.watch(self._heard)
        self._picker.said = ""
        old = self._standing.children + self._results.children
        self._standing.children, self._results.children = [Board(sweep)], [sweep.gallery()]
        for each in old:
            each.close()
        self._count()
        return sweep

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        self._show()
        return {**super()._repr_mimebundle_(**kwargs), "text/html": self._static()}

    def _display_(self) -> IPython.display.HTML:
        """Return what marimo shows, which draws none of the fields."""
        self._show()
        note = (
            "<p>marimo does not draw the fields of this form, which are widgets of ipywidgets: write the grid in "
            "Python, <code>gridgen.Grid(prompt=..., size=...)</code>, and look at <code>grid.preview()</code>.</p>"
        )
        return IPython.display.HTML(note + self._static())  # type: ignore[no-untyped-call]

    def _ipython_display_(self) -> None:
        self._still.show(self._repr_mimebundle_())

    def _facts(self) -> object:
        shown = [(each.sweep.rows(), each.rows, each.cols) for each in self._results.children]
        return self._grid, self.code, self._picker.plan["problem"], shown

    @without_mathematics
    def _static(self, largest: int | None = None) -> str:
        """Return the form for places where no widgets run: its layout, its Python, and the wall; how far it is where bytes are counted."""
        if self._grid is None:
            return f"<p>{html.escape(self._picker.plan['problem'])}</p>"
        form = self._reckoned(self._grid)[0]._repr_html_() + f"<pre>{html.escape(self.code)}</pre>"
        if largest is None:
            return form + "".join(each._repr_mimebundle_()["text/html"] for each in self._results.children)
        if len(form.encode()) > largest // 3:
            form = f"<p>{html.escape(repr(self))}</p>"
        left = largest - len(form.encode())
        return form + "".join(each.wall.picture.draw(left) for each in self._results.children)

    def close(self) -> None:
        """Take the form off every page; a sweep goes on."""
        self._still.close()
        self._stop_watching()
        self._picker.close()
        super().close()

    # What the person does

    def _listen(self) -> None:
        for field in (
            self._prompts,
            self._templated,
            self._slots,
            self._sizes,
            self._qualities,
            self._durations,
            self._images,
            self._bare,
            self._folder,
            self._budget,
            self._takes,
        ):
            field.observe(self._changed, "value")
        self._models.observe(self._remodelled, "value")
        self._search.observe(self._find, "value")
        self._run.on_click(self._start)

    def _remodelled(self, _change: object) -> None:
        if not self._filling:
            self._offer()
            self._changed()

    def _find(self, _change: object) -> None:
        """Show the models that are looked for, beside those that are chosen."""
        chosen, self._filling = self._models.value, True
        self._models.options = searched(self._search.value, chosen)
        self._models.value = chosen
        self._filling = False

    def _offer(self) -> None:
        """Offer what the chosen models have between them."""
        self._sizes.offer(self._offered("size"))
        self._qualities.offer(self._offered("quality"))
        spans = [model.duration for model in self._chosen() if model.duration is not None]
        self._durations.placeholder = (
            " / ".join(dict.fromkeys(span.offered("seconds") for span in spans)) + "; such as 6, 10"
        )

    def _chosen(self) -> list[Any]:
        return [find(name) for name in self._models.value or (DEFAULT_MODEL,)]

    def _offered(self, name: str) -> list[str]:
        choices = [getattr(model, name) for model in self._chosen()]
        return [value for choice in choices if choice is not None for value in choice.values]

    def _changed(self, _change: object = None) -> None:
        """Take up what stands in the fields, and show what it makes."""
        if self._filling:
            return
        prompts = lines_of(self._prompts.value)
        if self._templated.value:
            named = [name for text in prompts for name in slots_of(text)]
            self._filling = True
            self._slots.name(list(dict.fromkeys(named)))
            self._filling = False
        self._slots.layout.display = None if self._templated.value else "none"
        self._bare.layout.display = None if self._images.value.strip() else "none"
        self._draft = replace(
            self._draft,
            prompts=prompts,
            templated=self._templated.value,
            slots=self._slots.value,
            models=tuple(self._models.value),
            sizes=self._sizes.value,
            qualities=self._qualities.value,
            durations=self._durations.value,
            images=lines_of(self._images.value),
            bare=self._bare.value,
        )
        self._show()

    def _show(self) -> None:
        # the engine's threads come here too; who comes last has seen what the others did
        with self._showing:
            self._draw()
        self._still.changed(last=True)

    def _draw(self) -> None:
        try:
            self._money()
            with warnings.catch_warnings(record=True) as advice:
                warnings.simplefilter("always")
                self._grid = self._draft.grid()
        except GridError as error:
            self._grid = None
            wrong = worded(error.problems)
            begun = "Not a grid yet" if self._draft.prompts else "A grid to be"
            problem = "\n".join(wrong.values())
            self._picker.show(None, facts=[begun], problem=problem, code="", wrong=wrong)
            self._offer_run(0)
        else:
            self._ask_prices(self._grid)
            preview, found = self._reckoned(self._grid)
            facts = [f"{_counted(found.videos, 'clip')} to make", f"{found.seconds:,} s of footage"]
            facts += [found.total, *_further(preview, found)]
            said = "\n".join(str(each.message) for each in advice)
            wrong = self._too_little(found)
            said = "\n".join([said, *wrong.values()]).strip()
            self._picker.show(preview, facts=facts, problem=said, code=self.code, wrong=wrong)
            self._offer_run(found.videos, found.total)

    def _reckoned(self, grid: Grid) -> tuple[Preview, Estimate]:
        """Return layout and price, with what the folder holds already where there is somebody to make it."""
        if self.client is not None:
            with contextlib.suppress(GridgenError):
                sweep = self._sweep(grid)
                return sweep.preview(), sweep.estimate(ask=False)
        return grid.preview(), grid.estimate(takes=self._takes.value)

    def _ask_prices(self, grid: Grid) -> None:
        """Ask the server's list in the background, once for each model."""
        new = [name for name in grid.combinations.axis("model").values if name not in self._asked]
        if self.client is not None and new:
            self._asked.update(new)
            engine().submit(self._hear_prices(self.client, new))

    async def _hear_prices(self, client: Client, models: Sequence[str]) -> None:
        for model in models:
            with contextlib.suppress(GridgenError):
                await client.wire.price(model)
        await engine().in_thread(self._show)

    def _sweep(self, grid: Grid) -> Sweep:
        if self.client is None:
            msg = "to run from here, give the client: gridgen.builder(client=...)"
            raise GridgenError(msg)
        folder = self._folder.value.strip() or "sweep"
        return Sweep(grid, client=self.client, folder=folder, budget=self._money(), takes=self._takes.value)

    def _meant(self, grid: Grid | None) -> tuple[object, ...]:
        return grid, self._folder.value.strip(), self._takes.value

    def _too_little(self, found: Estimate) -> dict[str, str]:
        """Say at the budget that it is too small, before a click is refused for it."""
        budget = self._money()
        if budget is None or found.committed + found.usd <= budget:
            return {}
        spent = f" and {exact_dollars(found.committed)} is spent already" if found.committed else ""
        cost = f"The clips cost {exact_dollars(found.usd)}{spent}"
        return {"budget": f"{cost}, more than this budget of {exact_dollars(budget)}."}

    def _offer_run(self, clips: int, price: str = "") -> None:
        """Put the price on the button, which is what a click agrees to, or how far what it began has come."""
        if self._says_running():
            return
        self._run.disabled = not clips or self.client is None
        self._run.description = f"Run {_counted(clips, 'clip')}: {price}" if clips else "Run"

    def _says_running(self) -> bool:
        """Say on the button how far that has come which it began, as long as that goes on and the fields mean it."""
        sweep = self.sweep
        if sweep is None or not _goes_on(sweep) or self._meant(self._grid) != self._started:
            return False
        counts = sweep.counts()
        wanted = sum(counts.values()) - counts.get(State.SKIPPED, 0)
        self._run.disabled = True
        self._run.description = f"Running: {counts.get(State.DONE, 0)} of {wanted} done"
        return True

    def _money(self) -> Decimal | None:
        """Return the budget as it was typed; raises `GridError` where it is no sum of money above nothing."""
        text = self._budget.value.strip()
        with contextlib.suppress(GridError):
            if not text or money(text) > 0:
                return Decimal(text) if text else None
        why = f"the budget {text[:20]!r} is not a sum of money above 0 in USD, such as 2.00"
        raise GridError(Problem(why, "budget", text))

    def _toggled(self, pattern: Pattern) -> None:
        if self._grid is not None:
            self._draft = self._draft.toggled(pattern, self._grid)
            self._show()

    def _take_image(self, name: str, content: bytes) -> str:
        """Keep a dropped image beside the notebook, so that the code finds it again."""
        try:
            image = reference(content)
        except GridError as error:
            raise QuestionError(str(error)) from None
        if not isinstance(image, LocalImage):
            msg = f"{name[:40]!r} is no picture"
            raise QuestionError(msg)
        stem = re.sub(r"[^a-z0-9]+", "-", Path(name).stem.lower()).strip("-")[:40] or "image"
        path = Path(_REFERENCES) / f"{stem}-{image.digest[:8]}{Path(image.file_name).suffix}"
        path.parent.mkdir(exist_ok=True)
        with write_atomically(path, shared=True) as part:
            part.write_bytes(content)
        self._images.value = "\n".join(dict.fromkeys([*lines_of(self._images.value), path.as_posix()]))
        return f"{path.as_posix()} is a reference image now"

    # Running

    def _start(self, _button: object) -> None:
        try:
            self.start()
        except GridgenError as error:
            needs_one = isinstance(error, BudgetError) and self._money() is None
            self._picker.said = _NEEDS_BUDGET if needs_one else str(error)

    def _heard(self, _rows: object) -> None:
        """Count on the button what is done; draw the layout anew once what was started stops or is over."""
        if self.sweep is None:
            return
        if not AWAITED.intersection(self.sweep.counts()) or (self._seen and not _goes_on(self.sweep)):
            self._seen = False
            engine().submit(engine().in_thread(self._show))
        elif _goes_on(self.sweep):
            self._seen = True
            self._still.changed()
            engine().submit(engine().in_thread(self._count))

    def _count(self) -> None:
        with self._showing:
            self._says_running()


_NEEDS_BUDGET = "This spends real money, so it needs a budget: type what it may cost into the field Budget. Nothing was sent."


def _goes_on(sweep: Sweep) -> bool:
    """Whether clips are still submitted or awaited, and nobody stopped that."""
    return sweep.running and not sweep.internals.stopped and bool(AWAITED.intersection(sweep.counts()))


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what if count == 1 else f'{what}s'}"


def _further(preview: Preview, estimate: Estimate) -> list[str]:
    skipped = preview.counts.get("skipped", 0)
    found = [f"takes {estimate.lasts}"] if estimate.videos else []
    found += [f"{_counted(skipped, 'place')} left out"] if skipped else []
    return [*found, *([f"{_counted(estimate.uploads, 'picture')} to upload"] if estimate.uploads else [])]


def builder(
    *,
    client: Client | None = None,
    folder: str | os.PathLike[str] = "sweep",
    budget: float | Decimal | str | None = None,
) -> Builder:
    """Return a form that builds a grid by hand, with its live layout, price and Python.

    Prompts go one a line; places and headers of the layout are clicked to leave them
    out. The code below the layout builds the same grid.

    Parameters
    ----------
    client : Client, optional
        Where Run submits; without one the form only shows and prints.
    folder : str or path, default "sweep"
        Of the sweep.
    budget : number, optional
        USD, as for `Sweep`; needed to run with a real key.

    Examples
    --------
    >>> gridgen.builder(client=gridgen.Simulator().client(), folder="boats")  # doctest: +SKIP
    """
    return Builder(client=client, folder=folder, budget=budget)
