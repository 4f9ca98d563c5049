"""A client that asks of a server what the vendor's own asks, written for these tests from the standard library.

What it checks is what the public file ``apimart-media.mjs`` of apimart-ai/apimart-skills at
5a49d91 was read to check, and where the API's pages say more of a reply, that as well: a
reply is JSON and says so, is as long as it says, and an error has its four texts.
"""

from __future__ import annotations

import asyncio
import email.utils
import http.client
import json
import math
import re
import secrets
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, urlencode, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gridgen.clock import Clock

VERSION = "2026-07-27"
RETRYABLE = frozenset({408, 429, 502, 503, 504})
TERMINAL = frozenset({"completed", "failed"})
IMAGES = {
    "image/jpeg": rb"\xff\xd8\xff",
    "image/png": rb"\x89PNG\r\n\x1a\n",
    "image/gif": rb"GIF8[79]a",
    "image/webp": rb"RIFF....WEBP",
}


class ContractError(AssertionError):
    """The server broke the contract."""


class Refused(Exception):  # noqa: N818 - the server's answer, not an error
    """The server refused, in the contract's form."""

    def __init__(self, status: int, error: dict[str, Any], wait: int | None) -> None:
        super().__init__(f"{status} {error}")
        self.status, self.wait = status, wait
        self.code, self.message, self.type = (error.get(name) for name in ("code", "message", "type"))
        self.retryable = status in RETRYABLE


class Reply(NamedTuple):
    """A reply that is no refusal."""

    status: int
    body: dict[str, Any]
    headers: http.client.HTTPMessage


class Generation(NamedTuple):
    """What a submission brought: the task, and whether the server had it before."""

    task_id: str
    status: str
    replayed: bool
    body: dict[str, Any]


def check(good: object, what: str, got: object) -> None:
    """Raise `ContractError` unless something holds."""
    if not good:
        msg = f"{what}, got {got!r:.300}"
        raise ContractError(msg)


def is_number(value: object) -> bool:
    """Return whether a value is a whole number above 0 that JavaScript holds exactly."""
    return type(value) is int and 0 < value < 2**53


def is_link(value: object) -> bool:
    """Return whether a value is a plain http(s) URL."""
    if not isinstance(value, str) or value.strip() != value:
        return False
    parts = urlsplit(value)
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.username is None


class Official:
    """The client.

    Parameters
    ----------
    base_url : str
        Origin of the server.
    key : str
        API key.
    clock : Clock
        The server's, so that waiting takes no time.
    """

    def __init__(self, base_url: str, key: str, clock: Clock) -> None:
        self.base_url, self.key, self.clock = base_url.rstrip("/"), key, clock

    # commands

    def models(self) -> list[str]:
        """Return the ids of all models."""
        body = self._get("/v1/models").body
        check(body.get("object") == "list" and isinstance(body.get("data"), list), "a list of models", body)
        for each in body["data"]:
            check(isinstance(each.get("id"), str) and each["object"] == "model", "a model", each)
            check(is_number(each.get("created")) and isinstance(each.get("owned_by"), str), "a model", each)
        return [each["id"] for each in body["data"]]

    def docs(self, model: str, **further: str) -> dict[str, Any]:
        """Return a model's documentation, which stands at top level under the very name that was asked for."""
        page = self._get("/v1/model-docs", model=model, **further).body
        check(page.get("object") == "model.documentation", "object model.documentation", page)
        check(page.get("model") == model, f"the page of {model}", page.get("model"))
        for name in ("doc_url", "markdown_url"):
            check(is_link(page.get(name)), f"{name} is a link", page.get(name))
        check(isinstance(page.get("markdown"), str) and page["markdown"].strip(), "markdown", page)
        for name in ("fetched_at", "cache_ttl_seconds"):
            check(is_number(page.get(name)), f"{name} is a whole number", page.get(name))
        check(isinstance(page.get("stale"), bool), "stale is a boolean", page.get("stale"))
        check(isinstance(page.get("warning", ""), str), "warning is a text", page.get("warning"))
        return page

    def schema(self, model: str, operation: str = "video_generation", **further: str) -> dict[str, Any]:
        """Return the top-level reply that says what a model takes for an operation."""
        found = self._get("/v1/model-schema", model=model, operation=operation, **further).body
        check(found.get("model") == model, f"the schema of {model}", found.get("model"))
        check(found.get("operation") == operation, f"operation {operation}", found.get("operation"))
        check(isinstance(found.get("input_schema"), dict), "input_schema is an object", found)
        constant = found["input_schema"].get("properties", {}).get("model", {}).get("const", model)
        check(constant == model, f"the schema's model is {model}", constant)
        return found

    def upload(self, name: str, data: bytes) -> dict[str, Any]:
        """Upload an image, whose type is told from its content, and return the flat reply."""
        kind = next(kind for kind, magic in IMAGES.items() if re.match(magic, data, re.DOTALL))
        reply = self.post_file(name, data, kind).body
        check(is_link(reply.get("url")), "url is a link", reply)
        check(reply.get("filename") == name, f"filename {name}", reply)
        check(reply.get("content_type") == kind, f"content_type {kind}", reply)
        check(is_number(reply.get("bytes")) and reply["bytes"] == len(data), "bytes is the size", reply)
        check(is_number(reply.get("created_at")), "created_at is a whole number", reply)
        return reply

    def post_file(self, name: str, data: bytes, kind: str, field: str = "file") -> Reply:
        """Send a form with one file as a browser's FormData does, and return whatever is answered."""
        boundary = f"----formdata-{secrets.token_hex(8)}"
        spelled = name.replace("\n", "%0A").replace("\r", "%0D").replace('"', "%22")
        head = (
            f"--{boundary}\r\n"
            f'Content-Disposition: form-data; name="{field}"; filename="{spelled}"\r\n'
            f"Content-Type: {kind}\r\n\r\n"
        )
        body = head.encode() + data + f"\r\n--{boundary}--\r\n".encode()
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        return self.request("POST", "/v1/uploads/images", body, headers)

    def generate_video(self, model: str, fields: dict[str, Any], key: str) -> Generation:
        """Make sure that a model makes videos, then submit."""
        self.schema(model)
        return self.submit({**fields, "model": model}, key)

    def submit(self, body: dict[str, Any], key: str, version: str = VERSION) -> Generation:
        """Submit a body under an idempotency key and return the task of the versioned reply."""
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": key,
            "X-APIMart-Response-Version": version,
        }
        reply = self.request("POST", "/v1/videos/generations", json.dumps(body).encode(), headers)
        check(reply.status == 202 and reply.body.get("code") == 202, "202", reply)
        check(set(reply.body) == {"code", "request_id", "data"}, "code, request_id and data", reply.body)
        request_id = reply.body["request_id"]
        check(
            isinstance(request_id, str) and re.fullmatch(r"req_\w+", request_id), "a request_id", request_id
        )
        data = reply.body["data"]
        check(isinstance(data, dict), "data is an object", data)
        check(isinstance(data.get("id"), str) and data["id"], "data.id is a text", data)
        check(data.get("object") == "generation.task", "object generation.task", data)
        check(data.get("status") == "queued", "status queued", data)
        check(reply.headers["X-APIMart-Response-Version"] == version, "the version", reply.headers.items())
        replayed = reply.headers.get("Idempotency-Replayed")
        check(replayed in {None, "true"}, "Idempotency-Replayed true, or no such header", replayed)
        return Generation(data["id"], data["status"], replayed == "true", reply.body)

    def task(self, task_id: str, **query: str) -> dict[str, Any]:
        """Return how a task stands."""
        body = self._get(f"/v1/tasks/{quote(task_id, safe='')}", **query).body
        check(body.get("code") == 200 and isinstance(body.get("data"), dict), "a task under data", body)
        task = body["data"]
        check(task.get("id") == task_id, f"task {task_id}", task)
        status = task.get("status")
        check(isinstance(status, str) and status == status.lower(), "a status in lower case", status)
        progress = task.get("progress")
        check(type(progress) is int and 0 <= progress <= 100, "progress 0 to 100", progress)
        check(is_number(task.get("created")) and is_number(task.get("estimated_time")), "times", task)
        check(("result" in task) == (status == "completed"), "a result only when completed", task)
        check(("error" in task) == (status == "failed"), "an error only when failed", task)
        if status == "completed":
            self._check_completed(task)
        if status == "failed":
            _check_error(task["error"])
        return task

    def ended(self, task_id: str) -> dict[str, Any]:
        """Ask for a task every 2 s until it has ended, 120 times at most."""
        for _ in range(120):
            task = self.task(task_id)
            if task["status"] in TERMINAL:
                return task
            check(task["status"] in {"pending", "processing"}, "pending or processing", task["status"])
            self.wait(2)
        msg = "the task did not end in 120 questions"
        raise ContractError(msg)

    def wait(self, seconds: float) -> None:
        """Let time pass on the server's clock."""
        asyncio.run(self.clock.sleep(seconds))

    def download(self, url: str, method: str = "GET") -> http.client.HTTPResponse:
        """Ask for a link without a key; the reply's body is its attribute ``data``."""
        return self._exchange(method, url, None, {})

    # the wire

    def _check_completed(self, task: dict[str, Any]) -> None:
        check(is_number(task.get("completed")), "completed is a whole number", task)
        check(task.get("actual_time") == task["completed"] - task["created"], "actual_time adds up", task)
        check(task["progress"] == 100, "progress 100", task)
        check(task["result"].get("videos"), "videos", task)
        for video in task["result"]["videos"]:
            links = video["url"] if isinstance(video["url"], list) else [video["url"]]
            check(links and all(map(is_link, links)), "links", video)
            check(video["expires_at"] > task["completed"], "links that live on", video)

    def _get(self, path: str, **query: str) -> Reply:
        return self.request("GET", path + (f"?{urlencode(query)}" if query else ""))

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Reply:
        """Return the answer to one request with the key, or raise `Refused`."""
        sent = {"Accept": "application/json", "Authorization": f"Bearer {self.key}", **(headers or {})}
        response = self._exchange(method, self.base_url + path, body, sent)
        check(not 300 <= response.status < 400, "no redirect", response.status)
        kind = response.headers.get_content_type()
        check(kind == "application/json", "application/json", response.headers.items())
        parsed = json.loads(response.data, parse_constant=_no_number)
        check(isinstance(parsed, dict), "an object", parsed)
        if response.status >= 400 or "error" in parsed or parsed.get("success") is False:
            check(response.status >= 400, "a refusal has a status of its own", (response.status, parsed))
            _check_error(parsed.get("error"))
            raise Refused(response.status, parsed["error"], _wait(response.headers))
        return Reply(response.status, parsed, response.headers)

    def _exchange(
        self, method: str, url: str, body: bytes | None, headers: dict[str, str]
    ) -> http.client.HTTPResponse:
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.netloc, timeout=20)
        try:
            target = parts.path + (f"?{parts.query}" if parts.query else "")
            connection.request(method, target, body, headers)
            response = connection.getresponse()
            response.data = response.read()
        finally:
            connection.close()
        length = response.headers["Content-Length"]
        check(length is not None, "a Content-Length", response.headers.items())
        check(method == "HEAD" or int(length) == len(response.data), "the length it says", length)
        return response


def _check_error(error: object) -> None:
    check(isinstance(error, dict) and list(error) == ["code", "message", "param", "type"], "an error", error)
    check(isinstance(error["code"], (str, int)), "error.code", error)
    for name in ("message", "type"):
        check(isinstance(error[name], str) and error[name].strip(), f"error.{name} is a text", error)
    check(isinstance(error["param"], str), "error.param is a text", error)


def _wait(headers: http.client.HTTPMessage) -> int | None:
    """Return the seconds that Retry-After asks for."""
    told = headers.get("Retry-After")
    if told is None:
        return None
    if told.isdigit():
        return int(told)
    moments: Iterable[float] = (
        email.utils.parsedate_to_datetime(each).timestamp() for each in (told, headers["Date"])
    )
    until, now = moments
    return math.ceil(until - now)


def _no_number(name: str) -> None:
    msg = f"JSON has no {name}"
    raise ContractError(msg)
