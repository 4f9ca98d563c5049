"""Blind rounds: judges with known preferences are found out, and the intervals keep their promise."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridgen import GridError, Sweep
from gridgen.judgements.ranking import LEFT, RIGHT, TIE, chances, fit, gains, next_pair

TIES, LEAN = -0.7, 0.2


def judge(dice, difference):
    """Return what judges who tie and lean as set call on clips that differ so, by lot."""
    left, right, _ = chances(np.asarray(difference) + LEAN, TIES)
    lot = dice.random(np.shape(difference))
    return np.where(lot < left, LEFT, np.where(lot < left + right, RIGHT, TIE))


def study(dice, truth, rounds):
    """Return random pairs of items and what judges with these strengths call."""
    left = dice.integers(len(truth), size=rounds)
    right = (left + dice.integers(1, len(truth), size=rounds)) % len(truth)
    return left, right, judge(dice, truth[left] - truth[right])


@pytest.mark.parametrize("rounds", [60, 240])
def test_intervals_cover_the_truth_at_the_stated_rate(rounds):
    """Over 200 simulated studies of eight cells the 95 % and the 80 % intervals cover 95 % and 80 % of the strengths.

    1,600 intervals, correlated within a study: the standard error of a rate is at
    most about 1 %, so three of them either way are allowed.
    """
    dice = np.random.default_rng(1)
    covered = {0.95: [], 0.80: []}
    for _ in range(200):
        truth = dice.normal(0, 1.2, 8)
        truth -= truth.mean()
        found = fit(np.eye(8), *study(dice, truth, rounds))
        for level, rates in covered.items():
            low, high = found.interval(level)
            rates.append(np.mean((low <= truth) & (truth <= high)))

    assert np.mean(covered[0.95]) == pytest.approx(0.95, abs=0.02)
    assert np.mean(covered[0.80]) == pytest.approx(0.80, abs=0.04)


def test_intervals_of_axis_values_cover_the_truth():
    """Over 200 studies of a 3 x 2 x 2 grid the 95 % intervals of an axis's values cover them, other axes taken out."""
    dice = np.random.default_rng(2)
    cells = np.array(list(itertools.product(range(3), range(2), range(2))))
    design = np.hstack([np.eye(size)[cells[:, at]] for at, size in enumerate((3, 2, 2))])
    covered = []
    for _ in range(200):
        weights = dice.normal(0, 1, 7)
        found = fit(design, *study(dice, design @ weights, 80), alternatives=3)
        truth = weights[:3] - weights[:3].mean()
        low, high = found.interval(0.95)
        covered.append(np.mean((low <= truth) & (truth <= high)))

    assert np.mean(covered) == pytest.approx(0.95, abs=0.025)


def test_known_preferences_are_recovered():
    """With many rounds the strengths, the ties and the leaning come out as they were put in."""
    dice = np.random.default_rng(3)
    truth = np.linspace(-1.5, 1.5, 7)
    found = fit(np.eye(7), *study(dice, truth, 6000))

    assert found.strength == pytest.approx(truth, abs=0.15)
    assert found.tie == pytest.approx(TIES, abs=0.1)
    assert found.lean == pytest.approx(LEAN, abs=3 * found.lean_error)
    assert found.best()[-1] > 0.95


def test_strengths_are_those_that_the_page_finds():
    """Cells and axis values have the strengths and errors on which the page's own script is tested too."""
    told = json.loads(Path(__file__).with_name("strengths.json").read_text())
    rounds = np.array(told["rounds"]).T
    design = np.array(
        [[one == at for at in range(3)] + [other == at for at in range(2)] for one, other in told["axes"]],
        dtype=float,
    )
    fits = {"cells": fit(np.eye(6), *rounds), "first_axis": fit(design, *rounds, alternatives=3)}
    for name, found in fits.items():
        assert found.strength == pytest.approx(told[name]["strength"], abs=1e-6)
        assert found.errors == pytest.approx(told[name]["error"], abs=1e-6)
        assert (found.tie, found.lean) == pytest.approx((told[name]["tie"], told[name]["lean"]), abs=1e-6)
    told_by_pair = gains(fits["cells"])
    assert [told_by_pair[one, other] for one, other, _ in told["gains"]] == pytest.approx(
        [nats for _, _, nats in told["gains"]], abs=1e-6
    )


def test_two_items_have_the_strength_that_the_odds_say():
    """Without ties, seven wins of ten and no leaning to tell apart give the log-odds, drawn a little to zero."""
    left = np.repeat([0, 1], 500)
    winner = np.where(np.arange(1000) % 10 < 7, 0, 1)
    outcome = np.where(winner == left, LEFT, RIGHT)
    found = fit(np.eye(2), left, 1 - left, outcome)

    assert found.strength[0] - found.strength[1] == pytest.approx(math.log(7 / 3), rel=0.02)
    assert found.best()[0] > 0.99


@settings(deadline=None)
@given(
    st.integers(2, 6),
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 2)), max_size=40),
)
def test_any_set_of_rounds_has_one_answer(items, rounds):
    """Nothing compared, all won, groups never compared: the strengths are finite, centred, and no worse known than before."""
    kept = [(a % items, b % items, came) for a, b, came in rounds if a % items != b % items]
    left, right, outcome = (np.array([each[at] for each in kept], dtype=int) for at in range(3))
    found = fit(np.eye(items), left, right, outcome)
    nothing = fit(np.eye(items), *(np.array([], dtype=int),) * 3)

    assert np.isfinite(found.strength).all()
    assert abs(found.strength.sum()) < 1e-9
    assert np.linalg.eigvalsh(nothing.covariance - found.covariance).min() > -1e-9


@given(st.permutations(range(5)), st.integers(0, 1000))
@settings(deadline=None, max_examples=30)
def test_names_and_sides_do_not_matter(order, seed):
    """Other numbers for the same items only permute the strengths; mirrored rounds mirror only the leaning."""
    left, right, outcome = study(np.random.default_rng(seed), np.linspace(-1, 1, 5), 30)
    found = fit(np.eye(5), left, right, outcome)
    renamed = np.array(order)
    moved = fit(np.eye(5), renamed[left], renamed[right], outcome)
    mirrored = fit(np.eye(5), right, left, np.array([RIGHT, LEFT, TIE])[outcome])

    assert moved.strength[renamed] == pytest.approx(found.strength, abs=1e-6)
    assert mirrored.strength == pytest.approx(found.strength, abs=1e-6)
    assert mirrored.lean == pytest.approx(-found.lean, abs=1e-6)


def chosen(dice, truth, count):
    """Return rounds whose pairs were chosen one by one, each after what came before."""
    rounds = np.zeros((3, 0), dtype=int)
    for _ in range(count):
        left, right = next_pair(fit(np.eye(len(truth)), *rounds), dice)
        came = int(judge(dice, truth[left] - truth[right]))
        rounds = np.column_stack([rounds, [left, right, came]])
    return rounds


def test_the_next_pair_tells_more_than_one_by_lot():
    """Over 30 studies of ten cells, 60 chosen rounds leave less variance than 60 by lot, by a tenth or more."""
    dice = np.random.default_rng(4)
    left = {"chosen": 0.0, "lot": 0.0}
    for _ in range(30):
        truth = dice.normal(0, 1.5, 10)
        for way, rounds in (("chosen", chosen(dice, truth, 60)), ("lot", study(dice, truth, 60))):
            left[way] += np.trace(fit(np.eye(10), *rounds).covariance)

    assert left["chosen"] < 0.9 * left["lot"]


def test_the_next_pair_is_of_unlike_items_on_either_side():
    """Gains are symmetric and zero for an item with itself; over many draws both sides are met equally."""
    found = fit(np.eye(3), np.array([0, 0, 0, 1]), np.array([1, 1, 1, 0]), np.array([0, 0, 1, 2]))
    told = gains(found)
    assert (np.diag(told) == 0).all()
    assert told == pytest.approx(told.T)
    dice = np.random.default_rng(0)
    pairs = [next_pair(found, dice) for _ in range(400)]
    assert all(2 in pair for pair in pairs), "the one that was never shown tells most"
    assert 150 < sum(pair[0] == 2 for pair in pairs) < 250


def prefers(row) -> float:
    """Return how strong a clip is to our judge: long ones win, wide ones a little."""
    return 1.5 * (row.cell.duration == 10) + 0.5 * (row.cell.size == "16:9")


def play(rounds, count, dice):
    """Let the judge go through some rounds."""
    for _ in range(count):
        left, right = rounds.next()
        rounds.choose(("left", "right", "tie")[int(judge(dice, prefers(left) - prefers(right)))])


def test_rounds_rank_cells_and_axis_values(sweep):
    """A judge who likes long and wide clips is found out: which cells win, and which duration, size and wording."""
    rounds = sweep.rounds(reviewer="anna")
    play(rounds, 120, np.random.default_rng(5))

    cells = rounds.ranking()
    assert list(cells.columns[:4]) == ["row", "prompt", "size", "duration"]
    assert cells.index.tolist() == list(range(1, 9))
    assert set(cells["duration"].iloc[:3]) == {10}
    assert cells["strength"].is_monotonic_decreasing
    assert (cells["low"] < cells["strength"]).all()
    assert cells["best"].sum() == pytest.approx(1)
    assert cells["wins"].sum() == cells["losses"].sum()
    duration = rounds.ranking("duration")
    assert duration["duration"].tolist() == [10, 6]
    assert duration.loc[1, "low"] > 0
    assert duration.loc[1, "low"] < 0.75 < duration.loc[1, "high"]
    size = rounds.ranking("size")
    assert size["size"].tolist() == ["16:9", "9:16"]
    assert isinstance(size["size"].dtype, pd.CategoricalDtype)
    wording = rounds.ranking("prompt")
    assert (wording["low"] < 0).all()
    assert repr(rounds) == "Rounds(8 cells, 120 choices, 120 of them by 'anna')"


def test_rounds_go_on_in_another_process(sweep):
    """Choices are on the disk; the same seed goes on with the same pair, and reviewers are kept apart."""
    rounds = sweep.rounds(reviewer="anna", seed=3)
    play(rounds, 5, np.random.default_rng(6))
    again = Sweep(sweep.grid, client=sweep.client, folder=sweep.folder)
    taken_up = again.rounds(reviewer="ben", seed=3)

    assert [row.index for row in taken_up.next()] == [row.index for row in rounds.next()]
    taken_up.choose("left")
    assert len(taken_up.choices) == 6
    assert taken_up.ranking(reviewers="ben")[["wins", "losses"]].sum().tolist() == [1, 1]
    assert taken_up.ranking(reviewers=["anna"])["wins"].sum() <= 5


def test_the_pair_stays_until_it_is_chosen(sweep):
    """Looking again shows the same pair on the same sides; a choice or a skip brings another."""
    rounds = sweep.rounds()
    first = rounds.next()
    assert rounds.next() == first
    rounds.choose("skip")
    assert rounds.next() != first
    assert rounds.choices == []


def test_a_choice_can_be_taken_back(sweep):
    """Undo takes back this reviewer's latest choice and nobody else's; the entries stay."""
    rounds, other = sweep.rounds(reviewer="anna"), sweep.rounds(reviewer="ben")
    rounds.choose("left")
    other.choose("right")
    assert rounds.undo()
    assert [choice.reviewer for choice in rounds.choices] == ["ben"]
    assert not rounds.undo()
    assert len(sweep.internals.judgements.book.choices) == 3


def test_only_named_clips_take_part(sweep):
    """A slice of the table limits the rounds and the ranking to its cells."""
    rounds = sweep.rounds(sweep.df.query("size == '9:16'"))
    play(rounds, 12, np.random.default_rng(7))

    assert len(rounds.ranking()) == 4
    assert {row.cell.size for _ in range(4) for row in rounds.next()} == {"9:16"}
    with pytest.raises(
        GridError, match=r"by='size' is not an axis on which these clips differ; those are prompt, duration"
    ):
        rounds.ranking("size")


def test_takes_of_a_cell_are_ranked_together(simulate, boats, tmp_path):
    """No round compares a cell with itself, and all takes of a cell are shown."""
    sweep = Sweep(boats[:2], client=simulate().client(), folder=tmp_path / "x", takes=3, previews=False)
    sweep.run()
    rounds = sweep.rounds()
    shown = set()
    for _ in range(40):
        left, right = rounds.next()
        assert left.cell != right.cell
        shown |= {(left.cell.key, left.take), (right.cell.key, right.take)}
        rounds.choose("tie")

    assert len(shown) == 6
    assert rounds.ranking()["ties"].tolist() == [40, 40]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda rounds: rounds.choose("both"), r"one of left, right, tie, skip\. Nothing was noted"),
        (lambda rounds: rounds.note(0, 0, "left"), "is no round"),
        (lambda rounds: rounds.note(0, 99, "left"), "is no round"),
        (
            lambda rounds: rounds.ranking("colour"),
            "not an axis on which these clips differ; those are prompt, size",
        ),
        (lambda rounds: rounds.ranking(level=95), "level=95 is not a rate between 0 and 1"),
    ],
)
def test_what_is_wrong_is_named(sweep, call, message):
    """A wrong outcome, pair, axis or level says what is right; nothing is noted."""
    rounds = sweep.rounds()
    with pytest.raises(GridError, match=message):
        call(rounds)
    assert sweep.internals.judgements.book.choices == []


def test_rounds_need_two_finished_cells(planned):
    """Before there are clips of two cells the error says to run the sweep."""
    with pytest.raises(
        GridError, match=r"finished clips of at least two different cells; run\(\) the sweep first"
    ):
        planned.rounds()
