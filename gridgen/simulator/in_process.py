"""A whole simulator in this process: a world, its clock, its HTTP face, its clips."""

from __future__ import annotations

import contextlib
import functools
import math
import re
import threading
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, Unpack

from gridgen.calls import Rooted, explained
from gridgen.simulator import pricing
from gridgen.simulator.app import App, Gate
from gridgen.simulator.clip_cache import ClipCache
from gridgen.simulator.clock import ScaledClock, VirtualClock
from gridgen.simulator.faults import Faults
from gridgen.simulator.injector import Injector
from gridgen.simulator.ledger import Ledger
from gridgen.simulator.profiles import Profile, Switches, named
from gridgen.simulator.server import Server
from gridgen.simulator.state import KEPT, Copies, StateFile, warn_of_loss
from gridgen.simulator.world import World, new_key

if TYPE_CHECKING:
    import os
    from collections import deque
    from collections.abc import Callable, Iterable, Iterator
    from decimal import Decimal
    from types import TracebackType

    import httpx

    from gridgen.client import Client
    from gridgen.clock import Clock
    from gridgen.models import Model
    from gridgen.simulator.app import Seen
    from gridgen.simulator.faults import Fault
    from gridgen.simulator.transport import Door

__all__ = ["Simulator"]

_CLIPS = ("full", "tiny")
_KEY = re.compile(r"sim-[!-~]+")


@explained(
    {
        "client": "client = gridgen.Simulator().client()",
        "Simulator": "simulator = gridgen.Simulator(speed=60)",
    }
)
class Simulator(Rooted):
    """A pretend APIMart with real, playable clips; nothing it bills is real.

    It is reached over HTTP on 127.0.0.1 at `base_url`, by any client that sends
    `api_key`. With ``speed=math.inf`` it lives in virtual time and in process only:
    time stands still while anybody works and jumps when all wait, so that hours pass
    in moments; `client` and `transport` are then the ways in. It calls nobody itself: a
    ``webhook`` is taken and dropped, as the real server drops one that it cannot reach.

    Parameters
    ----------
    seed : int, default 0
        Fixes, for each request body and how often it came, in whatever order: task id,
        service time, outcome, progress, picture.
    speed : float, default 60.0
        Simulated seconds in a real one; 1 is real time, ``math.inf`` is virtual time.
    profile : str or Profile, default "demo"
        Behaviour; names join by ``+`` (see `gridgen.simulator.profiles`).
    state : path or None, default None
        File in which tasks, money and uploads outlive the process. By default each sweep
        keeps what happens while it is at work in its own folder; see `keep_in`.
    clips : str, default "full"
        ``"full"``, or ``"tiny"`` for clips of a few kB.
    port : int, default 0
        Port to listen on; 0 takes a free one.
    key : str or None, default None
        API key to hand out, ``sim-`` and a token; by default a new one, or that of `state`.
    record : int, default 10_000
        How many requests to remember in `requests`.
    faults : iterable of Fault, default ()
        What goes wrong; `faults` also takes and lifts rules later.
    models : iterable of Model, default ()
        A person's own, offered beside those of the catalogue.
    **switches
        Any switch of `Profile`, set on top of `profile`.

    Raises
    ------
    ValueError
        If a value is none of those named, or `state` is some other file.
    TypeError
        If there is no such switch.
    OSError
        If the port is taken, or `state` cannot be opened.

    Examples
    --------
    >>> with Simulator(speed=math.inf, slots=2) as simulator:
    ...     simulator.base_url
    'http://127.0.0.1'
    """

    _SEND = (
        "is a server of this process, so it is neither pickled nor copied: send its api_key and base_url, and make "
        "gridgen.Client(api_key, base_url) of them, or another one with its own state="
    )

    def __init__(
        self,
        *,
        seed: int = 0,
        speed: float = 60.0,
        profile: str | Profile = "demo",
        state: str | os.PathLike[str] | None = None,
        clips: str = "full",
        port: int = 0,
        key: str | None = None,
        record: int = 10_000,
        faults: Iterable[Fault] = (),
        models: Iterable[Model] = (),
        **switches: Unpack[Switches],
    ) -> None:
        _check(clips, key)
        chosen = named(profile) if isinstance(profile, str) else profile
        self._state = None if state is None else StateFile(state)
        self._world = World(seed=seed, profile=chosen.but(**switches), state=self._state, models=models)
        self.clock = _clock(speed, self._world.latest)
        self._taking_in = threading.Lock()
        self._world.set_key(key)
        self._footage = ClipCache(self._world, tiny=clips == "tiny")
        self.faults = Faults(faults, seed=seed, clock=self.clock)
        self._world.meddle = self.faults.meddle
        app = App(self._world, self.clock, self._footage)
        struck = Injector(app, self.faults, self._world, self.clock)
        self._gate = Gate(struck, self.clock, self._world, record)
        self._door: Door = "open"
        self._server = None if speed == math.inf else Server(self._gate, port)
        at = "" if self._server is None else f":{self._server.port}"
        self.base_url = f"http://127.0.0.1{at}"
        self.ledger = _ledger(self._world, self.clock)
        self._end = weakref.finalize(
            self, _close, self._server, self._footage, self._state, self._world.copies
        )

    def __repr__(self) -> str:
        return f"<Simulator at {self.base_url}: {self.ledger!r}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End it: nothing answers any more; what is in `state` stays. Again does nothing."""
        self._end()

    @property
    def profile(self) -> Profile:
        """How the server behaves; may be set at any time."""
        return self._world.profile

    @profile.setter
    def profile(self, profile: str | Profile) -> None:
        self._world.profile = named(profile) if isinstance(profile, str) else profile

    @property
    def requests(self) -> deque[Seen]:
        """The latest requests as they were seen on the wire, oldest first, without secrets."""
        return self._gate.requests

    @property
    def balance(self) -> Decimal:
        """What the account holds, in USD."""
        return pricing.usd(self._world.balance(self.clock.time())[0])

    def top_up(self, usd: float | Decimal) -> None:
        """Pay into the account."""
        self._world.top_up(round(usd * pricing.MICRO))

    @property
    def api_key(self) -> str:
        """The key to call it with: the one it issued last, or any that begins with ``sk-test``."""
        return self._world.key

    def issue_key(self) -> str:
        """Issue one more key of the account and return it; those before stay good."""
        self._world.issue(new_key())
        return self.api_key

    def revoke(self, key: str) -> None:
        """Refuse a key from now on, as the server does after its rotation."""
        self._world.revoke(key)

    @contextlib.contextmanager
    def offline(self, *, silent: bool = False) -> Iterator[None]:
        """Take no connections while the block runs, and cut those that are open.

        Parameters
        ----------
        silent : bool, default False
            Whether to leave who connects without an answer until its own timeout, as a
            network does that drops packets, instead of refusing.
        """
        self._door = "silent" if silent else "refusing"
        if self._server is not None:
            self._server.refuse(silent=silent)
        try:
            yield
        finally:
            self._door = "open"
            if self._server is not None:
                self._server.accept()

    def keep_in(self, folder: str | os.PathLike[str]) -> Callable[[], None]:
        """Keep tasks, uploads, keys and time in a folder's ``simulator.jsonl`` until the returned function is called.

        A sweep calls it before it asks for anything. What earlier simulators kept there
        is taken in, so that their tasks go on and are paid already; time goes on from
        where it stood then if that lies ahead. What is no such file is left as it is, with
        a warning. Several simulators may keep in one folder, and one in several. With
        `state` nothing is done: that file holds everything.
        """
        path = Path(folder).resolve() / KEPT
        if self._state is None:
            try:
                with self._taking_in:
                    self._world.keep_in(path)
                    self.clock.forward(self._world.latest)
            except (OSError, ValueError) as error:
                warn_of_loss(error)
            else:
                return functools.partial(self._world.leave, path)
        return lambda: None

    def transport(self) -> httpx.AsyncBaseTransport:
        """Return an httpx transport that reaches this simulator without a socket."""
        from gridgen.simulator.transport import InProcess

        return InProcess(self._gate, self.clock, lambda: self._door)

    def client(
        self,
        *,
        api_key: str | None = None,
        timeout: float | None = None,
        http_client: Callable[[], Any] | None = None,
    ) -> Client:
        """Return a client of this simulator, which it keeps alive.

        Parameters
        ----------
        api_key : str or None, default None
            Another key than `api_key`, such as one that is wrong.
        timeout, http_client
            As of `gridgen.Client`.
        """
        from gridgen.client import Client

        client = Client(
            self.api_key if api_key is None else api_key,
            self.base_url,
            timeout=timeout,
            http_client=self._http_client if self._server is None and http_client is None else http_client,
            clock=self.clock,
        )
        client.simulator = self
        return client

    def _http_client(self) -> httpx.AsyncClient:
        import httpx

        return httpx.AsyncClient(transport=self.transport(), trust_env=False)


def _ledger(world: World, clock: Clock) -> Ledger:
    return Ledger(lambda: len(world.tasks), lambda index: world.entry(index, clock.time()))


def _check(clips: str, key: str | None) -> None:
    if clips not in _CLIPS:
        msg = f"clips={clips!r} is not a kind of clip (known: {', '.join(_CLIPS)})."
        raise ValueError(msg)
    if key is not None and not _KEY.fullmatch(key):
        msg = (
            "A simulator's key begins with 'sim-', so that it is never taken for a real one, "
            "and goes on in visible ASCII characters."
        )
        raise ValueError(msg)


def _clock(speed: float, latest: float) -> ScaledClock | VirtualClock:
    if speed == math.inf:
        return VirtualClock(latest) if latest else VirtualClock()
    return ScaledClock(speed, start=latest)


def _close(server: Server | None, footage: ClipCache, state: StateFile | None, copies: Copies) -> None:
    if server is not None:
        server.close()
    footage.close()
    copies.close()
    if state is not None:
        state.close()
