"""A plain page with the wall on it, and a model that stands in for Jupyter's."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from typing import TYPE_CHECKING, Any, Self

import uvicorn
from starlette.applications import Starlette
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from gridgen.gallery.script import script, style

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from starlette.requests import Request

    from gridgen.gallery.wall import Wall

CONFIG = '<script id="jupyter-config-data" type="application/json">{"baseUrl": "/user/me/"}</script>'

PAGE = """<!doctype html><meta charset="utf-8"><title>wall</title>%(config)s
<link rel="icon" href="data:,"><style>%(css)s</style>
<style>body { margin: 24px; background: var(--page, #fff) } %(theme)s</style>
<body><div class="gridgen-gallery"><div id="root"></div></div>
<script type="module">
const state = await (await fetch("/state")).json();
const listeners = new Map();
const sent = window.sent = [];
const replied = window.replied = new Set();
const fire = (name, ...args) => [...(listeners.get(name) ?? [])].forEach((act) => act(...args));
const model = window.model = {
  get: (name) => state[name],
  set: (name, value) => { if (state[name] !== value) { state[name] = value; fire("change:" + name); } },
  save_changes: () => {},
  on: (name, act) => listeners.set(name, [...(listeners.get(name) ?? []), act]),
  off: (name, act) => listeners.set(name, (listeners.get(name) ?? []).filter((each) => each !== act)),
  send: (content) => {
    sent.push(content);
    if (!window.kernelBusy) line = line.catch(() => {}).then(() => asked(content));
  },
};
let line = Promise.resolve();
const asked = async (content) => {
  const reply = await fetch("/ask", { method: "POST", body: JSON.stringify(content) });
  const bytes = await reply.arrayBuffer();
  const start = Number(reply.headers.get("X-Content-Length"));
  const answer = JSON.parse(new TextDecoder().decode(bytes.slice(0, start)));
  fire("msg:custom", answer, bytes.byteLength > start ? [new DataView(bytes, start)] : []);
  replied.add(content.request);
};
window.hear = (content) => fire("msg:custom", content, []);
window.listeners = () => [...listeners.values()].flat().length;
const { default: widget } = await import("/wall.js");
const host = window.host = new AbortController();
const parts = typeof widget === "function" ? await widget() : widget;
await parts.initialize?.({ model, signal: host.signal });
window.show = (signal, el = document.getElementById("root")) => parts.render({ model, el, signal });
const first = window.first = new AbortController();
show(AbortSignal.any([first.signal, host.signal]));
window.ready = true;
</script>"""

PLAIN = """<!doctype html><meta charset="utf-8"><title>wall</title>
<link rel="icon" href="data:,"><style>%(css)s</style>
<div id="gridgen-wall"></div><script type="application/json" id="gridgen-known">%(known)s</script>
<script type="module">%(script)s
window.ready = true;</script>"""

LAB_DARK = """:root { --jp-layout-color1: #111; --jp-ui-font-color0: rgba(255,255,255,1); --page: #111 }"""
CODE_DARK = (
    """:root { --vscode-editor-background: #1e1e1e; --vscode-editor-foreground: #ccc; --page: #fff }"""
)


class Pages:
    """Serves one widget's script, state and files to a browser on loopback."""

    def __init__(self, widget: Wall, *, files: Path | None = None, theme: str = "") -> None:
        self.widget, self.files, self.theme = widget, files, theme
        self.asked: list[dict[str, Any]] = []
        self.fetched: list[str] = []
        self.told: list[dict[str, Any]] = []
        self.base = ""
        widget.send = self._take  # the page fetches replies, so nothing goes over a comm

    def _take(self, content: dict[str, Any], buffers: list[bytes] | None = None) -> None:
        self.told.append(content)
        if "request" in content:
            self._reply = (content, buffers or [])

    @property
    def url(self) -> str:
        """Address of the page; with files it looks like a notebook in JupyterLab."""
        return f"{self.base}/user/me/lab/tree/nb/first.ipynb"

    async def page(self, _request: Request) -> Response:
        """Return the page."""
        config = CONFIG if self.files else ""
        return HTMLResponse(PAGE % {"config": config, "css": str(self.widget._css), "theme": self.theme})

    async def plain(self, _request: Request) -> Response:
        """Return the wall on a page without a model, as an exported page has it."""
        menus = [menu.state() for menu in self.widget.offered]
        snapshot = self.widget.feed.snapshot()
        tiles = [{**tile, "clip": str(tile["id"])} for tile in snapshot["tiles"]]
        known = {
            "snapshot": {**snapshot, "tiles": tiles},
            "menus": menus,
            "look": {"rows": ["prompt"], "cols": ["size"]},
            "view": "",
            "page": {"id": "0" * 24, "sweep": "boats"},
        }
        text = json.dumps(known).replace("<", "\\u003c")
        return HTMLResponse(PLAIN % {"css": style(), "known": text, "script": script("page")})

    async def script(self, _request: Request) -> Response:
        """Return the widget's script."""
        return Response(str(self.widget._esm), media_type="text/javascript")

    async def state(self, _request: Request) -> Response:
        """Return the widget's state as Jupyter would send it."""
        return JSONResponse(
            {k: v for k, v in self.widget.get_state().items() if not k.startswith("_") and k != "layout"}
        )

    async def ask(self, request: Request) -> Response:
        """Hand a custom message to the widget and return its reply."""
        content = await request.json()
        self.asked.append(content)
        self.widget._handle_custom_msg(content, [])
        reply, buffers = self._reply
        text = json.dumps(reply).encode()
        return Response(b"".join([text, *buffers]), headers={"X-Content-Length": str(len(text))})

    async def file(self, request: Request) -> Response:
        """Return a file as the Jupyter server's files route does."""
        name = request.path_params["name"]
        self.fetched.append(f"{request.method} {name}")
        if self.files is None or not (self.files / name).is_file():
            return Response("no such file", status_code=404)
        return FileResponse(self.files / name)

    def routes(self) -> list[Route]:
        """Return the routes of this server."""
        return [
            Route("/user/me/lab/tree/{rest:path}", self.page),
            Route("/user/me/files/nb/plain.html", self.plain),
            Route("/wall.js", self.script),
            Route("/state", self.state),
            Route("/ask", self.ask, methods=["POST"]),
            Route("/user/me/files/{name:path}", self.file, methods=["GET", "HEAD"]),
        ]

    @contextlib.contextmanager
    def serving(self) -> Iterator[Self]:
        """Serve until the block ends."""
        listener = socket.create_server(("127.0.0.1", 0))
        server = uvicorn.Server(
            uvicorn.Config(Starlette(routes=self.routes()), log_level="critical", lifespan="off")
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        self.base = f"http://127.0.0.1:{listener.getsockname()[1]}"
        try:
            yield self
        finally:
            server.should_exit = True
            thread.join(5)
            listener.close()
