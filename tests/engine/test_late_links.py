"""A link that is not there yet, or not for a moment, is no dead one; judged by a server of our own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest
from answering import Answering, completed, running

from gridgen import Grid, Sweep

if TYPE_CHECKING:
    from pathlib import Path


class Late(Answering):
    """Answers for each file with a refusal at first, then with the file."""

    def __init__(self, refusals: list[httpx.Response], expires: float | None) -> None:
        super().__init__(task=self._said)
        self.refusals, self.expires = refusals, expires

    def _said(self, job, age: float) -> dict:
        if age < 20:
            return running()
        task = completed(cost=0.06)
        task["result"]["videos"][0]["expires_at"] = self.expires and int(job.at + self.expires)
        return task

    def answer(self, request: httpx.Request, body: bytes) -> httpx.Response:
        """Answer one request."""
        if request.url.path.startswith("/clips/") and self.refusals:
            return self.refusals.pop(0)
        return super().answer(request, body)


def swept(server: Answering, folder: Path) -> Sweep:
    """Run one cell."""
    sweep = Sweep(Grid(prompt="boat"), client=server.client(), folder=folder, previews=False)
    sweep.run()
    return sweep


@pytest.mark.parametrize("expires", [86_400, None])
@pytest.mark.parametrize("status", [403, 404, 410])
def test_a_link_that_works_a_moment_later(tmp_path, status, expires):
    """Cases F1 and T6: storage that lags behind its API, or a firewall's mood, ends no paid clip in the run that made it."""
    server = Late([httpx.Response(status, text="<html>not yet") for _ in range(3)], expires)
    sweep = swept(server, tmp_path)

    assert sweep.counts() == {"done": 1}
    assert len(server.posts) == 1


def test_a_link_whose_time_is_over_is_dead_at_once(tmp_path):
    """Case F1: the server said until when its links live; after that one refusal is enough, and the row says so."""
    server = Late([httpx.Response(403) for _ in range(50)], 10)
    sweep = swept(server, tmp_path)

    assert sweep.counts() == {"expired": 1}
    assert len(server.refusals) == 49


def test_a_link_that_stays_dead_is_expired_within_minutes(tmp_path):
    """Case F1: nobody waits for ever for a link that is gone."""
    server = Late([httpx.Response(404) for _ in range(500)], 86_400)
    sweep = swept(server, tmp_path)

    assert sweep.counts() == {"expired": 1}
    assert 2 < 500 - len(server.refusals) < 20
    assert server.clock.time() - server.posts[0] < 300
