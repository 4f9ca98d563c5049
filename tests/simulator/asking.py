"""Ways to ask a simulator in process, as a client would."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from gridgen.simulator import Simulator

DEFAULT = "grok-imagine-1.0-video-apimart"
LEGACY = "grok-imagine-1.5-video-apimart"
EXT = "grok-imagine-1.5-video-ext"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 24


class Asker:
    """One simulator, asked in process as a client would."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.headers = {"Authorization": f"Bearer {simulator.api_key}"}

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Return the answer to one request, sent with the simulator's key."""

        async def exchange() -> httpx.Response:
            transport = self.simulator.transport()
            base = self.simulator.base_url
            async with httpx.AsyncClient(transport=transport, base_url=base) as client:
                return await client.request(method, path, **options)

        options["headers"] = self.headers | options.get("headers", {})
        return asyncio.run(exchange())

    def get(self, path: str, **options: Any) -> httpx.Response:
        """Return the answer to a GET."""
        return self.ask("GET", path, **options)

    def post(self, body: Any, **options: Any) -> httpx.Response:
        """Return the answer to a submission."""
        return self.ask("POST", "/v1/videos/generations", json=body, **options)

    def submit(self, **fields: Any) -> str:
        """Submit a good body and return the task's id."""
        reply = self.post(cell(**fields))
        assert reply.is_success, reply.text
        data = reply.json()["data"]
        return data[0]["task_id"] if isinstance(data, list) else data["id"]

    def task(self, task_id: str, **options: Any) -> dict[str, Any]:
        """Return a task's ``data``."""
        return self.get(f"/v1/tasks/{task_id}", **options).json()["data"]

    def later(self, seconds: float) -> None:
        """Let simulated time pass."""
        asyncio.run(self.simulator.clock.sleep(seconds))

    def finished(self, **fields: Any) -> dict[str, Any]:
        """Submit, wait an hour, and return the task's ``data``."""
        task_id = self.submit(**fields)
        self.later(3600)
        return self.task(task_id)


def cell(**fields: Any) -> dict[str, Any]:
    """Return the default model's body, with fields set otherwise; None leaves one out."""
    body = {
        "model": DEFAULT,
        "prompt": "a paper boat crossing a puddle",
        "size": "16:9",
        "duration": 6,
        "quality": "480p",
    }
    return {name: value for name, value in (body | fields).items() if value is not None}
