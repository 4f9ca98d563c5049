"""What a lost answer costs: gridgen beside the clients that people use, against one server over real sockets.

The server does and bills what is asked, and its answer never comes: the connection is cut, or hangs, or a
proxy says 500, 502 or 504. Counted is what the server got: POSTs, tasks and distinct idempotency keys for
each submission that was meant. The simulator's ledger is the witness. The rivals are the packages of the
`bench` extra, with their own retry defaults; set is only how long they wait for an answer, by the parameter
that each documents for it, and fal_client's address. Nothing of theirs leaves this machine: a connection to
any other is refused, and ends the run.

Run ``tests/run bench lost_answers``: two tables and a line of JSON on stdout, with ``--json FILE`` the
figures in a file.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import importlib.metadata
import itertools
import json
import os
import sys
import tempfile
import warnings
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.engine.report import OURS, Figure, machine, to_json
from gridgen import Client, Grid, Simulator, Sweep
from gridgen.simulator import Fault
from gridgen.simulator.server import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

PATIENCE = 3.0
"""Seconds that every client waits for an answer."""
SPEED = 20.0
EACH = 3
"""Submissions of each client for each fault."""
SUBMIT = "/v1/videos/generations"
MODEL = "grok-imagine-1.0-video-apimart"

NGINX = "<html><head><title>{0}</title></head><body><center><h1>{0}</h1></center><hr><center>nginx</center></body></html>"
FAULTS: dict[str, dict[str, Any]] = {
    "drop": {"kind": "close"},
    "hang": {"kind": "hang"},
    "500": {"kind": "reply", "status": 500, "body": {"error": {"code": "", "message": "internal error"}}},
    "502": {"kind": "reply", "status": 502, "body": NGINX.format("502 Bad Gateway")},
    "504": {"kind": "reply", "status": 504, "body": NGINX.format("504 Gateway Time-out")},
}
LOST: dict[str, int | None] = {"every answer": None, "the first answer": 1}
"""Which answers of a submission are lost, and so how often its fault strikes."""


def strike(simulator: Simulator, prompt: str, fault: str, lost: str) -> None:
    """Lose the answers to one prompt, after what was asked for is done and billed."""
    simulator.faults.add(
        Fault(**FAULTS[fault], on="submit", when="after", match=f'"{prompt}"', times=LOST[lost])
    )


# What the clients are


def gridgen(url: str, key: str, prompts: list[str], *, policy: str, patience: float = PATIENCE) -> Sweep:
    """Submit by a sweep that treats lost answers as told, and return it at rest."""
    from gridgen.simulator.clock import ScaledClock

    client = Client(key, url, timeout=patience, clock=ScaledClock(SPEED), rate=6000)
    with tempfile.TemporaryDirectory() as folder:
        sweep = Sweep(Grid(prompt=prompts), client=client, folder=folder, previews=False, on_unknown=policy)
        sweep.run()
    client.close()
    return sweep


def openai(url: str, key: str, prompt: str) -> None:
    """Submit by openai-python's own POST, as for any server that speaks like OpenAI's."""
    from openai import OpenAI

    with OpenAI(api_key=key, base_url=f"{url}/v1", timeout=PATIENCE) as client:
        client.post("/videos/generations", body=body(prompt), cast_to=object)


def fal(_url: str, key: str, prompt: str) -> None:
    """Submit by fal_client."""
    from fal_client import SyncClient

    SyncClient(key=key, default_timeout=PATIENCE).submit("fal-ai/boats", arguments=body(prompt))


def replicate(url: str, key: str, prompt: str) -> None:
    """Submit by replicate, which waits for ever unless it is told how long a prediction may be waited for."""
    from replicate import Client as Replicate

    client = Replicate(api_token=key, base_url=url)
    client.predictions.create(version="boats", input=body(prompt), wait=round(PATIENCE))


def plain(url: str, key: str, prompt: str, **options: Any) -> None:
    """Submit by httpx, with httpx-retries as its transport."""
    import httpx
    from httpx_retries import Retry, RetryTransport

    transport = RetryTransport(retry=Retry(**options))
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(transport=transport, timeout=PATIENCE, headers=headers) as client:
        client.post(url + SUBMIT, json=body(prompt)).raise_for_status()


def plain_posts(url: str, key: str, prompt: str) -> None:
    """Submit by httpx, with httpx-retries told that a POST is to be retried as well."""
    plain(url, key, prompt, allowed_methods=["POST"])


RIVALS: dict[str, tuple[str, Callable[[str, str, str], None]]] = {
    "openai": ("openai", openai),
    "fal": ("fal-client", fal),
    "replicate": ("replicate", replicate),
    "httpx": ("httpx-retries", plain),
    "httpx POST": ("httpx-retries", plain_posts),
}
"""Each with the package that decides what it repeats."""
POLICIES = {f"{OURS} hold": "hold", f"{OURS} replay": "replay"}
RUNNERS = (*POLICIES, *RIVALS)
MEASURES = ("POSTs", "tasks", "keys")


def body(prompt: str) -> dict[str, Any]:
    """Return the request for one clip."""
    return {"model": MODEL, "prompt": prompt, "size": "16:9", "duration": 6, "quality": "480p"}


# What they talk to


class Front:
    """Lets clients of other services reach the simulator: each in its own words, and answered in them.

    Parameters
    ----------
    app : ASGI application
        The simulator's.
    key : str
        One that it knows.
    """

    def __init__(self, app: ASGIApp, key: str) -> None:
        self._app = app
        self._bearer = (b"authorization", f"Bearer {key}".encode())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path = scope["path"]
        if path not in {"/fal-ai/boats", "/v1/predictions"}:
            await self._app(scope, receive, send)
            return
        told = await _read(receive)
        asked = json.dumps(told.get("input", told)).encode()
        kept = [pair for pair in scope["headers"] if pair[0] not in {b"authorization", b"content-length"}]
        headers = [*kept, self._bearer, (b"content-length", str(len(asked)).encode())]
        unread = [{"type": "http.request", "body": asked, "more_body": False}]

        async def again() -> Message:
            return unread.pop() if unread else await receive()

        translated = {**scope, "path": SUBMIT, "raw_path": SUBMIT.encode(), "headers": headers}
        await self._app(translated, again, _Answer(path, send))


class _Answer:
    """Passes an answer on, one of a task in the words of the service that was asked."""

    def __init__(self, path: str, send: Send) -> None:
        self._path, self._send = path, send
        self._start: Message = {}

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        said = message.get("body", b"")
        if self._start["status"] == 200:
            said = json.dumps(self._words(json.loads(said)["data"][0]["task_id"])).encode()
        headers = [pair for pair in self._start["headers"] if pair[0] != b"content-length"]
        length = (b"content-length", str(len(said)).encode())
        await self._send({**self._start, "headers": [*headers, length]})
        await self._send({"type": "http.response.body", "body": said})

    def _words(self, task_id: str) -> dict[str, Any]:
        if self._path == "/v1/predictions":
            made = {"id": task_id, "status": "starting", "model": "boats", "version": "boats", "input": {}}
            return {**made, "created_at": "2026-01-01T00:00:00Z", "urls": {}, "logs": "", "output": None}
        urls = {f"{name}_url": f"http://127.0.0.1/{name}" for name in ("response", "status", "cancel")}
        return {"request_id": task_id, **urls}


async def _read(receive: Receive) -> dict[str, Any]:
    found, more = b"", True
    while more:
        message = await receive()
        found += message.get("body", b"")
        more = message.get("more_body", False)
    told: dict[str, Any] = json.loads(found)
    return told


@contextlib.contextmanager
def served() -> Iterator[tuple[Simulator, str]]:
    """Serve a simulator that honours keys on a socket of this machine, for the clients of all services."""
    with Simulator(speed=SPEED, clips="tiny", slots=None, rate=None, service=1.0, failures=0.0) as simulator:
        server = Server(Front(simulator._gate, simulator.api_key))
        try:
            yield simulator, f"http://127.0.0.1:{server.port}"
        finally:
            server.close()


def stay_here() -> None:
    """Refuse from now on that this process connects to any other machine, or asks for one's address."""

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        host: Any = None
        if event == "socket.connect" and isinstance(arguments[1], tuple):
            host = arguments[1][0]
        elif event == "socket.getaddrinfo":
            host = arguments[0]
        if host is not None and host not in {"127.0.0.1", "localhost", "::1", b"127.0.0.1"}:
            sys.stderr.write(f"refused: a connection to {host!r}\n")
            os._exit(3)

    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            del os.environ[name]
    sys.addaudithook(watch)


# What is counted


def counts(simulator: Simulator, prompts: list[str]) -> dict[str, float]:
    """Return POSTs, tasks and keys that the server saw for each of these prompts, on average."""
    posts: dict[str, int] = defaultdict(int)
    keys: set[tuple[str, str]] = set()
    for seen in simulator.requests:
        if seen.method == "POST":
            prompt = json.loads(seen.body).get("prompt")
            posts[prompt] += 1
            keys |= {(prompt, seen.headers[name]) for name in ("idempotency-key",) if name in seen.headers}
    billed = [entry.body["prompt"] for entry in simulator.ledger]
    number = len(prompts)
    return {
        "POSTs": sum(posts[prompt] for prompt in prompts) / number,
        "tasks": sum(billed.count(prompt) for prompt in prompts) / number,
        "keys": sum(prompt in prompts for prompt, _ in keys) / number,
    }


def prompts_of(runner: str, fault: str, lost: str) -> list[str]:
    """Return what a client asks for under one fault."""
    return [f"{runner}, {fault}, {lost}, {number}" for number in range(EACH)]


def compete(simulator: Simulator, url: str) -> None:
    """Let all clients submit at once: most of them mostly wait for their next attempt."""
    for package in ("fal_client", "httpx_retries", "openai", "replicate"):
        importlib.import_module(package)
    Client(simulator.api_key, url).prove_idempotency()
    with ThreadPoolExecutor(256) as pool:
        work = []
        for lost in LOST:
            for runner, policy in POLICIES.items():
                wanted = [prompt for fault in FAULTS for prompt in prompts_of(runner, fault, lost)]
                work.append(pool.submit(gridgen, url, simulator.api_key, wanted, policy=policy))
        for runner, fault, lost in itertools.product(RIVALS, FAULTS, LOST):
            submit = RIVALS[runner][1]
            prompts = prompts_of(runner, fault, lost)
            work += [pool.submit(_tried, submit, url, simulator.api_key, prompt) for prompt in prompts]
        for each in work:
            each.result()


def _tried(submit: Callable[[str, str, str], None], url: str, key: str, prompt: str) -> None:
    """Submit, and take what a person would be shown in the end."""
    with contextlib.suppress(Exception):
        submit(url, key, prompt)


def figures(simulator: Simulator) -> list[Figure]:
    """Return all that was counted; ours has its goals."""
    found = []
    for lost, runner, fault in itertools.product(LOST, RUNNERS, FAULTS):
        goals = goals_of(runner)
        scenario = f"{fault}: {lost} lost"
        for measure, value in counts(simulator, prompts_of(runner, fault, lost)).items():
            found.append(Figure("20", scenario, runner, measure, value, goals.get(measure)))
    return found


def goals_of(runner: str) -> dict[str, float]:
    """Return what ours is held to: nothing is paid twice, and nothing repeated without the person's word."""
    policy = POLICIES.get(runner)
    if policy is None:
        return {}
    return {"tasks": 1.0, "keys": 1.0} if policy == "replay" else {"POSTs": 1.0, "tasks": 1.0, "keys": 1.0}


def tables(found: list[Figure]) -> Iterator[str]:
    """Yield a table for each way of losing answers: a client a row, a fault a column."""
    values = {(each.scenario, each.runner, each.measure): each.value for each in found}
    for lost in LOST:
        yield f"\n{lost.capitalize()} lost: POSTs / tasks billed / distinct keys, for each submission meant"
        yield f"| {'':<30} | " + " | ".join(f"{fault:^13}" for fault in FAULTS) + " |"
        yield f"|{'-' * 32}|" + "---------------|" * len(FAULTS)
        for runner in RUNNERS:
            cells = [
                " / ".join(f"{values[f'{fault}: {lost} lost', runner, each]:g}" for each in MEASURES)
                for fault in FAULTS
            ]
            yield f"| {named(runner):<30} | " + " | ".join(f"{cell:^13}" for cell in cells) + " |"


def named(runner: str) -> str:
    """Return a client with the version of its package."""
    if runner in POLICIES:
        return runner
    package = RIVALS[runner][0]
    told = f"{package} {importlib.metadata.version(package)}"
    return f"{told}, POST as well" if runner == "httpx POST" else told


def main() -> None:
    """Count, print, and exit with 1 where ours missed its goal."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--json", type=Path, help="a file for the figures")
    options = asked.parse_args()
    stay_here()
    warnings.simplefilter("ignore")
    import fal_client.client

    with tempfile.TemporaryDirectory() as data, served() as (simulator, url):
        os.environ["GRIDGEN_DATA_DIR"] = data
        fal_client.client.QUEUE_URL_FORMAT = f"{url}/"
        for runner, fault, lost in itertools.product(RUNNERS, FAULTS, LOST):
            for prompt in prompts_of(runner, fault, lost):
                strike(simulator, prompt, fault, lost)
        compete(simulator, url)
        found = figures(simulator)
    print(*tables(found), sep="\n")
    print(json.dumps(machine()))
    if options.json:
        options.json.write_text(to_json(found, {}) + "\n")
    missed = [each for each in found if not each.met]
    for each in missed:
        print(f"MISSED: {each.runner}, {each.scenario}: {each.shown()}")
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
