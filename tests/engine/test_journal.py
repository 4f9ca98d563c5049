"""The journal of a folder: who may write it, what it holds to, what of it is trusted."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import sqlite3
import stat
import subprocess
import sys
import textwrap
from decimal import Decimal
from pathlib import Path

import pytest
from waiting import until

from gridgen import Grid, JournalError, Sweep
from gridgen.clock import Clock
from gridgen.journal import Journal, schema, storage
from gridgen.journal.lease import SILENT_AFTER, Owner, may_take, owner

OLD = Path(__file__).with_name("journal-1.sql")
PROMPTS = ["a paper boat", "a lost answer", "a refused prompt"]


def posts(simulator) -> int:
    """Count the submissions that were seen on the wire."""
    return sum(request.method == "POST" for request in simulator.requests)


def sql(folder: Path, *statements: str) -> list[tuple]:
    """Run statements in a folder's journal, as somebody with a database browser would."""
    with contextlib.closing(sqlite3.connect(folder / "journal.sqlite", isolation_level=None)) as connection:
        return [row for statement in statements for row in connection.execute(statement).fetchall()]


@pytest.fixture
def made(simulate, tmp_path):
    """Return a simulator and a sweep of two cells that was run in a folder."""
    simulator = simulate()
    sweep = Sweep(Grid(prompt=["a", "b"]), client=simulator.client(), folder=tmp_path / "boats")
    sweep.run()
    return simulator, sweep


@pytest.fixture
def old(tmp_path):
    """Return a folder whose journal an earlier gridgen wrote, with schema 1."""
    folder = tmp_path / "old"
    folder.mkdir(mode=0o700)
    with contextlib.closing(sqlite3.connect(folder / "journal.sqlite")) as connection:
        connection.executescript(OLD.read_text(encoding="utf-8"))
    return folder


def test_an_older_journal_is_read_as_it_is(old, simulate):
    """The table of a folder that an older gridgen made is there before anything is written."""
    sweep = Sweep(Grid(prompt=PROMPTS), client=simulate().client(), folder=old)

    assert sweep.counts() == {"done": 2, "rejected": 1}
    assert sql(old, "SELECT value FROM meta WHERE name = 'schema'") == [("1",)]


def test_an_older_journal_is_brought_up_to_date(old, simulate):
    """Opening it adds what is new, keeps what was paid, and leaves a copy of the old file beside it."""
    simulator = simulate()
    before = sql(old, "SELECT id, state, task_id, cost FROM attempt ORDER BY id")
    with contextlib.closing(Journal(old, Clock())) as journal:
        lost = next(record for record in journal.records.values() if record.n == 2)

    assert sql(old, "SELECT value FROM meta WHERE name = 'schema'") == [(str(schema.SCHEMA),)]
    assert sql(old, "SELECT id, state, task_id, cost FROM attempt ORDER BY id") == before
    assert [each.at_most() for each in lost.earlier] == [Decimal("0.0612")]
    [(body, digest)] = sql(old, "SELECT body, body_sha256 FROM attempt WHERE id = 1")
    assert hashlib.sha256(body).hexdigest() == digest
    copy = old / "journal.schema1.sqlite"
    with contextlib.closing(sqlite3.connect(copy)) as kept:
        assert kept.execute("SELECT value FROM meta WHERE name = 'schema'").fetchone() == ("1",)
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert posts(simulator) == 0


def test_a_new_journal_and_a_migrated_one_have_the_same_tables(old, made):
    """Whatever the version it began with, a journal ends with the same objects, to the letter."""
    with contextlib.closing(Journal(old, Clock())):
        pass
    asked = "SELECT type, name, sql FROM sqlite_master ORDER BY name"

    assert sql(old, asked) == sql(made[1].folder, asked)


def test_a_migration_that_fails_changes_nothing(old, simulate, monkeypatch):
    """When a step of a migration cannot be done, the folder stays as it was and says why."""
    broken = (*schema.MIGRATIONS, "CREATE TABLE rating (attempt INTEGER) STRICT; SELECT no_such_thing();")
    monkeypatch.setattr(schema, "MIGRATIONS", broken)
    monkeypatch.setattr(schema, "SCHEMA", len(broken))
    before = sql(old, "SELECT name, sql FROM sqlite_master")
    sweep = Sweep(Grid(prompt=PROMPTS), client=simulate().client(), folder=old)

    with pytest.raises(JournalError, match=r"brought up to date.*It is as it was\. Nothing was sent"):
        sweep.start()
    assert sql(old, "SELECT name, sql FROM sqlite_master") == before
    assert sql(old, "SELECT value FROM meta WHERE name = 'schema'") == [("1",)]


def test_a_newer_journal_says_so(made):
    """A folder of a newer gridgen is not touched; the error names both versions and the way out."""
    simulator, sweep = made
    sql(sweep.folder, "UPDATE meta SET value = '99' WHERE name = 'schema'")

    with pytest.raises(
        JournalError, match=r"schema 99, a newer gridgen's; this one reads up to \d+\. Update gridgen"
    ):
        sweep.start()
    with pytest.raises(JournalError, match="Update gridgen"):
        sweep.rows()
    assert posts(simulator) == 2


FOREIGN = {
    "trigger": "CREATE TRIGGER evil AFTER UPDATE ON attempt BEGIN UPDATE attempt SET state = 'planned'; END",
    "view": "CREATE VIEW evil AS SELECT * FROM attempt",
    "table": "CREATE TABLE evil (x)",
    "index": "CREATE INDEX evil ON attempt (state)",
}


@pytest.mark.security("S18")
@pytest.mark.parametrize("kind", FOREIGN)
def test_foreign_objects_are_refused(made, kind):
    """S18: a trigger, view, table or index that gridgen did not make is named, and nothing is sent or read."""
    simulator, sweep = made
    sql(sweep.folder, FOREIGN[kind])

    with pytest.raises(JournalError, match=f"not as gridgen made it: {kind} 'evil'"):
        sweep.start()
    with pytest.raises(JournalError, match=f"{kind} 'evil'"):
        sweep.rows()
    assert posts(simulator) == 2


def test_a_missing_guard_is_refused(made):
    """S18: a journal from which an index that guards the money was dropped is not trusted."""
    _, sweep = made
    sql(sweep.folder, "DROP INDEX one_live")

    with pytest.raises(JournalError, match="index 'one_live'"):
        sweep.start()


def test_another_programs_database_is_refused(simulate, tmp_path):
    """A database of something else is left alone, to the byte."""
    sql(tmp_path, "CREATE TABLE meta (name TEXT, value TEXT)", "INSERT INTO meta VALUES ('schema', '1')")
    before = (tmp_path / "journal.sqlite").read_bytes()
    sweep = Sweep(Grid(prompt="a"), client=simulate().client(), folder=tmp_path)

    with pytest.raises(JournalError, match="not a journal that gridgen wrote"):
        sweep.start()
    assert (tmp_path / "journal.sqlite").read_bytes() == before


def test_a_damaged_journal_is_refused(simulate, tmp_path):
    """F20: torn pages are noticed before anything is sent."""
    simulator = simulate(failures=1.0)
    grid = Grid(prompt=[f"boat {n}" for n in range(60)])
    sweep = Sweep(grid, client=simulator.client(), folder=tmp_path)
    sweep.run()
    sql(tmp_path, "PRAGMA journal_mode = DELETE")
    path = tmp_path / "journal.sqlite"
    content = bytearray(path.read_bytes())
    for page in range(8, len(content) // 4096, 3):
        content[page * 4096 : page * 4096 + 2000] = bytes(2000)
    path.write_bytes(content)
    sent = posts(simulator)

    with pytest.raises(JournalError, match="is damaged"):
        sweep.start()
    with pytest.raises(JournalError, match="is damaged"):
        sweep.rows()
    assert posts(simulator) == sent


KEEPS = {
    "terminal": ("UPDATE attempt SET state = 'planned' WHERE id = 1", "a terminal state never changes"),
    "task": ("UPDATE attempt SET task_id = 'other' WHERE id = 1", "the task of an attempt never changes"),
    "forgets-task": (
        "UPDATE attempt SET task_id = NULL WHERE id = 1",
        "the task of an attempt never changes",
    ),
    "body": ("UPDATE attempt SET body = x'00' WHERE id = 1", "what an attempt sends never changes"),
    "key": ("UPDATE attempt SET idempotency_key = 'k' WHERE id = 1", "what an attempt sends never changes"),
    "attempt": ("DELETE FROM attempt", "an attempt is never forgotten"),
    "event": ("DELETE FROM event", "an event is never forgotten"),
    "history": ("UPDATE event SET state = 'x'", "an event never changes"),
    "second": (
        """INSERT INTO attempt (origin, cell, take, n, state, idempotency_key, body)
        SELECT origin, cell, take, 2, 'planned', 'k', body FROM attempt WHERE id = 1""",
        "UNIQUE constraint failed",
    ),
}


@pytest.mark.parametrize("rule", KEEPS)
def test_the_database_itself_keeps_the_rules(made, rule):
    """Terminal states, tasks, bytes, keys and history never change, and one attempt lives, whoever writes."""
    statement, why = KEEPS[rule]
    with pytest.raises(sqlite3.IntegrityError, match=why):
        sql(made[1].folder, statement)


def test_what_was_sent_is_on_record(simulate, tmp_path):
    """Each attempt keeps its exact bytes and their digest, where it went, and a print of the key, not the key."""
    simulator = simulate()
    sweep = Sweep(Grid(prompt="a"), client=simulator.client(), folder=tmp_path)
    sweep.run()
    [(body, digest, host, key_print, tries)] = sql(
        tmp_path, "SELECT body, body_sha256, host, key_print, tries FROM attempt"
    )

    assert simulator.ledger[0].raw == body
    assert hashlib.sha256(body).hexdigest() == digest
    assert (host, tries) == (sweep.client.host, 1)
    assert len(key_print) >= 12
    assert simulator.api_key not in key_print
    assert simulator.api_key.encode() not in (tmp_path / "journal.sqlite").read_bytes()


def test_prints_of_one_key_differ_between_folders(simulate, tmp_path):
    """The print of a key is salted: it tells two keys of one folder apart, and nothing elsewhere."""
    client = simulate().client()
    prints = []
    for name in ("a", "b"):
        Sweep(Grid(prompt=["a", "b"]), client=client, folder=tmp_path / name).run()
        prints += sql(tmp_path / name, "SELECT DISTINCT key_print FROM attempt")

    assert len(prints) == 2 == len(set(prints))


HOLDER = """
import math, sys
from gridgen import Grid, Simulator, Sweep
with Simulator(speed=1.0, clips="tiny", service=600.0) as simulator:
    sweep = Sweep(Grid(prompt=["a", "b"]), client=simulator.client(), folder=sys.argv[1])
    sweep.start()
    while sweep.counts() not in ({"queued": 2}, {"running": 2}, {"queued": 1, "running": 1}):
        pass
    print("at work", flush=True)
    sys.stdin.read()
"""


@contextlib.contextmanager
def another_process_at_work(folder: Path):
    """Run a sweep of two cells in a child process until the block ends; yield its process id."""
    command = [sys.executable, "-c", textwrap.dedent(HOLDER), str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout.readline() == "at work\n"
            yield child.pid
        finally:
            child.kill()


def test_a_second_process_sees_and_does_not_touch(simulate, tmp_path):
    """While one process works, another's sweep shows rows, table and wall; start() names the owner and since when."""
    simulator = simulate()
    sweep = Sweep(Grid(prompt=["a", "b", "c"]), client=simulator.client(), folder=tmp_path)
    with another_process_at_work(tmp_path) as pid:
        seen = sweep.counts()
        with pytest.raises(
            JournalError, match=rf"process {pid} on \S+, since 20\d\d-\d\d-\d\d [\d:]+, last seen \d+ s"
        ):
            sweep.start()
        assert owner(tmp_path).pid == pid
        assert sum(seen.values()) == 3 == len(sweep.df)
        assert seen["planned"] == 1
        sweep.gallery()
    assert posts(simulator) == 0
    assert owner(tmp_path) is None


def test_a_dead_owner_leaves_the_folder_free(tmp_path):
    """The lock ends with its process, so a killed owner keeps nobody out."""
    with another_process_at_work(tmp_path):
        pass
    with contextlib.closing(Journal(tmp_path, Clock())) as journal:
        assert {record.state for record in journal.records.values()} <= {"queued", "running"}


def test_a_lock_that_was_deleted_stops_submissions(simulate, tmp_path):
    """When somebody removes the lock or the folder under a running sweep, no further POST leaves."""
    simulator = simulate()
    journal = Journal(tmp_path, Clock())
    (tmp_path / "journal.lock").unlink()
    with contextlib.closing(journal), pytest.raises(JournalError, match="deleted or moved"):
        journal._lease.check()
    assert posts(simulator) == 0


def test_a_forked_child_does_not_keep_the_folder(tmp_path):
    """A process forked while a sweep was at work does not hold its folder after the sweep has ended."""
    journal = Journal(tmp_path, Clock())
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.close(writer)
        os.read(reader, 1)
        os._exit(0)
    os.close(reader)
    journal.close()

    assert owner(tmp_path) is None
    os.close(writer)
    os.waitpid(child, 0)


ME = Owner(1, "here", "boot", None, 0.0, "me")
HOLDERS = {
    "nobody": (None, True, True),
    "crashed-here": (Owner(2, "here", "boot", None, 0.0, "x", 99.0), True, True),
    "elsewhere-alive": (Owner(2, "there", "other", None, 0.0, "x", 99.0), True, False),
    "elsewhere-silent": (Owner(2, "there", "other", None, 0.0, "x", 99.0 - SILENT_AFTER), True, True),
    "local-disk": (Owner(2, "there", "other", None, 0.0, "x", 99.0), False, True),
}


@pytest.mark.parametrize("case", HOLDERS)
def test_whose_folder_it_is(case):
    """The lock is the truth on one host; on a shared file system a live note of another host counts too."""
    holder, network, free = HOLDERS[case]
    assert may_take(holder, ME, 100.0, network=network) is free


def test_a_folder_on_a_network_disk_is_another_hosts(simulate, tmp_path, monkeypatch):
    """F20: where the lock may not reach the other host, its note keeps this one out and names it."""
    mounts = tmp_path / "mounts"
    mounts.write_text(f"server:/home {tmp_path} nfs4 rw 0 0\n", encoding="utf-8")
    monkeypatch.setattr(storage, "MOUNTS", mounts)
    folder = tmp_path / "boats"
    folder.mkdir()
    note = {"pid": 7, "host": "login-node", "boot": "b", "started": None, "since": 1.7e9, "token": "t"}
    (folder / "journal.lock").write_text(json.dumps(note), encoding="utf-8")
    sweep = Sweep(Grid(prompt="a"), client=simulate().client(), folder=folder)

    with pytest.raises(JournalError, match="process 7 on login-node"):
        sweep.start()
    (folder / "journal.lock").write_text("", encoding="utf-8")
    sweep.run()
    assert sweep.counts() == {"done": 1}
    assert not list(folder.glob("*-wal"))


MODES = {
    ((3, 6, 23), "ext4"): "WAL",
    ((3, 7, 0), "ext4"): "TRUNCATE",
    ((3, 40, 1), "ext4"): "TRUNCATE",
    ((3, 44, 5), "ext4"): "TRUNCATE",
    ((3, 44, 6), "ext4"): "WAL",
    ((3, 45, 0), "ext4"): "TRUNCATE",
    ((3, 50, 6), "apfs"): "TRUNCATE",
    ((3, 50, 7), "apfs"): "WAL",
    ((3, 51, 2), "ext4"): "TRUNCATE",
    ((3, 51, 3), "ext4"): "WAL",
    ((3, 53, 0), "overlay"): "WAL",
    ((3, 53, 0), ""): "WAL",
    ((3, 53, 0), "nfs4"): "TRUNCATE",
    ((3, 53, 0), "cifs"): "TRUNCATE",
    ((3, 53, 0), "smb3"): "TRUNCATE",
    ((3, 53, 0), "fuse.sshfs"): "TRUNCATE",
    ((3, 53, 0), "macfuse"): "TRUNCATE",
    ((3, 53, 0), "fuseblk"): "WAL",
    ((3, 53, 0), "fuse.fuse-overlayfs"): "WAL",
    ((3, 53, 0), "9p"): "TRUNCATE",
    ((3, 53, 0), "NFS"): "TRUNCATE",
}


@pytest.mark.parametrize(("version", "kind"), MODES, ids=str)
def test_how_sqlite_keeps_its_changes(version, kind):
    """F20: a write-ahead log only on one host's disk and with a SQLite that does not lose it."""
    assert storage.journal_mode(version, kind) == MODES[version, kind]


LINUX = r"""
/dev/vda / ext4 rw,relatime 0 0
proc /proc proc rw 0 0
server:/export /home nfs4 rw,vers=4.2 0 0
/dev/vdb /home/ann/local\040disk xfs rw 0 0
overlay /mnt overlay rw 0 0
//nas/share /mnt cifs rw 0 0
"""
MACOS = """
/dev/disk3s1s1 on / (apfs, sealed, local, read-only, journaled)
//ann@nas._smb._tcp.local/videos on /Volumes/my videos (smbfs, nodev, nosuid, mounted by ann)
"""
PLACES = {
    ("/tmp/boats", LINUX): "ext4",
    ("/home/ann/boats", LINUX): "nfs4",
    ("/homestead", LINUX): "ext4",
    ("/home/ann/local disk/boats", LINUX): "xfs",
    ("/mnt/boats", LINUX): "cifs",
    ("/Users/ann/boats", MACOS): "apfs",
    ("/Volumes/my videos/boats", MACOS): "smbfs",
    ("//nas/share/boats", LINUX): "smbfs",
    ("/tmp/boats", ""): "",
}


@pytest.mark.parametrize(("path", "mounts"), PLACES, ids=lambda part: part[:24].strip())
def test_what_a_folder_lies_on(path, mounts):
    """The deepest mount that holds the path tells the file system, the later of two on one point."""
    assert storage.file_system(Path(path), mounts) == PLACES[path, mounts]


def test_what_is_mounted_here_is_told(tmp_path):
    """On this machine the file system under a folder is found."""
    assert storage.file_system(tmp_path.resolve(), storage.mounted()) != ""


@pytest.mark.security("S24")
def test_the_files_of_a_journal_are_private(made):
    """S24: folder 0700; the journal, its lock and whatever SQLite puts beside it 0600."""
    folder = made[1].folder
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.glob("journal*")}

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert set(modes.values()) == {0o600}
    assert {"journal.sqlite", "journal.lock"} <= set(modes)


def test_a_snapshot_brings_back_what_was_paid(simulate, tmp_path):
    """A folder that is gone is restored from the text file: nothing is paid again, the clips are fetched anew."""
    simulator = simulate()
    grid = Grid(prompt=["a", "b"])
    sweep = Sweep(grid, client=simulator.client(), folder=tmp_path / "gone")
    sweep.run()
    taken = sweep.snapshot(tmp_path / "taken.jsonl")
    again = Sweep(grid, client=simulator.client(), folder=tmp_path / "new")
    again.restore(taken)

    assert [row.task_id for row in again.rows()] == [row.task_id for row in sweep.rows()]
    again.run()
    assert again.counts() == {"done": 2}
    assert [row.sha256 for row in again.rows()] == [row.sha256 for row in sweep.rows()]
    assert all((again.folder / row.path).is_file() for row in again.rows())
    assert posts(simulator) == 2
    assert stat.S_IMODE(taken.stat().st_mode) == 0o600
    assert simulator.api_key not in taken.read_text(encoding="utf-8")


def test_a_snapshot_may_be_taken_in_mid_sweep(simulate, tmp_path):
    """What was accepted is in the snapshot at once, and its restoration goes on with the same tasks."""
    simulator = simulate(speed=1.0, service=600.0)
    grid = Grid(prompt=["a", "b", "c"])
    sweep = Sweep(grid, client=simulator.client(), folder=tmp_path / "one")
    sweep.start()
    until(lambda: all(row.task_id for row in sweep.rows()))
    taken = sweep.snapshot()
    sweep.stop()
    again = Sweep(grid, client=simulator.client(), folder=tmp_path / "two")
    again.restore(taken)

    assert taken == sweep.folder / "journal.jsonl"
    assert [row.task_id for row in again.rows()] == [row.task_id for row in sweep.rows()]
    sweep._execution.future.cancel()


SNAPSHOTS = {
    "nothing": "",
    "prose": "a paper boat\n",
    "other": '{"kind": "else", "schema": 1}\n',
    "cut": '{"kind": "gridgen journal", "schema": 1}\n{"table": "attempt", "row": {"id": 1',
    "table": '{"kind": "gridgen journal", "schema": 1}\n{"table": "sqlite_master", "row": {}}\n',
    "column": '{"kind": "gridgen journal", "schema": 1}\n{"table": "meta", "row": {"x) --": 1}}\n',
    "type": '{"kind": "gridgen journal", "schema": 1}\n{"table": "attempt", "row": {"id": "one"}}\n',
    "version": '{"kind": "gridgen journal", "schema": 1}\n{"table": "meta", "row": {"name": "schema", "value": "7"}}\n',
    "newer": '{"kind": "gridgen journal", "schema": 99}\n',
}


@pytest.mark.security("S18")
@pytest.mark.parametrize("case", SNAPSHOTS)
def test_what_is_no_snapshot_restores_nothing(simulate, tmp_path, case):
    """S18, S19: a foreign, cut, newer or forged file is refused whole and leaves no journal behind."""
    source = tmp_path / "taken.jsonl"
    source.write_text(SNAPSHOTS[case], encoding="utf-8")
    sweep = Sweep(Grid(prompt="a"), client=simulate().client(), folder=tmp_path / "new")

    with pytest.raises(JournalError, match=r"Nothing was restored|Nothing was sent"):
        sweep.restore(source)
    assert not (sweep.folder / "journal.sqlite").exists()
    assert sweep.counts() == {"planned": 1}


def test_a_snapshot_replaces_no_journal(made, tmp_path):
    """Restoring into a folder that has a journal changes nothing."""
    _, sweep = made
    taken = sweep.snapshot(tmp_path / "taken.jsonl")
    with pytest.raises(JournalError, match="has a journal already"):
        sweep.restore(taken)
    assert sweep.counts() == {"done": 2}


def test_an_old_snapshot_is_read_by_a_new_gridgen(old, simulate, tmp_path):
    """A snapshot of a version-1 journal restores, and is brought up to date when it is opened."""
    grid = Grid(prompt=PROMPTS)
    taken = Sweep(grid, client=simulate().client(), folder=old).snapshot(tmp_path / "taken.jsonl")
    again = Sweep(grid, client=simulate().client(), folder=tmp_path / "new")
    again.restore(taken)

    assert again.counts() == {"done": 2, "rejected": 1}
    assert json.loads(taken.read_text(encoding="utf-8").splitlines()[0])["schema"] == 1


def test_changes_that_nobody_waits_for_survive_a_busy_disk(tmp_path):
    """F20: what a locked file refuses for a while is kept, in order, and written when it can be."""
    grid = list(Grid(prompt=["a"]))
    journal = Journal(tmp_path, Clock())
    record = journal.prepare(origin="simulator", cell=grid[0], take=1, body=b"{}")

    async def work() -> None:
        await journal.intend(record, grid[0], price=None)
        await journal.save(record, state="queued", task_id="t")
        with contextlib.closing(sqlite3.connect(tmp_path / "journal.sqlite", isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            journal._connection.execute("PRAGMA busy_timeout = 1")
            await journal.save(record, state="running")
            with pytest.raises(JournalError, match="locked"):
                await journal.flush()
            other.execute("ROLLBACK")
        await journal.flush()

    asyncio.run(work())
    journal.close()
    assert sql(tmp_path, "SELECT state FROM attempt") == [("running",)]
    assert [state for (state,) in sql(tmp_path, "SELECT state FROM event")] == [
        "sending",
        "queued",
        "running",
    ]


def test_a_process_that_died_while_it_made_the_journal(simulate, tmp_path):
    """F21: a file that was created and never filled is no error: the table is planned, and the sweep begins anew."""
    (tmp_path / "journal.sqlite").touch()
    sweep = Sweep(Grid(prompt="a"), client=simulate().client(), folder=tmp_path)

    assert sweep.counts() == {"planned": 1}
    sweep.run()
    assert sweep.counts() == {"done": 1}


def test_a_closed_journal_refuses(tmp_path):
    """What comes after the end is refused at once, and nobody waits for a writer that is gone."""
    cell = Grid(prompt="a")[0]
    journal = Journal(tmp_path, Clock())
    record = journal.prepare(origin="simulator", cell=cell, take=1, body=b"{}")
    journal.close()

    with pytest.raises(JournalError, match="is closed"):
        asyncio.run(journal.intend(record, cell, price=None))
