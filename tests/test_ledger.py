"""A ledger for several machines keeps one book: the same on SQLite and PostgreSQL, and the same as `gridgen.money` has it."""

from __future__ import annotations

import itertools
import threading
import traceback
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

import postgres
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import gridgen as gg
from gridgen import GridError, JournalError
from gridgen.ledger import (
    DAY,
    TEAM,
    Claim,
    Entry,
    Holder,
    Money,
    address,
    money_of,
    open_ledger,
    project_of,
)
from gridgen.money import Answer, Cap, ClipKey, Commitments, Outlay, Stage, allows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gridgen.ledger.tables import Tables

ORIGIN = "https://api.example"
CENT = Decimal("0.01")
ME, OTHER = Holder("me", "here", 1), Holder("other", "there", 2)


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Server]:
    """A PostgreSQL server."""
    with postgres.running() as found:
        yield found


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request, tmp_path) -> str:
    """The address of an empty ledger of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'team' / 'ledger.sqlite'}"
    return request.getfixturevalue("server").make()


@pytest.fixture
def ledger(where) -> Iterator[Tables]:
    """An empty ledger of each kind."""
    found = open_ledger(address(where))
    yield found
    found.close()


def clip(number: int = 1, take: int = 1) -> ClipKey:
    """Return the key of a clip."""
    return ClipKey(ORIGIN, f"cell{number}", take)


def key_of(which: ClipKey) -> str:
    """Return the key that a clip leaves with."""
    return f"key of {which}"


def cells(count: int) -> list[tuple[str, str]]:
    """Return the first cells."""
    return [clip(number)[:2] for number in range(1, count + 1)]


def claim(which: ClipKey, price: Decimal | None = CENT, **more: object) -> Claim:
    """Return the wish to submit a clip."""
    money = money_of(Outlay(Stage.UNDER_WAY, price, None))
    given = {"after": 0, "day": "2026-11-29"} | more
    return Claim(clip=which, name=key_of(which), account="account", price=price, money=money, **given)


def ended(entry: Entry, cost: Decimal) -> Entry:
    """Return an attempt as it stands once its clip is there."""
    return replace(
        entry, state="done", money=money_of(Outlay(Stage.ENDED, CENT, cost)), told={"cost": str(cost)}
    )


def test_a_clip_is_claimed_once(ledger):
    """Of two processes that want the same clip one gets it; the same claim asked twice, as its reply was lost, is one."""
    mine = claim(clip())
    first = ledger.claim(ME, mine)

    assert (first.verdict.answer, first.n, first.taken) == (Answer.YES, 1, False)
    assert ledger.claim(ME, mine) == first
    assert ledger.claim(OTHER, claim(clip())).taken
    assert ledger.claim(OTHER, claim(clip(), after=1)).taken
    assert ledger.sums([TEAM])[TEAM][1] == (CENT, 0)


def test_a_claim_that_did_nothing_is_free_and_costs_nothing(ledger):
    """What was provably not applied may be claimed by anybody, and its money is back."""
    ledger.claim(ME, claim(clip()))
    ledger.tell(ME, [Entry(clip(), 1, key_of(clip()), "planned", Money(0, unpriced=False))])

    assert ledger.sums([TEAM])[TEAM][1] == (0, 0)
    again = ledger.claim(OTHER, claim(clip()))
    assert (again.n, again.taken) == (1, False)


def test_who_gave_a_clip_back_says_nothing_of_the_next_claim(ledger):
    """Told twice, as an answer of the database was lost, that nothing was applied frees no clip that another has claimed since."""
    ledger.claim(ME, claim(clip()))
    back = Entry(clip(), 1, key_of(clip()), "planned", Money(0, unpriced=False))
    ledger.tell(ME, [back])
    ledger.claim(OTHER, replace(claim(clip()), name="another key"))
    ledger.tell(ME, [back])

    assert ledger.claim(Holder("third", "", 3), claim(clip())).taken
    assert ledger.sums([TEAM])[TEAM][1] == (CENT, 0)


def test_what_failed_is_made_again_by_who_knows_of_it(ledger):
    """A new attempt needs to know the last one, so that of two who retry only one pays; what it costs is added."""
    ledger.claim(ME, claim(clip()))
    failed = Entry(clip(), 1, key_of(clip()), "failed", Money(0, unpriced=False))
    ledger.tell(ME, [failed])

    assert ledger.claim(OTHER, claim(clip(), after=0)).taken
    assert ledger.claim(OTHER, claim(clip(), after=1)).n == 2
    assert ledger.claim(ME, claim(clip(), after=1)).taken


def test_what_is_at_its_end_stays(ledger):
    """One process has the file; that another one could not fetch it, or asks late, changes nothing."""
    ledger.join(ME, "grid", cells(1))
    ledger.claim(ME, claim(clip()))
    done = ended(Entry(clip(), 1, key_of(clip()), "done", Money(0, unpriced=False)), CENT)
    ledger.tell(ME, [done])
    ledger.tell(OTHER, [replace(done, state="expired"), replace(done, state="running")])

    (found,), _ = ledger.news("grid")
    assert (found.state, found.holder, found.told) == ("done", "me", {"cost": "0.01"})


def test_news_are_what_has_changed(ledger):
    """A look tells all changes since the last one, of the grid's cells alone, whoever made them."""
    ledger.join(ME, "grid", cells(2))
    for number in (1, 2, 3):
        ledger.claim(OTHER, claim(clip(number), told={"task_id": f"task {number}"}))
    ledger.beat(OTHER)
    first, since = ledger.news("grid")

    assert {each.clip for each in first} == {clip(1), clip(2)}
    assert all(each.alive and each.host == "there" for each in first)
    ledger.tell(OTHER, [ended(first[0], CENT)])
    later, since = ledger.news("grid", since)
    assert [each.state for each in later if each.clip == first[0].clip] == ["done"]
    ledger.beat(ME)
    assert ledger.news("grid", since)[0] in ([], later)


def silent(ledger: Tables, holder: Holder) -> None:
    """Let a process have died long ago."""
    ledger.rows("UPDATE holder SET seen = 0 WHERE token = ? RETURNING token", (holder.token,))


def test_what_a_dead_process_sent_is_unknown(ledger):
    """A claim whose process died is never free again by itself, and its money still counts."""
    ledger.join(ME, "grid", cells(2))
    ledger.join(OTHER, "grid", cells(2))
    for who, number in ((OTHER, 1), (ME, 2)):
        ledger.claim(who, claim(clip(number)))
    silent(ledger, OTHER)
    ledger.beat(ME)

    found = {each.clip: each.state for each in ledger.news("grid")[0]}
    assert found == {clip(1): "unknown", clip(2): "sending"}
    assert ledger.claim(ME, claim(clip(1))).taken
    assert ledger.sums([TEAM])[TEAM][1] == (CENT * 2, 0)
    assert ledger.claim(ME, claim(clip(1), after=1)).n == 2


def test_a_claim_whose_reply_was_lost_is_its_own_though_others_call_it_unknown(ledger):
    """Who was cut off right after its claim, and sent nothing, goes on with it, unless somebody gave it up meanwhile."""
    for who, number in ((ME, 1), (ME, 2)):
        ledger.join(who, "grid", cells(2))
        ledger.claim(who, claim(clip(number)))
    silent(ledger, ME)
    ledger.beat(OTHER)
    ledger.claim(OTHER, replace(claim(clip(2), after=1, heard="unknown"), name="another key"))

    assert ledger.claim(ME, claim(clip(1))).n == 1
    assert ledger.claim(OTHER, claim(clip(1), after=1, heard="unknown")).taken
    assert ledger.claim(ME, claim(clip(2))).taken
    assert ledger.sums([TEAM])[TEAM][1] == (CENT * 3, 0)


def test_tasks_of_the_dead_are_taken_over_once(ledger):
    """What a dead process followed is followed by one other, and what a living one follows is left to it."""
    ledger.join(ME, "grid", cells(3))
    for who, number in ((OTHER, 1), (OTHER, 2), (ME, 3)):
        ledger.claim(who, claim(clip(number)))
        ledger.tell(
            who,
            [
                Entry(
                    clip(number),
                    1,
                    key_of(clip(number)),
                    "running",
                    money_of(Outlay(Stage.UNDER_WAY, CENT, None)),
                )
            ],
        )
    third = Holder("third", "", 3)
    for each in (third, OTHER):
        ledger.beat(each)
    assert ledger.take_over(third, "grid") == []
    silent(ledger, OTHER)

    assert set(ledger.take_over(third, "grid")) == {clip(1), clip(2)}
    assert ledger.take_over(ME, "grid") == []


def test_history_is_taken_in_once(ledger):
    """A folder that was there before the ledger brings what it paid; brought again, it counts once."""
    paid = money_of(Outlay(Stage.ENDED, CENT, CENT))
    history = [
        Entry(clip(), 0, "first", "failed", Money(0, unpriced=False), day="2026-11-01"),
        Entry(clip(), 0, "second", "done", paid, day="2026-11-02"),
    ]
    for _ in range(2):
        ledger.tell(ME, history)
    ledger.join(ME, "grid", cells(1))

    assert [(each.n, each.name, each.state) for each in ledger.news("grid")[0]] == [
        (1, "first", "failed"),
        (2, "second", "done"),
    ]
    assert ledger.sums(["grid", TEAM])["grid"][1] == (CENT, 0)
    assert ledger.claim(OTHER, claim(clip())).taken


def test_the_rate_is_one_for_all(ledger):
    """Turns are told by the database's clock: a burst, then one each interval, whoever asks; another key has its own."""
    slow = {"rate": 0.001, "burst": 2.0}
    for number in (1, 2):
        assert ledger.claim(ME, claim(clip(number), **slow)).n == 1
    wait = ledger.claim(OTHER, claim(clip(3), **slow)).wait

    assert 990 < wait <= 1000
    assert ledger.claim(OTHER, replace(claim(clip(3), **slow), account="another key")).n == 1
    ledger.pause("third key", 60.0)
    ledger.pause("third key", 5.0)
    assert 59 < ledger.claim(ME, replace(claim(clip(4)), account="third key")).wait <= 60


def test_the_tightest_budget_binds(ledger):
    """The sweep's own, the ledger's and the day's are all held against; the one that is passed is named with what is left."""
    ledger.join(ME, "grid", cells(9))
    own = {"caps": (("grid", CENT * 5),)}
    ledger.save_budget(TEAM, CENT * 4)
    ledger.save_budget(DAY, CENT * 2)
    for number in (1, 2):
        assert ledger.claim(ME, claim(clip(number), **own)).n == 1
    over = ledger.claim(ME, claim(clip(3), **own)).verdict

    assert (over.answer, over.cap) == (Answer.OVER, Cap("day", CENT * 2, (CENT * 2, 0)))
    for number in (3, 4):
        assert ledger.claim(ME, claim(clip(number), **own, day="2026-11-30")).n == 1
    assert ledger.claim(ME, claim(clip(5), **own, day="2026-12-01")).verdict.cap.name == TEAM
    ledger.save_budget(TEAM, None)
    assert ledger.claim(ME, claim(clip(5), **own, day="2026-12-01")).n == 1
    assert ledger.claim(ME, claim(clip(6), **own, day="2026-12-01")).verdict.cap.name == "grid"


def test_a_grid_that_grows_counts_what_was_made_before(ledger):
    """Another grid's budget counts the cells that both have, made before it joined or after."""
    ledger.join(ME, "small", cells(2))
    ledger.claim(ME, claim(clip(1)))
    ledger.join(OTHER, "large", cells(4))
    ledger.claim(ME, claim(clip(2)))
    ledger.claim(OTHER, claim(clip(3)))

    assert {name: sums[1].known for name, sums in ledger.sums(["small", "large"]).items()} == {
        "small": CENT * 2,
        "large": CENT * 3,
    }


PRICES = st.sampled_from([None, Decimal("0.01"), Decimal("0.04"), Decimal("0.123456789")])
STEPS = st.lists(
    st.tuples(st.sampled_from(["claim", "claim", "end", "free"]), st.integers(1, 6), PRICES),
    min_size=1,
    max_size=25,
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, usd=st.sampled_from([Decimal("0.05"), Decimal("0.1"), Decimal("0.3")]))
def test_the_sums_are_those_of_money(ledger, steps, usd):
    """Whatever is claimed, ended and freed, each answer is the one that `gridgen.money` gives for the same history."""
    salt = str(next(_NUMBERS))
    known = [ClipKey(ORIGIN + salt, f"cell{number}", 1) for number in range(1, 7)]
    project = project_of({each[:2] for each in known})
    ledger.join(ME, project, [each[:2] for each in known])
    held, live = Commitments(), {}
    for what, number, price in steps:
        which = known[number - 1]
        if what == "claim":
            expected = allows([Cap(project, usd, held)], price)
            reply = ledger.claim(
                ME, claim(which, price, after=live.get(which, (0,))[0], caps=((project, usd),))
            )
            if live.get(which, (0, "done"))[1] == "sending":
                continue
            assert (reply.verdict.answer, reply.taken) == (expected.answer, False)
            if reply.n:
                live[which] = (reply.n, "sending", price, [*live.get(which, (0, "", None, []))[3]])
                held.put(which, (*live[which][3], Outlay(Stage.UNDER_WAY, price, None)))
        elif which in live and live[which][1] == "sending":
            n, _, paid, earlier = live[which]
            if what == "end":
                outlay, state = Outlay(Stage.ENDED, paid, price), "expired"
                live[which] = (n, state, paid, [*earlier, outlay])
                held.put(which, tuple(live[which][3]))
            else:
                outlay, state = Outlay(Stage.FREE, paid, None), "planned"
                live[which] = (n - 1, state, paid, earlier)
                held.put(which, (*earlier, outlay))
            ledger.tell(ME, [Entry(which, n, key_of(which), state, money_of(outlay))])
        assert ledger.sums([project])[project][1] == (held.known, held.unpriced)


_NUMBERS = itertools.count()


def test_many_at_once_spend_what_is_there(where):
    """Eight threads with a connection each want 40 clips, each of them twice, under a budget for 25: 25 leave, each once."""
    found, wanted = [], [clip(number) for number in range(1, 41)]

    def work(number: int) -> None:
        ledger = open_ledger(address(where))
        me = Holder(f"holder {number}", "", number)
        ledger.join(me, "grid", cells(40))
        for which in wanted[number % 4 :: 4]:
            reply = ledger.claim(me, claim(which, caps=(("grid", CENT * 25),)))
            found.extend([which] if reply.n else [])
        ledger.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert len(found) == len(set(found)) == 25


def test_the_password_is_nowhere(server):
    """Neither the address's texts nor an error of a database that is not there show user or password."""
    where = address(server.url("no_such_database"))
    with pytest.raises(JournalError, match=r"127\.0\.0\.1.*no_such_database") as caught:
        open_ledger(where).salt()

    shown = f"{where} {where!r} {vars(type(where))} {caught.value!r} {caught.getrepr(showlocals=True)}"
    assert postgres.PASSWORD not in shown


@pytest.mark.parametrize(
    "given", ["SECRET", "mysql://u:SECRET@h/d", "sqlite:///", "postgresql://u:SECRET@h:port/d"]
)
def test_what_is_no_address_is_refused_unseen(given):
    """The refusal says what an address looks like, and neither it nor a frame of ours has what may hold a password."""
    with pytest.raises(GridError, match=r"ledger=.*postgresql://host/database") as caught:
        gg.Sweep(gg.Grid(prompt="boat"), client=None, folder="boats", ledger=given)

    frames = [each.frame for each in caught.traceback if "tests" not in str(each.path)]
    held = [value for each in frames for name, value in each.f_locals.items() if name != "self"]
    assert len(frames) >= 2
    assert "SECRET" not in f"{caught.value}{held}"


def test_a_clip_that_was_given_back_is_for_who_knows_what_was_before(ledger):
    """A retry that did nothing frees the clip for who knows of the paid attempt before it, and for nobody else."""
    ledger.claim(ME, claim(clip()))
    paid = Entry(clip(), 1, key_of(clip()), "missing", money_of(Outlay(Stage.LOST, CENT, None)))
    ledger.tell(ME, [paid])
    assert ledger.claim(OTHER, replace(claim(clip(), after=1), name="second")).n == 2
    ledger.tell(OTHER, [Entry(clip(), 2, "second", "planned", Money(0, unpriced=False))])

    third = Holder("third", "", 3)
    assert ledger.claim(third, replace(claim(clip()), name="third")).taken
    assert ledger.claim(third, replace(claim(clip(), after=1), name="third")).n == 2


@pytest.mark.parametrize("late", ["unknown", "lost"])
def test_who_comes_late_does_not_undo_what_another_has_found(ledger, late):
    """A task that one machine found to an unknown submission stays followed, whatever an older journal says of it."""
    ledger.join(ME, "grid", cells(1))
    ledger.claim(ME, claim(clip()))
    silent(ledger, ME)
    ledger.beat(OTHER)
    money = money_of(Outlay(Stage.UNDER_WAY, CENT, None))
    ledger.tell(OTHER, [Entry(clip(), 1, key_of(clip()), "queued", money, told={"task_id": "task"})])
    again = Holder("me again", "here", 3)
    for n in (0, 1):
        ledger.tell(again, [Entry(clip(), n, key_of(clip()), late, money, day="2026-11-29")])

    (found,), _ = ledger.news("grid")
    assert (found.state, found.holder, found.told) == ("queued", "other", {"task_id": "task"})
    assert ledger.claim(again, replace(claim(clip(), after=1), name="second")).taken


def test_a_claim_goes_by_what_was_heard(ledger):
    """Who takes a submission for unknown that has brought a clip since gets no other one; who knows of that clip does."""
    ledger.join(ME, "grid", cells(1))
    ledger.claim(ME, claim(clip()))
    silent(ledger, ME)
    ledger.beat(OTHER)
    ledger.tell(OTHER, [ended(Entry(clip(), 1, key_of(clip()), "done", Money(0, unpriced=False)), CENT)])
    anew = replace(claim(clip(), after=1), name="second")

    assert ledger.claim(ME, replace(anew, heard="unknown")).taken
    assert ledger.claim(ME, replace(anew, heard="done")).n == 2


def test_a_claim_is_a_sign_of_life(ledger):
    """What a process claims is not noted as unknown at once because its last sign of life is old."""
    ledger.join(ME, "grid", cells(1))
    silent(ledger, ME)
    ledger.claim(ME, claim(clip()))
    ledger.beat(OTHER)

    assert [each.state for each in ledger.news("grid")[0]] == ["sending"]


@pytest.mark.parametrize(
    "given",
    [
        "postgresql://u:half%SECRET@127.0.0.1:9/d",
        "postgresql://u:12/SECRET@127.0.0.1/d",
        "postgresql://u@127.0.0.1:9/d?SECRET",
        "postgresql://u@127.0.0.1:9/d?passwort=SECRET",
        "postgresql://u:pw SECRET@127.0.0.1:9/d",
    ],
)
def test_a_password_that_breaks_the_address_is_nowhere(given, caplog):
    """What libpq says of an address that it cannot read repeats parts of it, which may be the password: it is not told."""
    caplog.set_level("DEBUG")
    with pytest.raises((JournalError, GridError)) as caught:
        open_ledger(address(given)).salt()

    error: BaseException | None = caught.value
    while error is not None:
        assert "SECRET" not in f"{error!r}"
        frames = [
            each.f_locals
            for each, _ in traceback.walk_tb(error.__traceback__)
            if "tests" not in each.f_code.co_filename
        ]
        assert "SECRET" not in repr(frames)
        error = error.__cause__ or error.__context__
    assert "SECRET" not in caplog.text


def test_what_a_claim_was_promised_outlives_the_server(server):
    """A database that is set to answer before it has written, or to show an old state, does neither for a ledger."""
    import psycopg

    address_of = server.make()
    with psycopg.connect(address_of, autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
        connection.execute(f"ALTER DATABASE {name} SET default_transaction_isolation = 'repeatable read'")
    book = open_ledger(address(address_of))
    found = book.rows(
        "SELECT current_setting('synchronous_commit'), current_setting('transaction_isolation')"
    )
    book.close()

    assert found == [("on", "read committed")]


def test_a_copy_of_a_folder_is_another_machine(ledger):
    """Both give their attempts the same names: what one claims the other one neither gives back nor takes for unknown."""
    ledger.claim(ME, claim(clip()))
    back = Entry(clip(), 1, key_of(clip()), "planned", Money(0, unpriced=False))
    ledger.tell(ME, [back])
    assert ledger.claim(OTHER, claim(clip())).n == 1
    money = money_of(Outlay(Stage.LOST, CENT, None))
    for late in (back, replace(back, n=0, state="unknown", money=money, day="2026-11-29")):
        ledger.tell(ME, [late])

    third = Holder("third", "", 3)
    assert ledger.claim(third, claim(clip(), after=1)).taken
    assert ledger.sums([TEAM])[TEAM][1] == (CENT, 0)
    ledger.tell(Holder("other", "there", 4), [back])
    assert ledger.claim(third, claim(clip())).n == 1
