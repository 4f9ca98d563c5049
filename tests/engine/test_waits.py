"""What a sweep waits for, in words: told while it runs, on the board, in the terminal and in its repr."""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import httpx
import pytest
from waiting import until

from gridgen import AuthenticationError, BudgetError, Client, Grid, OutOfCreditsError, Sweep
from gridgen.board import Board
from gridgen.clock import Clock
from gridgen.simulator import Fault
from gridgen.sweep.wait_reasons import WaitReasons


def boats(count: int) -> Grid:
    """Return a grid of so many cells."""
    return Grid(prompt=[f"boat {number}" for number in range(count)])


def told(sweep: Sweep, words: str) -> tuple[str, ...]:
    """Wait until the sweep says that it waits for something of these words, and return all that it says."""
    found: list[tuple[str, ...]] = []

    def says() -> bool:
        found.append(sweep.waits_for)
        return any(words in text for text in found[-1])

    until(says)
    return found[-1]


def test_nothing_is_waited_for_before_and_after(simulate, tmp_path):
    """A sweep that has not begun, and one that is done, waits for nothing and says nothing of it."""
    sweep = Sweep(boats(2), client=simulate().client(), folder=tmp_path, previews=False)
    assert sweep.waits_for == ()
    sweep.run()

    assert sweep.waits_for == ()
    assert "waits" not in repr(sweep)


def test_the_servers_wish_is_told_with_its_end(simulate, tmp_path):
    """F12: during the pause after a 429 the sweep says so, and until when."""
    refused = Fault(kind="reply", on="submit", status=429, headers={"retry-after": "600"})
    simulator = simulate(speed=120.0, faults=[refused])
    sweep = Sweep(boats(1), client=simulator.client(), folder=tmp_path, previews=False)
    asked = datetime.fromtimestamp(Clock().time(), UTC)
    sweep.start()
    said, shown = told(sweep, "HTTP 429"), repr(sweep)
    board = Board(sweep).state()
    sweep.stop()

    assert "asked to be left alone (HTTP 429); nothing is submitted before" in said[0]
    assert said[0].endswith("UTC")
    assert "waits for the server, which asked" in shown
    assert board["waits"] == list(said)
    # case U4: ten minutes of a clock that is hurried 120 times are five seconds
    assert said[0][-12:] in {f"{asked + timedelta(seconds=more):%H:%M:%S} UTC" for more in range(9)}
    assert sweep.waits_for[0].startswith("run() or start(): 1 clip not submitted")


def test_a_storm_is_told(simulate, tmp_path):
    """F13: while the server fails at everything, the sweep says when it is asked again."""
    storm = Fault(kind="reply", on="any", status=503, times=None)
    simulator = simulate(speed=600.0, faults=[storm])
    sweep = Sweep(boats(8), client=simulator.client(), folder=tmp_path, previews=False)
    sweep.start()
    told(sweep, "fails every time; it is asked again at")
    sweep.stop()
    simulator.faults.clear()


def test_held_cells_say_what_to_do(simulate, tmp_path):
    """Held for money: how many, what is spent, and that more budget makes them."""
    silent = Fault(kind="reply", on="prices", status=500, times=None)
    sweep = Sweep(
        boats(5),
        client=simulate(faults=[silent]).client(),
        folder=tmp_path,
        budget=Decimal("0.13"),
        previews=False,
    )
    with pytest.warns(UserWarning, match="price of 5 of 5 clips is unknown"):
        sweep.run()

    assert sweep.waits_for == (
        "money: 3 clips held, as $0.1224 of budget=0.13 USD are spent or promised; more budget makes them",
    )


def test_an_empty_account_asks_for_a_top_up(simulate, tmp_path):
    """402: the remedy comes first, then the server's words."""
    simulator = simulate(balance=Decimal("0.07"), balance_fails=True)
    sweep = Sweep(boats(3), client=simulator.client(), folder=tmp_path, previews=False)
    with pytest.raises(OutOfCreditsError):
        sweep.run()

    assert sweep.waits_for[0].startswith("a top-up, then run(): HTTP 402")


def test_a_bad_key_asks_for_a_good_one(simulate, tmp_path):
    """401: the remedy names what to set."""
    sweep = Sweep(boats(3), client=simulate().client(api_key="sim-stranger"), folder=tmp_path, previews=False)
    with pytest.raises(AuthenticationError):
        sweep.run()

    assert sweep.waits_for[0].startswith("a key that works (sweep.client = ")


def test_unknown_submissions_wait_for_a_person(simulate, tmp_path):
    """Until it is settled an unknown submission is named with its risk, by any object that looks at the folder."""
    simulator = simulate(faults=[Fault(kind="close", on="submit", when="after")])
    Sweep(boats(1), client=simulator.client(), folder=tmp_path, previews=False).run()
    other = Sweep(boats(1), client=simulator.client(), folder=tmp_path, previews=False)

    assert other.waits_for == (
        "you: 1 submission of unknown outcome, at most $0.0612 at risk; see sweep.unknown",
    )
    assert "waits for you: 1 submission" in repr(other)


def test_a_stalled_task_is_named(simulate, tmp_path):
    """F14: a stalled task is told plainly as one that no run waits for."""
    simulator = simulate(faults=[Fault(kind="stick", on="submit")])
    sweep = Sweep(boats(1), client=simulator.client(), folder=tmp_path, previews=False)
    sweep.run()

    assert sweep.waits_for == (
        "news of 1 stalled clip, asked for once a minute for a day; run() does not wait for it",
    )
    assert "waits for news of 1 stalled clip" in repr(sweep)


def test_questions_that_fail_are_told(simulate, tmp_path):
    """F7: five failed questions in a row are told with their reason; the task is kept."""
    odd = Fault(kind="reply", on="status", status=200, body="<html>captive portal</html>", times=None)
    simulator = simulate(speed=300.0, faults=[odd])
    sweep = Sweep(boats(1), client=simulator.client(), folder=tmp_path, previews=False)
    sweep.start()
    said = told(sweep, "questions failed")
    simulator.faults.clear()
    sweep.wait()

    assert "captive portal" in said[0]
    assert sweep.counts() == {"done": 1}
    assert sweep.waits_for == ()


def test_watchers_hear_of_it_without_rows(simulate, tmp_path):
    """A change of what is waited for reaches the board though no row has changed, at most five times a second."""
    storm = Fault(kind="reply", on="status", status=503, times=None)
    simulator = simulate(speed=300.0, faults=[storm])
    sweep = Sweep(boats(1), client=simulator.client(), folder=tmp_path, previews=False)
    calls: list[tuple[int, tuple[str, ...]]] = []
    begun = time.perf_counter()
    stop = sweep.watch(lambda rows: calls.append((len(rows), sweep.waits_for)))
    sweep.start()
    # the storm lasts until it is told of, however slow this machine is
    until(lambda: any(not rows and "fails every time" in waits[0] for rows, waits in tuple(calls) if waits))
    simulator.faults.clear()
    sweep.wait()
    stop()

    assert sweep.counts() == {"done": 1}
    assert len(calls) <= 3 + 5 * (time.perf_counter() - begun)


@pytest.mark.parametrize(
    ("standing", "words"),
    [
        (WaitReasons(), ()),
        (WaitReasons(planned=3, slow="rate"), ("the submit rate: 3 clips in line",)),
        (
            WaitReasons(planned=3, slow="concurrency", at_server=8),
            ("room at the server: 3 clips in line", "the server: 8 clips in its hands"),
        ),
        (WaitReasons(planned=1, slow="requests"), ("requests on their way: 1 clip in line",)),
        (WaitReasons(held=2), ("a price: 2 clips held until the first of their kind tells it",)),
        (WaitReasons(replays=2), ("2 lost answers, asked for again under their own keys",)),
        (WaitReasons(downloads=1), ("downloads: 1 clip",)),
        (WaitReasons(failing=(4, "HTTP 500")), ()),
        (
            WaitReasons(error=BudgetError("the server charges more"), planned=2, slow="rate"),
            ("run(), once this is mended: the server charges more",),
        ),
        (
            WaitReasons(probe_at=1_760_000_015.0, pause=("x", math.inf), planned=1),
            ("the server, which fails every time; it is asked again at 08:53:35 UTC",),
        ),
    ],
)
def test_each_wait_in_words(standing, words):
    """One sentence for each wait; an error, a stop or a storm stand for all that they hold up."""
    assert standing.words() == words


class Creeping(Clock):
    """Virtual time that also goes on with each look, and whose sleeps end a little early, as on a slow machine."""

    def __init__(self, inner: Clock) -> None:
        self.inner, self.speed, self.looks = inner, inner.speed, 0

    def time(self) -> float:
        """Return the virtual Unix time."""
        return self.inner.time()

    def monotonic(self) -> float:
        """Return the virtual time, a little later each time."""
        self.looks += 1
        return self.inner.monotonic() + self.looks / 100

    async def sleep(self, seconds: float) -> None:
        """Wait by the inner clock, but for up to a tenth of a second."""
        await self.inner.sleep(seconds - self.looks % 10 / 100)

    def working(self):
        """Hold the inner clock."""
        return self.inner.working()


def test_no_turn_is_slept_through(simulate, tmp_path):
    """A pause that ends just after a submission was held back does not leave it waiting for ever."""
    busy = Fault(kind="reply", on="submit", status=429, headers={"retry-after": "1"}, times=60)
    simulator = simulate(faults=[busy])
    client = Client(
        simulator.api_key,
        simulator.base_url,
        clock=Creeping(simulator.clock),
        http_client=lambda: httpx.AsyncClient(transport=simulator.transport()),
    )
    sweep = Sweep(boats(1), client=client, folder=tmp_path, previews=False)
    sweep.start()
    sweep.wait(20)

    assert sweep.counts() == {"done": 1}


def test_hours_without_an_answer(simulate, tmp_path):
    """F1: more than a thousand questions in a row that fail end nothing: in the end the clip is fetched."""
    simulator = simulate(faults=[Fault(kind="reset", on="status", times=1100)])
    sweep = Sweep(boats(1), client=simulator.client(), folder=tmp_path, previews=False)
    sweep.run()

    assert sweep.counts() == {"done": 1}
