"""The folders of this user that processes share: where they are, and what is not taken for one."""

from __future__ import annotations

import os
import pwd
import stat
import tempfile
from pathlib import Path

import pytest

from gridgen import userdirs

USUAL = Path(f"/run/user/{os.getuid()}")
"""What a machine with sessions makes at login, whether or not XDG_RUNTIME_DIR names it."""


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Name no folder at all, and return where the fallback among the temporary files would be."""
    for name in ("GRIDGEN_DATA_DIR", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path / f"runtime-{os.getuid()}"


def fallback(bare: Path) -> Path:
    """Return the folder of every process that XDG_RUNTIME_DIR tells nothing."""
    return (USUAL if USUAL.is_dir() else bare) / "gridgen"


def mode(path: Path) -> int:
    """Return the permissions."""
    return stat.S_IMODE(path.stat().st_mode)


def test_a_machine_without_sessions_has_one_too(bare):
    """Case N3: where nothing names a folder, a private one is chosen, always the same, and no warning is given."""
    folder = userdirs.runtime_folder()

    assert folder == fallback(bare) == userdirs.runtime_folder()
    assert mode(folder) == mode(folder.parent) == 0o700


def test_a_fallback_that_others_could_read_is_closed(bare):
    """Case N3: a folder of this user's that an earlier process left open is made private before it is used."""
    bare.mkdir(mode=0o755)

    assert userdirs.runtime_folder() == fallback(bare)
    assert USUAL.is_dir() or mode(bare) == 0o700


def test_a_system_without_links_has_a_salt_too(monkeypatch):
    """Pyodide has no os.link: the salt is made once, and stays the same."""
    monkeypatch.delattr(os, "link")

    made = userdirs.salt()
    assert made is not None
    assert (len(made), userdirs.salt()) == (64, made)


@pytest.mark.parametrize("made", [True, False], ids=["there", "not there yet"])
def test_the_named_folder_is_used(bare, monkeypatch, tmp_path, made):
    """XDG_RUNTIME_DIR is where the files go; the first process makes it so that the next one takes it too."""
    named = tmp_path / "named"
    if made:
        named.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(named))

    assert userdirs.runtime_folder() == named / "gridgen" == userdirs.runtime_folder()
    assert mode(named) == 0o700
    assert not bare.exists()


def unfit(tmp_path: Path) -> dict[str, str]:
    """Return values of XDG_RUNTIME_DIR that name no private folder of this user."""
    (tmp_path / "open").mkdir(mode=0o755)
    (tmp_path / "file").write_text("", "utf-8")
    (tmp_path / "target").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "target")
    (tmp_path / "everybody's").mkdir()
    (tmp_path / "everybody's").chmod(0o777)
    (tmp_path / "everybody's" / "mine").mkdir(mode=0o700)
    names = {name: str(tmp_path / name) for name in ("open", "file", "link", "everybody's/mine")}
    return {**names, "no parent": str(tmp_path / "not" / "there"), "another's": "/", "relative": "run"}


def facts(path: Path) -> int | None:
    """Return what a folder is and who may enter it, None where there is none."""
    return path.lstat().st_mode if os.path.lexists(path) else None


@pytest.mark.parametrize(
    "why", ["open", "file", "link", "everybody's/mine", "no parent", "another's", "relative"]
)
def test_a_named_folder_that_is_not_private_is_left_alone(bare, monkeypatch, tmp_path, why):
    """Case N3: it is neither used nor changed, and nobody is warned: the fallback serves as well."""
    monkeypatch.chdir(tmp_path)
    named = unfit(tmp_path)[why]
    before = facts(Path(named))
    monkeypatch.setenv("XDG_RUNTIME_DIR", named)

    assert userdirs.runtime_folder() == fallback(bare)
    assert facts(Path(named)) == before
    assert not Path(named, "gridgen").exists()


def test_a_fallback_that_is_a_link_is_not_followed(bare, tmp_path):
    """Anybody may put a link among the temporary files: then nothing is shared, and nothing is raised."""
    (tmp_path / "trap").mkdir()
    bare.symlink_to(tmp_path / "trap")

    assert userdirs.runtime_folder() == (USUAL / "gridgen" if USUAL.is_dir() else None)
    assert list((tmp_path / "trap").iterdir()) == []


@pytest.mark.usefixtures("bare")
def test_a_user_without_a_home_has_no_data_folder(monkeypatch):
    """A number that no passwd file knows, as containers are given, keeps nothing and raises nothing."""

    def unknown(uid: int) -> None:
        raise KeyError(uid)

    for name in ("HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)

    assert userdirs.data_folder() is None
    assert userdirs.salt() is None
