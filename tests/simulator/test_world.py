"""The world without HTTP: money, slots, fates, and that its books always balance."""

from __future__ import annotations

import json
import math
from dataclasses import fields
from decimal import Decimal
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, precondition, rule

from gridgen.simulator import replies
from gridgen.simulator.error_replies import ErrorReply
from gridgen.simulator.faults import Fault, Faults
from gridgen.simulator.ledger import Ledger
from gridgen.simulator.pricing import MICRO
from gridgen.simulator.profiles import PROFILES, Profile, Switches, named
from gridgen.simulator.state import StateFile
from gridgen.simulator.world import World
from simulator.asking import EXT, cell

if TYPE_CHECKING:
    from gridgen.simulator.world import View

NOW = 1_760_000_000.0
PHASES = ["queued", "running", "completed", "failed", "cancelled"]


def raw(**fields) -> bytes:
    """Return a good body, with fields set otherwise."""
    return json.dumps(cell(**fields)).encode()


def test_slots_make_a_queue():
    """With two slots the third task begins when the first of the others ends."""
    world = World(profile=Profile(slots=2))

    a, b, c = (world.submit(raw(prompt=p), NOW).task for p in "abc")

    assert NOW == a.begin == b.begin
    assert min(a.end, b.end) == c.begin
    assert world.look(c.id, c.begin - 0.001).phase == "queued"
    assert world.look(c.id, c.begin).phase == "running"


def test_slots_can_refuse():
    """Beyond its slots the server answers 429 instead, until one is free."""
    world = World(profile=Profile(slots=1, beyond_slots="refuse"))
    task = world.submit(raw(), NOW).task

    with pytest.raises(ErrorReply) as refused:
        world.submit(raw(), NOW + 1)

    assert refused.value.status == 429
    assert len(world.tasks) == 1
    assert world.submit(raw(), task.end).task.begin == task.end


def served(profile: Profile, tasks: int = 400, **fields) -> list[float]:
    """Return the service times of many cells, sorted."""
    world = World(profile=profile.but(slots=None, rate=None))
    made = [world.submit(raw(prompt=f"cell {n}", **fields), NOW).task for n in range(tasks)]
    return sorted(task.end - task.begin for task in made)


def test_service_times_follow_model_duration_and_quality():
    """Longer and finer clips take longer, fast models less, and a mapping slows or spreads one alone."""
    plain = Profile()
    median = served(plain)[200]

    assert served(plain, duration=15)[200] > 1.2 * median
    assert served(plain, quality="720p")[200] > 1.2 * median
    fast, usual, best = (
        served(plain, model=model, quality=None, duration=8)[200]
        for model in ("veo3.1-fast", "grok-imagine-1.5-video-ext", "veo3.1-quality")
    )
    assert 1.2 * fast < usual < best > 2 * fast
    slow = plain.but(service={EXT: 3.0}, service_cv={EXT: 0.0})
    assert served(slow) == served(plain)
    slowed = served(slow, model=EXT, quality=None)
    assert slowed[0] == slowed[-1]
    assert 2.5 * median < slowed[0]


def test_service_times_can_have_a_heavy_tail():
    """At a spread of 1 some of 400 tasks take over five times the median; at .25 none takes 2.5 times."""
    usual, heavy = served(Profile()), served(Profile(service_cv=1.0))

    assert usual[-1] < 2.5 * usual[200]
    assert heavy[-1] > 5 * heavy[200]
    assert heavy[200] == pytest.approx(usual[200], rel=0.15)


def test_fates_are_the_same_everywhere():
    """Seed 7 means these ids, ends, service times and estimates on every machine and Python."""
    world = World(seed=7, profile=named("live").but(slots=None, rate=None, failures=0.4))
    bodies = [{}, {}, {"duration": 12, "quality": "720p"}, {"prompt": "ein Fuchs läuft, 狐"}]

    tasks = [world.submit(raw(**body), NOW).task for body in bodies]

    assert [(t.id, t.outcome, round(t.end - t.begin, 3), t.estimate) for t in tasks] == [
        ("task_01K8SG00000F6SCVW6W8A4ZXPR", "completed", 85.885, 29),
        ("task_01K8SG0000YXQ2CZCJJ073PZHB", "failed", 18.989, 29),
        ("task_01K8SG00001077VGFVV8DDMPW0", "completed", 80.69, 47),
        ("task_01K8SG000088H5DGSYBXP2XJTN", "completed", 27.132, 29),
    ]


def test_fate_does_not_depend_on_the_order_of_arrival():
    """The n-th coming of a body meets the same fate in every order."""
    bodies = [raw(prompt=p, duration=d) for p in "abc" for d in (6, 10)] * 2

    def fates(order: list[bytes]) -> dict:
        world = World(seed=3, profile=Profile(slots=None, failures=0.4))
        made = [world.submit(body, NOW).task for body in order]
        return {t.id: (t.raw, t.arrival, t.end - t.begin, t.outcome, t.estimate) for t in made}

    forwards, backwards = fates(bodies), fates(bodies[::-1])

    assert len(forwards) == 12
    assert forwards == backwards


def test_spelling_of_a_body_is_no_matter():
    """Order of fields and blanks change nothing, a value does."""
    body = cell()
    spelled = json.dumps(dict(reversed(body.items())), indent=2).encode()

    one, two, other = (World().submit(b, NOW).task.id for b in (raw(), spelled, raw(prompt="x")))

    assert one == two != other


def test_seeds_differ():
    """Another seed means other ids."""
    assert World(seed=1).submit(raw(), NOW).task.id != World(seed=2).submit(raw(), NOW).task.id


def test_an_uploaded_image_is_the_same_on_every_port():
    """The port of a link to this server is no part of what was asked for."""
    links = [f"http://127.0.0.1:{port}/f/image/a-b-c.png" for port in (1, 2)]

    one, two = (World().submit(raw(image_urls=[url]), NOW).task.id for url in links)

    assert one == two


def test_refusals_cost_nothing():
    """A refused submission leaves no trace in books, balance or rate of arrival."""
    world = World(profile=Profile(balance=1))
    for bad in (b"", b"[]", b"{}", raw(duration=99), raw(size="4:5"), b"\xff", b"[" * 100_000):
        with pytest.raises(ErrorReply):
            world.submit(bad, NOW)

    assert world.tasks == []
    assert world.balance(NOW) == (MICRO, 0)


@pytest.mark.parametrize("kind", ["fail", "cancel", "stick", "delay"])
def test_fates_can_be_ordered(kind):
    """A fault in the task strikes the cells that it is aimed at, and only as often."""
    world = World(profile=Profile(slots=1))
    world.meddle = Faults([Fault(kind=kind, match="boat", seconds=1e4)]).meddle

    spared, struck, again = (world.submit(raw(prompt=p), NOW).task for p in ("fox", "a boat", "a boat!"))

    outcomes = {"fail": "failed", "cancel": "cancelled", "stick": "stuck", "delay": "completed"}
    assert ("completed", outcomes[kind], "completed") == (spared.outcome, struck.outcome, again.outcome)
    assert (struck.end == math.inf) == (kind == "stick")
    assert (struck.end - struck.begin > 1e4) == (kind in {"stick", "delay"})
    assert again.begin < NOW + 2e4


def test_every_phase_is_met():
    """Tasks wait, run, complete, fail and are cancelled; no phase is left out."""
    world = World(profile=Profile(slots=1))
    world.meddle = Faults([Fault(kind="fail"), Fault(kind="cancel", match="boat")]).meddle
    ids = [world.submit(raw(prompt=prompt), NOW).task.id for prompt in ("fox", "boat", "whale")]

    met = {world.look(task_id, NOW + second).phase for second in range(0, 600, 5) for task_id in ids}

    assert met == set(PHASES)
    assert [world.look(task_id, NOW + 600).phase for task_id in ids] == ["failed", "cancelled", "completed"]


def test_a_stuck_task_stays_stuck():
    """It runs for ever below 100 %, and is never given back."""
    world = World(profile=Profile(stuck=1.0))
    task = world.submit(raw(), NOW).task

    view = world.look(task.id, NOW + 1e7)

    assert (view.phase, view.fraction) == ("running", 0.999)
    assert Decimal("0.0612") == Ledger(lambda: 1, lambda n: world.entry(n, NOW + 1e7)).billed


@pytest.mark.parametrize("name", [*PROFILES, "live+slow", "contract+string-url+instant"])
def test_profiles_combine(name):
    """Every name makes a profile; of joined names the later wins."""
    profile = named(name)

    wanted = {}
    for part in name.split("+"):
        wanted |= PROFILES[part]
    assert wanted == {switch: getattr(profile, switch) for switch in wanted}


def test_switches_are_the_fields_of_a_profile():
    """What a type checker takes as a keyword is what a profile has."""
    assert list(Switches.__annotations__) == [field.name for field in fields(Profile)]


def test_wrong_settings_are_named():
    """An unknown profile, switch or word is refused with those that exist."""
    with pytest.raises(ValueError, match=r"'quick' is not a profile .*demo, contract, live"):
        named("demo+quick")
    with pytest.raises(TypeError, match=r"no switch 'slot' \(nearest: 'slots'"):
        Profile().but(slot=3)
    with pytest.raises(ValueError, match=r"shape='D'.*A, B, C"):
        Profile(shape="D")


class Books(RuleBasedStateMachine):
    """Random submissions, looks, faults, payments, jumps of time and restarts."""

    tasks = Bundle("tasks")

    @initialize(
        seed=st.integers(0, 3),
        profile=st.sampled_from(["demo", "live", "slow", "instant", "flaky", "late-failure"]),
        slots=st.sampled_from([None, 1, 3]),
        stuck=st.sampled_from([0.0, 0.2]),
        progress=st.sampled_from(["linear", "plateau", "stuck", "noisy", "backwards", "absent"]),
        kept=st.booleans(),
    )
    def begin(self, *, seed, profile, slots, stuck, progress, kept) -> None:
        """Open an account with two dollars, in memory or in a file."""
        self.seed, self.folder = seed, TemporaryDirectory() if kept else None
        self.profile = named(profile).but(balance=2, slots=slots, stuck=stuck, progress=progress)
        self.faults = Faults(seed=seed)
        self.now = NOW
        self.paid_in = 2 * MICRO
        self.keyed: dict[str, str] = {}
        self.ends: dict[str, tuple] = {}
        self.shown: dict[str, tuple] = {}
        self.progress: dict[str, int] = {}
        self._open()

    def _open(self) -> None:
        self.file = StateFile(f"{self.folder.name}/state") if self.folder else None
        self.world = World(seed=self.seed, profile=self.profile, state=self.file)
        self.world.meddle = self.faults.meddle

    def teardown(self) -> None:
        """Leave nothing behind."""
        if getattr(self, "folder", None):
            self.file.close()
            self.folder.cleanup()

    @rule(
        target=tasks,
        prompt=st.sampled_from(["fox", "boat", "whale"]),
        duration=st.integers(6, 30),
        quality=st.sampled_from(["480p", "720p", "1080p"]),
        key=st.sampled_from([None, None, "k1", "k2", "k3"]),
    )
    def submit(self, prompt, duration, quality, key) -> str | None:
        """Submit; a refusal changes nothing, a replay makes nothing."""
        before = len(self.world.tasks), self.world.balance(self.now)
        mode = self.world.profile.idempotency
        body = raw(prompt=prompt, duration=duration, quality=quality)
        try:
            task, replayed = self.world.submit(body, self.now, idempotency_key=key)
        except ErrorReply:
            assert before == (len(self.world.tasks), self.world.balance(self.now))
            return None
        assert len(self.world.tasks) == before[0] + (not replayed)
        assert not replayed or (mode, self.keyed[key]) == ("honoured", task.id)
        if key is not None and not replayed:
            assert mode == "ignored" or key not in self.keyed
            self.keyed[key] = task.id
        return task.id

    @rule(mode=st.sampled_from(["honoured", "ignored", "in_progress", "indeterminate", "unavailable"]))
    def treat_keys_otherwise(self, mode) -> None:
        """Change what idempotency keys are worth."""
        self.profile = self.world.profile = self.profile.but(idempotency=mode)

    @rule(kind=st.sampled_from(["fail", "cancel", "stick", "delay"]), match=st.sampled_from([None, "fox"]))
    def order_a_fault(self, kind, match) -> None:
        """Order one fault of one kind."""
        self.faults.add(Fault(kind=kind, match=match, seconds=50.0))

    @rule(seconds=st.one_of(st.floats(0, 5), st.floats(5, 500), st.just(1e6)))
    def wait(self, seconds) -> None:
        """Let time pass."""
        self.now += seconds

    @rule(cents=st.integers(1, 200))
    def pay_in(self, cents) -> None:
        """Top the account up."""
        self.world.top_up(cents * MICRO // 100)
        self.paid_in += cents * MICRO // 100

    @precondition(lambda self: self.folder)
    @rule()
    def restart(self) -> None:
        """A world that is opened again from its file knows all that it knew."""
        tasks, balance = self.world.tasks, self.world.balance(self.now)
        self.file.close()
        self._open()
        assert (tasks, balance) == (self.world.tasks, self.world.balance(self.now))

    @rule(task_id=tasks)
    def look(self, task_id) -> None:
        """What is seen only ever moves forward, and a task that ended stays as it ended."""
        if task_id is None:
            return
        view = self.world.look(task_id, self.now)
        rank = min(PHASES.index(view.phase), 2), view.fraction
        assert view.phase in PHASES
        assert 0 <= view.fraction <= 1
        assert self.shown.get(task_id, (0, 0.0)) <= rank
        self.shown[task_id] = rank
        if rank[0] == 2:
            end = view.phase, view.task.end, view.cost
            assert self.ends.setdefault(task_id, end) == end
            assert view.task.at <= view.task.begin <= view.task.end <= self.now
            assert (view.cost == 0) == (view.phase != "completed")
        self._told(view)

    def _told(self, view: View) -> None:
        """Check what a client is told against the view it comes from."""
        data = replies.task(view, self.world.profile, (["http://x/a.mp4"], "http://x/a.jpg"), None)["data"]
        done, badly = view.phase == "completed", view.phase in {"failed", "cancelled"}
        assert (data["cost"], data["credits_cost"]) == (view.cost / MICRO, view.cost / MICRO * 10)
        assert {"completed", "actual_time", "result"} & set(data) == (
            {"completed", "actual_time", "result"} if done else set()
        )
        assert ("error" in data) == badly
        assert data["created"] == int(view.task.at)
        if done:
            assert data["actual_time"] == data["completed"] - data["created"] >= 0
            assert data["completed"] <= self.now
        progress = data.get("progress", 0)
        assert 0 <= progress <= (100 if done else 99)
        if self.world.profile.progress in {"linear", "plateau", "stuck"} and not badly:
            assert self.progress.get(view.task.id, 0) <= progress
            self.progress[view.task.id] = progress

    @invariant()
    def the_books_balance(self) -> None:
        """Held and billed add up to what was paid in; billed is what is not refunded."""
        if not hasattr(self, "world"):
            return
        held, used = self.world.balance(self.now)
        ledger = Ledger(lambda: len(self.world.tasks), lambda n: self.world.entry(n, self.now))
        assert held + used == self.paid_in
        assert Decimal(used) / MICRO == ledger.billed
        assert held >= 0
        for entry in ledger:
            view = self.world.look(entry.task_id, self.now)
            assert entry.refunded == (view.phase in {"failed", "cancelled"})

    @invariant()
    def ids_are_unique(self) -> None:
        """No two tasks share an id."""
        if hasattr(self, "world"):
            assert len({task.id for task in self.world.tasks}) == len(self.world.tasks)


TestBooks = Books.TestCase
TestBooks.settings = settings(
    max_examples=250,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
