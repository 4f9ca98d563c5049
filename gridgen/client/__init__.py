"""The HTTP side: submit, ask, download; async inside, over httpx.

The key is added to each request by a function and kept nowhere else: default
headers of an HTTP client appear in tracebacks.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import math
import os
import secrets
import warnings
import weakref
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self
from urllib.parse import quote, urlsplit

import httpx

from gridgen import userdirs
from gridgen._loop import engine, on_engine, wait, wait_async
from gridgen.calls import Fixed, Rooted, explained
from gridgen.client import download, idempotency
from gridgen.client.download import LARGEST_FILE, http_errors, untrusted
from gridgen.client.key import Key
from gridgen.client.links import is_loopback
from gridgen.client.surroundings import UNUSABLE, unusable
from gridgen.client.upload import Stored, classify_upload, encoded, lost, pictures
from gridgen.clock import Clock, SteadyClock, of_the_wire
from gridgen.errors import (
    APIError,
    AuthenticationError,
    BudgetError,
    GridgenError,
    MissingKeyError,
    NetworkError,
    TaskFailed,
    UnknownOutcome,
)
from gridgen.grid import Grid
from gridgen.grid.images import FRESH, LocalImage, reference
from gridgen.models import DEFAULT_MODEL, Price, enough, find
from gridgen.models.price import money
from gridgen.models.pricelist import listed_price
from gridgen.models.refresh import CatalogueReport, Told, compared
from gridgen.money import exact_dollars
from gridgen.outcome import POOL_TIMEOUT, Accepted, Ambiguous, NotSent, Outcome, api_error, classify, is_gone
from gridgen.pacing import RateControl
from gridgen.pacing.limiter import Limiter
from gridgen.task import (
    Status,
    Task,
    as_text,
    cleaned,
    parse_json,
    parse_task,
    says_nothing,
    valid_id,
    wrong_code,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from types import TracebackType

    from gridgen.client.idempotency import IdempotencyProbe
    from gridgen.client.upload import UploadOutcome
    from gridgen.grid import Cell

__all__ = ["OFFICIAL", "Balance", "Client"]

OFFICIAL = "https://api.apimart.ai"
MIRRORS = frozenset({"api.apimart.ai", "api.apib.ai", "api.aiuxu.com", "api.aishuch.com"})
"""The official host and its mainland mirrors, which answer to the same keys."""

_NOT_FOR_THIS_KEY = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
LARGEST_REPLY = 8 * 2**20
CONTROL, DOWNLOADS = 12, 4

IDLE_FOR = 30.0
"""Seconds for which a connection without use is kept."""

FRESH_FOR = 1.0
"""Seconds without use after which a connection carries no submission: servers close idle ones, and what arrives then
may be lost on the way."""

OnSending = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Balance:
    """What the account has left.

    Attributes
    ----------
    remaining, used : Decimal
        In the unit that the server is set to, USD by default.
    unlimited : bool
        Whether the key itself has no limit; the account still has.
    """

    remaining: Decimal
    used: Decimal
    unlimited: bool

    def __repr__(self) -> str:
        return f"Balance(remaining={self.remaining}, used={self.used}, unlimited={self.unlimited})"


_EXAMPLES = {
    "Client": "client = gridgen.Client() with the key in APIMART_API_KEY, or gridgen.Client(api_key=...)",
    "submit": "client.submit(grid[0])",
    "task": "client.task('task_...')",
}


def _as_it_is(value: Any) -> Any:
    """Take what gridgen itself sets."""
    return value


_MAKE_ANOTHER = (
    "holds a key and open connections, so it is neither pickled nor copied: make a new one where it is needed, "
    "gridgen.Client(), which reads APIMART_API_KEY there"
)


@explained(_EXAMPLES, dict.fromkeys(("key", "token", "apikey", "secret"), "api_key"))
class Client(Rooted, Fixed):
    """A connection to the APIMart video API, or to a simulator of it.

    Parameters
    ----------
    api_key : str, optional
        Taken from the environment variable ``APIMART_API_KEY`` by default, and
        then sent to the official host and its mirrors only.
    base_url : str, default "https://api.apimart.ai"
        With or without ``/v1``; plain http only on this machine.
    timeout : float, optional
        Seconds to wait for an answer; 45 for a submission, 15 for a question
        by default. A lost answer leaves a submission unknown, so be generous.
    http_client : callable, optional
        Takes no arguments and returns an httpx or httpx2 ``AsyncClient``; it is
        called, and its client closed, on the engine's loop.
    clock : Clock, optional
        What a second is; a simulator brings its own.
    rate : number, optional
        Submissions a minute that are never passed. By default they begin at 40, and
        after a minute of that they follow what the server takes: faster until it
        refuses one, then just under what it refused.

    Raises
    ------
    MissingKeyError
        If there is no key; the message names both ways out.

    Notes
    -----
    Each verb has an async twin with the prefix ``a``.
    """

    _SEND = _MAKE_ANOTHER
    ONCE = frozenset({"wire", "pace", "base_url", "host", "clock", "is_simulator", "on_loopback", "listed"})
    INSTEAD: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ("api_key", *ONCE), "make another gridgen.Client(...); sweep.client = client goes on with it"
    )
    CHECKED: ClassVar[Mapping[str, Callable[[Any], Any]]] = dict.fromkeys(("earlier", "simulator"), _as_it_is)

    def __init__(
        self,
        api_key: str | None = None,
        base_url: str = OFFICIAL,
        *,
        timeout: float | None = None,
        http_client: Callable[[], Any] | None = None,
        clock: Clock | None = None,
        rate: float | None = None,
    ) -> None:
        key, api_key = Key(api_key), None  # no frame that raises may hold it
        wire = Wire(key, _base_url(base_url), timeout=timeout, http_client=http_client, clock=clock)
        self.wire = wire
        """What the engine needs of it, on its own loop and nowhere else."""
        self.pace = RateControl.at(_rate(rate))
        self.base_url, self.host, self.clock = wire.base_url, wire.host, wire.clock
        self.is_simulator, self.on_loopback = wire.is_simulator, wire.on_loopback
        self.listed = wire.listed
        """What the server's price list said of each model when it was last asked."""
        self.simulator: object = None
        weakref.finalize(self, _abandon, *wire.connections).atexit = False

    @property
    def origin(self) -> str:
        """Where clips come from: ``apimart``, ``simulator``, or the host's name."""
        return self.wire.origin

    @property
    def earlier(self) -> tuple[Client, ...]:
        """Clients of the same service that may know tasks which this one's key does not."""
        return self.wire.earlier

    @earlier.setter
    def earlier(self, clients: tuple[Client, ...]) -> None:
        self.wire.earlier = clients

    def fingerprint(self, salt: str) -> str:
        """Return 16 hexadecimal digits that tell keys apart and tell nothing about the key.

        Parameters
        ----------
        salt : str
            Another one gives other digits for the same key.
        """
        return self.wire.fingerprint(salt)

    @functools.cached_property
    def limiter(self) -> Limiter | None:
        """Takes turns with other processes of this machine that use the key; None where time jumps."""
        salt = userdirs.salt() if self.clock.speed < math.inf else None
        if salt is None:
            return None
        # one for all clients of the key in this process, so that what others do is told from what they do
        known = engine().shared(_limiters)
        name = self.fingerprint(f"{salt} {self.base_url}")
        return known.setdefault((name, self.clock.speed), Limiter(name, speed=self.clock.speed))

    def __repr__(self) -> str:
        return f"Client({self.base_url!r}, origin={self.origin!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def submit(self, cell: Cell) -> Task:
        """Submit one cell, which costs money, and return its task.

        A sweep keeps a journal of what it submits; this does not.

        Raises
        ------
        APIError
            If the server refused; nothing was created.
        NetworkError
            If nothing was sent.
        UnknownOutcome
            If the answer was lost: it may be billed, and is not repeated.
        """
        return wait(self.wire.submit(cell))

    async def asubmit(self, cell: Cell) -> Task:
        """Do as `submit`, from any event loop."""
        return await wait_async(engine().submit(self.wire.submit(cell)))

    def task(self, task_id: str) -> Task:
        """Return a task as it stands.

        Raises
        ------
        APIError
            If the server does not know it.
        NetworkError
            If no answer came.
        """
        return wait(self.wire.poll(task_id))

    async def atask(self, task_id: str) -> Task:
        """Do as `task`, from any event loop."""
        return await wait_async(engine().submit(self.wire.poll(task_id)))

    def download(self, task: Task, path: str | os.PathLike[str]) -> Path:
        """Save the first video of a completed task and return the path.

        The file is checked before it appears under its name.

        Raises
        ------
        TaskFailed
            If the task has no video.
        APIError
            If the link is dead.
        NetworkError
            If the transfer broke off.
        """
        return wait(self.wire.save(task, Path(path)))

    async def adownload(self, task: Task, path: str | os.PathLike[str]) -> Path:
        """Do as `download`, from any event loop."""
        return await wait_async(engine().submit(self.wire.save(task, Path(path))))

    def balance(self) -> Balance:
        """Return what the account has left.

        Raises
        ------
        APIError
            If the server refused to say.
        NetworkError
            If no answer came.
        """
        return wait(self.wire.remaining())

    async def abalance(self) -> Balance:
        """Do as `balance`, from any event loop."""
        return await wait_async(engine().submit(self.wire.remaining()))

    def upload(self, image: Any) -> str:
        """Upload a reference image and return its URL, which lives for 72 h.

        A sweep uploads the pictures of its grid by itself; this is for other uses.
        The same content is uploaded once while its link lives.

        Parameters
        ----------
        image : path, bytes, Pillow image or array
            As on the axis ``image_urls``: JPEG, PNG, WebP or GIF, 20 MB at most. A URL is
            returned as it is.

        Raises
        ------
        GridError
            If it is no such picture; nothing was sent.
        APIError
            If the server refused it.
        NetworkError
            If nothing was sent, or the answer was lost; it is not repeated.
        """
        picture = reference(image)
        return wait(self.wire.upload(picture)) if isinstance(picture, LocalImage) else picture

    async def aupload(self, image: Any) -> str:
        """Do as `upload`, from any event loop."""
        picture = await asyncio.to_thread(reference, image)
        if not isinstance(picture, LocalImage):
            return picture
        return await wait_async(engine().submit(self.wire.upload(picture)))

    def refresh_catalogue(self) -> CatalogueReport:
        """Ask the server for its video models, their schemas and prices, and show what differs from the catalogue.

        Nothing of ours is changed: what is new can be given to `Grid` from the report.
        A server's schema states compatibility; a model may ignore fields that it lists.

        Returns
        -------
        CatalogueReport
            Text and HTML; true where anything differs.

        Raises
        ------
        APIError
            If the server refused to say.
        NetworkError
            If no answer came.
        """
        return wait(self.wire.refresh())

    async def arefresh_catalogue(self) -> CatalogueReport:
        """Do as `refresh_catalogue`, from any event loop."""
        return await wait_async(engine().submit(self.wire.refresh()))

    def prove_idempotency(
        self, model: str = DEFAULT_MODEL, *, budget: float | Decimal | str | None = None
    ) -> IdempotencyProbe:
        """Try, with one cheapest job, whether the server honours an idempotency key for a model.

        The same submission is sent twice under one key. If it comes back as one
        task, marked as a replay, that is kept for every sweep of this user for 30
        days: ``Sweep(..., on_unknown="replay")`` may then settle lost answers.

        Parameters
        ----------
        model : str, default "grok-imagine-1.0-video-apimart"
        budget : number, optional
            USD that it may cost; needed with a real key. A server that ignores
            keys bills the job twice.

        Raises
        ------
        BudgetError
            If the budget is missing or too small; the price is in it. Nothing was sent.
        GridError
            If it is no sum of money.
        APIError, NetworkError, UnknownOutcome
            As `submit`, of the first submission.
        """
        return wait(self.wire.prove(model, None if budget is None else money(budget)))

    async def aprove_idempotency(
        self, model: str = DEFAULT_MODEL, *, budget: float | Decimal | str | None = None
    ) -> IdempotencyProbe:
        """Do as `prove_idempotency`, from any event loop."""
        work = self.wire.prove(model, None if budget is None else money(budget))
        return await wait_async(engine().submit(work))

    def proof(self, model: str) -> IdempotencyProbe | None:
        """Return what `prove_idempotency` found for a model, None where it is not known or too old."""
        return self.wire.proof(model)

    def close(self) -> None:
        """Close the connections, those of requests on their way once these are through; new ones open on use."""
        wait(self.wire.close())

    async def aclose(self) -> None:
        """Do as `close`, from any event loop."""
        await wait_async(engine().submit(self.wire.close()))


class Wire(Rooted):
    """What a client does on the engine's loop: each coroutine refuses to run anywhere else, and in a forked child.

    Parameters
    ----------
    key : Key
    base_url : str
        Without ``/v1``.
    timeout, http_client, clock
        As of `Client`.

    Attributes
    ----------
    earlier : tuple of Client
        Those that may know tasks which this key does not.
    listed : dict
        What the server's price list said of each model when it was last asked.
    connections : tuple of dict
        What is open: in use, and closed as soon as it carries nothing.
    """

    _SEND = _MAKE_ANOTHER

    def __init__(
        self, key: Key, base_url: str, *, timeout: float | None, http_client: Any, clock: Clock | None
    ) -> None:
        self.base_url = base_url
        self.host = urlsplit(self.base_url).hostname or ""
        self.on_loopback = is_loopback(self.host)
        self.clock = clock or SteadyClock()
        _settle(key, self.host)
        self.is_simulator = key.is_simulated
        self._authorize, self.fingerprint, self._redact = key.authorize, key.fingerprint, key.redact
        self._process, self._checked = os.getpid(), False
        self._timeout = timeout
        self._make_http = _factory(http_client)
        self._traced = http_client is None
        self._http: dict[str, Any] = {}
        self._opened: dict[str, float] = {}
        self._places: dict[str, asyncio.Semaphore] = {}
        self._retired: dict[int, Any] = {}
        self.connections = self._http, self._retired
        self._users: Counter[Any] = Counter()
        self._proofs: dict[str, IdempotencyProbe] = {}
        self._links: dict[str, Stored] = {}
        self.listed: dict[str, Price | None] = {}
        self.earlier: tuple[Client, ...] = ()

    @property
    def origin(self) -> str:
        """Where clips come from, as of `Client`."""
        if self.is_simulator:
            return "simulator"
        return "apimart" if self.host in MIRRORS else self.host

    def _place(self) -> str | None:
        """Return what proofs are kept under; a server on this machine is another one for each key."""
        if not (self.is_simulator or self.on_loopback):
            return self.origin
        salt = userdirs.salt()
        return None if salt is None else f"{self.origin} {self.fingerprint(salt + self.host)}"

    def proof(self, model: str) -> IdempotencyProbe | None:
        """Return what is known, as of `Client`."""
        place = self._place()
        found = self._proofs.get(model) or (None if place is None else idempotency.find(place, model))
        return found if found is not None and found.current else None

    def check(self) -> None:
        """Raise `GridgenError` where nothing can be sent from this process, or with this environment."""
        self._check_process()
        if self._traced and not (self.on_loopback or self._checked):
            self._make_http(self.on_loopback, IDLE_FOR)
            self._checked = True

    def _check_process(self) -> None:
        if os.getpid() != self._process:
            msg = (
                "this Client was made before the process was forked, and its connections are the parent's: "
                "make a Client in the child, and a Sweep with it. Nothing was sent."
            )
            raise GridgenError(msg)

    def _check_loop(self) -> None:
        if not on_engine():
            msg = (
                "this runs on gridgen's own loop and on no other; call the verb of Client, or its twin with an a: "
                "await client.atask(task_id), for example. Nothing was sent."
            )
            raise GridgenError(msg)

    async def send(self, body: bytes, *, idempotency_key: str | None, on_sending: OnSending) -> Outcome:
        """Send one submission and say what became of it; on the engine's loop.

        Parameters
        ----------
        body : bytes
            The exact JSON.
        idempotency_key : str or None
            1 to 191 visible ASCII characters, one per attempt.
        on_sending : callable
            Awaited right before the first byte may leave. If it raises, nothing
            is sent.
        """
        trace = _Trace(on_sending)
        headers = {"Content-Type": "application/json"}
        if idempotency_key is not None:
            headers["Idempotency-Key"] = idempotency_key
        answer = await self._post("/v1/videos/generations", trace, seconds=45, content=body, headers=headers)
        return (
            answer if isinstance(answer, (NotSent, Ambiguous)) else classify(trace.events, *answer, sent=body)
        )

    async def send_image(self, name: str, data: bytes, content_type: str) -> UploadOutcome:
        """Send one picture and say what became of it; on the engine's loop."""
        trace, now = _Trace(_unrecorded), self.clock.time()
        answer = await self._post(
            "/v1/uploads/images", trace, seconds=120, files={"file": (name, data, content_type)}
        )
        if isinstance(answer, (NotSent, Ambiguous)):
            return answer
        return classify_upload(trace.events, *answer, now=now)

    async def _post(
        self, path: str, trace: _Trace, *, seconds: float, **options: Any
    ) -> tuple[int, Mapping[str, str], bytes] | NotSent | Ambiguous:
        """Make one POST and return its answer, or what the wire tells of one that got none."""
        if not self._traced:
            await trace.sending()
        try:
            async with self._room("control"):
                return await self._exchange(
                    "POST", path, seconds=self._timeout or seconds, extensions={"trace": trace}, **options
                )
        except GridgenError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever an injected transport raises, only its trace counts
            if type(error).__name__ == "PoolTimeout":
                trace.events.append(POOL_TIMEOUT)
            return _named(classify(trace.events, None, {}, b""), error, trace.status)

    async def poll(self, task_id: str) -> Task:
        """Ask once for a task; on the engine's loop. Where this key may not see it, `earlier` ones are tried."""
        if not valid_id(task_id):
            msg = f"task id {task_id[:80]!r} is not one: expected a printable text of at most 200 characters"
            raise APIError(msg, status=HTTPStatus.NOT_FOUND)
        try:
            return await self.ask(task_id)
        except APIError as error:
            if error.status not in _NOT_FOR_THIS_KEY and not is_gone(error):
                raise
            for client in self.earlier:
                with contextlib.suppress(APIError, NetworkError):
                    return await client.wire.ask(task_id)
            raise

    async def ask(self, task_id: str) -> Task:
        """Ask once for a task with this key only; on the engine's loop."""
        headers, body, payload = await self._answer(f"/v1/tasks/{quote(task_id, safe='')}")
        task = parse_task(payload, task_id)
        if task is None:
            _check(headers, body, payload)
            msg = f"the reply describes no task: {as_text(payload, 200)}"
            raise APIError(msg, status=HTTPStatus.NOT_FOUND if says_nothing(payload) else HTTPStatus.OK)
        if str(payload.get("code")).isdecimal():  # a word beside a task is why that failed
            wrong = wrong_code(payload)
            if wrong is not None:
                raise api_error(max(wrong, HTTPStatus.BAD_REQUEST), headers, body, payload)
        return task if task.reply is None else replace(task, reply=self._redact(task.reply))

    async def reconnect(self) -> None:
        """Let later requests use new connections; those on their way keep theirs until they are through."""
        await self.close()

    async def fetch(self, url: str, part: Path, *, most: int = LARGEST_FILE, picture: bool = False) -> None:
        """Stream one result link into a file, as `gridgen.client.download` does; on the engine's loop."""
        try:
            async with self._room("downloads"), self._using("downloads") as http:
                await download.download(
                    http,
                    url,
                    part,
                    on_loopback=self.on_loopback,
                    clock=self.clock,
                    most=most,
                    base=f"{self.base_url}/",
                    picture=picture,
                )
        except (GridgenError, OSError):
            raise
        except (
            Exception
        ) as error:  # a link and what answers to it may be anything; it is this file's trouble alone
            msg = f"the download failed: {type(error).__name__}: {str(error)[:200]}"
            raise NetworkError(msg) from error

    async def probe(self) -> None:
        """Ask something that costs nothing, to see whether the server answers at all.

        Raises
        ------
        APIError
            If it answers with a failure of its own (5xx).
        NetworkError
            If it does not answer.
        """
        try:
            await self._get("/v1/balance")
        except APIError as error:
            if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                raise

    async def price(self, model: str) -> Price | None:
        """Ask the server's public price list for a model, under all its names; None where it knows no price.

        An unknown model is answered with zeros, which is not free.
        """
        found = None
        known = find(model)
        names = dict.fromkeys((model, known.id, *known.aliases))
        for name in names:
            data = (await self._get(f"/api/pricing/model?model={quote(name, safe='')}")).get("data")
            of_another = isinstance(data, dict) and (data.get("model_name") or name) not in names
            found = listed_price(data, known) if isinstance(data, dict) and not of_another else None
            if found is not None:
                break
        self.listed[model] = found
        return found

    async def submit(self, cell: Cell) -> Task:
        """Submit one cell, as `Client.submit`."""
        key = f"gridgen-{secrets.token_hex(24)}"
        outcome = await self.send(await self._body(cell), idempotency_key=key, on_sending=_unrecorded)
        return Task(_accepted(outcome, cell, key).task_id)

    async def _body(self, cell: Cell) -> bytes:
        """Return the request of a cell, with its pictures uploaded."""
        return encoded(cell, {image: await self.upload(image) for image in pictures(cell)})

    async def upload(self, image: LocalImage) -> str:
        """Return the link of a picture, which this client uploads once while the link lives."""
        known = self._links.get(image)
        if known is None or known.expires_at - self.clock.time() < FRESH:
            data = await engine().in_thread(image.read)
            known = _stored(image, await self.send_image(image.file_name, data, image.content_type))
            self._links[image] = known
        return known.url

    async def refresh(self) -> CatalogueReport:
        """Ask what there is, as `Client.refresh_catalogue`."""
        payload = await self._get("/v1/models?expand=parameters")
        listed = payload.get("data")
        records = [each for each in listed if _is_video(each)] if isinstance(listed, list) else []
        told = await asyncio.gather(*(self._told(each) for each in records))
        today = datetime.fromtimestamp(self.clock.time(), UTC).date()
        return compared(told, host=self.host, today=today)

    async def _told(self, record: Mapping[str, Any]) -> Told:
        name, schema = record["id"], _schema(record.get("parameters"))
        if schema is None:
            with contextlib.suppress(APIError):
                asked = f"model={quote(name, safe='')}&operation=video_generation"
                schema = _schema(await self._get(f"/v1/model-schema?{asked}"))
        return Told(name, schema, await self._listed_price(name))

    async def prove(self, model: str, budget: Decimal | None) -> IdempotencyProbe:
        """Submit twice under one key, as `Client.prove_idempotency`."""
        cell = _cheapest(find(model).id)
        quoted = cell.quote(await self._listed_price(cell.model)) or cell.quote(cell.spec.price)
        usd = None if quoted is None else quoted.usd
        self._check_proof_budget(cell, usd, budget)
        place = self._place() or self.origin
        # the same for ever, so that a proof that is made again, or was lost, costs nothing where keys are honoured
        key = f"gridgen-proof-{self.fingerprint(cell.key)}"

        async def send() -> Outcome:
            return await self.send(encoded(cell, {}), idempotency_key=key, on_sending=_unrecorded)

        first = _accepted(await idempotency.answered(send, self.clock), cell, key)
        found = await idempotency.prove(place, cell.model, first.task_id, send, self.clock)
        self._proofs[cell.model] = found
        await engine().in_thread(idempotency.keep, found)
        return found

    async def _listed_price(self, model: str) -> Price | None:
        try:
            return await self.price(model)
        except GridgenError:
            return None

    def _check_proof_budget(self, cell: Cell, usd: Decimal | None, budget: Decimal | None) -> None:
        if budget is None and self.is_simulator:
            return
        cost = "an unknown price" if usd is None else exact_dollars(usd)
        twice = "twice that" if usd is None else exact_dollars(2 * usd)
        told = (
            f"the proof submits one job of {cell.duration} s at {cell.quality} for {cost}; "
            f"a server that ignores the key bills {twice}"
        )
        if budget is None:
            suggested = "budget=..." if usd is None else f"budget={enough(2 * usd)}"
            msg = (
                f"{told}. Say that it may: prove_idempotency({cell.model!r}, {suggested}). Nothing was sent."
            )
            raise BudgetError(msg)
        if usd is None:
            msg = (
                f"{told}, and nobody knows whether that fits in budget={budget} USD. Name a model whose price is "
                "listed, or leave lost answers to sweep.unknown. Nothing was sent."
            )
            raise BudgetError(msg)
        if 2 * usd > budget:
            msg = f"{told}, which is more than budget={budget} USD. Nothing was sent."
            raise BudgetError(msg)

    async def save(self, task: Task, path: Path) -> Path:
        """Save a task's video, as `Client.download`."""
        from gridgen.media import probe

        if task.status is not Status.COMPLETED or not task.videos:
            msg = f"task {task.id} is {task.status} and has no video" + (
                f": {task.error}" if task.error else ""
            )
            raise TaskFailed(msg, task=task)
        part = path.with_name(path.name + ".part")
        await self.fetch(task.videos[0].url, part)
        await engine().in_thread(probe, part)
        part.replace(path)
        return path

    async def remaining(self) -> Balance:
        """Ask for the account's balance; on the engine's loop.

        A key without a limit of its own reads -1 when it is asked for itself, so the
        account is asked first (docs.apimart.ai, account/user-balance).
        """
        try:
            return _balance(await self._get("/v1/user/balance"))
        except AuthenticationError:
            raise
        except APIError as error:
            found = _balance(await self._get("/v1/balance"))
            if found.remaining < 0:
                msg = f"the key has no limit of its own, and the account's balance is not told: {error}"
                raise APIError(msg, status=error.status, code=error.code) from error
            return found

    async def used(self) -> Decimal | None:
        """Ask for the USD that this key has used; None where it has no balance of its own, or in another unit.

        The unit is set at the server and not told. Ten credits are a dollar, and what is
        told in both tells it (docs.apimart.ai, account/token-balance).
        """
        told = await self._get("/v1/balance")
        found, in_credits = _balance(told), _balance(told, "credits")
        if found.unlimited or found.remaining < 0 or not (in_credits.remaining or in_credits.used):
            return None
        pairs = ((found.remaining, in_credits.remaining), (found.used, in_credits.used))
        # credits may be whole ones
        alike = all(abs(10 * usd - tenths) <= max(Decimal(1), tenths / 1000) for usd, tenths in pairs)
        return found.used if alike else None

    async def _get(self, path: str) -> dict[str, Any]:
        headers, body, payload = await self._answer(path)
        _check(headers, body, payload)
        return payload

    async def _answer(self, path: str) -> tuple[Mapping[str, str], bytes, dict[str, Any]]:
        """Ask for something and return the answer, as it came and decoded."""
        try:
            async with self._room("control"):
                status, headers, body = await self._exchange("GET", path, seconds=self._timeout or 15)
        except http_errors() as error:
            why = untrusted(error)
            told = why or f"{type(error).__name__}. Check the network; nothing was sent twice"
            msg = f"no answer from {self.host}: {told}."
            raise NetworkError(msg, trusted=why is None) from _without_frames(error)
        payload = parse_json(body)
        if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            raise api_error(status, headers, body, payload)
        if not isinstance(payload, dict):
            said = cleaned(body[:480].decode("utf-8", "replace"), 120)
            page = APIError(f"{self.host} answered HTTP {status} without JSON: {said!r}", status=status)
            page.genuine = False
            raise page
        return headers, body, payload

    async def _exchange(
        self, method: str, path: str, *, seconds: float, **options: Any
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Make one request and read its answer, up to 8 MiB, in at most four times the patience for one byte."""
        clock, asked = of_the_wire(self.clock), self.clock.time()
        end = clock.monotonic() + 4 * seconds
        async with (
            self._using("control" if method == "GET" else "submissions") as http,
            http.stream(
                method,
                self.base_url + path,
                auth=self._authorize,
                follow_redirects=False,
                timeout=(10, seconds, 30, None),
                **options,
            ) as response,
        ):
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > LARGEST_REPLY:
                    break
                if clock.monotonic() > end and parse_json(bytes(body)) is None:
                    msg = f"the answer comes too slowly ({len(body)} bytes in {4 * seconds:.0f} s)"
                    raise httpx.ReadTimeout(msg)
            self._hear(response.headers.get("date"), asked)
            headers = {name.lower(): self._redact(text) for name, text in response.headers.items()}
            return response.status_code, headers, self._redact(bytes(body))

    def _hear(self, date: str | None, asked: float) -> None:
        """Let the clock know what time it was at the server when it answered."""
        with contextlib.suppress(TypeError, ValueError, OverflowError, OSError):
            self.clock.hear(parsedate_to_datetime(date or "").timestamp(), asked)

    @contextlib.asynccontextmanager
    async def _using(self, purpose: str) -> AsyncIterator[Any]:
        """Hold the HTTP client of a purpose for one exchange; of one that was closed meanwhile the last closes it."""
        now = Clock().monotonic()
        if purpose == "submissions" and not self._traced and now - self._opened.get(purpose, now) > FRESH_FOR:
            # how long connections of an injected client may be idle is its own: none is older than the client
            self._retire(purpose)
        if purpose not in self._http:
            idle = FRESH_FOR if purpose == "submissions" else IDLE_FOR
            self._http[purpose], self._opened[purpose] = self._make_http(self.on_loopback, idle), now
        http = self._http[purpose]
        self._users[http] += 1
        try:
            yield http
        finally:
            self._users[http] -= 1
            if not self._users[http]:
                del self._users[http]
            if self._retired:
                # apart, so that nothing that goes wrong in it costs an answer
                engine().submit(self._close_idle())

    def _retire(self, purpose: str) -> None:
        """Let later requests of a purpose use new connections."""
        http = self._http.pop(purpose, None)
        if http is not None:
            self._retired[id(http)] = http
            engine().submit(self._close_idle())

    def _room(self, purpose: str) -> asyncio.Semaphore:
        """At most 16 requests are in flight: 12 to ask and submit, 4 to download."""
        self._check_process()
        self._check_loop()
        if purpose not in self._places:
            self._places[purpose] = asyncio.Semaphore(CONTROL if purpose == "control" else DOWNLOADS)
        return self._places[purpose]

    async def close(self) -> None:
        """Close what is open, each connection once it carries nothing."""
        self._check_loop()
        self._retired.update((id(http), http) for http in self._http.values())
        self._http.clear()
        await self._close_idle()

    async def _close_idle(self) -> None:
        """Close what is retired and carries nothing: to cut a submission on its way would make it unknown."""
        for name, http in list(self._retired.items()):
            if not self._users[http]:
                self._retired.pop(name, None)
                await http.aclose()


def _limiters() -> weakref.WeakValueDictionary[tuple[str, float], Limiter]:
    """Return an empty table of limiters, by key and server, and by speed."""
    return weakref.WeakValueDictionary()


def _check(headers: Mapping[str, str], body: bytes, payload: Mapping[str, Any]) -> None:
    """Raise what an answer of a good status says went wrong."""
    wrong = wrong_code(payload)
    if wrong is None and not (payload.get("success") is False or payload.get("error")):
        return
    raise api_error(max(wrong or 0, HTTPStatus.BAD_REQUEST), headers, body, payload)


async def _close_all(opened: dict[Any, Any]) -> None:
    while opened:
        _, http = opened.popitem()
        await http.aclose()


def _abandon(*opened: dict[Any, Any]) -> None:
    """Close the connections of a client that nobody holds any more."""
    for each in opened:
        if each:
            engine().submit(_close_all(each))


class _Trace:
    """Listens to one POST: keeps the names of its events and tells when it is about to leave."""

    def __init__(self, on_sending: OnSending) -> None:
        self.events: list[str] = []
        self.status: int | None = None
        self._on_sending: OnSending | None = on_sending
        self._through_proxy = False

    async def __call__(self, name: str, info: Mapping[str, Any]) -> None:
        method = getattr(info.get("request"), "method", None)
        if method is not None:
            self._through_proxy = method == b"CONNECT"
        self.events.append(f"proxy.{name}" if self._through_proxy else name)
        if self._through_proxy:
            return
        if name.endswith("send_request_headers.started"):
            await self.sending()
        elif name.endswith("receive_response_headers.complete"):
            told = info.get("return_value")
            parts = told if isinstance(told, tuple) else ()
            self.status = next((part for part in parts if isinstance(part, int)), None)

    async def sending(self) -> None:
        on_sending, self._on_sending = self._on_sending, None
        if on_sending is not None:
            await on_sending()


async def _unrecorded() -> None:
    """Nothing is written right before an upload leaves, nor a submission outside a sweep."""


def _accepted(outcome: Outcome, cell: Cell, key: str) -> Accepted:
    """Return what was accepted, or raise what became of the submission instead."""
    if isinstance(outcome, Accepted):
        return outcome
    if isinstance(outcome, NotSent):
        msg = f"nothing was sent: {outcome.evidence}. Check the network and try again."
        raise NetworkError(msg)
    if isinstance(outcome, Ambiguous):
        msg = (
            f"the submission left and its answer was lost ({outcome.evidence}). It may be billed; it was "
            "not repeated. Look at the account's usage before you submit it again."
        )
        raise UnknownOutcome(msg, cell=cell, evidence=outcome.evidence, idempotency_key=key)
    raise outcome.error


def _stored(image: LocalImage, outcome: UploadOutcome) -> Stored:
    """Return what was stored, or raise what became of the upload instead."""
    if isinstance(outcome, Stored):
        return outcome
    if isinstance(outcome, NotSent):
        msg = f"nothing was sent: {outcome.evidence}. Check the network and try again."
        raise NetworkError(msg)
    if isinstance(outcome, Ambiguous):
        raise NetworkError(lost(image, outcome, "the same call"))
    raise outcome.error


def _is_video(record: object) -> bool:
    """Whether the server's list names a video model."""
    if not isinstance(record, dict) or not isinstance(record.get("id"), str):
        return False
    kinds = [record.get("category"), *(record.get("supported_endpoint_types") or ())]
    return "video" in kinds or find(record["id"]).known


def _schema(told: Any) -> Mapping[str, Any] | None:
    """Return the schema of a model, which older servers wrap in ``data``."""
    if isinstance(told, dict) and isinstance(told.get("data"), dict):
        told = told["data"]
    schema = told.get("input_schema") if isinstance(told, dict) else None
    return schema if isinstance(schema, dict) else None


def _cheapest(model: str) -> Cell:
    """Return the cheapest job of a model: its shortest clip, of the tier that costs least."""
    found = find(model)
    asked: dict[str, Any] = {"prompt": "a paper boat", "model": found.id}
    if found.duration is not None:
        asked["duration"] = found.duration.min
    if found.quality is not None and found.price is not None:
        usd = found.price.usd
        asked["quality"] = min(found.quality.values, key=lambda tier: usd.get(tier, usd.get("", Decimal(0))))
    return Grid(**asked)[0]


def _named(outcome: Outcome, error: Exception, status: int | None) -> NotSent | Ambiguous:
    """Add to the evidence what was raised, and the status of an answer that broke off."""
    if isinstance(outcome, NotSent):
        why = untrusted(error)
        return NotSent(why or f"{type(error).__name__} at {outcome.evidence}", hopeless=why is not None)
    after = outcome.evidence if isinstance(outcome, Ambiguous) else "sending"
    event = outcome.event if isinstance(outcome, Ambiguous) else None
    return Ambiguous(f"{type(error).__name__} after {after}", event=event, status=status)


def _without_frames(error: BaseException) -> BaseException:
    """Return an error of the HTTP client, and what caused it, without the frames that hold the headers sent."""
    each: BaseException | None = error
    while each is not None:
        each.__traceback__ = None
        each = each.__cause__ or each.__context__
    return error


def _base_url(text: str) -> str:
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
        port = parts.port
    except ValueError:
        parts, host, port = urlsplit(""), "", None
    if parts.scheme not in {"http", "https"} or not host or parts.username or parts.query or parts.fragment:
        # a key may stand anywhere in it, but for the name of a host
        shown = f"{parts.scheme}://{host}"[:100] if parts.scheme and host else "..."
        msg = (
            f"base_url={shown!r} and what was given around it is not the address of a server; expected for example "
            f"{OFFICIAL!r}, with the key as api_key="
        )
        raise GridgenError(msg)
    if parts.scheme == "http" and not is_loopback(host):
        msg = (
            f"base_url='{parts.scheme}://{host[:100]}' would send the key unencrypted; "
            "use https (plain http only on this machine)"
        )
        raise GridgenError(msg)
    path = parts.path.rstrip("/")
    while path.endswith("/v1"):
        path = path.removesuffix("/v1").rstrip("/")
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}{f':{port}' if port else ''}{path}"


def _settle(key: Key, host: str) -> None:
    """Raise `MissingKeyError` without a key that may be sent to a host, and warn of one that everybody may see."""
    if not key.given and host not in MIRRORS:
        msg = f"the key in APIMART_API_KEY is only sent to APIMart; give api_key= for {host!r}"
        raise MissingKeyError(msg)
    if key.is_empty:
        msg = (
            "no API key: set the environment variable APIMART_API_KEY (or give api_key=), "
            "or do without one: client = gridgen.Simulator().client()"
        )
        raise MissingKeyError(msg)
    if not key.is_plain:
        msg = "the API key has characters that no key has (a space, a line break or non-ASCII); copy it again"
        raise MissingKeyError(msg)
    if key.given and not key.is_simulated and key.stands_in_a_cell():
        msg = (
            "the API key stands in a cell of this notebook and is saved with it. Take it from the environment "
            "(APIMART_API_KEY) or ask for it: gridgen.Client(getpass.getpass()); then make a new key, as this one may be seen"
        )
        warnings.warn(msg, UserWarning, stacklevel=5)


def _rate(value: float | None) -> float | None:
    if value is None:
        return None
    try:
        rate = float("nan") if isinstance(value, (bool, str)) else float(value)
    except (TypeError, ValueError):
        rate = float("nan")
    if not 0 < rate < float("inf"):
        msg = f"rate={value!r} is not a number of submissions a minute, such as rate=40"
        raise GridgenError(msg)
    return rate


def _factory(http_client: Any) -> Callable[[bool, float], Any]:
    if http_client is None:

        def make(on_loopback: bool, idle: float) -> httpx.AsyncClient:  # noqa: FBT001 - private
            limits = httpx.Limits(max_connections=16, max_keepalive_connections=16, keepalive_expiry=idle)
            try:
                return httpx.AsyncClient(limits=limits, trust_env=not on_loopback)
            except UNUSABLE as error:
                raise GridgenError(unusable(error)) from None

        return make
    if not callable(http_client) or hasattr(http_client, "stream"):
        msg = (
            "http_client= takes a callable that makes a client, such as httpx.AsyncClient itself, not a ready-made "
            "one: it must be made and closed on gridgen's own loop"
        )
        raise GridgenError(msg)
    return lambda _on_loopback, _idle: http_client()


def _balance(payload: Mapping[str, Any], unit: str = "balance") -> Balance:
    try:
        remaining, used = (Decimal(str(payload[f"{name}_{unit}"])) for name in ("remain", "used"))
    except (KeyError, InvalidOperation):
        remaining = used = Decimal("NaN")
    if not (remaining.is_finite() and used.is_finite()):
        msg = f"the reply tells no balance: {as_text(payload, 200)}"
        raise APIError(msg, status=HTTPStatus.OK)
    return Balance(remaining, used, unlimited=bool(payload.get("unlimited_quota")))
