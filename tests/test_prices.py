"""What a clip costs, as it is billed: lists read from a server of its own, the page of 2026-09-24, and what is unknown."""

from __future__ import annotations

import json
import re
import threading
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from gridgen import Client, Grid, Simulator, Sweep
from gridgen.clock import Clock
from gridgen.estimate.prices import Prices, price_class
from gridgen.models import catalogue, find, price_page, unseen

KEY = "sk-test-price-list"
PICTURE, VIDEO = "https://e.org/a.png", "https://e.org/v.mp4"
P1 = {
    "billing_type": "per_second",
    "resolution_prices": {"720P": 0.1775, "720P-input": 0.1073},
    "resolution_paid_prices": {"720P": 0.142, "720P-input": 0.08584},
}
P2 = {
    "billing_type": "per_second",
    "paid_price": 0.0672,
    "resolution_prices": {},
    "resolution_paid_prices": {},
    "billing_tier_paid_prices": {"pro": 0.0896, "pro-sound": 0.1344, "sound": 0.1008, "4k": 0.42856},
}
BY_CALL = {
    "billing_type": "per_request",
    "paid_price": 0.35,
    "resolution_paid_prices": {"4K-8S": 0.85, "4K-10S": 0.9, "4K-VIDREF": 0.24},
}
ZEROS = {"billing_type": "", "model_price": 0, "resolution_prices": {}, "paid_price": 0}


class PriceServer(ThreadingHTTPServer):
    """A server that has a price list and nothing else, and notes what it is asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.lists: dict[str, dict] = {}
        self.asked: list[tuple[str, str]] = []
        self.silence = threading.Event()
        self.silence.set()
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def client(self) -> Client:
        """Return a client of it, as of a server that is no simulator."""
        return Client(KEY, f"http://127.0.0.1:{self.server_address[1]}")


class _Answer(BaseHTTPRequestHandler):
    server: PriceServer

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        model = parse_qs(parts.query).get("model", [""])[0]
        self.server.asked.append(("GET", f"{parts.path} {model}"))
        self.server.silence.wait(30)
        found = {"model_name": model, **self.server.lists.get(model, ZEROS)}
        body = json.dumps({"success": True, "data": found}).encode()
        self.send_response(200 if parts.path == "/api/pricing/model" else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.server.asked.append(("POST", self.path))
        self.send_error(500)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server():
    """Return a price server, which ends with the test."""
    found = PriceServer()
    yield found
    found.silence.set()
    found.shutdown()
    found.server_close()


def quoted(server, folder, listed: dict, model: str, **fields):
    """Return the estimate of one clip by a list that the server has."""
    server.lists[model] = listed
    sweep = Sweep(Grid(prompt="a boat", model=model, **fields), client=server.client(), folder=folder)
    return sweep.estimate()


@pytest.mark.parametrize(
    ("listed", "model", "fields", "usd"),
    [
        (P1, "seedance-2.0", {"duration": 5, "quality": "720p"}, "0.710"),
        (P1, "seedance-2.0", {"duration": 5, "quality": "720p", "image_urls": [PICTURE]}, "0.710"),
        (P1, "seedance-2.0", {"duration": 5, "quality": "720p", "audio": True}, "0.710"),
        (P1, "seedance-2.0", {"duration": 5, "quality": "720p", "video_urls": [[VIDEO]]}, None),
        (P2, "kling-v3", {"duration": 5, "quality": "720p"}, "0.336"),
        (P2, "kling-v3", {"duration": 5, "quality": "720p", "audio": True}, "0.504"),
        (P2, "kling-v3", {"duration": 5, "quality": "1080p"}, "0.448"),
        (P2, "kling-v3", {"duration": 5, "quality": "1080p", "audio": True}, "0.672"),
        (P2, "kling-v3", {"duration": 5, "quality": "1080p", "audio": False}, "0.448"),
        (P2, "kling-v3", {"duration": 5, "quality": "4k"}, "2.1428"),
        (P2, "kling-v3", {"duration": 5, "quality": "4k", "audio": True}, None),
        (BY_CALL, "gemini-omni-1.1-flash-ext", {"duration": 10, "quality": "4k"}, "0.9"),
        (BY_CALL, "gemini-omni-1.1-flash-ext", {"duration": 8, "quality": "4k"}, "0.85"),
        (BY_CALL, "gemini-omni-1.1-flash-ext", {"duration": 6, "quality": "4k"}, None),
        (BY_CALL, "gemini-omni-1.1-flash-ext", {"duration": 6, "quality": "720p"}, "0.35"),
        ({**BY_CALL, "billing_type": "tiered_token"}, "veo3.1-fast", {}, None),
        (
            {"billing_type": "per_second", "paid_price": 0.216, "billing_tier_paid_prices": {"token": 10}},
            "seedance-2.5",
            {"duration": 5, "quality": "720p"},
            "1.08",
        ),
        ({"billing_type": "per_second", "resolution_prices": {"720P": 0.2}}, "kling-3.0-turbo", {}, "1"),
        (
            {
                "billing_type": "per_second",
                "resolution_paid_prices": {"768P": 0.05},
                "input_image_price": 0.02,
            },
            "MiniMax-H3",
            {"duration": 4, "image_urls": [[f"https://e.org/{n}.png" for n in range(7)]]},
            "0.24",
        ),
    ],
)
def test_a_list_is_read_as_it_is_billed(server, tmp_path, listed, model, fields, usd):  # noqa: PLR0917 - a table
    """Cases P1 and P2: by what a clip asks for, what is paid before what is listed; what is not certain is unknown."""
    found = quoted(server, tmp_path, listed, model, **fields)

    assert (found.usd, found.unpriced) == ((Decimal(usd), 0) if usd else (Decimal(0), 1))
    assert usd is None or found.sources[0].startswith("the server's price list")


@pytest.mark.parametrize("family", ["720P-hologram", "hologram", "official-720P", "720P-sound-hologram"])
def test_an_unknown_family_is_no_base_price(server, tmp_path, family):
    """Case P2: a family that nobody knows makes the price of the clips that it may be about unknown, for the catalogue too."""
    listed = {"billing_type": "per_second", "model_price": 0.0125, "paid_price": 0.01}
    if family.startswith("720P"):
        listed |= {"resolution_prices": {"720P": 0.0125, family: 0.375}}
        listed |= {"resolution_paid_prices": {"720P": 0.01, family: 0.3}}
    else:
        listed |= {"resolution_prices": {}, "billing_tier_paid_prices": {family: 0.3}}
    found = quoted(server, tmp_path, listed, "kling-3.0-turbo", quality="720p")

    assert (found.usd, found.unpriced) == (Decimal(0), 1)


def test_an_estimate_says_which_entry_prices_each_clip(server, tmp_path):
    """The table names, for each clip, the list and the entry of it."""
    found = quoted(server, tmp_path, P2, "kling-v3", duration=5, quality=["1080p", "4k"], audio=[True, False])

    said = list(found.df["source"].fillna(""))
    assert said == [
        "the server's price list: 1080p-sound $0.1344 a second",
        "the server's price list: 1080p $0.0896 a second",
        "",
        "the server's price list: 4k $0.42856 a second",
    ]
    assert "the server's price list" in str(found)
    offline = Grid(prompt="a boat", model="kling-v3", duration=5, quality="4k").estimate()
    assert offline.df["source"][0].endswith("2026-09-24: 4k $0.42856 a second")


def _priced(name: str):
    """Yield what a row of the page says in so many words: a tier, the length, and USD."""
    record = price_page()["price"][name]
    for unit in ("second", "request"):
        for entry, usd in record.get(unit, {}).items():
            tier, _, length = entry.partition("-")
            by_length = length[:-1].isdigit() and length.endswith("S")
            if tier[-1:].upper() in {"P", "K"} and tier[:-1].isdigit() and (not length or by_length):
                yield tier, int(length[:-1]) if by_length else None, Decimal(usd), unit


@pytest.mark.parametrize("name", list(price_page()["price"]))
def test_the_page_is_read_as_it_is_billed(name):
    """Every plain entry of the page of 2026-09-24 prices a clip of that tier, by the second or by the clip."""
    model = find(name)
    assert "2026-09-24" in model.price.named
    for tier, length, usd, unit in _priced(name):
        quality = model.quality.word(tier)
        assert quality is not None or model.known, tier
        seconds = length or 8
        found = model.price.of(quality=quality or tier.lower(), duration=seconds)
        assert found == (usd * seconds if unit == "second" else usd), tier


@pytest.mark.parametrize(
    ("model", "fields", "usd"),
    [
        ("sora-2-pro", {"duration": 4, "quality": "720p"}, None),
        ("kling-v2-6", {"duration": 5, "quality": "1080p", "audio": True}, "0.625"),
        ("kling-v3-omni", {"duration": 5, "video_list": [[{"video_url": VIDEO}]]}, "0.504"),
        ("kling-video-o1", {"duration": 5, "quality": "pro"}, "0.448"),
        ("wan2.7", {"duration": 5, "video_urls": [[VIDEO]]}, None),
        ("wan2.7", {"duration": 5, "quality": "720p"}, "0.332"),
        ("grok-imagine-1.5-video-ext", {"duration": 10, "quality": "720p"}, "0.1912"),
        ("grok-imagine-video-1.5", {"duration": 5, "quality": "720p", "image_urls": [PICTURE]}, "0.568"),
        ("seedance-2.5", {"duration": -1}, None),
        ("flux-3-video", {"duration": 5, "quality": "1080p"}, "1.16"),
        ("sora-2-preview", {"duration": 5}, "0.4"),
        ("sora-2-vip", {"duration": 5}, None),
    ],
)
@pytest.mark.filterwarnings("ignore:model=")
def test_the_catalogue_counts_where_no_list_is(model, fields, usd):
    """Without a server the page of 2026-09-24 counts; a reading that nobody proved is unknown."""
    assert Grid(prompt="a boat", model=model, **fields)[0].price() == (None if usd is None else Decimal(usd))


def test_each_start_asks_for_every_model_and_the_answer_wins(server, tmp_path):
    """The list is asked for all models at every estimate, not for those alone that the catalogue cannot price."""
    models = [name for name, model in catalogue().items() if model.duration and model.duration.offers(5)]
    grid = Grid(prompt="a boat", model=models, duration=5).compact()
    server.lists["kling-v3"] = P2
    sweep = Sweep(grid, client=server.client(), folder=tmp_path)
    asked = {cell.model for cell in grid}

    first = sweep.estimate()
    server.lists["kling-v3"] = {**P2, "paid_price": 1}
    second = sweep.estimate()

    assert len(asked) > 20
    assert {question.split()[1] for method, question in server.asked if method == "GET"} >= asked
    assert not [question for method, question in server.asked if method == "POST"]
    priced = [table.df.set_index("model")["usd"]["kling-v3"] for table in (first, second)]
    assert priced == [pytest.approx(0.336), 5]


def test_a_list_that_does_not_answer_stops_nothing(server, tmp_path, monkeypatch):
    """Forty models are asked for at once and for a moment only; then the catalogue's prices count."""
    monkeypatch.setattr("gridgen.sweep.pricing.PATIENCE", 0.3)
    server.silence.clear()
    grid = Grid(prompt="a boat", model=list(catalogue())[:40], image_urls=[PICTURE]).compact()
    begun = Clock().monotonic()

    found = Sweep(grid, client=server.client(), folder=tmp_path).estimate()

    assert Clock().monotonic() - begun < 5
    assert found.usd > 1


def test_a_start_without_a_price_list(simulate, tmp_path):
    """Whatever the price list answers, a start goes on by the catalogue, and asking sends nothing that is paid."""
    from gridgen.simulator import Fault

    simulator = simulate(faults=[Fault(kind="reply", on="prices", status=500, body={}, times=None)])
    grid = Grid(prompt="a boat", model="kling-v3", duration=5, audio=[True, False])
    sweep = Sweep(grid, client=simulator.client(), folder=tmp_path, budget=1)
    sweep.run()

    assert sweep.counts() == {"done": 2}
    assert simulator.ledger.billed == sweep.cost == Decimal("0.84")


def test_a_familys_price_is_named_and_never_spent(server, tmp_path):
    """Case P5: the default model stands in no list; its family's price is shown as what it is, and the price stays unknown."""
    sweep = Sweep(Grid(prompt=["a", "b"]), client=server.client(), folder=tmp_path, budget=1)
    found = sweep.estimate()

    assert (found.usd, found.unpriced, found.total) == (0, 2, "an unknown price")
    shown = re.sub("<[^>]*>", "", found._repr_html_())
    for text in (repr(found), str(found), shown):
        assert "like grok-imagine-1.5-video-apimart: $0.12" in text
    assert (found.guess, found.like) == (Decimal("0.1224"), ("like grok-imagine-1.5-video-apimart",))
    assert "What the first clip costs settles it" in str(found)
    assert list(found.df["usd"].isna()) == [True, True]
    prices = Prices()
    cell = Grid(prompt="a")[0]
    assert prices.of(cell) is None
    prices.learn(cell, Decimal("0.09"))
    assert prices.of(Grid(prompt="a", duration=10)[0]) == Decimal("0.15")


def test_a_class_is_what_one_entry_covers():
    """A charge tells the price of its model, tier, sound, reference video and pictures; only what is billed divides it."""
    prices = Prices()
    plain = {"prompt": "a", "model": "kling-v3-omni"}
    short, long = (Grid(**plain, duration=seconds)[0] for seconds in (5, 10))
    loud = Grid(**plain, duration=5, audio=True)[0]
    beside = Grid(**plain, duration=5, video_list=[[{"video_url": VIDEO}]])[0]
    assert price_class(short) == price_class(long)
    assert len({price_class(each) for each in (short, loud, beside)}) == 3
    prices.learn(short, Decimal(2))
    assert (prices.of(long), prices.of(loud), prices.of(beside)) == (4, Decimal("0.448"), Decimal("0.504"))

    by_call = [Grid(prompt="a", model="Omni-Flash-Ext", duration=seconds)[0] for seconds in (4, 8)]
    assert price_class(by_call[0]) != price_class(by_call[1])
    prices.learn(by_call[1], Decimal("0.7"))
    assert [prices.of(each) for each in by_call] == [Decimal("0.25"), Decimal("0.7")]


@pytest.mark.filterwarnings("ignore:model=")
def test_what_nobody_knows_the_unit_of_is_not_divided():
    """A charge of a model that no list has tells a longer clip's price by its seconds, a shorter one's by itself."""
    prices = Prices()
    cells = [Grid(prompt="a", model="somebody/video-9", duration=seconds)[0] for seconds in (4, 8, 16)]
    prices.learn(cells[1], Decimal("0.4"))

    assert [prices.of(cell) for cell in cells] == [Decimal("0.4"), Decimal("0.4"), Decimal("0.8")]


def test_the_simulator_bills_what_it_says(simulate, tmp_path):
    """Listed and paid differ, tiers, sound and reference videos have prices; the estimate by its list is what is billed."""
    simulator = simulate()
    grids = [
        Grid(prompt="a", model="kling-v3", duration=5, quality=["720p", "1080p", "4k"], audio=[True, False]),
        Grid(prompt="a", model="pixverse-v6", duration=5, quality=["360p", "1080p"], audio=[True, False]),
        Grid(prompt="a", model="gemini-omni-1.1-flash-ext", duration=[4, 10], quality=["720p", "4k"]),
        Grid(prompt="a", model="seedance-2.0", duration=5, quality=["480p", "720p"], image_urls=[PICTURE]),
        Grid(prompt="a", model="skyreels-v4-fast", duration=5, quality=["480p", "720p"]),
        Grid(prompt="a", model="MiniMax-H3", image_urls=[[f"https://e.org/{n}.png" for n in range(7)]]),
    ]
    for at, grid in enumerate(grids):
        before = simulator.ledger.billed
        sweep = Sweep(grid, client=simulator.client(), folder=tmp_path / str(at), previews=False)
        found = sweep.estimate()
        sweep.run()
        assert found.unpriced == 0
        assert simulator.ledger.billed - before == found.usd == sweep.cost


@pytest.mark.filterwarnings("ignore:model=")
def test_the_simulator_takes_what_live_clients_send(simulate, tmp_path):
    """Spellings of live clients, and models of which only the name is known, are made."""
    import httpx

    with Simulator(clips="tiny", speed=6000) as simulator:
        bodies = [
            {"model": "wan2.7", "resolution": "1080P"},
            {"model": "happyhorse-1.1", "resolution": "720P"},
            {"model": "veo3.1-fast-official", "resolution": "720p", "duration": 4},
            {"model": "veo3.1-fast-official", "resolution": "720P", "duration": 4},
            {"model": "veo3.1-fast-ext"},
            {"model": "kling-video-o1", "mode": "pro", "duration": 5},
        ]
        for body in bodies:
            answer = httpx.post(
                f"{simulator.base_url}/v1/videos/generations",
                json={"prompt": "a boat", **body},
                headers={"Authorization": f"Bearer {simulator.api_key}"},
            )
            assert answer.status_code == 200, (body, answer.text)
        assert simulator.ledger[5].cost == Decimal("0.448")
    sweep = Sweep(
        Grid(prompt="a", model=list(unseen()), duration=5),
        client=simulate().client(),
        folder=tmp_path,
        previews=False,
    )
    sweep.run()
    assert set(sweep.counts()) == {"done"}


UNREAD = {
    "a text": {"720P": "0.142"},
    "a text with a sign": {"720P": "$0.142"},
    "nothing": {"720P": None},
    "less than nothing": {"720P": -1},
    "too much": {"720P": 1e30},
    "yes": {"720P": True},
    "zero": {"720P": 0, "480P": 0.05},
    "an object": {"720P": {"price": 0.142}},
    "within": {"default": {"720P": 0.142}},
    "a list": [{"resolution": "720P", "price": 0.142}],
    "another word for it": {"HD": 0.142},
}
"""What a table of what is paid may say of 720p that gives no number."""


@pytest.mark.parametrize("table", ["resolution_paid_prices", "billing_tier_paid_prices"])
@pytest.mark.parametrize("form", UNREAD)
def test_an_entry_that_cannot_be_read_is_no_base_price(server, tmp_path, form, table):
    """Case P2: where an entry may be about the clip and gives no number, its price is unknown."""
    listed = {"billing_type": "per_second", "paid_price": 0.01, table: UNREAD[form]}
    found = quoted(server, tmp_path, listed, "seedance-2.0", duration=5, quality="720p")

    assert found.unpriced == 1


ODD = {
    "a size's table": {"size_quality_paid_prices": {"16:9": {"720p": 0.5}}},
    "a length's table": {"duration_paid_prices": {"5": 0.9}},
    "another currency": {"currency": "CNY"},
    "cents": {"unit": "cent"},
    "a base of text": {
        "paid_price": "0.142",
        "resolution_paid_prices": {},
        "resolution_prices": {"720P": 0.1},
    },
    "at least": {"min_price": 2},
    "more than the list": {
        "discount_rate": 1.5,
        "resolution_paid_prices": {},
        "resolution_prices": {"720P": 0.1},
    },
}


@pytest.mark.parametrize("form", ODD)
def test_what_changes_a_price_and_is_not_understood_makes_it_unknown(server, tmp_path, form):
    """Case P2: beside prices that are understood stands what makes them others."""
    listed = {"billing_type": "per_second", "resolution_paid_prices": {"720P": 0.1}, **ODD[form]}
    found = quoted(server, tmp_path, listed, "seedance-2.0", duration=5, quality="720p")

    assert found.unpriced == 1


SPELLED = {
    "with blanks": {"resolution_paid_prices": {" 720P ": 0.142}},
    "twice": {"resolution_paid_prices": {"720P": 0.142, "720p": 0.05}},
    "twice the other way": {"resolution_paid_prices": {"720p": 0.05, "720P": 0.142}},
    "another word for the unit": {"billing_type": "Per Second", "resolution_paid_prices": {"720P": 0.142}},
    "the unit alone": {"billing_type": "second", "resolution_paid_prices": {"720P": 0.142}},
    "the unit in camel case": {"billing_type": "perSecond", "resolution_paid_prices": {"720P": 0.142}},
}


@pytest.mark.parametrize("form", SPELLED)
def test_a_price_is_read_however_it_is_spelled(server, tmp_path, form):
    """Case P1: another spelling is the same price, and of two for one clip the higher one counts."""
    listed = {"billing_type": "per_second", "paid_price": 0.01, "model_price": 0.01, **SPELLED[form]}
    found = quoted(server, tmp_path, listed, "seedance-2.0", duration=5, quality="720p")

    assert found.usd == Decimal("0.710")


@pytest.mark.parametrize("image", ["0.02", {"price": 0.02}])
def test_a_price_of_pictures_that_cannot_be_read_is_not_left_out(server, tmp_path, image):
    """Case P1: a price of pictures that is not understood makes the clip's unknown."""
    listed = {
        "billing_type": "per_second",
        "resolution_paid_prices": {"720P": 0.1},
        "input_image_price": image,
    }
    asked = {"duration": 5, "quality": "720p", "image_urls": [PICTURE]}
    found = quoted(server, tmp_path, listed, "seedance-2.0", **asked)

    assert found.unpriced == 1


def test_the_price_of_another_model_is_none_of_this(server, tmp_path):
    """Case P1: a list that answers with another model's prices tells nothing of the one that was asked about."""
    listed = {"model_name": "gpt-9", "billing_type": "per_second", "paid_price": 0.001}
    found = quoted(server, tmp_path, listed, "seedance-2.0", duration=5, quality="720p")

    assert found.usd == Decimal("0.710")
    assert not found.sources[0].startswith("the server's")
