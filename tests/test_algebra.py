"""Grids thinned out, joined, subtracted, sampled and extended: the laws that hold, and the cells that come of it."""

from __future__ import annotations

import itertools
import operator
import warnings
from decimal import Decimal
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import assume, given, settings

from gridgen import Cell, Grid, GridError, linked, template, value

EXT = "grok-imagine-1.5-video-ext"
KLING = "kling-v2-6"
SEEDANCE = "seedance-2.0"


unhurried = settings(deadline=None, max_examples=60)
"""A busy machine may take long over one example."""


def cells(grid: Grid) -> set[Cell]:
    """Return the cells of a grid as a set."""
    return set(grid)


@st.composite
def grids(draw: st.DrawFn) -> Grid:
    """Return a grid of any kind: plain, linked, from a template, thinned out, over several models."""
    sizes = draw(st.lists(st.sampled_from(["16:9", "9:16", "1:1"]), min_size=1, unique=True))
    durations = draw(st.lists(st.sampled_from([5, 6, 8, 10]), min_size=1, max_size=3, unique=True))
    words = draw(st.lists(st.sampled_from(["boat", "fox", "hen"]), min_size=1, unique=True))
    kind = draw(st.sampled_from(["plain", "template", "linked", "models"]))
    axes: dict[str, Any] = {"size": sizes, "duration": durations, "model": EXT}
    axes["prompt"] = (
        template("a {thing}", thing=words) if kind == "template" else [f"a {word}" for word in words]
    )
    if kind == "models":
        axes["model"] = draw(st.sampled_from([[EXT, KLING], [KLING, SEEDANCE, EXT], [SEEDANCE, EXT]]))
        axes["seed"] = (
            draw(st.sampled_from([None, 1, [1, 2], [None, 7]])) if SEEDANCE in axes["model"] else None
        )
    else:
        axes["duration"] = [each for each in durations if each > 5] or [6]
    links = []
    if kind == "linked":
        quality = draw(st.lists(st.sampled_from(["480p", "720p"]), min_size=len(sizes), max_size=len(sizes)))
        links = [linked(size=axes.pop("size"), quality=quality)]
    if draw(st.booleans()):
        axes["exclude"] = {"duration": axes["duration"][0]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Grid(*links, **axes)


def keeps_long(cell: Cell) -> bool:
    """Cells of eight seconds and more."""
    return (cell.duration or 0) >= 8


PREDICATES = st.sampled_from(
    [
        keeps_long,
        lambda size: size != "1:1",
        lambda prompt, duration: "fox" in prompt or duration == 6,
        lambda _: False,
        lambda _: True,
    ]
)


@unhurried
@given(grids(), grids())
def test_union_has_the_cells_of_both(a, b):
    """G4: a + b makes every cell of both, each once, those of a first and in the order of a."""
    joined = a + b

    assert cells(joined) == cells(a) | cells(b)
    assert len({cell.key for cell in joined}) == len(joined)
    assert list(joined)[: len(a)] == list(a) or a.skipped


@unhurried
@given(grids())
def test_union_with_itself_is_itself(a):
    """A grid and the same again is the grid, down to what is skipped."""
    assert a + a == a
    assert (a + a).skipped == a.skipped


@unhurried
@given(grids(), grids())
def test_difference_and_intersection_part_a_grid(a, b):
    """What is only in a, and what is in both, together are a."""
    assert cells((a - b) + (a & b)) == cells(a)
    assert cells(a - b) == cells(a) - cells(b)
    assert cells(a & b) == cells(a) & cells(b)
    assert list(a & b) == [cell for cell in a if cell in cells(b)]


@unhurried
@given(grids(), grids(), grids())
def test_union_is_associative(a, b, c):
    """It does not matter which two are joined first."""
    assert (a + b) + c == a + (b + c)


@unhurried
@given(grids(), grids(), PREDICATES)
def test_where_distributes_over_union(a, b, predicate):
    """Thinning out before or after joining comes to the same."""
    assert (a + b).where(predicate) == a.where(predicate) + b.where(predicate)


@unhurried
@given(grids(), PREDICATES)
def test_where_skips_what_it_does_not_want(a, predicate):
    """G2: every cell is kept or has a reason, and none is lost."""
    thinned = a.where(predicate, reason="not wanted")

    assert cells(thinned) | {each.cell for each in thinned.skipped} >= cells(a)
    assert cells(thinned) | cells(a - thinned) == cells(a)
    assert all(each.reason for each in thinned.skipped)
    assert thinned.where(predicate) == thinned
    assert thinned.compact() == thinned
    assert thinned.compact().skipped == ()


@unhurried
@given(grids(), grids())
def test_no_key_changes_in_the_algebra(a, b):
    """A cell has its key by what it asks for, in whatever grid it stands."""
    known = {cell: cell.key for cell in (*a, *b)}

    for made in (a + b, a - b, a & b, a.where(keeps_long), a[::2], a[::-1]):
        assert {cell: cell.key for cell in made}.items() <= known.items()


@unhurried
@given(grids())
def test_places_agree_with_one_another(a):
    """Index, iteration, coordinates and columns tell of the same cell."""
    places = a.combinations
    columns = {axis.name: places.column(axis.name) for axis in a.axes}

    assert [places.cell(at) for at in range(len(places))] == list(places.cells())
    assert [a[at] for at in range(len(a))] == list(a)
    for at in range(len(places)):
        assert places.coordinates(at) == {name: column[at] for name, column in columns.items()}
        for axis in a.axes:
            found = places.cell(at)[axis.name] if axis.name != "seed" else places.cell(at).get("seed")
            assert found == axis.values[columns[axis.name][at]]
    assert a.footage == sum(cell.seconds for cell in a)


@unhurried
@given(grids(), st.integers(0, 3), st.data())
def test_samples_are_parts_in_order(a, seed, data):
    """G8: a sample has as many of the cells as it was asked for, in grid order, and the same again for the same seed."""
    n = data.draw(st.integers(0, len(a)))
    for method in ("random", "balanced"):
        found = a.sample(n, seed=seed, method=method)
        places = [list(a).index(cell) for cell in found]

        assert len(found) == n
        assert places == sorted(places)
        assert found == a.sample(n, seed=seed, method=method)


@unhurried
@given(grids(), st.integers(0, 3))
def test_pairwise_shows_every_pair_that_there_is(a, seed):
    """G8: whatever was left out, each pair of values that some cell shows is shown by the sample."""
    assume(len(a) > 0)
    found = a.sample(seed=seed, method="pairwise")

    assert cells(found) <= cells(a)
    assert pairs(found) == pairs(a)


def pairs(grid: Grid) -> set[tuple[str, Any, str, Any]]:
    """Return every pair of values that some cell shows."""
    names = [axis.name for axis in grid.axes]
    seen = set()
    for cell in grid:
        found = [(name, repr(cell.get(name))) for name in names]
        seen |= {(*one, *other) for one, other in itertools.combinations(found, 2)}
    return seen


@unhurried
@given(grids())
def test_the_submit_order_touches_every_value_first(a):
    """G9: it has every cell once, and its first cells, no more than there are values, show every value of every axis."""
    order = a.submit_order()

    assert sorted(order) == list(range(len(a)))
    axes = [axis for axis in a.axes if len(axis) > 1]
    first = [a[at] for at in order[: sum(map(len, axes))]]
    for axis in axes:
        assert {repr(cell.get(axis.name)) for cell in first} == {repr(cell.get(axis.name)) for cell in a}


def test_three_sizes_fill_from_the_first_cells():
    """G9: of a full product the first k cells show everything, k being the length of the longest axis."""
    grid = Grid(
        prompt=list("abcdef"),
        duration=[6, 7, 8, 9, 10],
        size=["16:9", "9:16", "1:1", "3:2"],
        quality=["480p", "720p"],
    )
    first = [grid[at] for at in grid.submit_order()[:6]]

    assert {cell.prompt for cell in first} == set("abcdef")
    assert {cell.duration for cell in first} == {6, 7, 8, 9, 10}
    assert {cell.size for cell in first} == {"16:9", "9:16", "1:1", "3:2"}
    assert {cell.quality for cell in first} == {"480p", "720p"}


@pytest.mark.parametrize("seed", range(8))
def test_pairwise_of_240_needs_about_thirty(seed):
    """G8: 6 x 5 x 4 x 2 is covered by 30 to 34 cells; 30 is the least that could be."""
    grid = Grid(
        prompt=list("abcdef"),
        duration=[6, 7, 8, 9, 10],
        size=["16:9", "9:16", "1:1", "3:2"],
        quality=["480p", "720p"],
    )
    found = grid.sample(seed=seed, method="pairwise")

    assert 30 <= len(found) <= 34
    assert pairs(found) == pairs(grid)


def test_balanced_samples_show_each_value_about_equally_often():
    """G8: of 24 cells every value of every axis comes its share of times, give or take one."""
    grid = Grid(
        prompt=list("abcdef"),
        duration=[6, 7, 8, 9, 10],
        size=["16:9", "9:16", "1:1", "3:2"],
        quality=["480p", "720p"],
    )
    for seed in range(5):
        found = grid.sample(24, seed=seed, method="balanced")
        for axis in grid.axes:
            if len(axis) > 1:
                often = [sum(cell[axis.name] == each for cell in found) for each in axis.values]
                assert max(often) - min(often) <= 1, (axis.name, often)


def test_a_committed_sample():
    """G8: a seed takes these cells for ever, whatever the version of Python."""
    grid = Grid(prompt=list("abcd"), duration=[6, 7, 8], size=["16:9", "9:16"])

    def taken(**options: Any) -> list[str]:
        return [f"{cell.prompt}{cell.duration}{'wt'[cell.size == '9:16']}" for cell in grid.sample(**options)]

    assert taken(n=5, seed=1) == ["a7w", "a8t", "b8t", "c8w", "c8t"]
    assert taken(n=5, seed=1, method="balanced") == ["a7w", "b8w", "c6t", "d7t", "d8w"]
    assert taken(seed=1, method="pairwise") == COVER


COVER = ["a6w", "a7t", "a8w", "b6t", "b7w", "b8t", "c6w", "c7t", "c8t", "d6w", "d7t", "d8t"]


def test_linked_axes_are_one():
    """G3: three pairs of size and quality, and two prompts, are six cells."""
    grid = Grid(linked(size=["16:9", "9:16", "1:1"], quality=["480p", "720p", "480p"]), prompt=["a", "b"])

    assert [(cell.size, cell.quality, cell.prompt) for cell in grid] == [
        ("16:9", "480p", "a"),
        ("16:9", "480p", "b"),
        ("9:16", "720p", "a"),
        ("9:16", "720p", "b"),
        ("1:1", "480p", "a"),
        ("1:1", "480p", "b"),
    ]
    assert repr(grid) == "Grid(6 cells: size 3 x prompt 2; 36 s of footage)"


def test_three_pairs_with_two_seeds():
    """G3: the case of a linked size and quality with two seeds is six cells, not twelve."""
    pairs_of = linked(size=["16:9", "9:16", "1:1"], quality=["480p", "720p", "1080p"])

    assert len(Grid(pairs_of, prompt="a", seed=[1, 2], model=SEEDANCE)) == 6


def test_labels_may_be_linked_to_prompts():
    """A word of one's own for each prompt is an axis of the table and no part of the request."""
    grid = Grid(prompt=["x"], linked=linked(size=["16:9", "1:1"], labels={"shape": ["wide", "square"]}))

    assert [cell.shape for cell in grid] == ["wide", "square"]
    assert cells(grid) == cells(Grid(prompt="x", size=["16:9", "1:1"]))
    assert list(grid.df["shape"]) == ["wide", "square"]


def test_per_model_grids_add_up():
    """G4: each model with the values that it has, in one object."""
    short = Grid(prompt="a", model=KLING, duration=[5, 10])
    long = Grid(prompt="a", model=EXT, duration=[6, 15])
    both = short + long

    assert [(cell.model, cell.duration) for cell in both] == [(KLING, 5), (KLING, 10), (EXT, 6), (EXT, 15)]
    assert both.skipped == ()
    assert both.df["duration"].tolist() == [5, 10, 6, 15]


def test_union_marks_what_a_grid_was_made_without():
    """An axis that one grid lacks is empty there: labels and further fields are missing, not invented."""
    one = Grid(prompt="a", model=SEEDANCE, seed=[1, 2]) + Grid(
        prompt=template("a {x}", x=["b"]), model=SEEDANCE
    )
    table = one.df

    assert table["seed"].tolist()[:2] == [1, 2]
    assert table["seed"].isna().tolist() == [False, False, True]
    assert table["x"].isna().tolist() == [True, True, False]
    assert one[0] == Grid(prompt="a", model=SEEDANCE, seed=1)[0]


def test_union_makes_what_either_makes():
    """A cell that one grid skips and the other makes is made."""
    grid = Grid(prompt="a", duration=[6, 8])

    assert grid.exclude({"duration": 6}) + grid == grid


def test_labels_do_not_tell_two_requests_apart():
    """The same clip under two labels is one cell of a union, with the label that came first."""
    first = Grid(prompt=template("a {x}", x=["fox"]))
    joined = first + Grid(prompt="a fox")

    assert (len(joined), joined[0].x) == (1, "fox")


def test_a_label_that_is_taken_is_told_apart():
    """Two values that were given the same label in two grids read differently in their union."""
    joined = Grid(prompt="a", duration=[value(6, label="short")]) + Grid(
        prompt="a", duration=[value(8, label="short")]
    )

    assert joined.axes[1].labels == ("short", "short (8)")


def test_exclude_by_patterns():
    """G2: a pattern skips what fits all of it, and the reason says which."""
    grid = Grid(
        prompt=["a", "b"],
        size=["16:9", "1:1"],
        duration=[6, 8, 10],
        exclude=[
            {"size": "1:1", "duration": [8, 10]},
            {"prompt": "b", "duration": lambda seconds: seconds > 8, "reason": "b is slow"},
        ],
    )

    assert len(grid) == 7
    assert {each.reason for each in grid.skipped} == {"excluded: size 1:1, duration 8 or 10", "b is slow"}
    assert repr(grid) == "Grid(7 cells of 12: prompt 2 x size 2 x duration 3; 50 s of footage)"


def test_reasons_of_predicates():
    """G2: a predicate gives its docstring, its name, or what was said for it as the reason."""
    grid = Grid(prompt="a", duration=[6, 10])

    def short_ones(duration: int) -> bool:
        return duration < 8

    assert grid.where(keeps_long).skipped[0].reason == "Cells of eight seconds and more"
    assert grid.where(short_ones).skipped[0].reason == "left out by short_ones"
    assert grid.where({"too long": short_ones}).skipped[0].reason == "too long"
    assert grid.where([short_ones, keeps_long], reason="neither").skipped[1].reason == "neither"
    assert Grid(prompt="a", duration=[6, 10], where=short_ones).skipped[0].cell.duration == 10


def test_a_predicate_is_asked_once_for_equal_values():
    """A predicate that names axes is asked once for each combination of theirs, not once for each cell."""
    asked = []
    Grid(prompt=list("abcdefgh"), duration=[6, 8]).where(lambda duration: asked.append(duration) or True)

    assert asked == [6, 8]


def test_models_skip_what_they_lack():
    """G2, G11: over several models a combination that one lacks is skipped with its reason; nothing is an error."""
    grid = Grid(prompt="a", model=[EXT, KLING], duration=[5, 6, 10])

    assert [(cell.model, cell.duration) for cell in grid] == [(EXT, 6), (EXT, 10), (KLING, 5), (KLING, 10)]
    assert [(each.cell.model, each.cell.duration, each.reason) for each in grid.skipped] == [
        (EXT, 5, f"{EXT} makes clips of 6 to 15 s, not 5"),
        (KLING, 6, "kling-v2-6 makes clips of 5 or 10 s, not 6"),
    ]


def test_what_no_model_offers_is_an_error():
    """G11: a value that none of several models takes fails on the line that was typed, with what each offers."""
    with pytest.raises(GridError) as caught:
        Grid(prompt="a", model=[EXT, KLING], duration=[6, 99])

    assert "duration=99 is offered by none of the models" in str(caught.value)
    assert "makes clips of 5 or 10 s" in str(caught.value)


def test_each_model_takes_its_own_defaults():
    """Where the user says nothing each model is asked for its own size, duration and quality."""
    grid = Grid(prompt="a", model=[EXT, KLING])

    assert [(cell.duration, cell.quality) for cell in grid] == [(6, "480p"), (5, "720p")]
    assert grid.skipped == ()
    assert list(grid) == [*Grid(prompt="a", model=EXT), *Grid(prompt="a", model=KLING)]


def test_one_model_that_lacks_a_combination_is_an_error():
    """G11: values that a lone model has, and not together, are named with the number of cells and the way out."""
    hailuo = "MiniMax-Hailuo-2.3"
    with pytest.raises(GridError) as caught:
        Grid(prompt=["a", "b"], model=hailuo, duration=[6, 10], quality=["768p", "1080p"])

    assert "(2 cells; leave them out with exclude= or where=)" in str(caught.value)
    kept = Grid(
        prompt=["a", "b"],
        model=hailuo,
        duration=[6, 10],
        quality=["768p", "1080p"],
        exclude={"duration": 10, "quality": "1080p"},
    )
    assert (len(kept), len(kept.skipped)) == (6, 2)


def test_seeds_where_a_model_has_them():
    """G7: a seed goes to the models that have one; the others are made once, marked, and a warning says so."""
    with pytest.warns(UserWarning, match="'kling-v2-6' has no seed") as caught:
        grid = Grid(prompt="a", model=[SEEDANCE, KLING], duration=5, quality="720p", seed=[1, 2])

    assert caught[0].filename == __file__
    assert [(cell.model, cell.seed) for cell in grid] == [(SEEDANCE, 1), (SEEDANCE, 2), (KLING, None)]
    assert [cell.body().get("seed") for cell in grid] == [1, 2, None]
    assert grid.df["seed"].isna().tolist() == [False, False, True]
    assert grid.axes[4].labels[-1] == "no seed"


def test_a_lone_model_without_a_seed_says_so():
    """G7: a seed for a model that has none is an error that names takes."""
    with pytest.raises(
        GridError, match=r"'kling-v2-6' has no seed; for several clips of one cell give Sweep\(..., takes=3\)"
    ):
        Grid(prompt="a", model=KLING, seed=7)


def test_fit_keeps_what_the_money_buys():
    """G8: the cheapest cells stay, as many as the sum allows to the cent, and the rest says why not."""
    grid = Grid(prompt=["a", "b"], model=EXT, duration=[6, 10], quality=["480p", "720p"])
    price = Decimal("0.0102") * 6
    kept = grid.fit(price * 2 + Decimal("0.102"))

    assert [(cell.duration, cell.quality) for cell in kept].count((6, "480p")) == 2
    assert len(kept) == 3
    assert sum(cell.price() for cell in kept) <= price * 2 + Decimal("0.102")
    assert {each.reason for each in kept.skipped} == {"does not fit in $0.22"}
    assert len(grid.fit(price * 2, takes=2)) == 1
    assert len(grid.fit(0)) == 0
    assert grid.fit(1000) == grid


def test_fit_never_takes_an_unknown_price_for_nothing():
    """A cell whose price nobody knows is left out, and says so."""
    grid = Grid(prompt="a", duration=[6, 10])

    assert [each.reason for each in grid.fit(100).skipped] == ["its price is unknown"] * 2


def test_extending_keeps_every_key():
    """G13: more values and a new axis add cells; those that were there have their keys and stay."""
    grid = Grid(prompt=["a", "b"], duration=6, model=SEEDANCE).exclude({"prompt": "b"})
    wider = grid.extend(duration=[8, 10], quality="720p", seed=[1, 2])

    assert len(wider.combinations) == 2 + 2 * (3 * 2 * 3 - 1)
    assert {cell.key for cell in grid} < {cell.key for cell in wider}
    assert [each.cell.prompt for each in wider.skipped] == ["b"]
    assert list(grid.extend(duration=8)) == [
        *Grid(prompt="a", duration=[6, 8], model=SEEDANCE),
        *Grid(prompt="b", duration=8, model=SEEDANCE),
    ]


def test_extending_a_plain_grid_is_typing_more():
    """G13: the extended grid is the one that lists all values from the start, in the same order."""
    assert Grid(prompt=["a", "b"], duration=[6, 8]).extend(duration=[10]) == Grid(
        prompt=["a", "b"], duration=[6, 8, 10]
    )
    assert Grid(prompt="a", duration=[6, 8]).extend(prompt="b") == Grid(prompt=["a", "b"], duration=[6, 8])


def test_extending_a_template_with_a_plain_prompt():
    """A prompt written out joins those of a template, without slots."""
    grid = Grid(prompt=template("a {x}", x=["fox", "hen"]), size=["16:9", "1:1"]).extend(prompt="a boat")

    assert [cell.prompt for cell in grid] == [
        *["a fox"] * 2,
        *["a hen"] * 2,
        *["a boat"] * 2,
    ]
    assert [cell.x for cell in grid][-1] is None
    assert grid.skipped == ()


def test_extending_to_another_model_skips_what_it_lacks():
    """G13: a new model makes what it can of the grid, and the rest says why not."""
    wider = Grid(prompt="a", model=EXT, duration=[6, 10], quality="720p").extend(model=KLING)

    assert [(cell.model, cell.duration) for cell in wider] == [(EXT, 6), (EXT, 10), (KLING, 10)]
    assert [each.reason for each in wider.skipped] == ["kling-v2-6 makes clips of 5 or 10 s, not 6"]


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (
            lambda grid: grid.where(lambda durtion: durtion),
            "where= asks for 'durtion', which is not an axis (did you mean 'duration'?)",
        ),
        (
            lambda grid: grid.where(lambda duration: 1 / (duration - 6)),
            "where= raised ZeroDivisionError: division by zero, for duration=6",
        ),
        (lambda grid: grid.where(lambda cell: cell.colour), "a cell has no 'colour'"),
        (lambda grid: grid.where("duration > 6"), "is not a function of a cell or of axes"),
        (
            lambda grid: grid.exclude({"durtion": 6}),
            "exclude names 'durtion', which is not an axis (did you mean 'duration'?)",
        ),
        (lambda grid: grid.exclude({"duration": 7}), "exclude: duration=7 is not on the axis (6, 10)"),
        (lambda grid: grid.exclude({}), "names no axis"),
        (lambda grid: grid.exclude("16:9"), "is not a pattern"),
        (
            lambda _: Grid(linked(size=["16:9", "1:1"], duration=[6]), prompt="a"),
            "yet size has 2, duration has 1",
        ),
        (
            lambda _: Grid(linked(size=["16:9", "16:9"], duration=[6, 6]), prompt="a"),
            "have a pair of values twice",
        ),
        (
            lambda _: Grid(linked(sise=["16:9"]), prompt="a"),
            "'sise' is not an axis (did you mean 'size'?)",
        ),
        (lambda _: Grid(linked(size=["16:9"]), prompt="a", size="1:1"), "size is given twice"),
        (lambda _: Grid({"size": ["16:9"]}, prompt="a"), "is not linked axes; write gridgen.linked("),
        (lambda grid: grid.sample(5), "n is a whole number from 0 to the 4 cells"),
        (lambda grid: grid.sample(), "n is a whole number"),
        (lambda grid: grid.sample(2, seed="x"), "a seed is a whole number"),
        (lambda grid: grid.sample(2, method="best"), "the methods are 'random', 'balanced' and 'pairwise'"),
        (lambda grid: grid.sample(3, method="pairwise"), "has 4 cells; leave n out"),
        (lambda grid: grid.fit("much"), "budget='much' is not a sum of money"),
        (lambda grid: grid.fit(2, takes="x"), "takes='x' is not a whole number of at least 1"),
        (lambda grid: grid.estimate(takes=0), "takes=0 is not a whole number of at least 1"),
        (lambda grid: grid.estimate(budget="x"), "budget='x' is not a sum of money"),
        (
            lambda grid: grid.preview(rows=5),
            "rows=5 names no axes; give a name or a list of names out of prompt",
        ),
        (lambda _: Grid("a boat"), "a prompt is a keyword: Grid(prompt='a boat', ...)"),
        (lambda _: Grid.load("."), "'.' ends in none of .yaml"),
        (lambda grid: grid.extend(duration=6), "extend: duration=6 is on the axis already"),
        (lambda grid: grid.extend(duration=99), "duration=99 is not offered"),
        (lambda grid: grid.extend(labels={"x": ["y"]}), "write a grid with it and add that"),
        (lambda grid: grid.extend(prompt=template("{a|b}")), "a template brings axes of its own"),
        (
            lambda _: Grid(prompt="a", labels={"cost": "y"}),
            "'cost' is a column of the table already",
        ),
        (lambda _: Grid(prompt="a", labels={"seed": "y"}), "'seed' is a field of the request"),
        (lambda _: Grid(prompt="a", labels=["x"]), "is not a mapping such as"),
        (lambda _: Grid(prompt="a", labels={"x": [["y"]]}), "is a list, not a text or a number"),
        (lambda _: Grid(prompt="a", labels={"x": ["y", "y"]}), "is on the axis twice"),
        (
            lambda _: Grid(prompt="a", duration=[value(6, label="x"), value(8, label="x")]),
            "two values have the label 'x'",
        ),
        (lambda _: value(6, label=" "), "the label is empty"),
        (lambda _: value(6, weight=0), "a weight is a number above 0"),
        (
            lambda _: Grid(
                prompt=[str(n) for n in range(2000)], linked=linked(size=["16:9"] * 1500, duration=[6] * 1500)
            ),
            "twice",
        ),
        (
            lambda _: Grid(
                prompt=template("{d}", d=range(2000)),
                duration="6,..,30",
                size=["16:9", "9:16", "1:1", "3:2", "2:3"],
                quality=["480p", "720p"],
                model=[
                    EXT,
                    "grok-imagine-1.0-video-apimart",
                    "grok-imagine-1.5-video-apimart",
                    "wan3.0-video",
                    "seedance-2.5",
                ],
            ),
            "more than the 2,000,000",
        ),
    ],
)
def test_bad_input_is_a_clear_error(made, said):
    """Whatever is wrong is named, with the nearest that is right, and nothing is sent."""
    with pytest.raises((GridError, AttributeError)) as caught:
        made(Grid(prompt="a", size=["16:9", "9:16"], duration=[6, 10]))

    assert said in str(caught.value)


def test_each_problem_is_told_once():
    """An empty axis, a set and a wrong model are one line each, however often they are looked at."""
    for typed in (
        {"prompt": []},
        {"prompt": {"a", "b"}},
        {"prompt": "a", "model": []},
        {"prompt": "a", "model": 7},
    ):
        with pytest.raises(GridError) as caught:
            Grid(**typed)
        assert "\n" not in str(caught.value)


def test_grids_join_with_grids_only():
    """What is no grid is refused by name, with the way to make one of it; a table is not taken apart by pandas."""
    grid = Grid(prompt="a")
    others = {"list": [grid[0]], "DataFrame": grid.df, "dict": {"prompt": "b"}, "str": "b"}
    for operation, sign in ((operator.add, "+"), (operator.sub, "-"), (operator.and_, "&")):
        for name, other in others.items():
            with pytest.raises(GridError, match=rf"behind grid \{sign} stands a {name}, .*: Grid"):
                operation(grid, other)
    assert grid != [grid[0]]


@unhurried
@given(grids())
def test_hash_and_repr_hold_for_every_grid(a):
    """Equal grids have equal hashes, and every grid says in one line what it is."""
    assert hash(a) == hash(a[:])
    assert repr(a).count("\n") == 0
    assert f"{len(a)} cell" in repr(a)
