"""The exported page: files, redaction, and what it does in Chromium and Firefox, from the disk, with the network cut."""

from __future__ import annotations

import base64
import html
import json
import re
import zipfile
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from fake_sweep import FakeSweep
from firefox import firefox
from hostile import HOSTILE
from watching import CONTRASTS, SETTLED

from gridgen import Grid, GridError, Simulator, Sweep
from gridgen.share import ExportOptions, to_html
from gridgen.share.page import MARK

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from firefox import Firefox
    from playwright.sync_api import Browser, Page

PROMPTS = ["a paper boat crossing a puddle", "a paper boat in a storm"]
PLAYABLE = """[...document.querySelectorAll(".gg-video")].length === 8
  && [...document.querySelectorAll(".gg-video")].every((video) => video.readyState >= 2)"""
MOVING = """[...document.querySelectorAll(".gg-video")].every((video) => video.currentTime > 0.3 && !video.paused)"""
SPREAD = """(() => {
  const times = [...document.querySelectorAll(".gg-video")].map((video) => video.currentTime);
  return Math.max(...times) - Math.min(...times);
})()"""
IDS = (
    "[...document.querySelectorAll('.gg-tile')].map((tile) => Number(tile.dataset.id)).sort((a, b) => a - b)"
)
SIDES = "[...document.querySelectorAll('.gg-side')].map((head) => head.textContent)"
BADGES = """Object.fromEntries([...document.querySelectorAll(".gg-tile[data-id='%d'] .gg-badge")]
  .map((badge) => [badge.dataset.kind, badge.textContent]))"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sweep]:
    """Eight finished clips with posters and previews."""
    with Simulator(speed=float("inf"), clips="tiny") as simulator:
        grid = Grid(prompt=PROMPTS, size=["16:9", "9:16"], duration=[6, 10])
        sweep = Sweep(grid, client=simulator.client(), folder=tmp_path_factory.mktemp("made") / "boats")
        sweep.run()
        sweep.ratings.rate(0, stars=4, pick=True, tags="sharp", note="lovely light", reviewer="owner")
        sweep.ratings.rate(5, pick=False, reviewer="owner")
        yield sweep


def known(text: str) -> dict[str, Any]:
    """Return what a page knows."""
    found = re.search(r'id="gridgen-known">(.*?)</script>', text, re.DOTALL)
    assert found
    return json.loads(found[1])


class TestFiles:
    """What is written where."""

    def test_one_file_holds_all(self, made: Sweep, tmp_path: Path) -> None:
        """Case U8: a page within the limit is one file with posters, previews and originals, and says how large it is."""
        page = made.to_html(tmp_path / "boats.html")
        assert [each.name for each in tmp_path.iterdir()] == ["boats.html"]
        assert (page.path, page.folder, page.clips) == (tmp_path / "boats.html", None, 8)
        assert page.bytes == page.path.stat().st_size < 25_000_000
        assert re.fullmatch(r"Page\('boats.html': 8 clips, \d+\.\d MB\)", repr(page))
        text = page.path.read_text()
        held = dict(re.findall(r'id="file:([^"]+)">([^<]+)<', text))
        assert len(held) == 24
        preview = next(name for name in held if name.endswith(".preview.mp4"))
        tile = known(text)["snapshot"]["tiles"][0]
        assert base64.b64decode(held[tile["preview"]]) == (made.folder / made.rows()[0].preview).read_bytes()
        assert base64.b64decode(held[tile["path"]]) == (made.folder / made.rows()[0].path).read_bytes()
        assert preview.startswith("a-paper-boat")

    def test_originals_stay_behind_where_they_would_pass_the_limit(self, made: Sweep, tmp_path: Path) -> None:
        """Case U8: they go along as long as the page stays within its limit, always if asked for, and never if not."""
        whole = made.to_html(tmp_path / "a.html").bytes
        page = made.to_html(tmp_path / "b.html", limit=whole - 1)
        assert page.folder is None
        assert page.bytes < whole
        tile = known(page.path.read_text())["snapshot"]["tiles"][0]
        assert tile["path"] == tile["preview"]
        assert made.to_html(tmp_path / "c.html", originals=False).bytes == page.bytes
        assert made.to_html(tmp_path / "d.html", originals=True, limit=whole - 1).folder is not None

    def test_beyond_the_limit_the_media_lie_beside_it(self, made: Sweep, tmp_path: Path) -> None:
        """A page over the limit needs its folder, which lists what is in it; a smaller one later takes it away again."""
        page = made.to_html(tmp_path / "boats.html", limit=1000)
        assert page.folder == tmp_path / "boats_files"
        assert "with the folder 'boats_files'" in repr(page)
        files = {each.name for each in page.folder.iterdir()}
        assert len(files) == 17
        assert set((page.folder / MARK).read_text().split()) == files - {MARK}
        assert known(page.path.read_text())["snapshot"]["folder"] == "boats_files"
        made.to_html(tmp_path / "boats.html")
        assert [each.name for each in tmp_path.iterdir()] == ["boats.html"]

    def test_a_folder_is_ready_for_a_web_server(self, made: Sweep, tmp_path: Path) -> None:
        """A name without an ending is a folder with an index and its media."""
        page = made.to_html(tmp_path / "site" / "boats")
        assert page.path == tmp_path / "site" / "boats" / "index.html"
        assert sorted(each.name for each in page.path.parent.iterdir()) == ["index.html", "media"]

    def test_a_zip_holds_page_and_media(self, made: Sweep, tmp_path: Path) -> None:
        """The zip has one folder, files that anybody may read, and no path that leads out of it."""
        page = made.to_html(tmp_path / "boats.zip", originals=True)
        with zipfile.ZipFile(page.path) as archive:
            assert archive.testzip() is None
            names = archive.namelist()
            assert all(name.startswith("boats/") and ".." not in name for name in names)
            assert {
                entry.external_attr >> 16 & 0o777 for entry in archive.infolist() if "media" in entry.filename
            } == {0o644}
            assert len(names) == 1 + 3 * 8
            tile = known(archive.read("boats/index.html").decode())["snapshot"]["tiles"][3]
            original = (made.folder / made.rows()[3].path).read_bytes()
            assert archive.read(f"boats/media/{tile['path']}") == original

    def test_only_chosen_clips_go_along(self, made: Sweep, tmp_path: Path) -> None:
        """A slice of the table, such as the picks, is all that the page knows."""
        page = made.to_html(tmp_path / "picks.html", clips=made.df.query("pick"))
        text = page.path.read_text()
        assert [tile["id"] for tile in known(text)["snapshot"]["tiles"]] == [0]
        assert len(re.findall(r'id="file:', text)) == 3
        with pytest.raises(GridError, match="there is no clip to show"):
            made.to_html(tmp_path / "none.html", clips=[])
        with pytest.raises(GridError, match="99 is no row"):
            made.to_html(tmp_path / "none.html", clips=99)
        with pytest.raises(GridError, match="'colour' is not an axis"):
            made.to_html(tmp_path / "none.html", rows="colour")
        assert not (tmp_path / "none.html").exists()

    def test_files_of_others_are_left_alone(self, made: Sweep, tmp_path: Path) -> None:
        """A folder that no export made is neither filled nor emptied."""
        theirs = tmp_path / "boats_files" / "thesis.txt"
        theirs.parent.mkdir()
        theirs.write_text("years of work")
        with pytest.raises(GridError, match=r"holds files that no export put there.*Nothing was written"):
            made.to_html(tmp_path / "boats.html", limit=1000)
        assert [each.name for each in tmp_path.iterdir()] == ["boats_files"]
        made.to_html(tmp_path / "boats.html")
        assert theirs.read_text() == "years of work"

    def test_nothing_hidden_since_stays_behind(self, made: Sweep, tmp_path: Path) -> None:
        """Exported again without prompts, no file that was named after one is left."""
        made.to_html(tmp_path / "boats.html", limit=1000)
        made.to_html(tmp_path / "boats.html", limit=1000, prompts=False)
        names = [each.name for each in tmp_path.rglob("*")]
        assert len(names) == 1 + 1 + 17
        assert not [name for name in names if "paper" in name]
        assert "puddle" not in (tmp_path / "boats_files" / MARK).read_text()

    def test_a_foreign_list_of_files_deletes_nothing_elsewhere(self, made: Sweep, tmp_path: Path) -> None:
        """Names in the list that lead out of the folder are not followed."""
        victim = tmp_path / "victim.txt"
        victim.write_text("still here")
        folder = tmp_path / "boats_files"
        folder.mkdir()
        (folder / MARK).write_text(f"../victim.txt\n{victim}\n")
        made.to_html(tmp_path / "boats.html", limit=1000)
        assert victim.read_text() == "still here"

    def test_a_file_outside_the_folder_is_not_taken_along(self, sweep: FakeSweep, served: Path) -> None:
        """Not even a journal makes the page hold a file from elsewhere, by dots or by a link."""
        (served / "secret.txt").write_text("the secret")
        sweep.folder.mkdir()
        (sweep.folder / "link.mp4").symlink_to(served / "secret.txt")
        for index, name in enumerate(("../../secret.txt", str(served / "secret.txt"), "link.mp4")):
            sweep.change(index, status="done", path=name, preview=name, poster=name)
        page = exported(sweep, served / "x.html")
        assert 'id="file:' not in page
        assert base64.b64encode(b"the secret").decode()[:8] not in page


def exported(sweep: Any, path: Path, **shown: bool) -> str:
    """Export a page of all clips, and return its text."""
    to_html(
        sweep, path, rows="prompt", cols=None, view="", clips=None, shown=ExportOptions(**shown), limit=10**9
    )
    return path.read_text("utf-8")


class TestHiding:
    """What a page does not tell."""

    def test_prompts_are_numbered_where_they_are_hidden(self, made: Sweep, tmp_path: Path) -> None:
        """No word of a prompt is in the page, its names, or the names of its files."""
        page = made.to_html(tmp_path / "x" / "boats", prompts=False)
        texts = [page.path.read_text(), *(each.name for each in page.path.parent.rglob("*"))]
        assert not [text for text in texts if re.search("puddle|storm", text.lower())]
        assert "paper" not in json.dumps(known(texts[0]))
        axes = {axis["name"]: axis["labels"] for axis in known(texts[0])["snapshot"]["axes"]}
        assert axes["prompt"] == ["prompt 1", "prompt 2"]
        assert axes["size"] == ["16:9", "9:16"]
        for row in made.rows():
            assert row.cell.key[:8] not in texts[0]

    def test_slots_of_a_prompt_are_hidden_with_it(self, tmp_path: Path) -> None:
        """A template's slots tell the prompt, so they are numbered too."""
        grid = Grid(prompt="a {animal: fox|crane} at dusk")
        text = exported(FakeSweep(grid, tmp_path / "x"), tmp_path / "x.html", prompts=False)
        assert not re.search(r"\b(fox|crane|dusk)\b", text)

    def test_errors_tell_only_their_kind_without_prompts(self, sweep: FakeSweep, served: Path) -> None:
        """A message may repeat the prompt, so it goes with it; links in it lose what signs them in any case."""
        sweep.change(
            0,
            status="failed",
            error_class="moderation",
            error="'a paper boat' is refused, see https://x.example/y?sig=abc",
        )
        assert "sig=abc" not in exported(sweep, served / "a.html")
        text = exported(sweep, served / "b.html", prompts=False)
        assert "moderation (hidden)" in text
        assert "paper boat" not in text

    def test_cost_task_ids_and_ratings_are_switches(self, made: Sweep, tmp_path: Path) -> None:
        """Case U8: cost and task ids are hidden unless asked for, ratings shown unless hidden; the owner is never named."""
        cost, task = str(made.cost), made.rows()[0].task_id
        assert task
        plain = made.to_html(tmp_path / "a.html").path.read_text()
        assert task not in plain
        assert (known(plain)["snapshot"]["cost"], f"${cost}" in plain) == ("", False)
        assert f'"cost":"{cost}"' in made.to_html(tmp_path / "c.html", cost=True).path.read_text()
        assert "lovely light" in plain
        assert "owner" not in plain.partition("<style>")[0] + json.dumps(known(plain))
        bare = made.to_html(tmp_path / "b.html", ratings=False, task_ids=True).path.read_text()
        told = known(bare)["snapshot"]
        assert task in bare
        assert "lovely light" not in bare
        assert told["cost"] == ""
        assert {(tile["cost"], tile["price"], tile["pick"]) for tile in told["tiles"]} == {(None, None, None)}

    def test_nothing_of_the_machine_is_told(self, made: Sweep, tmp_path: Path) -> None:
        """No path of this machine, key, address or port is in the page."""
        text = made.to_html(tmp_path / "a.html", task_ids=True).path.read_text()
        told = json.dumps(known(text))
        assert str(made.folder.parent) not in text
        assert not re.search(r"127\.0\.0\.1|localhost|sim-[A-Za-z0-9]{8}", text)
        assert "url" not in known(text)["snapshot"]["tiles"][0]
        assert not re.search(r"https?://", told)


class TestHeading:
    """What stands above the wall."""

    def test_title_and_introduction_are_plain_text(self, made: Sweep, tmp_path: Path) -> None:
        """Case U8: a hostile title, introduction or address opens no element; control characters are dropped, lines stay."""
        hostile = "</title><script>alarm()</script> & <img src=x onerror=alarm()>"
        page = made.to_html(
            tmp_path / "a.html",
            title=f"{hostile}\x1b\n",
            intro=f"first\n{hostile}\ud800",
            send_to="a+b@c.example",
        )
        text = page.path.read_text("utf-8")
        assert "<script>alarm" not in text
        assert "<img src=x" not in text
        assert f"<title>{html.escape(hostile)}</title>" in text
        assert f'<h1 dir="auto">{html.escape(hostile)}</h1>' in text
        assert f'<p class="gg-intro" dir="auto">first\n{html.escape(hostile)}</p>' in text
        assert "<bdi>a+b@c.example</bdi>" in text
        assert known(text)["page"]["send_to"] == "a+b@c.example"

    def test_without_them_it_has_the_name_of_the_sweep_and_an_instruction(
        self, made: Sweep, tmp_path: Path
    ) -> None:
        """Case U8: a page that says nothing of itself has a heading and one line on what to do all the same."""
        text = made.to_html(tmp_path / "a.html").path.read_text()
        assert '<h1 dir="auto">boats</h1>' in text
        assert 'gg-intro"' not in text
        (line,) = re.findall(r'<p class="gg-instruction">(.*?)</p>', text)
        assert re.search("stars.*Download ratings.*send the file back to who sent you this page", line)

    @pytest.mark.parametrize(
        "address",
        [
            "anna",
            "anna@example",
            "anna@example.org?cc=b@c.example",
            "a@b.example,c@d.example",
            "anna@example.org\nBcc: b@c.example",
            "http://form.example/",
            "javascript:alarm()",
            "https://anna:secret@form.example/",
            "https://",
            "https://form.example/ two",
            "https://[",
        ],
    )
    def test_what_is_no_address_is_refused(self, made: Sweep, tmp_path: Path, address: str) -> None:
        """Ratings go to one email address or one https address; anything else is refused before a file is written."""
        with pytest.raises(GridError, match=r"send_to=.*neither an email address.*Nothing was written"):
            made.to_html(tmp_path / "a.html", send_to=address)
        assert list(tmp_path.iterdir()) == []

    def test_what_is_too_long_is_refused(self, made: Sweep, tmp_path: Path) -> None:
        """An introduction that is a book is told by its name."""
        with pytest.raises(GridError, match="intro has 5001 characters, more than 5000"):
            made.to_html(tmp_path / "a.html", intro="a" * 5001)


class TestPolicy:
    """What may run and be fetched."""

    def test_only_its_own_script_and_style_run(self, made: Sweep, tmp_path: Path) -> None:
        """The policy allows nothing but what it names by hash, and media from the page, its blobs or its folder."""
        one = made.to_html(tmp_path / "a.html").path.read_text()
        beside = made.to_html(tmp_path / "b.html", limit=1000).path.read_text()
        for text, media in ((one, "data: blob:"), (beside, "'self' data: blob:")):
            (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]+)"', text)
            rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
            assert rules.pop("default-src") == "'none'"
            assert (rules.pop("img-src"), rules.pop("media-src")) == (media, media)
            assert (rules.pop("base-uri"), rules.pop("form-action")) == ("'none'", "'none'")
            assert all(
                re.fullmatch(r"'sha256-[\w+/=]{44}'", rules[name]) for name in ("script-src", "style-src")
            )
            assert set(rules) == {"script-src", "style-src"}
            assert text.index("Content-Security-Policy") < text.index("<style")
            assert not re.search(r"\son\w+=|javascript:", text.partition("<script")[0])

    def test_no_text_ends_the_data(self, tmp_path: Path) -> None:
        """Hostile prompts, errors and names neither close the data's element nor open another."""
        sweep = FakeSweep(Grid(prompt=HOSTILE), tmp_path / "x", name="<img src=x onerror=alarm()>")
        for index, text in enumerate(HOSTILE):
            sweep.change(index, status="failed", error_class=text, error=text, note=text, tags=text)
        text = exported(sweep, tmp_path / "x.html")
        assert len(re.findall(r"<script\b", text)) == 2
        assert known(text)["snapshot"]["axes"][0]["labels"] == [
            re.sub(r"(https?://[^\s?#]+)[?#]\S*", r"\1", text) for text in HOSTILE
        ]
        assert "<title>&lt;" in text


@pytest.fixture(scope="module")
def fox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Firefox, Path]]:
    """A Firefox whose way to the network leads nowhere, and the folder of its downloads."""
    profile, downloads = tmp_path_factory.mktemp("profile"), tmp_path_factory.mktemp("downloads")
    nowhere = [("network.proxy.type", 1)]
    nowhere += [(f"network.proxy.{kind}", "127.0.0.1") for kind in ("http", "ssl")]
    nowhere += [(f"network.proxy.{kind}_port", 9) for kind in ("http", "ssl")]
    with firefox(profile, downloads=downloads, preferences=nowhere) as started:
        started.watch()
        started.size(1280, 900)
        yield started, downloads


def offline(browser: Browser, path: Path, view: str = "", **options: Any) -> Page:
    """Open a page from the disk with the network cut; note what goes wrong and what is asked for."""
    context = browser.new_context(offline=True, viewport={"width": 1280, "height": 900}, **options)
    page = context.new_page()
    page.set_default_timeout(20_000)
    page.troubles, page.requests = [], []
    page.on("pageerror", lambda error: page.troubles.append(str(error)))
    page.on(
        "console", lambda said: page.troubles.append(said.text) if said.type in {"error", "warning"} else None
    )
    page.on("request", lambda request: page.requests.append(request.url))
    page.goto(f"{path.as_uri()}{view}")
    return page


def unspoilt(page: Page) -> None:
    """Check that nothing went wrong, and that nobody was asked for anything but the disk; close the page."""
    assert page.troubles == []
    assert {url.partition(":")[0] for url in page.requests} <= {"file", "blob", "data"}
    page.context.close()


@pytest.mark.browser
@pytest.mark.timeout(180)
class TestInChromium:
    """The page in Chromium."""

    @pytest.mark.parametrize("limit", [25_000_000, 1000], ids=["one file", "with a folder"])
    def test_it_plays_in_step_arranges_and_opens(
        self, browser: Browser, made: Sweep, tmp_path: Path, limit: int
    ) -> None:
        """Clips play together; rows, tabs and the open clip work; the address holds the view, and a link brings it back."""
        path = made.to_html(
            tmp_path / "boats.html", rows="prompt", cols=["size", "duration"], limit=limit
        ).path
        page = offline(browser, path)
        page.wait_for_function(f"() => {PLAYABLE}")
        page.wait_for_function(f"() => {MOVING}")
        page.wait_for_function(f"() => {SPREAD} < 0.1")
        assert not page.get_by_role("button", name="Menus").is_visible()
        page.locator("select[name='rows']").select_option(label="size")
        page.wait_for_function(f"() => {SIDES}.join() === '16:9,9:16'")
        page.locator(".gg-tile[data-id='1']").click()
        page.wait_for_function("() => document.querySelector('.gg-stage video')?.readyState >= 2")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Unrated 8").click()
        view = page.evaluate("location.hash")
        assert "rows=size" in view
        assert "filter=" in view
        unspoilt(page)
        again = offline(browser, path, view)
        again.wait_for_function(f"() => {SIDES}.join() === '16:9,9:16'")
        assert again.locator(".gg-quickly[aria-pressed=true]").inner_text().startswith("Unrated")
        unspoilt(again)

    def test_a_reviewer_sends_ratings_back(self, browser: Browser, made: Sweep, tmp_path: Path) -> None:
        """Rated, tagged, compared blindly, reloaded and downloaded on the page; merged, they stand in the sweep's table."""
        path = made.to_html(tmp_path / "boats.html", rows="prompt", cols=["size", "duration"]).path
        page = offline(browser, path, accept_downloads=True)
        page.locator(".gg-tile").first.focus()
        for key in ("5", "p", "ArrowRight", "2", "ArrowRight", "1", "u"):
            page.keyboard.press(key)
        page.locator(".gg-tile[data-id='3']").focus()
        page.keyboard.press("t")
        page.keyboard.type("blurry")
        page.keyboard.press("Enter")
        page.keyboard.press("Escape")
        page.keyboard.press("n")
        moment = page.locator(".gg-moment-at").inner_text()
        page.keyboard.type("a flicker")
        page.keyboard.press("Enter")
        page.keyboard.press("b")
        page.wait_for_function("() => document.querySelectorAll('.gg-pair video').length === 2")
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("Escape")
        page.reload()
        page.wait_for_function(f"() => ({BADGES % 0}).stars === '★ 5'")
        page.locator(".gg-reviewer").fill("Anna Ångström")
        with page.expect_download() as started:
            page.get_by_role("button", name=re.compile("Download ratings")).click()
        assert started.value.suggested_filename == "ratings_boats_anna-ångström.json"
        file = tmp_path / "ratings.json"
        started.value.save_as(file)
        after = page.locator(".gg-after")
        assert "ratings_boats_anna-ångström.json" in after.inner_text()
        assert "back to who sent you this page" in after.inner_text()
        assert json.loads(after.locator("textarea").input_value()) == json.loads(file.read_text("utf-8"))
        page.keyboard.press("Escape")
        after.wait_for(state="hidden")
        unspoilt(page)
        merged = made.ratings.merge(file)

        assert (merged.reviewer, merged.judgements, merged.choices) == ("Anna Ångström", 4, 1)
        assert merged.agreement.clips == 1
        table = made.ratings.df.query("reviewer == 'Anna Ångström'").set_index("row")
        assert table["rating"].dropna().to_dict() == {0: 5, 1: 2}
        assert table.loc[3, ["tags", "note"]].tolist() == ["blurry", "a flicker"]
        minutes, seconds = moment.split(":")
        assert table.loc[3, "at"] == 60 * int(minutes) + float(seconds)
        assert made.df.loc[0, "rating"] == 4.5
        assert len(made.rounds(reviewer="Anna Ångström").choices) == 1
        assert made.ratings.merge(file, reviewer="Anna Ångström").judgements == 0

    @pytest.mark.parametrize("rated", [1, 8])
    def test_ratings_go_where_the_page_says(
        self, browser: Browser, made: Sweep, tmp_path: Path, rated: int
    ) -> None:
        """Case V3: the address is a mail with the ratings in it where they are short, else one that says what to attach."""
        path = made.to_html(tmp_path / "boats.html", send_to="anna@example.org").path
        page = offline(browser, path)
        for at in range(rated):
            page.locator(f".gg-tile[data-id='{at}']").focus()
            page.keyboard.press("4")
        if rated > 1:
            page.keyboard.press("n")
            page.locator(".gg-moment-at").wait_for()
            page.keyboard.insert_text("a long note " * 40)
            page.keyboard.press("Enter")
        page.get_by_role("button", name=f"Download ratings ({rated})").click()
        link = page.locator(".gg-after a")
        assert link.inner_text() == "anna@example.org"
        address = urlsplit(link.get_attribute("href") or "")
        told = parse_qs(address.query)
        assert (address.scheme, address.path, told["subject"]) == (
            "mailto",
            "anna@example.org",
            ["Ratings of boats"],
        )
        text = page.locator(".gg-after textarea").input_value()
        assert (text in told["body"][0]) == (rated == 1)
        assert ("ratings_boats.json, which I attach" in told["body"][0]) == (rated == 8)
        merged = made.ratings.merge(text, reviewer=f"anna of {rated}")
        assert merged.judgements == rated
        unspoilt(page)

    def test_ratings_go_to_a_form(self, browser: Browser, made: Sweep, tmp_path: Path) -> None:
        """Case V3: an https address is a link in a window of its own, which is told nothing of the page."""
        path = made.to_html(tmp_path / "boats.html", send_to="https://form.example/a?b=1&c=2").path
        page = offline(browser, path)
        page.locator(".gg-tile").first.focus()
        page.keyboard.press("4")
        page.get_by_role("button", name="Download ratings (1)").click()
        link = page.locator(".gg-after a")
        assert [link.get_attribute(name) for name in ("href", "target", "rel")] == [
            "https://form.example/a?b=1&c=2",
            "_blank",
            "noopener noreferrer",
        ]
        unspoilt(page)

    def test_an_original_that_a_browser_cannot_play_is_shown_as_its_preview(
        self, browser: Browser, made: Sweep, tmp_path: Path
    ) -> None:
        """Case U8: in the open clip and in blind rounds a spoilt original, or one of a format unknown there, gives way to the preview."""
        page = made.to_html(tmp_path / "boats", originals=True)
        tiles = known(page.path.read_text())["snapshot"]["tiles"]
        for tile in tiles:
            (page.path.parent / "media" / tile["path"]).write_bytes(b"no film")
        seen = browser.new_context(offline=True, viewport={"width": 1280, "height": 900}).new_page()
        seen.goto(page.path.as_uri())
        seen.locator(".gg-tile[data-id='1']").click()
        shown = "() => %d === [...document.querySelectorAll('%s video')].filter((video) => video.readyState >= 2 && video.src.includes('preview')).length"
        seen.wait_for_function(shown % (1, ".gg-stage"))
        assert not seen.locator(".gg-stage .gg-none").is_visible()
        seen.keyboard.press("Escape")
        seen.get_by_role("button", name="Blind rounds").click()
        seen.wait_for_function(shown % (2, ".gg-pair"))
        seen.context.close()

    def test_hostile_texts_run_nothing(self, browser: Browser, tmp_path: Path) -> None:
        """Prompts, errors, tags, notes and names of sixty and more injections are shown as text; nothing is run or fetched."""
        sweep = FakeSweep(Grid(prompt=HOSTILE), tmp_path / "x", name="<img src=x onerror=alarm()>")
        for index, text in enumerate(HOSTILE):
            sweep.change(
                index,
                status="failed",
                error_class=text,
                error=text,
                note=text,
                tags=text[:40],
                rating=3.5,
                pick=True,
            )
        exported(sweep, tmp_path / "x.html")
        context = browser.new_context(offline=True)
        page = context.new_page()
        alarms: list[str] = []
        page.expose_function("alarm", lambda: alarms.append("!"))
        page.on("dialog", lambda dialog: alarms.append(dialog.message))
        page.on(
            "request",
            lambda request: (
                alarms.append(request.url) if not request.url.startswith(("file:", "blob:")) else None
            ),
        )
        page.goto((tmp_path / "x.html").as_uri())
        page.locator(".gg-tile").first.focus()
        page.keyboard.press("Enter")
        for text in HOSTILE:
            stripped = re.sub(r"(https?://[^\s?#]+)[?#]\S*", r"\1", text)
            page.wait_for_function(
                "(text) => document.querySelector('.gg-facts h3').textContent === text", arg=stripped
            )
            page.keyboard.press("ArrowDown")
        foreign = ".gg-wall :is(script, iframe, style, link, object, embed, form, base, meta, audio, a, img:not(.gg-poster))"
        assert page.evaluate(f"document.querySelectorAll({foreign!r}).length") == 0
        assert alarms == []
        context.close()

    @pytest.mark.parametrize("limit", [10**9, 1000])
    def test_hostile_names_of_files_are_names(self, browser: Browser, tmp_path: Path, limit: int) -> None:
        """Clips whose names are injections play from one file and from a folder; nothing is run, or fetched from elsewhere."""
        texts = [text.replace("/", "_")[:80] for text in HOSTILE if text.isprintable()][::5]
        sweep = FakeSweep(Grid(prompt=[f"prompt {at}" for at in range(len(texts))]), tmp_path / "x")
        sweep.finish(0)
        for index, text in enumerate(texts):
            sweep.finish_like(index, 0)
            for field, ending in (("path", "mp4"), ("preview", "mp4"), ("poster", "webp")):
                name = f"{text}.{field}.{ending}"
                (sweep.folder / name).write_bytes((sweep.folder / f"clip-0000.{ending}").read_bytes())
                sweep.change(index, **{field: name})
        shown = ExportOptions(originals=True)
        page = to_html(
            sweep, tmp_path / "y.html", rows=[], cols=[], view="tile=64", clips=None, shown=shown, limit=limit
        )
        seen = offline(browser, page.path)
        seen.wait_for_function(f"() => {PLAYABLE.replace('=== 8', f'=== {len(texts)}')}")
        assert len(re.findall(r"<script\b", page.path.read_text())) == (
            2 if page.folder else 2 + 3 * len(texts)
        )
        assert all(url.startswith(("blob:", tmp_path.as_uri())) for url in seen.requests)
        assert seen.troubles == []
        seen.context.close()

    def test_what_is_smuggled_in_does_not_run(self, browser: Browser, made: Sweep, tmp_path: Path) -> None:
        """Script, style, frames and pictures from elsewhere that get into the document anyhow are stopped by the policy."""
        path = made.to_html(tmp_path / "boats.html").path
        page = offline(browser, path)
        page.locator(".gg-tile").first.wait_for()
        page.evaluate("""() => {
          window.ran = false;
          window.stopped = [];
          addEventListener("securitypolicyviolation", ({ effectiveDirective }) => stopped.push(effectiveDirective));
          const holder = document.body.appendChild(document.createElement("div"));
          holder.innerHTML = `<img src="http://evil.example/x.png" onerror="ran = true"><iframe src="http://evil.example/"></iframe>
            <style>body { display: none }</style><video src="http://evil.example/x.mp4"></video>`;
          const script = document.createElement("script");
          script.textContent = "ran = true";
          holder.append(script);
          fetch("http://evil.example/").catch(() => undefined);
        }""")
        page.wait_for_function("() => stopped.length >= 6")
        stopped = set(page.evaluate("stopped"))
        assert stopped >= {
            "img-src",
            "frame-src",
            "style-src-elem",
            "media-src",
            "script-src-elem",
            "connect-src",
        }
        assert page.evaluate("[ran, getComputedStyle(document.body).display]") == [False, "flex"]
        page.context.close()

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    @pytest.mark.parametrize("width", [1280, 420])
    def test_it_can_be_read_at_any_width(
        self, browser: Browser, made: Sweep, tmp_path: Path, scheme: str, width: int
    ) -> None:
        """Contrast is 4.5 or more and nothing is wider than the page, wide and narrow, light and dark."""
        path = made.to_html(tmp_path / "boats.html", rows="prompt", cols=["size", "duration"]).path
        context = browser.new_context(
            offline=True, viewport={"width": width, "height": 800}, color_scheme=scheme
        )
        page = context.new_page()
        page.goto(path.as_uri())
        page.locator(f".gg-wall[data-theme={scheme}] .gg-tile").first.wait_for()
        page.wait_for_function(SETTLED)
        skipped = {"gg-badge", "gg-info", "gg-save"}
        assert [each for each in page.evaluate(CONTRASTS) if each[2] < 4.5 and each[0] not in skipped] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        context.close()


@pytest.mark.full
@pytest.mark.browser
@pytest.mark.timeout(180)
class TestInFirefox:
    """The page in Firefox."""

    @pytest.mark.parametrize("limit", [25_000_000, 1000], ids=["one file", "with a folder"])
    def test_it_plays_in_step_arranges_and_opens(
        self, fox: tuple[Firefox, Path], made: Sweep, tmp_path: Path, limit: int
    ) -> None:
        """From the disk, with the network cut: in step, arranged, filtered, opened; the address holds the view."""
        driver, _ = fox
        path = made.to_html(
            tmp_path / "boats.html", rows="prompt", cols=["size", "duration"], limit=limit
        ).path
        driver.open(path.as_uri())
        driver.until(PLAYABLE)
        driver.until(MOVING)
        driver.until(f"{SPREAD} < 0.15")
        driver.click(".gg-quickly[data-clause='verdict=picked']")
        driver.until(f"{IDS}.join() === '0'")
        assert driver.evaluate("location.hash") == "#filter=verdict%3Dpicked"
        driver.click(".gg-tile[data-id='0']")
        driver.until("document.querySelector('.gg-stage[open] video')?.readyState >= 2")
        driver.open(f"{path.as_uri()}#rows=size&filter=size%3D9%3A16")
        driver.until(f"{IDS}.join() === '2,3,6,7' && {SIDES}.join() === '9:16'")
        assert (driver.logged, [url for url in driver.requests if url.startswith("http")]) == ([], [])

    def test_a_reviewer_sends_ratings_back(
        self, fox: tuple[Firefox, Path], made: Sweep, tmp_path: Path
    ) -> None:
        """Rated by keys, kept over a reload, downloaded, and merged under the name given on the page."""
        driver, downloads = fox
        path = made.to_html(tmp_path / "boats.html", rows="prompt", cols=["size", "duration"]).path
        driver.open(path.as_uri())
        driver.until(PLAYABLE)
        driver.click(".gg-tile[data-id='4']")
        driver.until("document.querySelector('.gg-stage').open")
        driver.press("3", "x")
        driver.until(f"({BADGES % 4}).stars === '★ 3' && ({BADGES % 4}).pick === '✕'")
        driver.press("n", *"dark", "\ue007")
        driver.until("/^0:0\\d\\.\\d+ dark$/.test(document.querySelector('.gg-note-text').value)")
        driver.press("n", "x", "\ue00c")
        driver.until("document.querySelector('.gg-stage').open && !document.querySelector('.gg-moment')")
        driver.open(path.as_uri())
        driver.until(f"({BADGES % 4}).stars === '★ 3'")
        driver.click(".gg-reviewer")
        driver.press(*"ben")
        driver.click(".gg-save")
        driver.until("document.querySelector('.gg-reviewer').value === 'ben'")
        driver.until("document.querySelector('.gg-after').open")
        driver.until("document.querySelector('.gg-after').innerText.includes('ratings_boats_ben.json')")
        file = downloads / "ratings_boats_ben.json"
        driver.evaluate("new Promise((resolve) => setTimeout(resolve, 500))")
        merged = made.ratings.merge(file)
        assert (merged.reviewer, merged.judgements) == ("ben", 1)
        assert not made.df.loc[4, "pick"]
        (at,) = made.ratings.df.query("reviewer == 'ben' and note == 'dark'")["at"]
        assert 0 <= at < 10
        assert driver.logged == []

    def test_a_page_without_its_folder_names_the_folder(
        self, fox: tuple[Firefox, Path], made: Sweep, tmp_path: Path
    ) -> None:
        """Case V2: mailed without its media folder, the page and its clips say which folder is missing."""
        driver, _ = fox
        page = made.to_html(tmp_path / "with" / "boats.html", limit=1000).path
        page.rename(tmp_path / "boats.html")
        driver.open((tmp_path / "boats.html").as_uri())
        driver.until(
            "document.querySelector('#gridgen-missing:not([hidden])')?.innerText.includes('boats_files')"
        )
        driver.until(
            "document.querySelector('.gg-reason')?.innerText.includes('not in the folder boats_files')"
        )
