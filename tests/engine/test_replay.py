"""Lost answers, settled by replaying the same submission under its own key, and what is done unasked."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
from decimal import Decimal

import pytest

from gridgen import BudgetError, Client, Grid, GridError, GridgenError, Sweep, UnknownOutcome
from gridgen.models import DEFAULT_MODEL
from gridgen.outcome import Accepted, Ambiguous, NotApplied, NotSent, Rejected, judge_replay, why_no_replay
from gridgen.simulator import Fault

PRICE = Decimal("0.0612")


def lost(**options) -> Fault:
    """Return a fault that loses the answer to a paid submission."""
    return Fault(**{"kind": "close", "on": "submit", "when": "after", **options})


def refused(status: int, code: str = "", **options) -> Fault:
    """Return a fault that answers a submission with an error, without doing anything."""
    body = {"error": {"code": code, "message": code or "no"}}
    return Fault(
        **{"kind": "reply", "on": "submit", "when": "before", "status": status, "body": body, **options}
    )


def posts(simulator) -> list[tuple[str, bytes]]:
    """Return the idempotency key and the bytes of each submission on the wire."""
    return [
        (seen.headers["idempotency-key"], seen.body) for seen in simulator.requests if seen.method == "POST"
    ]


@pytest.fixture
def proven(simulate):
    """Return a simulator whose default model is proven, with nothing on its ledger but the proof."""

    def make(*faults: Fault, **options):
        simulator = simulate(**options)
        client = simulator.client()
        assert client.prove_idempotency().honoured
        for fault in faults:
            simulator.faults.add(fault)
        simulator.requests.clear()
        return simulator, client

    return make


def test_a_proof_is_one_job_sent_twice(simulate):
    """The same key and bytes twice: one task, marked as a replay, billed once; every client finds the proof."""
    simulator = simulate()
    client = simulator.client()
    assert client.proof(DEFAULT_MODEL) is None

    proof = client.prove_idempotency()

    assert proof.honoured
    assert proof.task_ids == (simulator.ledger[0].task_id,)
    assert len(simulator.ledger) == 1
    assert len(posts(simulator)) == 2
    assert len(set(posts(simulator))) == 1
    assert simulator.client().proof(DEFAULT_MODEL) == proof
    assert "honours an idempotency key" in repr(proof)


def test_a_proof_made_again_costs_nothing(simulate, monkeypatch, tmp_path_factory):
    """Proven again, from another folder of data or after its answer was lost, the same job is the answer."""
    simulator = simulate(faults=[lost()])
    client = simulator.client()
    with pytest.raises(UnknownOutcome):
        client.prove_idempotency()
    for _ in range(2):
        monkeypatch.setenv("GRIDGEN_DATA_DIR", str(tmp_path_factory.mktemp("another")))
        assert simulator.client().prove_idempotency().honoured

    assert len(simulator.ledger) == 1
    assert len(set(posts(simulator))) == 1


def test_a_proof_holds_for_one_server_and_one_model(simulate):
    """Another simulator, and another model, are as unproven as before."""
    simulate().client().prove_idempotency()
    other = simulate().client()

    assert other.proof(DEFAULT_MODEL) is None
    assert other.proof("grok-imagine-1.5-video-ext") is None


@pytest.mark.fault("27-submit")
@pytest.mark.parametrize(
    ("behaviour", "tasks", "says"),
    [
        ("ignored", 2, "a task of its own"),
        ("indeterminate", 1, "not answered with the task"),
        ("in_progress", 1, "not answered with the task"),
    ],
)
def test_a_proof_that_fails_is_kept_too(simulate, behaviour, tasks, says):
    """F27: a server that ignores keys, or does not tell, is not proven; what it billed is named."""
    simulator = simulate(idempotency=behaviour)
    client = simulator.client()
    proof = client.prove_idempotency()

    assert not proof.honoured
    assert says in proof.evidence
    assert len(proof.task_ids) == len(simulator.ledger) == tasks
    assert "does not honour" in repr(client.proof(DEFAULT_MODEL))


def test_a_proof_states_its_price_first(simulate):
    """With a real key the price, and what an ignored key would cost, come before anything is sent."""
    simulator = simulate()
    client = simulator.client(api_key="sk-test-real")

    with pytest.raises(BudgetError, match=r"\$0\.0612.*bills \$0\.1224.*budget=0\.13") as caught:
        client.prove_idempotency()
    with pytest.raises(BudgetError, match=r"more than budget=0\.1 USD"):
        client.prove_idempotency(budget=0.1)
    assert "Nothing was sent" in str(caught.value)
    assert posts(simulator) == []

    assert client.prove_idempotency(budget=0.13).honoured


def test_a_proof_that_gets_lost_says_so(simulate):
    """A lost answer to the first of the two is told with its key, and is not repeated."""
    simulator = simulate(faults=[lost()])
    with pytest.raises(UnknownOutcome) as caught:
        simulator.client().prove_idempotency()

    assert [key for key, _ in posts(simulator)] == [caught.value.idempotency_key]


def test_the_async_twin(simulate):
    """The proof works from any event loop."""
    assert asyncio.run(simulate().client().aprove_idempotency()).honoured


def test_a_proof_outlives_its_file(simulate, monkeypatch, tmp_path):
    """Where nothing can be kept, the client that proved it still knows."""
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("GRIDGEN_DATA_DIR", str(tmp_path / "file"))
    client = simulate().client()

    assert client.prove_idempotency().honoured
    assert client.proof(DEFAULT_MODEL).honoured


@pytest.mark.parametrize("damage", [b"", b"[]", b"{", b'{"place": 1}', b"\xff" * 100])
def test_a_damaged_proof_proves_nothing(simulate, monkeypatch, tmp_path, damage):
    """A file that is no proof counts as none."""
    monkeypatch.setenv("GRIDGEN_DATA_DIR", str(tmp_path))
    simulator = simulate()
    simulator.client().prove_idempotency()
    for path in tmp_path.glob("proof-*"):
        path.write_bytes(damage)

    assert simulator.client().proof(DEFAULT_MODEL) is None


def test_by_default_nothing_is_repeated(proven, tmp_path):
    """F27: proven or not, a lost answer is held for a person unless asked otherwise."""
    simulator, client = proven(lost())
    sweep = Sweep(Grid(prompt="boat"), client=client, folder=tmp_path, previews=False)
    sweep.run()

    assert (len(posts(simulator)), sweep.counts()) == (1, {"unknown": 1})


@pytest.mark.fault("27-submit")
@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(lost(), id="billed"),
        pytest.param(lost(kind="reset"), id="billed-reset"),
        pytest.param(lost(kind="hang"), id="billed-hang"),
        pytest.param(refused(502, when="after"), id="billed-502"),
        pytest.param(lost(kind="close", when="before"), id="not-billed"),
        pytest.param(refused(504), id="not-billed-504"),
    ],
)
def test_replay_settles_a_lost_answer(proven, tmp_path, fault):
    """Whether the first submission was billed or never applied: one key, one task, one payment, one clip."""
    simulator, client = proven(fault)
    sweep = Sweep(Grid(prompt="boat"), client=client, folder=tmp_path, on_unknown="replay", previews=False)
    sweep.run()

    assert sweep.counts() == {"done": 1}
    assert len(posts(simulator)) == 2
    assert len(set(posts(simulator))) == 1
    assert len(simulator.ledger) == 2  # the proof's and the clip's
    assert sweep.cost == PRICE


def test_replay_needs_a_proof(simulate, tmp_path):
    """F27: where the server is not proven, the policy holds, and replaying by hand is refused with the reason."""
    simulator = simulate(faults=[lost()])
    sweep = Sweep(
        Grid(prompt="boat"), client=simulator.client(), folder=tmp_path, on_unknown="replay", previews=False
    )
    sweep.run()
    with pytest.raises(GridgenError, match="is not proven"):
        sweep.unknown.replay()

    assert (len(posts(simulator)), sweep.counts()) == (1, {"unknown": 1})


def test_a_failed_proof_does_not_count(simulate, tmp_path):
    """A server that was seen to ignore keys is never sent the same submission again."""
    simulator = simulate(idempotency="ignored")
    client = simulator.client()
    client.prove_idempotency()
    simulator.faults.add(lost())
    sweep = Sweep(Grid(prompt="boat"), client=client, folder=tmp_path, on_unknown="replay", previews=False)
    sweep.run()

    assert sweep.counts() == {"unknown": 1}
    assert len(simulator.ledger) == 3


def test_at_most_three_replays(proven, tmp_path):
    """An answer that stays lost is asked for three times, in this run and all later ones together."""
    simulator, client = proven(lost(times=None))
    sweep = Sweep(Grid(prompt="boat"), client=client, folder=tmp_path, on_unknown="replay", previews=False)
    sweep.run()
    sweep.run()
    Sweep(Grid(prompt="boat"), client=client, folder=tmp_path, on_unknown="replay", previews=False).run()

    assert len(posts(simulator)) == 4
    assert len(set(posts(simulator))) == 1
    assert sweep.counts() == {"unknown": 1}
    assert len(simulator.ledger) == 2
    with pytest.raises(GridgenError, match="3 times already"):
        sweep.unknown.replay()


def test_replay_by_hand(proven, tmp_path):
    """A person may replay under the policy hold."""
    simulator, client = proven(lost())
    sweep = Sweep(Grid(prompt=["boat", "fox"]), client=client, folder=tmp_path, previews=False)
    sweep.run()
    sweep.unknown.replay(0)
    sweep.wait()

    assert sweep.counts() == {"done": 2}
    assert len(simulator.ledger) == 3


def test_replay_of_an_old_submission_is_refused(proven, tmp_path):
    """After ten minutes the key may have lapsed: neither the policy nor a person's word sends it again."""
    simulator, client = proven(lost())
    sweep = Sweep(Grid(prompt="boat"), client=client, folder=tmp_path, previews=False)
    sweep.run()
    Sweep(Grid(prompt="fox", duration=30), client=client, folder=tmp_path, previews=False).run()
    with sqlite3.connect(tmp_path / "journal.sqlite") as journal:
        journal.execute("UPDATE attempt SET submitted_at = submitted_at - 600000 WHERE state = 'unknown'")
    journal.close()

    with pytest.raises(GridgenError, match="more than 10 minutes ago"):
        sweep.unknown.replay(0)
    Sweep(Grid(prompt="boat"), client=client, folder=tmp_path, on_unknown="replay", previews=False).run()
    assert sweep.counts() == {"unknown": 1}
    assert len(simulator.ledger) == 3


@pytest.mark.fault("27-submit")
def test_in_progress_is_waited_for(simulate, tmp_path):
    """F27: 409 idempotency_in_progress waits as told, with the same key, proven or not, and uses up no replay."""
    busy = refused(409, "idempotency_in_progress", headers={"retry-after": "7"}, times=5)
    simulator = simulate(faults=[busy])
    sweep = Sweep(Grid(prompt="boat"), client=simulator.client(), folder=tmp_path, previews=False)
    sweep.run()

    sent = [seen.at for seen in simulator.requests if seen.method == "POST"]
    assert sweep.counts() == {"done": 1}
    assert len(set(posts(simulator))) == 1
    assert len(sent) == 6
    assert min(later - earlier for earlier, later in itertools.pairwise(sent)) >= 7
    assert len(simulator.ledger) == 1


def test_in_progress_for_ever_ends(simulate, tmp_path):
    """F27: a server that stays at work on it for ten minutes is asked no more; the submission stays unknown."""
    busy = refused(409, "idempotency_in_progress", headers={"retry-after": "30"}, times=None)
    simulator = simulate(faults=[busy])
    sweep = Sweep(Grid(prompt="boat"), client=simulator.client(), folder=tmp_path, previews=False)
    sweep.run()

    assert sweep.counts() == {"unknown": 1}
    assert 15 <= len(posts(simulator)) <= 21


@pytest.mark.fault("27-submit")
def test_indeterminate_stays_unknown(proven, tmp_path):
    """F27: 409 idempotency_result_indeterminate ends the replays; no new key is ever minted."""
    simulator, client = proven(lost(), refused(409, "idempotency_result_indeterminate"))
    sweep = Sweep(Grid(prompt="boat"), client=client, folder=tmp_path, on_unknown="replay", previews=False)
    sweep.run()
    sweep.run()

    assert sweep.counts() == {"unknown": 1}
    assert len(posts(simulator)) == 2
    assert len(set(posts(simulator))) == 1


@pytest.mark.fault("27-submit")
def test_a_reused_key_is_an_error(simulate, tmp_path):
    """F27: 409 idempotency_key_reused says that our bytes differ: the cell is rejected, nothing is repeated."""
    simulator = simulate(faults=[refused(409, "idempotency_key_reused")])
    sweep = Sweep(Grid(prompt="boat"), client=simulator.client(), folder=tmp_path, previews=False)
    sweep.run()

    assert (len(posts(simulator)), sweep.counts()) == (1, {"rejected": 1})


@pytest.mark.parametrize("status", [400, 404, 422])
def test_a_refused_replay_settles_nothing(proven, tmp_path, status):
    """A replay that is refused says nothing of the first submission, which stays unknown and at risk."""
    simulator, client = proven(lost(), refused(status))
    sweep = Sweep(Grid(prompt="boat"), client=client, folder=tmp_path, on_unknown="replay", previews=False)
    sweep.run()

    assert sweep.unknown.at_risk == PRICE
    assert len(simulator.ledger) == 2


def test_a_replay_that_is_refused_everywhere(proven, tmp_path):
    """401 on a replay stops the sweep; the submission stays unknown, and a good key settles it."""
    simulator, client = proven(lost(), refused(401))
    sweep = Sweep(Grid(prompt="boat"), client=client, folder=tmp_path, on_unknown="replay", previews=False)
    with pytest.raises(GridgenError, match="401"):
        sweep.run()
    assert sweep.counts() == {"unknown": 1}

    sweep.run()
    assert sweep.counts() == {"done": 1}
    assert len(simulator.ledger) == 2


def test_a_rate_limit_on_a_replay_is_waited_for(proven, tmp_path):
    """429 on a replay does not make the first submission unsent: it is replayed, not planned anew."""
    simulator, client = proven(lost(), refused(429, headers={"retry-after": "30"}))
    sweep = Sweep(Grid(prompt="boat"), client=client, folder=tmp_path, on_unknown="replay", previews=False)
    sweep.run()

    assert sweep.counts() == {"done": 1}
    assert len(set(posts(simulator))) == 1
    assert len(simulator.ledger) == 2


def test_resubmit_pays_twice_up_to_its_cap(simulate, tmp_path):
    """Three lost answers and a cap for one: one is submitted anew, the others are held for a person."""
    simulator = simulate(faults=[lost(times=3)])
    sweep = Sweep(
        Grid(prompt=["a", "b", "c"]),
        client=simulator.client(),
        folder=tmp_path,
        budget=1,
        on_unknown="resubmit",
        resubmit_budget=0.07,
        previews=False,
    )
    sweep.run()
    sweep.run()

    assert sweep.counts() == {"unknown": 2, "done": 1}
    assert len({key for key, _ in posts(simulator)}) == len(simulator.ledger) == 4
    assert sweep.estimate().committed == 4 * PRICE


def test_two_sweeps_of_a_folder_resubmit_within_one_cap(simulate, tmp_path):
    """Two that run at a time and have cells in common give up no more together than each may for its own cells."""
    simulator = simulate(faults=[lost(times=2)])
    options = {"client": simulator.client(), "folder": tmp_path, "previews": False}
    Sweep(Grid(prompt=["boat 0", "boat 3"]), **options).run()

    capped = {"on_unknown": "resubmit", "resubmit_budget": 0.07}
    few = Sweep(Grid(prompt=["boat 0", "boat 1"]), **capped, **options)
    many = Sweep(Grid(prompt=[f"boat {number}" for number in range(4)]), **capped, **options)

    async def both() -> None:
        await asyncio.gather(few, many)

    asyncio.run(both())
    assert many.counts() == {"done": 3, "unknown": 1}
    assert simulator.ledger.billed == 5 * PRICE


def test_a_sweep_keeps_to_the_caps_of_others_that_count_its_cells(simulate, tmp_path):
    """Of two sweeps at a time none gives up, or submits, what would pass the cap of the other for a common cell."""
    late = Fault(kind="hang", on="submit", when="after", match="boat 0")
    simulator = simulate(faults=[late, lost(match="boat 1")])
    options = {"client": simulator.client(), "folder": tmp_path, "previews": False}
    capped = {"on_unknown": "resubmit", "resubmit_budget": 0.07, "budget": 4 * PRICE}
    few = Sweep(Grid(prompt="boat 0"), **capped, **options)
    many = Sweep(Grid(prompt=["boat 0", "boat 1"]), **capped, **options)

    async def both() -> None:
        await asyncio.gather(few, many)

    asyncio.run(both())
    assert many.counts() == {"done": 1, "unknown": 1}
    assert simulator.ledger.billed == 3 * PRICE


def test_resubmit_needs_a_cap():
    """Paying twice unasked takes a sum, and a sum takes the policy."""
    client = Client("sim-x", "http://127.0.0.1:1")
    with pytest.raises(GridError, match="resubmit_budget"):
        Sweep(Grid(prompt="a"), client=client, folder="x", on_unknown="resubmit", previews=False)
    with pytest.raises(GridError, match="resubmit_budget"):
        Sweep(Grid(prompt="a"), client=client, folder="x", resubmit_budget=1, previews=False)
    with pytest.raises(GridError, match="resubmit_budget='much'"):
        Sweep(
            Grid(prompt="a"),
            client=client,
            folder="x",
            on_unknown="resubmit",
            resubmit_budget="much",
            previews=False,
        )
    with pytest.raises(GridError, match="'hope' is no policy"):
        Sweep(Grid(prompt="a"), client=client, folder="x", on_unknown="hope", previews=False)


def test_lost_gives_up_and_still_counts(simulate, tmp_path):
    """The policy lost ends the row at once; what it may have cost stays in the sum."""
    simulator = simulate(faults=[lost()])
    sweep = Sweep(
        Grid(prompt=["a", "b"]),
        client=simulator.client(),
        folder=tmp_path,
        budget=1,
        on_unknown="lost",
        previews=False,
    )
    sweep.run()

    assert sweep.counts() == {"done": 1, "lost": 1}
    assert sweep.estimate().committed == 2 * PRICE
    assert len(simulator.ledger) == 2


def test_a_later_policy_settles_what_earlier_runs_left(proven, tmp_path):
    """Opened again with on_unknown="replay", a folder's unknown submissions are settled."""
    simulator, client = proven(lost(times=2))
    held = Sweep(Grid(prompt=["a", "b", "c"]), client=client, folder=tmp_path, previews=False)
    held.run()
    assert held.counts() == {"unknown": 2, "done": 1}

    Sweep(
        Grid(prompt=["a", "b", "c"]), client=client, folder=tmp_path, on_unknown="replay", previews=False
    ).run()
    assert held.counts() == {"done": 3}
    assert len(simulator.ledger) == 4


ERROR = GridgenError("no")


@pytest.mark.parametrize(
    ("outcome", "verdict"),
    [
        (Accepted("task_1"), Accepted("task_1")),
        (Ambiguous("lost"), Ambiguous("lost")),
        (NotSent("refused"), Ambiguous("the replay was not sent: refused")),
        (NotApplied(ERROR, 5), Ambiguous("the replay was not applied: no")),
        (Rejected(ERROR), Ambiguous("the replay was refused: no", final=True)),
        (Rejected(ERROR, replayed=True), Rejected(ERROR, replayed=True)),
        (Rejected(ERROR, everywhere=True), Rejected(ERROR, everywhere=True)),
    ],
)
def test_what_a_replay_tells(outcome, verdict):
    """Only a task, or the first one's own refusal, settles the first; a replay that did nothing settles nothing."""
    assert judge_replay(outcome) == verdict


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"proven": False, "age": 1.0}, "not proven"),
        ({"proven": True, "age": None}, "more than 10 minutes"),
        ({"proven": True, "age": -1.0}, "more than 10 minutes"),
        ({"proven": True, "age": 600.0}, "more than 10 minutes"),
        ({"proven": True, "age": 599.0, "replays": 3}, "3 times"),
    ],
)
def test_why_nothing_is_replayed(facts, why):
    """Each condition alone forbids a replay; a row from the future counts as old."""
    assert why in why_no_replay(**facts)
    assert why_no_replay(proven=True, age=599.0, replays=2) is None


@pytest.mark.parametrize("budget", ["2 USD", "nan", float("inf"), True, -1, "a lot"])
def test_a_proof_is_made_under_a_sum_of_money(simulate, budget):
    """Case A8: what is no sum of money is refused with a sentence, and nothing is sent."""
    simulator = simulate()
    with pytest.raises(GridError, match="is not a sum of money in USD"):
        simulator.client().prove_idempotency(budget=budget)

    assert posts(simulator) == []
