"""A server of our own that bills, written without the simulator: what it bills is right, what it tells may not be."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import httpx

from gridgen import Client
from gridgen.simulator.clock import VirtualClock

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

TELLS = ("at once", "partly", "zero first", "at the end", "late", "never")
"""When a task tells its cost: from the start; a tenth first; 0 first; when it has ended; a minute later; not at all."""


ZEROS = {"billing_type": "", "model_price": 0, "discount_rate": 0, "paid_price": 0, "resolution_prices": {}}
"""What the list says of a model that it does not know."""


class Biller(httpx.AsyncBaseTransport):
    """Bills each submission when it comes in, works on it for a while, and tells its cost in its own way.

    Parameters
    ----------
    clip : bytes
        The video that every task yields.
    bill : callable
        Returns what a submission costs in USD, from its body.
    tells : str
        One of `TELLS`.
    listed : dict or None
        What the price list says of a model, for which an empty record means zeros, as for a
        model that it does not know; of the others it tells nothing.
    service : float
        Seconds that a task takes.
    silent : int
        Questions for a price that it does not answer, before it does.
    unit : str
        What its balances are in: ``usd``, ``credits`` or ``cny``, or ``untold``; or the key is ``unlimited``,
        or its balance ``refused``, ``broken`` or ``silent``.

    Attributes
    ----------
    bills : list of Decimal
        One for each submission that was taken.
    told_at : float or None
        When the whole of a bill was first told.
    booked_after : float
        Seconds after which the balance knows of a submission.
    on_submission : callable
        Called when one came in.
    """

    def __init__(
        self,
        clip: bytes,
        bill: Callable[[dict[str, Any]], Decimal],
        *,
        tells: str = "at once",
        listed: dict[str, Any] | None = None,
        service: float = 40.0,
        silent: int = 0,
        unit: str = "usd",
    ) -> None:
        self.clock = VirtualClock()
        self.clip, self.bill, self.tells, self.listed, self.service = clip, bill, tells, listed or {}, service
        self.silent = silent
        self.bills: list[Decimal] = []
        self.models: list[str] = []
        self.begun: list[float] = []
        self.charged_elsewhere = Decimal(0)
        self.told_at: float | None = None
        self.unit, self.booked_after = unit, 0.0
        self.on_submission: Callable[[], object] = lambda: None
        self.before_balance: Callable[[], Awaitable[object]] | None = None

    def client(self, key: str = "sk-not-a-real-key") -> Client:
        """Return a client of this server, with a key that no simulator issued."""
        return Client(key, "http://127.0.0.1:9", http_client=self.http, clock=self.clock)

    def http(self) -> httpx.AsyncClient:
        """Return what reaches this server."""
        return httpx.AsyncClient(transport=self)

    @property
    def billed(self) -> Decimal:
        """What was billed in all."""
        return sum(self.bills, Decimal(0))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer as a server would."""
        path, body = request.url.path, await request.aread()
        if request.method == "POST":
            asked = json.loads(body)
            self.models.append(asked["model"])
            self.bills.append(self.bill(asked))
            self.begun.append(self.clock.time())
            self.on_submission()
            task = {"status": "submitted", "task_id": f"task_{len(self.bills) - 1}"}
            return httpx.Response(200, json={"code": 200, "data": [task]})
        if path.startswith("/v1/tasks/"):
            return httpx.Response(200, json={"code": 200, "data": self._task(int(path.rpartition("_")[2]))})
        if path.startswith("/clips/"):
            return httpx.Response(200, content=self.clip, headers={"content-type": "video/mp4"})
        if path == "/api/pricing/model":
            return self._price(request.url.params["model"])
        if path.endswith("/balance"):
            return await self._balance()
        return httpx.Response(404, json={"error": {"message": "there is no such thing", "code": "not_found"}})

    def _price(self, model: str) -> httpx.Response:
        if self.silent:
            self.silent -= 1
            return httpx.Response(503, json={"error": {"message": "come back later", "code": "busy"}})
        if model not in self.listed:
            return httpx.Response(
                404, json={"error": {"message": "there is no such thing", "code": "not_found"}}
            )
        return httpx.Response(
            200, json={"success": True, "data": {**ZEROS, **self.listed[model], "model_name": model}}
        )

    @property
    def used(self) -> Decimal:
        """What the balance tells that was used, in USD."""
        until = self.clock.time() - self.booked_after
        pairs = zip(self.bills, self.begun, strict=True)
        return sum((bill for bill, begun in pairs if begun <= until), self.charged_elsewhere)

    async def _balance(self) -> httpx.Response:
        if self.before_balance is not None:
            await self.before_balance()
        if self.unit == "silent":
            await asyncio.Event().wait()
        if self.unit == "refused":
            return httpx.Response(401, json={"error": {"message": "not for this key"}})
        if self.unit == "broken":
            return httpx.Response(200, json={"success": False, "message": "Failed to get token info"})
        usd = {"remain": 100 - float(self.used), "used": float(self.used)}
        told: dict[str, Any] = {"success": True, "unlimited_quota": self.unit == "unlimited"}
        rate = {"credits": 10.0, "cny": 7.2}.get(self.unit, 1.0)
        for name, amount in usd.items():
            told[f"{name}_balance"] = amount * rate
            if self.unit != "untold":
                told[f"{name}_credits"] = amount * 10
        if self.unit == "unlimited":
            told |= {"remain_balance": -1, "remain_credits": -1}
        return httpx.Response(200, json=told)

    def _task(self, number: int) -> dict[str, Any]:
        begun, now = self.begun[number], self.clock.time()
        ended = now >= begun + self.service
        task: dict[str, Any] = {
            "id": f"task_{number}",
            "status": "completed" if ended else "processing",
            "progress": 100 if ended else 10,
            "created": int(begun),
            "estimated_time": int(self.service),
        }
        cost = self._told(number, ended=ended, since=now - begun - self.service)
        if cost == self.bills[number]:
            self.told_at = self.told_at or now
        if cost is not None:
            task |= {"cost": float(cost), "credits_cost": float(10 * cost)}
        if ended:
            link = f"http://127.0.0.1:9/clips/{number}.mp4"
            videos = [{"url": [link], "expires_at": int(begun) + 86_400}]
            task |= {"completed": int(begun + self.service), "result": {"videos": videos}}
        return task

    def _told(self, number: int, *, ended: bool, since: float) -> Decimal | None:
        bill = self.bills[number]
        minute = 60
        told = {
            "at once": bill,
            "partly": bill if ended else bill / 10,
            "zero first": bill if ended else Decimal(0),
            "at the end": bill if ended else None,
            "late": bill if since > minute else Decimal(0),
            "never": None,
        }
        return told[self.tells]
