"""Stars, picks, tags and notes: where they show, who may give them, what is never lost."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import sqlite3
import stat
import subprocess
import sys
import textwrap
import threading

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from waiting import until

from gridgen import Grid, GridError, JournalError, Sweep
from gridgen.clock import Clock
from gridgen.journal import Journal
from gridgen.judgements import Judgements, Opinion, agreed
from gridgen.judgements.agreement import alpha
from gridgen.judgements.opinion import NO_OPINION, changed, notes_of

SLOT = ("simulator", "a" * 64, 1)


def python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run code in another process."""
    command = [sys.executable, "-c", textwrap.dedent(code), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_a_rating_is_in_the_table_at_once(sweep):
    """Stars, pick, tags and note stand in the columns that wait for them; other rows stay empty."""
    sweep.ratings.rate(2, stars=4, pick=True, tags=["sharp", "calm"], note="the best\nof them")

    row = sweep.df.loc[2]
    assert (row["rating"], row["pick"], row["tags"], row["note"]) == (
        4,
        True,
        "sharp, calm",
        "the best\nof them",
    )
    assert sweep.df["rating"].count() == 1
    assert {"rating": "Float64", "pick": "boolean", "tags": "string", "note": "string"}.items() <= dict(
        sweep.df.dtypes.astype(str)
    ).items()


def test_what_is_left_out_stays_and_none_clears(planned):
    """A second word changes only what it names; None takes that part back."""
    planned.ratings.rate(0, stars=5, tags="a, b", note="n")
    planned.ratings.rate(0, pick=False)
    planned.ratings.rate(0, stars=None, tags=None)

    row = planned.df.loc[0]
    assert (pd.isna(row["rating"]), row["pick"], pd.isna(row["tags"]), row["note"]) == (
        True,
        False,
        True,
        "n",
    )


@pytest.mark.parametrize(
    "choose",
    [
        lambda sweep: sweep.df.query("duration == 10"),
        lambda sweep: list(sweep.df.query("duration == 10").index),
        lambda sweep: [row for row in sweep.rows() if row.cell.duration == 10],
        lambda sweep: sweep.df.index[sweep.df["duration"] == 10],
    ],
)
def test_several_rows_are_rated_at_once(planned, choose):
    """A slice of the table, its index, a list of rows or of numbers all mean their rows."""
    planned.ratings.rate(choose(planned), pick=True)

    assert list(planned.df.query("pick").index) == [1, 3, 5, 7]


def test_one_row_is_meant_by_itself(planned):
    """A Series, a Row and a numpy number mean one row."""
    planned.ratings.rate(planned.df.iloc[3], stars=1)
    planned.ratings.rate(planned.rows()[4], stars=2)
    planned.ratings.rate(planned.df.index[5], stars=pd.Series([3]).iloc[0])

    assert planned.df["rating"].dropna().to_dict() == {3: 1, 4: 2, 5: 3}


@pytest.mark.parametrize(
    ("rows", "said", "message"),
    [
        (0, {"stars": 6}, r"stars=6 is not a whole number from 0 to 5"),
        (0, {"stars": True}, r"stars=True is not a whole number"),
        (0, {"stars": 3.5}, r"stars=3.5 is not"),
        (0, {"pick": "yes"}, r"pick='yes' is not True \(pick\), False \(reject\) or None"),
        (0, {"tags": ["a,b"]}, r"comma within a tag"),
        (0, {"tags": 3}, r"tags=3 is not a tag or a list of tags"),
        (0, {"tags": ["x" * 41]}, r"41 characters; at most 40"),
        (0, {"tags": [str(n) for n in range(21)]}, r"21 tags; a clip has at most 20"),
        (0, {"note": "x" * 2001}, r"2001 characters; at most 2000"),
        (0, {"note": "a\0b"}, r"control characters"),
        (0, {"note": "\ud800"}, r"control characters"),
        (0, {"stars": 9, "pick": 2}, r"stars=9 .*; pick=2 "),
        (0, {"stars": 1, "reviewer": " "}, r"reviewer=' ' is empty"),
        (0, {"stars": 1, "reviewer": "a\nb"}, r"reviewer='a\\nb' holds control characters"),
        (8, {"stars": 1}, r"8 is no row of this sweep: .* 0 to 7"),
        (-1, {"stars": 1}, r"-1 is no row"),
        ("0", {"stars": 1}, r"'0' is no row"),
        (True, {"stars": 1}, r"True is no row"),
        ([0, None], {"stars": 1}, r"None is no row"),
    ],
)
def test_a_wrong_word_is_refused_whole(planned, rows, said, message):
    """What is wrong is named with what is right, and nothing is noted, also of the parts that were right."""
    with pytest.raises(GridError, match=message + r".*Nothing was noted\."):
        planned.ratings.rate(rows, **said)

    assert planned.df[["rating", "pick", "tags", "note"]].isna().all(axis=None)
    assert not planned.internals.judgements.path.exists()


def test_undo_is_one_more_entry(planned):
    """Each undo restores what was before, step by step, and the history keeps every word."""
    planned.ratings.rate(0, stars=2)
    planned.ratings.rate(0, stars=5, note="better")
    planned.ratings.rate(1, pick=True)

    shown = []
    for _ in range(4):
        undone = planned.ratings.undo()
        table = planned.df
        shown.append((undone, table.loc[0, "rating"], table.loc[1, "pick"]))
    assert shown[0] == (True, 5, pd.NA) or shown[0][:2] == (True, 5)
    assert pd.isna(shown[0][2])
    assert shown[1][:2] == (True, 2)
    assert (shown[2][0], pd.isna(shown[2][1])) == (True, True)
    assert shown[3][0] is False
    history = planned.ratings.history
    assert (len(history), history["undone"].tolist()) == (6, [True, True, True, False, False, False])


def test_what_is_said_after_an_undo_stands_on_what_was_before(planned):
    """A word after an undo begins from the restored one, and undoing it restores that again."""
    planned.ratings.rate(0, stars=2)
    planned.ratings.rate(0, stars=5)
    planned.ratings.undo()
    planned.ratings.rate(0, pick=True)
    assert (planned.df.loc[0, "rating"], planned.df.loc[0, "pick"]) == (2, True)
    planned.ratings.undo()
    assert (planned.df.loc[0, "rating"], pd.isna(planned.df.loc[0, "pick"])) == (2, True)


def test_of_each_reviewer_the_latest_counts(planned):
    """Stars are averaged over reviewers, picks go by most, tags are joined, notes name their authors."""
    planned.ratings.rate(0, stars=1, reviewer="anna")
    planned.ratings.rate(0, stars=4, pick=True, tags="a", note="yes", reviewer="anna")
    planned.ratings.rate(0, stars=5, pick=True, tags=["b", "a"], reviewer="ben")
    planned.ratings.rate(0, pick=False, note="no", reviewer="cleo")

    row = planned.df.loc[0]
    assert (row["rating"], row["pick"], row["tags"], row["note"]) == (
        4.5,
        True,
        "a, b",
        "anna: yes\ncleo: no",
    )
    table = planned.ratings.df
    assert table["reviewer"].tolist() == ["anna", "ben", "cleo"]
    assert table["rating"].tolist()[:2] == [4, 5]
    assert planned.ratings.reviewers == ("anna", "ben", "cleo")
    planned.ratings.rate(0, pick=False, reviewer="ben")
    assert not planned.df.loc[0, "pick"]


def test_the_reviewer_is_the_hubs_or_the_systems_user(planned, monkeypatch):
    """Nobody needs to say a name."""
    monkeypatch.setenv("JUPYTERHUB_USER", "dora")
    planned.ratings.rate(0, stars=1)
    monkeypatch.delenv("JUPYTERHUB_USER")
    monkeypatch.setenv("LOGNAME", "emil")
    planned.ratings.rate(1, stars=1)

    assert planned.ratings.reviewers == ("dora", "emil")


def test_judgements_survive_the_process(planned):
    """A new sweep over the same folder has them, with their time and author, private to the user."""
    before = Clock().time()
    planned.ratings.rate(0, stars=3, reviewer="anna")
    again = Sweep(planned.grid, client=planned.client, folder=planned.folder)

    assert again.df.loc[0, "rating"] == 3
    (when,) = again.ratings.df["when"]
    assert abs(when - dt.datetime.fromtimestamp(before, dt.UTC)) < dt.timedelta(seconds=30)
    assert stat.S_IMODE(planned.internals.judgements.path.stat().st_mode) == 0o600


NOTES = "the best light\n0:12.25  the hand melts\n0:02.4 a flicker"


def test_the_table_tells_the_moment_of_each_note(planned):
    """Seconds stand in `at`, NaN for a note on the whole clip; a further note has its own row, in which nothing counts twice."""
    planned.ratings.rate(0, stars=4, tags="calm", note=NOTES, reviewer="anna")
    planned.ratings.rate(0, note="0:01.0 dark", reviewer="ben")
    planned.ratings.rate(1, stars=2, note="16:9 is better\n1:61.0 no time", reviewer="anna")
    planned.ratings.rate(2, pick=True, reviewer="anna")
    table = planned.ratings.df

    assert table["at"].dtype == "float64"
    assert table[["row", "reviewer", "note", "at"]].astype(object).where(
        table.notna(), None
    ).to_numpy().tolist() == [
        [0, "anna", "the best light", None],
        [0, "anna", "a flicker", 2.4],
        [0, "anna", "the hand melts", 12.25],
        [0, "ben", "dark", 1.0],
        [1, "anna", "16:9 is better\n1:61.0 no time", None],
        [2, "anna", None, None],
    ]
    assert table["rating"].dropna().tolist() == [4, 2]
    assert table["tags"].dropna().tolist() == ["calm"]
    assert table["pick"].dropna().tolist() == [True]
    assert planned.ratings.history.groupby("row").size().to_dict() == {0: 4, 1: 1, 2: 1}


def test_a_table_with_further_notes_names_each_clip_once(planned):
    """What `df` says of several notes can be given back to `rate`, which judges each clip once."""
    planned.ratings.rate(0, note=NOTES, reviewer="anna")
    planned.ratings.rate(planned.ratings.df, stars=3, reviewer="ben")

    assert planned.df["rating"].dropna().to_dict() == {0: 3}
    assert len(planned.ratings.history.query("reviewer == 'ben'")) == 1


LINES = st.lists(
    st.one_of(
        st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=20),
        st.builds(
            "{}:{:02}.{} {}".format,
            st.integers(0, 999),
            st.integers(0, 59),
            st.integers(0, 999),
            st.text("ab :.", max_size=9),
        ),
    ),
    max_size=6,
)


@given(LINES)
def test_no_word_of_a_note_is_lost_when_it_is_taken_apart(lines):
    """Every line of it is in the note on the whole or at a moment, moments come in their order, and doing it again changes nothing."""
    told = notes_of("\n".join(lines))
    again = notes_of(
        "\n".join(text if at is None else f"{int(at // 60)}:{at % 60:06.3f} {text}" for at, text in told)
    )

    assert again == told
    assert _words("".join(text for _, text in told)) == _words("".join(lines))
    moments = [at for at, _ in told if at is not None]
    assert moments == sorted(moments)
    assert sum(at is None for at, _ in told) <= 1


def _words(text):
    """Return what of a text is no part of a moment, in any order."""
    return sorted(each for each in text if not (each.isdigit() or each.isspace() or each in ":."))


def test_rating_works_while_the_sweep_runs(simulate, tmp_path):
    """A rated clip stays rated through every later change of its row, and the watchers hear of it."""
    simulator = simulate(speed=60.0)
    sweep = Sweep(
        Grid(prompt=["a", "b", "c"]), client=simulator.client(), folder=tmp_path / "x", previews=False
    )
    heard: list[float | None] = []
    sweep.watch(lambda rows: heard.extend(row.rating for row in rows if row.index == 1))
    sweep.start()
    sweep.ratings.rate(1, stars=4, note="soon")
    assert sweep.running
    assert sweep.df.loc[1, "rating"] == 4
    sweep.wait()

    assert sweep.df.loc[1, ["status", "rating", "note"]].tolist() == ["done", 4, "soon"]
    until(lambda: 4 in heard)


def test_rating_works_while_another_process_owns_the_journal(sweep):
    """The journal has one writer; judgements have their own file, so a reviewer need not wait for it."""
    with contextlib.closing(Journal(sweep.folder, Clock())):
        with pytest.raises(JournalError, match="is at work"):
            Sweep(Grid(prompt="new"), client=sweep.client, folder=sweep.folder).run()
        sweep.ratings.rate(0, stars=2)

    assert sweep.df.loc[0, "rating"] == 2


RATE = """
    import sys
    from pathlib import Path
    from gridgen.judgements import Judgements
    store = Judgements(Path(sys.argv[1]))
    for n in range(40):
        store.judge([("o", str(n % 4), 1)], sys.argv[2], stars=n % 6)
"""


def test_two_processes_lose_no_word(tmp_path):
    """Two reviewers who rate at once from two processes have every entry of both in the file, and no gap."""
    folder = tmp_path / "x"
    threads = [threading.Thread(target=python, args=(RATE, str(folder), name)) for name in ("anna", "ben")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    store = Judgements(folder)
    store.refresh()
    entries = store.book.judgements
    assert [sum(each.reviewer == name for each in entries) for name in ("anna", "ben")] == [40, 40]
    assert [each.id for each in entries] == list(range(1, 81))


def test_another_process_is_heard(planned):
    """What another process notes is in the table on the next look, also while nothing else changes."""
    planned.ratings.rate(0, stars=1, reviewer="anna")
    done = python(RATE, str(planned.folder), "ben")
    assert done.returncode == 0, done.stderr
    cell = planned.rows()[1]
    other = Judgements(planned.folder)
    for stars in (3, 4):
        other.judge([planned.internals.slot(cell)], "ben", stars=stars)
        assert planned.df.loc[1, "rating"] == stars


def test_a_killed_writer_leaves_all_or_nothing(tmp_path):
    """A process that dies within a transaction leaves no part of it, and the next one goes on."""
    folder = tmp_path / "x"
    store = Judgements(folder)
    store.judge([SLOT], "anna", stars=1)
    python(
        """
        import os, sys
        from pathlib import Path
        from gridgen.judgements import Judgement, Judgements, Opinion
        from gridgen.judgements.store import _append
        store = Judgements(Path(sys.argv[1]))
        with store._writing() as (connection, touched):
            connection.execute("PRAGMA cache_size = 1")
            for n in range(500):
                _append(connection, Judgement(0, n, "ben", ("o", "k" * 64, n), Opinion(note="x" * 2000)))
            os._exit(9)
        """,
        str(folder),
    )
    fresh = Judgements(folder)
    fresh.refresh()

    assert [each.reviewer for each in fresh.book.judgements] == ["anna"]
    fresh.judge([SLOT], "ben", stars=2)
    store.refresh()
    assert store.book.opinions[SLOT] == {"anna": Opinion(1), "ben": Opinion(2)}


def test_nothing_is_ever_changed_or_deleted(tmp_path):
    """The file itself refuses to rewrite or to forget an entry."""
    store = Judgements(tmp_path)
    store.judge([SLOT], "anna", stars=1)
    store.choose("anna", SLOT, ("simulator", "b" * 64, 1), "left")
    with contextlib.closing(sqlite3.connect(store.path)) as connection:
        for statement in (
            "UPDATE judgement SET stars = 5",
            "DELETE FROM judgement",
            "UPDATE choice SET outcome = 'tie'",
            "DELETE FROM choice",
        ):
            with pytest.raises(sqlite3.IntegrityError, match="never"):
                connection.execute(statement)


def test_a_foreign_file_is_not_trusted_and_stops_nothing_but_judging(sweep):
    """A file with other tables or triggers is refused by name; the table and the sweep go on without it."""
    with contextlib.closing(sqlite3.connect(sweep.internals.judgements.path)) as connection:
        connection.execute("CREATE TABLE judgement (id INTEGER)")
    with pytest.raises(JournalError, match=r"not as gridgen made it; move it away\. Nothing was noted"):
        Judgements(sweep.folder).judge([SLOT], "anna", stars=1)
    with pytest.warns(UserWarning, match="not as gridgen made it"):
        assert sweep.df["status"].tolist() == ["done"] * 8


def test_a_newer_file_is_left_alone(tmp_path):
    """A file of a newer gridgen asks for an update and stays as it is."""
    store = Judgements(tmp_path)
    store.judge([SLOT], "anna", stars=1)
    with contextlib.closing(sqlite3.connect(store.path)) as connection:
        connection.execute("PRAGMA user_version = 9")
    before = store.path.read_bytes()
    with pytest.raises(JournalError, match="newer gridgen"):
        Judgements(tmp_path).judge([SLOT], "anna", stars=2)

    assert store.path.read_bytes() == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_says_so(tmp_path):
    """Nothing is noted, and the message names the folder."""
    tmp_path.chmod(0o500)
    with pytest.raises(JournalError, match="cannot be written"):
        Judgements(tmp_path).judge([SLOT], "anna", stars=1)


def test_a_link_is_not_written_through(tmp_path):
    """A symbolic link in the place of the file is refused, so that nothing outside the folder is touched."""
    target = tmp_path / "elsewhere"
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "judgements.sqlite").symlink_to(target)
    with pytest.raises(JournalError, match="cannot be written"):
        Judgements(tmp_path / "x").judge([SLOT], "anna", stars=1)

    assert not target.exists()


def test_a_file_put_back_from_a_copy_is_read_anew(tmp_path):
    """Where somebody puts an older file in its place, what it says counts, not what was known before."""
    store = Judgements(tmp_path)
    store.judge([SLOT], "anna", stars=1)
    copy = store.path.read_bytes()
    store.judge([SLOT], "anna", stars=5)
    store.path.unlink()
    assert store.refresh() == {SLOT}
    assert store.book.opinions == {}
    store.path.write_bytes(copy)
    store.refresh()

    assert store.book.of(SLOT, "anna") == Opinion(1)


WORDS = st.one_of(
    st.tuples(st.just("say"), st.sampled_from(["anna", "ben"]), st.integers(0, 2), st.integers(0, 5)),
    st.tuples(st.just("undo"), st.sampled_from(["anna", "ben"]), st.just(0), st.just(0)),
)


@settings(max_examples=25, deadline=None)
@given(st.lists(WORDS, max_size=14))
def test_undo_is_the_inverse_of_saying(tmp_path_factory, words):
    """Whatever is said and undone in whatever order, what counts is what a stack for each reviewer would hold."""
    store = Judgements(tmp_path_factory.mktemp("x"))
    stacks: dict[str, list[tuple[int, int]]] = {"anna": [], "ben": []}
    for verb, who, clip, stars in words:
        if verb == "undo":
            store.undo(who)
            stacks[who][-1:] = []
        else:
            slot = ("o", str(clip), 1)
            if store.book.of(slot, who).stars != stars:
                stacks[who].append((clip, stars))
            store.judge([slot], who, stars=stars)
    fresh = Judgements(store.folder)
    fresh.refresh()
    for who, stack in stacks.items():
        for clip in range(3):
            said = [stars for about, stars in stack if about == clip]
            assert fresh.book.of(("o", str(clip), 1), who).stars == (said[-1] if said else None)


@given(
    st.builds(
        Opinion,
        st.none() | st.integers(0, 5),
        st.none() | st.booleans(),
        st.lists(st.text("abcé😀", min_size=1, max_size=8), max_size=5, unique=True).map(tuple),
        st.text("ab c\n😀", max_size=40).map(str.strip),
    )
)
def test_an_opinion_says_itself_again(opinion):
    """What one reviewer says alone is the consensus, and saying it part by part gives the same opinion."""
    parts = {"stars": opinion.stars, "pick": opinion.pick, "tags": opinion.tags, "note": opinion.note}
    assert changed(NO_OPINION, **parts) == opinion
    together = agreed({"anna": opinion})
    assert (together.rating, together.pick) == (opinion.stars, opinion.pick)
    assert (together.tags or "") == ", ".join(opinion.tags)


# K. Krippendorff, Computing Krippendorff's Alpha-Reliability (2011), sections B to D
OBSERVED = """
1 2 3 3 2 1 4 1 2 . . .
1 2 3 3 2 2 4 1 2 5 . 3
. 3 3 3 2 3 4 2 2 5 1 .
1 2 3 3 2 4 4 1 2 5 1 .
"""


@pytest.mark.parametrize(
    ("metric", "published"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)]
)
def test_alpha_is_as_published(metric, published):
    """The example of the paper gives the paper's figures."""
    lines = [line.split() for line in OBSERVED.split("\n") if line]
    units = [[int(value) for value in unit if value != "."] for unit in zip(*lines, strict=True)]

    assert alpha(units, metric) == pytest.approx(published, abs=0.0005)


def test_agreement_is_shown_pair_by_pair(planned):
    """Two reviewers who agree but for one star have a high alpha, and the pair's own figures."""
    for index, stars in enumerate((1, 2, 3, 4, 5, 1)):
        planned.ratings.rate(index, stars=stars, pick=stars > 3, reviewer="anna")
        planned.ratings.rate(index, stars=min(stars + (index == 0), 5), pick=stars > 3, reviewer="ben")

    found = planned.ratings.agreement
    (pair,) = found.pairs
    assert (found.clips, pair.rated, pair.same, pair.within_one) == (6, 6, pytest.approx(5 / 6), 1)
    assert found.picks == 1
    assert 0.9 < found.stars < 1
    assert str(found).startswith("2 reviewers, 6 clips judged by two or more: alpha 0.9")


def test_no_two_ratings_say_nothing_of_agreement(planned):
    """Without a clip that two judged there is no alpha rather than a made-up one."""
    planned.ratings.rate(0, stars=5, reviewer="anna")
    planned.ratings.rate(1, stars=5, reviewer="ben")

    assert (planned.ratings.agreement.stars, planned.ratings.agreement.clips) == (None, 0)
    assert str(planned.ratings.agreement) == "2 reviewers, no clip judged by two"


def test_the_ratings_of_a_sweep_say_how_far_they_are(planned):
    """The repr counts judged clips and names the reviewers; its HTML escapes what they wrote."""
    assert repr(planned.ratings) == "Ratings(0 of 8 clips judged, by nobody)"
    planned.ratings.rate(0, note="<img src=x onerror=alert(1)>", reviewer="<b>anna</b>")

    assert repr(planned.ratings) == "Ratings(1 of 8 clips judged, by <b>anna</b>)"
    shown = planned.ratings._repr_html_()
    assert "&lt;img src=x" in shown
    assert "<img" not in shown
    assert "<b>" not in shown


LOOK_ALIKES = ["\u0410lex", "\uff21lex", "Al\u200bex", "AIex", "Alex\u2060", "\u0410l\u0435x"]


@pytest.mark.parametrize("name", LOOK_ALIKES)
def test_reviewers_who_look_alike_are_two_people(sweep, name):
    """Case A13: a name that reads as another one's is refused by each way to judge; nobody is spoken for by it."""
    sweep.ratings.rate(0, stars=5, reviewer="Alex")
    first, second = (sweep.internals.slot(row) for row in sweep.rows()[:2])
    for judged in (
        lambda: sweep.ratings.rate(0, stars=1, reviewer=name),
        lambda: sweep.internals.judgements.choose(name, first, second, "left"),
    ):
        with pytest.raises(GridError, match=r"looks like 'Alex', who has judged here.*Nothing was noted"):
            judged()
    sweep.ratings.rate(0, stars=4, reviewer="Alexa")
    sweep.ratings.rate(0, stars=3, reviewer="Alex")
    assert sweep.ratings.reviewers == ("Alex", "Alexa")
    sweep.internals.judgements.choose("Zoé", first, second, "left")
    sweep.ratings.rate(1, stars=2, reviewer="Zoé")
    with pytest.raises(GridError, match="looks like"):
        sweep.ratings.rate(1, stars=2, reviewer="Z\u03bfé")
