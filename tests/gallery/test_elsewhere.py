"""Places without a kernel or without widgets: a notebook turned into HTML, a page of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import nbconvert
import nbformat
import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from fake_sweep import FakeSweep
    from playwright.sync_api import Browser

    from gridgen.gallery import Gallery

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


def test_a_notebook_turned_into_html_shows_posters_offline(
    browser: Browser, tmp_path: Path, done: FakeSweep, gallery: Gallery
) -> None:
    """Nbconvert takes the static form of a saved notebook: posters under their labels, with the network cut."""
    bundle = gallery._repr_mimebundle_()
    output = nbformat.v4.new_output("execute_result", data=bundle, execution_count=1)
    cell = nbformat.v4.new_code_cell("sweep.gallery()", outputs=[output], execution_count=1)
    text, _ = nbconvert.HTMLExporter().from_notebook_node(nbformat.v4.new_notebook(cells=[cell]))
    (tmp_path / "saved.html").write_text(text, "utf-8")
    page = browser.new_context(offline=True).new_page()
    page.goto((tmp_path / "saved.html").as_uri())
    posters = page.locator(".jp-OutputArea-output img")
    assert posters.count() == len(done.rows())
    assert posters.evaluate_all("(all) => all.every((poster) => poster.naturalWidth > 0 && poster.alt)")
    heads = page.locator(".jp-OutputArea-output th").all_inner_texts()
    assert [head for head in heads if head] == ["16:9", "9:16", "a paper boat", "a red fox"]
    page.close()
