"""What a client shows of itself: verbs for any loop, a key nowhere, and a sentence where it cannot be used."""

from __future__ import annotations

import asyncio
import copy
import html
import inspect
import json
import multiprocessing
import os
import pickle
import socket
import sys
import threading
import warnings
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from _pytest._io.saferepr import saferepr
from hypothesis import given
from hypothesis import strategies as st
from IPython.core import ultratb

import gridgen
from gridgen import Cell, Client, Grid, GridgenError, Sweep
from gridgen.client.key import Key

PRICED = Grid(prompt="boat", model="veo3.1-fast")
BOAT = Cell("boat", "16:9", 6, "480p")


def canary() -> str:
    """Return a key; tracebacks that print variables call nothing, so that only what has it in a variable shows it."""
    return "sk-" + "test-CANARY/0123456789="


def test_every_coroutine_of_a_client_is_a_twin():
    """What is public on a client and asynchronous is named a…, beside the verb without the a, and nothing else is."""
    public = {name for name in dir(Client) if not name.startswith("_")}
    coroutines = {name for name in public if inspect.iscoroutinefunction(getattr(Client, name))}

    assert coroutines == {name for name in public if name.startswith("a") and name[1:] in public}
    assert {"asubmit", "atask", "adownload", "abalance", "aupload"} < coroutines


def test_what_belongs_to_the_engine_is_refused_elsewhere(simulate):
    """The engine's coroutines, awaited on any other loop, are a sentence and send nothing."""
    simulator = simulate()
    wire = simulator.client().wire
    for work in (
        wire.remaining,
        wire.probe,
        lambda: wire.poll("task_1"),
        lambda: wire.submit(BOAT),
        wire.close,
    ):
        with pytest.raises(GridgenError, match="gridgen's own loop"):
            asyncio.run(work())

    assert list(simulator.requests) == []


def frames_of_ours(error: BaseException | None) -> str:
    """Return the values of all variables in all frames of ours of an error and of what caused it."""
    ours = Path(gridgen.__file__).parent
    told = []
    while error is not None:
        trace = error.__traceback__
        while trace is not None:
            if Path(trace.tb_frame.f_code.co_filename).is_relative_to(ours):
                told += [trace.tb_frame.f_code.co_name, *map(saferepr, trace.tb_frame.f_locals.values())]
            trace = trace.tb_next
        error = error.__cause__ or error.__context__
    return " ".join(told)


WRONG = {
    "address": {"base_url": "nonsense"},
    "plain http": {"base_url": "http://api.example.org"},
    "rate": {"rate": "fast"},
    "client": {"http_client": httpx.AsyncClient},
}


@pytest.mark.security("S2")
@pytest.mark.parametrize("wrong", WRONG)
def test_argument_errors_hide_the_key(wrong):
    """Case A10: no frame of ours holds the key when another argument is wrong, nor does IPython's Verbose show it."""
    options = dict(WRONG[wrong])
    if wrong == "client":
        options["http_client"] = httpx.AsyncClient()
    with pytest.raises(GridgenError) as caught:
        Client(canary(), **options)
    verbose = ultratb.VerboseTB().text(caught.type, caught.value, caught.tb)

    assert "__init__" in frames_of_ours(caught.value)
    assert canary() not in frames_of_ours(caught.value) + verbose


@pytest.mark.security("S2")
@pytest.mark.parametrize(
    "made", [lambda: canary() + "\n\nx", lambda: canary() + " x", lambda: canary() + "é"]
)
def test_a_key_that_is_none_is_not_quoted(made):
    """Case A10: what was pasted as a key and cannot be one is in no frame of ours either."""
    with pytest.raises(gridgen.MissingKeyError) as caught:
        Client(made())
    verbose = ultratb.VerboseTB().text(caught.type, caught.value, caught.tb)

    assert canary() not in frames_of_ours(caught.value) + verbose


@pytest.mark.security("S2")
def test_a_warning_that_is_an_error_hides_the_key(monkeypatch):
    """Case A10: where warnings are errors, the one of a key in a cell is raised from no frame that holds it."""

    class Shell:
        def __init__(self) -> None:
            self.user_ns = {"In": [f"client = Client({canary()!r})"]}

    monkeypatch.setattr("IPython.get_ipython", Shell)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning) as caught:
            Client(canary())

    assert "stands in a cell" in str(caught.value)
    assert canary() not in frames_of_ours(caught.value)


@pytest.mark.security("S2")
@pytest.mark.parametrize("verb", ["balance", "task"])
def test_a_lost_answer_hides_the_key_in_all_frames(verb):
    """Case A10: neither our frames nor those of the HTTP client, which hold headers, are in the error of a lost answer."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                said = b'{"said": "' + canary().encode()
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n" + said)

        server = threading.Thread(target=answer)
        server.start()
        client = Client(canary(), f"http://127.0.0.1:{listener.getsockname()[1]}")
        with pytest.raises(gridgen.NetworkError) as caught:
            client.balance() if verb == "balance" else client.task("task_1")
        server.join()
    client.close()
    verbose = ultratb.VerboseTB().text(caught.type, caught.value, caught.tb)

    assert canary() not in frames_of_ours(caught.value) + verbose


SPELLINGS = {
    "as it is": lambda key: key,
    "slashes": lambda key: key.replace("/", "\\/"),
    "escapes": lambda key: "".join(f"\\u{ord(char):04x}" for char in key),
    "large digits": lambda key: key.replace("=", "\\u003D").replace("A", "\\u0041"),
    "JSON in JSON": lambda key: json.dumps("".join(f"\\u{ord(char):04x}" for char in key))[1:-1],
    "percent": lambda key: quote(key, safe=""),
    "HTML": lambda key: key.replace("=", "&#61;").replace("/", "&#x2F;"),
}


@pytest.mark.security("S5")
@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_an_echoed_key_is_redacted_however_it_is_spelled(spelling, encoding, tmp_path, caplog):
    """Case A10: a key that the server quotes, in any spelling, is in no error, table, journal, repr or log."""
    caplog.set_level("DEBUG")
    said = SPELLINGS[spelling](canary())
    body = f'{{"error": {{"code": 400, "message": "the key {said} may not do this", "type": "bad"}}}}'

    def handle(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(400, content=body.encode(encoding), headers={"X-Request-Id": canary()})

    client = Client(
        canary(),
        "http://127.0.0.1:9",
        http_client=lambda: httpx.AsyncClient(transport=httpx.MockTransport(handle)),
    )
    sweep = Sweep(Grid(prompt="boat"), client=client, folder=tmp_path / "boats", budget=1, previews=False)
    with pytest.warns(UserWarning, match="price"):
        sweep.run()
    with pytest.raises(GridgenError) as caught:
        client.balance()
    client.close()
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    shown = [
        sweep.df.to_csv(),
        str(caught.value),
        repr(sweep.rows()),
        caplog.text,
        kept.decode("utf-8", "replace"),
    ]

    assert "may not do this" in shown[0]
    assert "[key]" in shown[0]
    for text in shown:
        assert canary() not in text + html.unescape(text) + text.replace("\\/", "/")
        assert said not in text


def test_a_key_that_ends_like_a_spelling_leaves_nothing():
    """Case A10: of a key whose last character begins a spelling of itself, the spelling goes as a whole."""
    assert Key("0000000%").redact("<0000000%25>") == "<[key]>"
    assert Key("0000000&").redact("<0000000&#38;>") == "<[key]>"
    assert Key("0000000\\").redact("<0000000\\u005c>") == "<[key]>"


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=60), st.data())
def test_each_character_of_a_key_may_be_spelled_in_its_own_way(key, data):
    """Case A10: whatever mixture of spellings, decoding what is left never gives the key back."""
    ways = (
        lambda char: char,
        lambda char: f"\\u{ord(char):04x}",
        lambda char: f"\\u{ord(char):04X}",
        lambda char: f"%{ord(char):02X}",
        lambda char: f"&#{ord(char)};",
    )
    said = "".join(data.draw(st.sampled_from(ways))(char) for char in key)

    assert Key(key).redact(f"<{said}>") == "<[key]>"
    assert Key(key).redact(f"<{said}>".encode()) == b"<[key]>"


UNUSABLE = {
    "socks5": ({"ALL_PROXY": "socks5://user:secret@127.0.0.1:9"}, "ALL_PROXY", "httpx[socks]"),
    "socks": ({"ALL_PROXY": "socks://127.0.0.1:9"}, "ALL_PROXY", "socks5://host:port"),
    "lower case": ({"https_proxy": "socks://127.0.0.1:9"}, "https_proxy", "unset https_proxy"),
    "no certificates": ({"SSL_CERT_FILE": "/no/such/ca.pem"}, "/no/such/ca.pem", "unset SSL_CERT_FILE"),
}


@pytest.mark.parametrize("case", UNUSABLE)
@pytest.mark.parametrize("verb", ["balance", "submit", "sweep"])
def test_an_environment_that_lets_nobody_connect_is_named(case, verb, monkeypatch, tmp_path):
    """Case N1: the error names the variable and what to do, in every verb, before anything is sent."""
    for name in ("ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    if case == "socks5":
        monkeypatch.setitem(sys.modules, "socksio", None)
    told, variable, remedy = UNUSABLE[case]
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    client = Client(canary(), "https://api.invalid")
    sweep = Sweep(PRICED, client=client, folder=tmp_path / "boats", budget=1)
    verbs = {"balance": client.balance, "submit": lambda: client.submit(BOAT), "sweep": sweep.run}
    with pytest.raises(GridgenError) as caught:
        verbs[verb]()

    assert variable in str(caught.value)
    assert remedy in str(caught.value)
    assert "Nothing was sent" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert not (tmp_path / "boats").exists()


def in_a_fork(work) -> list[str]:
    """Return what each piece of work says went wrong, in a process forked from this one."""
    receiver, sender = multiprocessing.Pipe(duplex=False)

    def told(each) -> str:
        try:
            each()
        except GridgenError as error:
            return str(error)
        return "nothing"

    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", DeprecationWarning
        )  # of a fork beside threads, which is what people do
        child = os.fork()
    if child == 0:
        sender.send([told(each) for each in work])
        os._exit(0)
    found: list[str] = receiver.recv()
    os.waitpid(child, 0)
    return found


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_client_in_a_forked_child_says_to_make_one_there(simulate, tmp_path):
    """Case N2: verbs and sweeps with the parent's client are a sentence in the child; the parent goes on; nothing hangs."""
    simulator = simulate()
    client = simulator.client()
    client.balance()
    sweep = Sweep(Grid(prompt="boat"), client=client, folder=tmp_path, previews=False)
    asked = len(simulator.requests)

    said = in_a_fork([client.balance, lambda: client.submit(BOAT), sweep.run, client.close])

    assert [("make a Client in the child" in each) for each in said] == [True, True, True, False]
    assert len(simulator.requests) == asked
    sweep.run()
    assert sweep.counts() == {"done": 1}


@pytest.mark.parametrize("copied", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_client_is_not_copied(copied):
    """Case N4: a client refuses, on purpose and in a sentence that shows no key."""
    client = Client(canary(), "http://127.0.0.1:9")
    with pytest.raises(TypeError, match="make a new one") as caught:
        copied(client)

    assert canary() not in str(caught.value) + frames_of_ours(caught.value)
