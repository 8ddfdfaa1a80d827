"""Another system on loopback: a GeoReport v2 endpoint, a Zammad and a webhook, which check what they are sent."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from base64 import b64decode
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

KEY = "let-me-in"


@dataclass
class Crm:
    """What it has, and how it misbehaves."""

    requests: dict[str, dict[str, Any]] = field(default_factory=dict)
    tickets: dict[str, dict[str, Any]] = field(default_factory=dict)
    articles: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    """Attachments of tickets, by name."""
    hooks: list[dict[str, Any]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    by_token: bool = False
    wrong: list[str] = field(default_factory=list)
    """What was sent that no such system takes."""

    def __enter__(self) -> Crm:
        crm = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                pass

            def do_GET(self) -> None:
                crm.answer(self, "GET")

            def do_POST(self) -> None:
                crm.answer(self, "POST")

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, call: BaseHTTPRequestHandler, method: str) -> None:
        """One call."""
        body = call.rfile.read(int(call.headers.get("Content-Length") or 0))
        parts = urlsplit(call.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        fault = self.faults.pop(0) if self.faults and method == "POST" else ""
        if fault == "gone":
            call.close_connection = True
            return
        status, said = self._route(method, parts.path, query, body, call)
        if fault == "lost":
            call.close_connection = True
            return
        if fault.isdigit():
            status, said = int(fault), [{"code": int(fault), "description": "not now"}]
        data = json.dumps(said).encode()
        call.send_response(status)
        call.send_header("Content-Type", "application/json")
        call.send_header("Content-Length", str(len(data)))
        call.end_headers()
        call.wfile.write(data)

    def _route(
        self, method: str, path: str, query: dict[str, str], body: bytes, call: BaseHTTPRequestHandler
    ) -> tuple[int, Any]:
        if path.startswith("/open311/"):
            return self._open311(method, path.removeprefix("/open311/"), query, body)
        if path.startswith("/api/v1/"):
            if call.headers.get("Authorization") != f"Token token={KEY}":
                return 401, {"error": "Authentication required"}
            return self._zammad(method, path.removeprefix("/api/v1/"), query, body)
        return self._hook(body, call)

    def _open311(self, method: str, path: str, query: dict[str, str], body: bytes) -> tuple[int, Any]:
        if method == "POST":
            form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
            if form.get("api_key") != KEY:
                return 403, [{"code": 403, "description": "Invalid api_key"}]
            if not form.get("service_code") or not (form.get("address_string") or form.get("lat")):
                self.wrong.append(str(form))
                return 400, [{"code": 400, "description": "service_code and a location are required"}]
            number = str(4000 + len(self.requests))
            self.requests[number] = {**form, "status": "open", "status_notes": None}
            return 200, [{"token": f"t{number}"} if self.by_token else {"service_request_id": int(number)}]
        if path.startswith("tokens/"):
            return 200, [{"token": path[7:-5], "service_request_id": path[8:-5]}]
        rows = [{"service_request_id": number, **row} for number, row in self.requests.items()]
        if path != "requests.json":
            rows = [row for row in rows if f"requests/{row['service_request_id']}.json" == path]
        return 200, rows

    def _zammad(self, method: str, path: str, query: dict[str, str], body: bytes) -> tuple[int, Any]:
        if method == "POST":
            ticket = json.loads(body)
            if not {"title", "group", "customer", "article"} <= ticket.keys():
                self.wrong.append(str(ticket))
                return 422, {"error": "missing"}
            number = str(len(self.tickets) + 1)
            self.tickets[number] = {
                "id": int(number),
                "number": f"77{number}",
                "title": ticket["title"],
                "state": "new",
            }
            article = ticket["article"]
            self.articles[number] = [{"sender": "Customer", "body": article["body"], "internal": False}]
            for file in article.get("attachments", []):
                if set(file) != {"filename", "data", "mime-type"}:
                    self.wrong.append(str(file))
                self.files[file["filename"]] = b64decode(file["data"], validate=True)
            return 201, self.tickets[number]
        if path == "tickets/search":
            return 200, {"assets": {"Ticket": self.tickets}}
        number = path.rpartition("/")[2]
        return 200, self.articles[number] if path.startswith("ticket_articles") else self.tickets[number]

    def _hook(self, body: bytes, call: BaseHTTPRequestHandler) -> tuple[int, Any]:
        stamp = call.headers.get("X-Socialtriage-Timestamp", "")
        digest = hmac.new(KEY.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        if call.headers.get("X-Socialtriage-Signature") != f"sha256={digest}":
            return 401, {"error": "wrong signature"}
        self.hooks.append(json.loads(body))
        return 202, {"reference": "JOB-9"}
