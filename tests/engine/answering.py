"""A server of the tests' own, in virtual time: its answers are what a test says, and nothing of the simulator's."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import httpx

from gridgen import Client
from gridgen.simulator.clips import Scene, render
from gridgen.simulator.clock import VirtualClock

BASE = "http://127.0.0.1:9"
CLIP = f"{BASE}/clips/one.mp4"
UNKNOWN = {"code": 404, "message": "never heard of it"}
_CLIP: list[bytes] = []


@dataclass(slots=True)
class Job:
    """A task: when it came, its body, and how often it was asked for."""

    id: str
    at: float
    body: dict[str, Any]
    questions: list[float] = field(default_factory=list)


class Answering:
    """Takes every submission and ends each task 20 s later, unless a test says otherwise.

    Parameters
    ----------
    task : callable, optional
        Given a job and its age in seconds, returns what is said of it: a response, or
        the ``data`` of a good one.
    submit : callable, optional
        Given the jobs so far and a new one, returns a response, or None for the usual one.
    """

    def __init__(self, task: Any = None, submit: Any = None) -> None:
        self.clock = VirtualClock()
        self.jobs: dict[str, Job] = {}
        self.posts: list[float] = []
        self._task, self._submit = task or finished, submit

    def client(self) -> Client:
        """Return a client of this server, in its time."""
        server = self

        class Transport(httpx.AsyncBaseTransport):
            async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
                return server.answer(request, await request.aread())

        return Client(
            "sim-key",
            BASE,
            clock=self.clock,
            http_client=lambda: httpx.AsyncClient(transport=Transport()),
        )

    def answer(self, request: httpx.Request, body: bytes) -> httpx.Response:
        """Answer one request."""
        path = request.url.path
        if path == "/v1/videos/generations":
            return self._take(json.loads(body))
        if path.startswith("/v1/tasks/"):
            return self._tell(path.rpartition("/")[2])
        if path.startswith("/clips/"):
            _CLIP[:] = _CLIP or [render(Scene("a paper boat", "16:9", 1, "480p"))]
            return httpx.Response(200, content=_CLIP[0])
        if path == "/api/pricing/model":
            return told_price(request.url.params["model"])
        if path.endswith("/balance"):
            balance = {"remain_balance": 100, "used_balance": 0, "remain_credits": 1000, "used_credits": 0}
            return httpx.Response(200, json={"success": True, "unlimited_quota": False, **balance})
        return httpx.Response(404, json=UNKNOWN)

    def _tell(self, name: str) -> httpx.Response:
        job, now = self.jobs.get(name), self.clock.time()
        if job is None:
            return httpx.Response(404, json=UNKNOWN)
        job.questions.append(now)
        said = self._task(job, now - job.at)
        return said if isinstance(said, httpx.Response) else told(said)

    def _take(self, body: dict[str, Any]) -> httpx.Response:
        now = self.clock.time()
        self.posts.append(now)
        job = Job(f"task_{len(self.posts)}", now, body)
        refused = None if self._submit is None else self._submit(self.jobs, job)
        if refused is not None:
            return refused
        self.jobs[job.id] = job
        return told([{"status": "submitted", "task_id": job.id}])


def told_price(model: str) -> httpx.Response:
    """Return a price list of one cent a second at any tier, the same before and after discount."""
    listed = {"480P": 0.01, "720P": 0.01}
    data = {"model_name": model, "billing_type": "per_second", "model_price": 0.01, "paid_price": 0.01}
    data |= {"resolution_enabled": True, "resolution_prices": listed, "resolution_paid_prices": listed}
    return httpx.Response(200, json={"success": True, "data": data})


def told(data: Any) -> httpx.Response:
    """Return a good answer with its envelope."""
    return httpx.Response(200, json={"code": 200, "data": data})


def running(**more: Any) -> dict[str, Any]:
    """Return what is said of a task that is worked on."""
    return {"status": "processing", "progress": 10, **more}


def completed(**more: Any) -> dict[str, Any]:
    """Return what is said of a task that is done."""
    return {"status": "completed", "progress": 100, "result": {"videos": [{"url": [CLIP]}]}, **more}


def finished(job: Job, age: float) -> dict[str, Any]:
    """Say the usual: at work for 20 s, then done, with good stamps."""
    if age < 20:
        return running(created=int(job.at), cost=0.06)
    return completed(created=int(job.at), completed=int(job.at) + 20, cost=0.06)
