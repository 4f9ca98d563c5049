"""Time that runs faster, and time that jumps."""

from __future__ import annotations

import asyncio
import math
import threading
import time

import pytest

from gridgen.clock import Clock
from gridgen.simulator.clock import EPOCH, ScaledClock, VirtualClock


def test_virtual_time_stands_still():
    """Nobody sleeps, nothing passes; it starts at its epoch."""
    clock = VirtualClock()

    assert (clock.time(), clock.monotonic()) == (EPOCH, 0.0)
    threading.Event().wait(0.01)
    assert (clock.time(), clock.monotonic()) == (EPOCH, 0.0)


def test_sleepers_wake_in_order_at_their_moments():
    """A thousand sleepers, a simulated week, no real wait."""
    clock, woken = VirtualClock(), []

    async def sleeper(seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append((seconds, clock.monotonic()))

    async def main() -> None:
        await asyncio.gather(*(sleeper(600.0 * (n * 7 % 1000)) for n in range(1000)))

    begun = time.perf_counter()
    asyncio.run(main())

    assert [(600.0 * n, 600.0 * n) for n in range(1000)] == woken
    assert time.perf_counter() - begun < 5


def test_everyone_due_at_an_instant_wakes_at_it():
    """Time does not pass between those who wake together, whatever they do next."""
    clock, seen = VirtualClock(), []

    async def sleeper(number: int) -> None:
        await clock.sleep(5)
        for _ in range(number):
            await clock.sleep(0)
        seen.append(clock.monotonic())

    async def main() -> None:
        await asyncio.gather(clock.sleep(5.5), *(sleeper(n) for n in range(50)))

    asyncio.run(main())

    assert seen == [5.0] * 50


def test_work_in_a_thread_holds_time():
    """A sleeper waits for a thread that works; its hold ends with the work."""
    clock = VirtualClock()
    let_go = threading.Event()

    def work() -> float:
        with clock.working():
            started.set()
            let_go.wait(5)
            return clock.monotonic()

    async def main() -> tuple[float, float]:
        thread = asyncio.create_task(asyncio.to_thread(work))
        sleeper = asyncio.create_task(clock.sleep(60))
        await asyncio.to_thread(started.wait, 5)
        await Clock().sleep(0.03)
        assert not sleeper.done()
        let_go.set()
        await sleeper
        return await thread, clock.monotonic()

    started = threading.Event()
    assert asyncio.run(main()) == (0.0, 60.0)


def test_work_in_a_coroutine_holds_time():
    """An await inside `working` keeps time still, nested or not."""
    clock = VirtualClock()

    async def worker() -> float:
        with clock.working(), clock.working():
            await asyncio.to_thread(threading.Event().wait, 0.02)
            return clock.monotonic()

    async def main() -> tuple[float, float]:
        work = asyncio.create_task(worker())
        await Clock().sleep(0)
        await clock.sleep(60)
        return await work, clock.monotonic()

    assert asyncio.run(main()) == (0.0, 60.0)


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("child", [False, True])
def test_a_sleep_lets_go_of_the_holds_around_it(nested, child):
    """A server that hangs inside a client's request does not stop time for ever."""
    clock = VirtualClock()

    async def server() -> None:
        with clock.working():
            await clock.sleep(30)

    async def client() -> float:
        with clock.working():
            dawdle = server() if nested else clock.sleep(30)
            await (asyncio.create_task(dawdle) if child else dawdle)
            after.append(clock.monotonic())
            await asyncio.to_thread(threading.Event().wait, 0.01)
            return clock.monotonic()

    async def main() -> float:
        other = asyncio.create_task(clock.sleep(31))
        end = await client()
        await other
        return end

    after: list[float] = []
    assert asyncio.run(main()) == 30.0
    assert after == [30.0]
    assert clock.monotonic() == 31.0


def test_a_child_keeps_its_own_hold():
    """A task that works on after the block it was made in still holds time."""
    clock = VirtualClock()

    async def child() -> float:
        with clock.working():
            await asyncio.to_thread(threading.Event().wait, 0.02)
            return clock.monotonic()

    async def main() -> float:
        with clock.working():
            task = asyncio.create_task(child())
            await Clock().sleep(0)
        await clock.sleep(10)
        return await task

    assert asyncio.run(main()) == 0.0


def test_a_cancelled_sleep_is_forgotten():
    """Time does not stop at the moment of a timer that was called off."""
    clock = VirtualClock()

    async def main() -> list[float]:
        moments = []
        for _ in range(200):
            timer = asyncio.create_task(clock.sleep(3600))
            await clock.sleep(1)
            timer.cancel()
            with pytest.raises(asyncio.CancelledError):
                await timer
            moments.append(clock.monotonic())
        return moments

    assert [float(n) for n in range(1, 201)] == asyncio.run(main())
    assert len(clock._sleepers) < 150


def test_a_timer_can_be_raced():
    """The first of two ends the race at its moment; the other is cancelled."""
    clock = VirtualClock()

    async def main() -> float:
        quick, slow = (asyncio.create_task(clock.sleep(s)) for s in (2, 50))
        done, _ = await asyncio.wait({quick, slow}, return_when=asyncio.FIRST_COMPLETED)
        slow.cancel()
        assert {quick} == done
        return clock.monotonic()

    assert asyncio.run(main()) == 2.0


def test_loops_in_several_threads_share_one_time():
    """Two loops take turns; each wakes at its own moments, and time never goes back."""
    clock = VirtualClock()
    seen: list[float] = []
    both = threading.Barrier(2)

    def run(step: float, count: int) -> None:
        async def main() -> None:
            both.wait(5)
            start = clock.monotonic()
            for number in range(1, count + 1):
                due = start + number * step
                await clock.sleep(due - clock.monotonic())
                seen.append(clock.monotonic())
                assert clock.monotonic() >= due

        asyncio.run(main())

    threads = [threading.Thread(target=run, args=each) for each in ((1.0, 300), (1.5, 200))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert len(seen) == 500
    assert sorted(seen) == seen


def test_sleeping_for_ever_holds_nobody_up():
    """An endless sleep neither wakes nor keeps others from waking."""
    clock = VirtualClock()

    async def main() -> float:
        endless = asyncio.create_task(clock.sleep(math.inf))
        await clock.sleep(5)
        endless.cancel()
        return clock.monotonic()

    assert asyncio.run(main()) == 5.0


def test_scaled_time_runs_faster():
    """At speed 1,000 a simulated 20 s take 20 ms; stamps stay near the real ones."""
    clock = ScaledClock(1000.0)
    assert abs(clock.time() - Clock().time()) < 10

    begun = time.perf_counter()
    asyncio.run(clock.sleep(20))

    assert clock.monotonic() >= 20
    assert time.perf_counter() - begun < 1


def test_scaled_time_goes_on_from_where_it_stood():
    """A start ahead of the real time is taken up, one behind it is not."""
    ahead, behind = Clock().time() + 1e6, Clock().time() - 1e6

    assert ScaledClock(start=ahead).time() >= ahead
    assert ScaledClock(start=behind).time() >= behind + 1e6 - 1


@pytest.mark.parametrize("speed", [0, -1, math.nan])
def test_a_speed_is_positive(speed):
    """Anything else is refused, with what is possible."""
    with pytest.raises(ValueError, match="more than 0"):
        ScaledClock(speed)
