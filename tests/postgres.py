"""A PostgreSQL server of the tests' own: Debian's programs, an ordinary user, a folder that is thrown away."""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

PASSWORD = f"pw-LEAK-{secrets.token_hex(6)}"
"""What must be read nowhere."""


def programs() -> Path | None:
    """Return the folder of PostgreSQL's programs, None where there is none of version 13 or newer."""
    folders = [Path(found).resolve().parent for found in [shutil.which("initdb")] if found]
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda each: -int(each.parent.name))
    return next((each for each in folders if (each / "initdb").exists() and (each / "pg_ctl").exists()), None)


def needed() -> Path:
    """Return the folder of PostgreSQL's programs; without it a test fails under CI, and is skipped elsewhere."""
    found = programs()
    if found is None:
        why = "no PostgreSQL: apt install postgresql (Debian), or put initdb and pg_ctl on the PATH"
        if os.environ.get("CI"):
            pytest.fail(why)
        pytest.skip(why)
    return found


class Server:
    """A server on a port of its own, with databases that are made on demand."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self._bin, self.host = needed(), host
        self.folder = Path(tempfile.mkdtemp(prefix="gridgen-pg-"))
        self.user = "nobody" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
        if os.getuid() == 0:
            shutil.chown(self.folder, self.user)
        secret = self.folder / "secret"
        secret.write_text(PASSWORD)
        if os.getuid() == 0:
            shutil.chown(secret, self.user)
        self._run(
            "initdb",
            *(
                "-D",
                "data",
                "-U",
                "owner",
                "--auth=scram-sha-256",
                "--pwfile=secret",
                "-E",
                "UTF8",
                "--no-sync",
            ),
            "--locale=C",
        )
        with (self.folder / "data" / "pg_hba.conf").open("a") as rules:
            rules.write("host all all 0.0.0.0/0 scram-sha-256\n")
        self._start_somewhere()

    def _start_somewhere(self) -> None:
        """Start on a port that is free; another program may take it between the look and the start."""
        for left in range(4, -1, -1):
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                self.port = free.getsockname()[1]
            try:
                self.start()
            except subprocess.CalledProcessError:
                if not left:
                    self.close()
                    raise
            else:
                return

    def _run(self, program: str, *words: str) -> None:
        as_whom = {"user": self.user, "group": pwd.getpwnam(self.user).pw_gid} if os.getuid() == 0 else {}
        with (self.folder / "programs.log").open("a") as log:
            subprocess.run(
                [str(self._bin / program), *words],
                check=True,
                cwd=self.folder,
                stdout=log,
                stderr=subprocess.STDOUT,
                extra_groups=[] if as_whom else None,
                **as_whom,
            )

    def start(self) -> None:
        """Start it and wait until it answers."""
        told = f"-p {self.port} -c listen_addresses={self.host} -c unix_socket_directories={self.folder}"
        self._run("pg_ctl", "-D", "data", "-l", "server.log", "-w", "-t", "60", "-o", told, "start")

    def stop(self, how: str = "fast") -> None:
        """Stop it; ``immediate`` is as good as pulling the plug."""
        self._run("pg_ctl", "-D", "data", "-w", "-t", "60", "-m", how, "stop")

    def url(self, database: str = "postgres") -> str:
        """Return the address of a database, password and all."""
        host = self.host if self.host != "*" else "127.0.0.1"
        return f"postgresql://owner:{PASSWORD}@{host}:{self.port}/{database}"

    def make(self) -> str:
        """Make an empty database, and return its address."""
        import psycopg

        name = f"t{secrets.token_hex(6)}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def close(self) -> None:
        """Stop it and throw all of it away."""
        with contextlib.suppress(subprocess.CalledProcessError):
            self.stop("immediate")
        with contextlib.suppress(OSError, ValueError, IndexError):
            os.kill(int((self.folder / "data" / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)


@contextlib.contextmanager
def running(host: str = "127.0.0.1") -> Iterator[Server]:
    """Lend a server."""
    server = Server(host)
    try:
        yield server
    finally:
        server.close()
