"""One bad item is one bad row: whatever a server or a file says, no thread ends and no run waits for ever."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import shutil
import sqlite3
from decimal import Decimal

import pytest

from gridgen import Grid, JournalError
from gridgen.clock import Clock
from gridgen.journal import Journal, storage

HALF = "half of an emoji: \ud83d"


def in_journal(folder, work):
    """Run a coroutine function on a new journal with one attempt that was accepted, and close it."""
    cell = Grid(prompt="a")[0]

    async def begin(journal):
        record = journal.prepare(origin="simulator", cell=cell, take=1, body=b"{}")
        await journal.intend(record, cell, price=None)
        await journal.save(record, state="queued", task_id="t")
        await work(journal, record)

    journal = Journal(folder, Clock())
    try:
        asyncio.run(begin(journal))
    finally:
        journal.close()


def kept(folder, columns):
    """Return columns of the one attempt as they are on the disk."""
    with contextlib.closing(sqlite3.connect(folder / "journal.sqlite")) as connection:
        return connection.execute(f"SELECT {columns} FROM attempt").fetchone()


@pytest.mark.parametrize("durable", [True, False])
def test_text_and_numbers_of_any_kind_are_kept(tmp_path, durable):
    """Case A3: half an emoji and a cost beyond SQLite's integers are cleaned and bounded, in memory as on the disk."""

    async def work(journal, record):
        await journal.save(
            record,
            durable=durable,
            state="downloading",
            error=HALF,
            url="https://example.org/\udfff",
            request_id="\ud83d",
            cost=Decimal("1e13"),
            expires_at=math.inf,
            created_at=math.nan,
            completed_at=1e300,
            progress=10**30,
            fps=math.nan,
            evidence="x" * 10**6,
        )
        assert record.error == "half of an emoji: ?"
        assert record.cost < Decimal("1e13")
        await journal.save(record, cost=Decimal("NaN"), url=HALF * 2)
        await journal.flush()

    in_journal(tmp_path, work)
    error, cost, completed_at, progress = kept(tmp_path, "error, cost, completed_at, progress")
    assert error == "half of an emoji: ?"
    assert cost == 10**15
    assert 0 < completed_at < 2**53
    assert progress == 2**63 - 1


@pytest.mark.parametrize("value", [object(), "text", 1.5])
def test_a_statement_that_cannot_be_run_is_its_callers_error(tmp_path, value):
    """Case A3: the writer answers any exception of a statement; the next write goes through."""

    async def work(journal, record):
        with pytest.raises(JournalError, match="cannot be written"):
            await journal.writer.commit([("UPDATE attempt SET bytes = ? WHERE id = 1", [value])])
        await journal.save(record, durable=True, bytes=7)

    in_journal(tmp_path, work)
    assert kept(tmp_path, "bytes") == (7,)


def test_a_change_that_nobody_waits_for_says_so_in_its_own_row(tmp_path):
    """Case A3: what cannot be written of one row is told there, and is no error of the next one."""

    async def work(journal, record):
        await journal.save(record, frames=object())
        await journal.flush()
        assert "cannot be written" in record.error
        await journal.save(record, frames=3)
        await journal.flush()

    in_journal(tmp_path, work)
    assert kept(tmp_path, "frames") == (3,)


@pytest.mark.parametrize("end", [SystemExit, MemoryError, ZeroDivisionError])
def test_a_writer_that_ends_is_noticed(tmp_path, monkeypatch, end):
    """Case A3: when the writer's thread ends, those who wait and those who come later are told why."""

    async def work(journal, record):
        def broken(_writes):
            raise end("no more")

        monkeypatch.setattr(journal.writer, "_write", broken)
        with pytest.raises(JournalError, match=f"writer has ended.*{end.__name__}"):
            await journal.save(record, durable=True, state="downloading")
        with pytest.raises(JournalError, match="writer has ended"):
            await journal.save(record, bytes=1)

    in_journal(tmp_path, work)


def test_an_owner_that_lost_the_folder_writes_nothing(tmp_path, monkeypatch):
    """Case A11: what a process wanted to note when another host took its folder is not written when it wakes."""
    mounts = tmp_path / "mounts"
    mounts.write_text(f"server:/home {tmp_path} nfs4 rw 0 0\n", encoding="utf-8")
    monkeypatch.setattr(storage, "MOUNTS", mounts)
    folder = tmp_path / "boats"

    async def work(journal, record):
        note = {"pid": 7, "host": "login-node", "boot": "b", "started": None, "since": 1.7e9, "token": "t"}
        (folder / "journal.lock").write_text(json.dumps(note), encoding="utf-8")
        with contextlib.closing(sqlite3.connect(folder / "journal.sqlite")) as other, other:
            other.execute("UPDATE attempt SET state = 'done', path = 'a.mp4'")
        await journal.save(record, state="downloading", path="b.mp4")
        with pytest.raises(JournalError, match="process 7 on login-node"):
            await journal.flush()
        with pytest.raises(JournalError, match="process 7 on login-node"):
            await journal.save(record, durable=True, bytes=1)

    in_journal(folder, work)
    assert kept(folder, "state, path") == ("done", "a.mp4")


def test_a_folder_that_is_gone_is_said(tmp_path):
    """Case F10: a commit after the folder was deleted names the folder, not SQLite's trouble with it."""
    folder = tmp_path / "boats"

    async def work(journal, record):
        shutil.rmtree(folder)
        with pytest.raises(JournalError, match="was deleted or moved while it was in use"):
            await journal.save(record, durable=True, state="downloading")

    in_journal(folder, work)


def test_a_link_of_an_upload_is_cleaned(tmp_path):
    """Case A3: what a server says of an uploaded picture is bounded as well."""

    async def work(journal, _record):
        upload = await journal.uploading("simulator", "sha256:0")
        await journal.uploaded(upload, url="https://e.org/\ud83d", expires_at=math.inf, error=HALF)

    in_journal(tmp_path, work)
    with contextlib.closing(sqlite3.connect(tmp_path / "journal.sqlite")) as connection:
        told = connection.execute("SELECT url, expires_at FROM upload").fetchone()
    assert told == ("https://e.org/?", None)
