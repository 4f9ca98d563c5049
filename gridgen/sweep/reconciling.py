"""Lost answers: asked for again under the submission's own key, given up, or left to a person."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from gridgen.client.upload import says
from gridgen.money import Answer, Cap, Commitments, allows
from gridgen.outcome import Ambiguous, Policy, Rejected, judge_replay, why_no_replay
from gridgen.states import State

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from decimal import Decimal

    from gridgen.journal import Record, Sender
    from gridgen.money import ClipKey
    from gridgen.sweep.run import Run
    from gridgen.sweep.submitting import Submitting
    from gridgen.sweep.work_queue import Job

__all__ = ["Reconciling"]

INDETERMINATE = "indeterminate"
"""Error class of a submission of which the server said that it will never tell."""


class Reconciling:
    """What is done with the submissions of a run whose outcome nobody can know.

    Parameters
    ----------
    run : Run
    submitting : Submitting
        Sends replays, and plans what is to be submitted anew.
    policy : Policy
        What is done unasked.
    asked : set of ClipKey
        What a person wants replayed; taken out once it is settled or cannot be.
    counted : collection of pairs of str
        Origin and key of the cells that the policy's cap is about, in all their takes.

    Attributes
    ----------
    given_up : Commitments
        What attempts before the latest ones have cost or may have cost.
    counted
        As above.
    """

    def __init__(
        self,
        run: Run,
        submitting: Submitting,
        *,
        policy: Policy,
        asked: set[ClipKey],
        counted: Collection[tuple[str, str]],
    ) -> None:
        self._run, self._queue, self._journal = run, run.queue, run.journal
        self._submitting, self._policy, self._asked = submitting, policy, asked
        self._ready: deque[Job] = deque()
        self.given_up, self.counted = Commitments(), counted
        # all sweeps of the folder keep to each other's caps: two that run at a time have cells in common
        self._together = run.journal.shared(_resubmitting)

    @property
    def caps(self) -> list[Cap]:
        """What submissions given up for new ones may have cost: one sum, or nothing."""
        if self._policy.kind != "resubmit":
            return []
        return [Cap(f"resubmit_budget={self._policy.cap} USD", self._policy.cap, self.given_up)]

    @property
    def waiting(self) -> bool:
        """Whether a replay could leave now."""
        return bool(self._ready)

    def join(self) -> None:
        """Keep to one cap with the others from now on."""
        for each in self._together:
            self.given_up.reserve_as(each.given_up, lambda slot: slot[:2] in self.counted)
        self._together.append(self)
        for record in self._journal.records.values():
            self.hear(record)

    def leave(self) -> None:
        """Count no more."""
        self._together.remove(self)

    def hear(self, record: Record) -> None:
        """Count what the attempts before a clip's latest one have cost or may have cost."""
        if record.earlier and record.slot[:2] in self.counted:
            self.given_up.put(record.slot, record.earlier)

    def take_on(self, job: Job, record: Record) -> bool:
        """Take on an unknown submission that is to be replayed; say whether it is."""
        if record.state != State.UNKNOWN or not self._wants_replay(job, record):
            return False
        self.ready(job)
        return True

    def ready(self, job: Job) -> None:
        """Replay a job as soon as a submission may leave."""
        self._queue.move(job, "replay")
        self._ready.append(job)

    def start(self, now: float) -> None:
        """Let due replays out; after a stop or an error they stay unknown."""
        while self._ready:
            if not self._queue.submits:
                self._queue.move(self._ready.popleft(), "over")
            elif self._submitting.takes_turn(now):
                job = self._ready.popleft()
                self._queue.move(job, "submit")
                self._queue.spawn("submit", job, self._replay(job))
            else:
                return

    async def reconcile_earlier(self) -> None:
        """Treat what earlier runs left unknown as the person wants it now."""
        for job in self._queue.jobs:
            record = self._journal.records.get(job.slot)
            if job.phase == "over" and record is not None and record.state == State.UNKNOWN:
                await self._settle(job, record)

    async def lost(self, job: Job, record: Record, outcome: Ambiguous) -> None:
        """Note that an answer was lost, then do what the person wants done with such a submission."""
        text = f"sent, and the answer was lost ({outcome.evidence}); it may be billed and is not repeated"
        await self._journal.save(
            record,
            durable=True,
            state=State.UNKNOWN,
            evidence=outcome.evidence,
            trace_event=outcome.event,
            http_status=outcome.status,
            request_id=outcome.request_id,
            reply=outcome.reply or None,
            error_class=INDETERMINATE if outcome.final else "unknown",
            error=text,
        )
        await self._settle(job, record, outcome.pending)

    async def _settle(self, job: Job, record: Record, pending: float | None = None) -> None:
        """Do with an unknown submission what was asked for; by default it is left to a person."""
        job.pending = pending is not None and why_no_replay(proven=True, age=self._age(record)) is None
        if not self._queue.submits:
            self._queue.move(job, "over")
        elif job.pending or self._wants_replay(job, record):
            self._queue.move(job, "replay")
            self._queue.later(max(1.0, pending or 2.0**record.replays), "replay", job)
        elif self._policy.kind == "resubmit" and self._may_resubmit(job, record.price):
            await self._resubmit(job, record)
        else:
            self._asked.discard(job.slot)
            self._queue.move(job, "over")
            if self._policy.kind == "lost":
                await self._journal.save(record, durable=True, detail="given up", state=State.LOST)

    async def _resubmit(self, job: Job, record: Record) -> None:
        for each in self._sharing(job):
            each.given_up.reserve(job.slot, record.price)
        try:
            await self._journal.again(record, ending=State.LOST)
        finally:
            for each in self._together:
                each.given_up.release(job.slot)
        self._submitting.plan(job)

    def _may_resubmit(self, job: Job, price: Decimal | None) -> bool:
        """Whether the cap allows it, and so does that of every other sweep that counts this clip too."""
        if price is None:
            return False
        caps = (cap for each in self._sharing(job) for cap in each.caps)
        return allows(caps, price).answer is Answer.YES

    def _sharing(self, job: Job) -> Iterator[Reconciling]:
        return (each for each in self._together if job.slot[:2] in each.counted)

    def _wants_replay(self, job: Job, record: Record) -> bool:
        """Whether an unknown submission is to be sent again under its own key, and may be."""
        if record.error_class == INDETERMINATE or not says(record.body, job.cell, job.take):
            return False
        wanted = job.slot in self._asked or self._policy.kind == "replay"
        if not wanted:
            return False
        proof = self._run.client.proof(job.cell.model)
        proven = proof is not None and proof.honoured
        return why_no_replay(proven=proven, age=self._age(record), replays=record.replays) is None

    def _age(self, record: Record) -> float | None:
        return record.age(self._run.clock)

    async def _replay(self, job: Job) -> None:
        """Send an unknown submission once more, as it was; what does not settle it leaves it unknown."""
        record, counted = self._journal.records[job.slot], not job.pending
        job.pending = False

        async def intend(_sender: Sender) -> None:
            await self._journal.replay(record, counted=counted)

        outcome = await self._submitting.send(record, intend)
        self._submitting.pause(outcome)
        verdict = judge_replay(outcome)
        if isinstance(verdict, Rejected) and verdict.everywhere:
            self._queue.fail(verdict.error)
            verdict = Ambiguous(f"the replay was refused: {verdict.error}")
        await self._submitting.apply(job, record, verdict)


def _resubmitting() -> list[Reconciling]:
    """Return an empty list for all runs of a folder."""
    return []
