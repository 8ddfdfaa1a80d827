"""What the doubles of vendors' interfaces share: an HTTP server on loopback that checks, remembers and misbehaves."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

import stamina

from tests.doubles.forms import read_form

V = TypeVar("V", bound="Vendor")


@dataclass(frozen=True)
class Asked:
    """A request that came in."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: Mapping[str, str]
    body: Any


class Said(Exception):
    """An answer: a status, a JSON value or bytes, headers."""

    def __init__(self, status: int, value: Any, **headers: str) -> None:
        super().__init__(status)
        self.status, self.value, self.headers = status, value, headers


@dataclass
class Fault:
    """What goes wrong once, where the path ends with `where`: a status with a body and headers, or

    `reset` (nothing done), `lost` (done, the answer does not arrive), `cut` (half an answer), `html` (a page).
    `ok` lets a call pass.
    """

    kind: str
    where: str = ""
    value: Any = None
    headers: dict[str, str] = field(default_factory=dict)


class Vendor:
    """`with Double() as server:`. Subclasses answer in `answer`; what clients did wrong is in `problems`."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.asked: list[Asked] = []
        self.problems: list[str] = []
        self.faults: list[Fault] = []

    def answer(self, asked: Asked) -> Any:
        """The JSON of a good answer, or raises `Said`."""
        raise NotImplementedError

    def fail(self, kind: str, where: str = "", value: Any = None, **headers: str) -> None:
        """The next call to a path with `where` in it goes wrong like that."""
        self.faults.append(Fault(kind, where, value, headers))

    def wrong(self, words: str) -> Said:
        """Note something that the specification does not allow, and refuse it."""
        self.problems.append(words)
        return Said(400, {"error": {"code": 400, "message": words}, "ok": False, "description": words})

    def calls(self, part: str) -> list[Asked]:
        """The requests to paths with `part` in them."""
        return [asked for asked in self.asked if part in asked.path]

    def _fault(self, path: str) -> Fault | None:
        for fault in self.faults:
            if fault.where in path:
                self.faults.remove(fault)
                return fault
        return None

    # --- the server ---------------------------------------------------------------------------------------

    def __enter__(self: V) -> V:
        self._hurry = stamina.set_testing(True, attempts=3)  # retries, but no waiting between them
        handler = type("Handler", (_Handler,), {"double": self})
        self._httpd = _Quiet(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._httpd.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._httpd.shutdown()
        self._httpd.server_close()
        self._thread.join()
        self._hurry.__exit__(None, None, None)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._httpd.server_address[1]}"


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients hang up; that is no news."""


class _Handler(BaseHTTPRequestHandler):
    double: Vendor
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def _do(self) -> None:
        parts = urlsplit(self.path)
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body: Any = None
        if raw:
            kind = self.headers.get("Content-Type", "")
            body = json.loads(raw) if "json" in kind else {**(form := read_form(kind, raw))[0], **form[1]}
        asked = Asked(
            self.command,
            unquote(parts.path),
            parse_qs(parts.query, keep_blank_values=True),
            {name.lower(): value for name, value in self.headers.items()},
            body,
        )
        with self.double.lock:
            self.double.asked.append(asked)
            fault = self.double._fault(asked.path)
            if fault is not None and fault.kind == "reset":
                return self._reset()
            if fault is not None and fault.kind.isdigit():
                return self._send(int(fault.kind), fault.value if fault.value is not None else {}, fault.headers)
            try:
                status, value, headers = 200, self.double.answer(asked), {}
            except Said as said:
                status, value, headers = said.status, said.value, said.headers
        if fault is not None and fault.kind == "lost":
            return self._reset()
        if fault is not None and fault.kind == "html":
            return self._send(200, b"<html>maintenance</html>", {"Content-Type": "text/html"})
        self._send(status, value, headers, cut=fault is not None and fault.kind == "cut")

    do_GET = do_POST = do_PUT = do_DELETE = _do

    def _send(self, status: int, value: Any, headers: Mapping[str, str], *, cut: bool = False) -> None:
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        for name, text in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name.replace("_", "-"), text)
        self.send_header("Content-Length", str(len(data) // 2 if cut else len(data)))
        self.end_headers()
        self.wfile.write(data[: len(data) // 2] if cut else data)

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def log_message(self, *args: Any) -> None:
        """Silent."""
