"""A server that speaks Mastodon's API on loopback, or GoToSocial's dialect of it, and checks what it is sent.

It runs in a thread, so that whole programs can be pointed at it. Faults are put in a queue with `fail`; what clients
did wrong is in `problems`, what they asked in `requests`.
"""

from __future__ import annotations

import base64
import hashlib
import html
import itertools
import json
import re
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

TOKEN = "token-of-the-council"
PAGED = {"max_id", "min_id", "since_id", "limit"}
ALLOWED: dict[str, set[str]] = {
    "/api/v1/notifications": PAGED | {"types[]", "exclude_types[]", "include_filtered", "account_id"},
    "/api/v1/accounts/:id/statuses": PAGED | {"exclude_reblogs", "exclude_replies", "only_media", "pinned", "tagged"},
    "/api/v1/statuses": {"id[]"},
    "/api/v1/accounts/:id": {"acct"},
}
"""Query parameters by path; none elsewhere."""
BODY = {"status", "in_reply_to_id", "visibility", "language", "spoiler_text", "sensitive", "media_ids", "scheduled_at"}
TYPES = {"mention", "quote", "update", "quoted_update", "favourite", "reblog", "follow", "status", "poll"}


@dataclass
class Person:
    """Someone on this server, or (with a host in `acct`) on another."""

    id: str
    acct: str
    muted: bool = False
    blocked: bool = False

    @property
    def username(self) -> str:
        return self.acct.split("@")[0]


@dataclass
class Post:
    """A status."""

    id: str
    order: int
    author: Person
    text: str
    at: datetime
    visibility: str
    parent: str | None
    mentions: list[Person]
    spoiler: str = ""
    edited: datetime | None = None
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass
class Notice:
    """A notification."""

    id: str
    order: int
    kind: str
    who: Person
    post: str
    at: datetime
    filtered: bool = False


@dataclass
class Fault:
    """Something that goes wrong once: a status, or

    `reset` (nothing done), `lost` (done, but the answer does not arrive), `truncate` (half of the answer),
    `slow` (the answer waits for `release`), `html` (a page instead of JSON).
    """

    kind: str
    path: str = ""
    method: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: str | None = None


@dataclass
class Upload:
    """A picture that was handed in; `looks` is how often the server says that it is still working on it."""

    data: bytes
    alt: str
    looks: int = 0


@dataclass(frozen=True)
class Asked:
    """A request that came in."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: Any


def iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class MastodonServer:
    """`with MastodonServer() as server:`, or `start` and `stop`. The council's account is `council`."""

    def __init__(self, *, gotosocial: bool = False, clock: Callable[[], datetime] | None = None) -> None:
        self.gotosocial = gotosocial
        self.clock = clock or (lambda: datetime.now(UTC))
        self.lock = threading.RLock()
        self.requests: list[Asked] = []
        self.told: dict[str, str] = {}
        """Headers of every answer."""
        self.problems: list[str] = []
        self.faults: list[Fault] = []
        self.posts: dict[str, Post] = {}
        self.notices: list[Notice] = []
        self.people: dict[str, Person] = {}
        self.tokens = {TOKEN: "read write"}
        self.apps: dict[str, dict[str, str]] = {}
        self.grants: dict[str, dict[str, str]] = {}
        self.written: dict[str, str] = {}
        self.reports: list[dict[str, Any]] = []
        self.policy: dict[str, str] = {"for_not_following": "accept", "for_new_accounts": "filter"}
        self.max_characters = 5000 if gotosocial else 500
        self.schedules = False
        self.uploads: dict[str, Upload] = {}
        self.working = 0
        self.release = threading.Event()
        self.on_request: Callable[[Asked], None] | None = None
        self._count = itertools.count(1)
        self.me = self.person("council")
        handler = type("Handler", (_Handler,), {"double": self})
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    # --- life ---------------------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    @property
    def domain(self) -> str:
        return "social.example"

    def start(self) -> MastodonServer:
        self._thread.start()
        return self

    def stop(self) -> None:
        self.release.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def __enter__(self) -> MastodonServer:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    # --- what happens on the network ----------------------------------------------------------------------

    def person(self, acct: str) -> Person:
        """The person of that name; made at first mention."""
        with self.lock:
            if acct not in self.people:
                number = next(self._count)
                self.people[acct] = Person(f"01PERSON{number:018d}" if self.gotosocial else str(9000 + number), acct)
            return self.people[acct]

    def _id(self, at: datetime) -> tuple[str, int]:
        """An id and its place in the order: by time on GoToSocial (as its ULIDs), by arrival on Mastodon."""
        number = next(self._count)
        if self.gotosocial:
            millis = int(at.timestamp() * 1000)
            return f"01{millis:014d}{number:010d}", millis * 10**6 + number
        return str(100 + number), number

    def post(
        self,
        author: str,
        text: str,
        *,
        visibility: str = "public",
        reply_to: str | None = None,
        at: datetime | None = None,
        spoiler: str = "",
        notify: bool = True,
        filtered: bool = False,
        notified_at: datetime | None = None,
        kind: str = "mention",
        **extra: Any,
    ) -> str:
        """Someone posts; whoever addresses the council makes a notification. `at` may be in the past."""
        with self.lock:
            at = at or self.clock()
            key, order = self._id(at)
            writer = self.person(author)
            post = Post(key, order, writer, text, at, visibility, reply_to, self._mentions(text), spoiler, extra=extra)
            self.posts[key] = post
            addressed = self.me in post.mentions or kind != "mention"
            if notify and addressed and writer is not self.me:
                self.notify(kind, key, at=notified_at or at, filtered=filtered)
            return key

    def mention(self, text: str = "The bins were missed.", author: str = "ada", **rest: Any) -> str:
        """A resident addresses the council."""
        return self.post(author, f"@council {text}", **rest)

    def own(self, text: str, reply_to: str | None = None, **rest: Any) -> str:
        """The council's officers write on the web, not with our program."""
        return self.post("council", text, reply_to=reply_to, **rest)

    def notify(self, kind: str, post: str, *, at: datetime | None = None, filtered: bool = False) -> str:
        """A notification about a post."""
        with self.lock:
            at = at or self.clock()
            key, order = self._id(at)
            self.notices.append(Notice(key, order, kind, self.posts[post].author, post, at, filtered))
            return key

    def edit(self, key: str, text: str) -> None:
        with self.lock:
            self.posts[key].text = text
            self.posts[key].edited = self.clock()
            self.posts[key].mentions = self._mentions(text)

    def delete(self, key: str) -> None:
        """A post and its notifications disappear."""
        with self.lock:
            del self.posts[key]
            self.notices = [n for n in self.notices if n.post != key]
            for other in self.posts.values():
                if other.parent == key:
                    other.parent = None if not self.gotosocial else other.parent

    def revoke(self) -> None:
        """The token works no more."""
        with self.lock:
            self.tokens.clear()

    def fail(self, kind: str | int, times: int = 1, *, path: str = "", method: str = "", **rest: Any) -> None:
        """The next `times` requests (whose path holds `path`) fail."""
        with self.lock:
            self.faults += [Fault(str(kind), path, method, **rest) for _ in range(times)]

    def authorize(self, url: str) -> str:
        """What a browser does with the address of a sign-in: the address of the page that shows the code."""
        query = {k: v[0] for k, v in parse_qs(urlsplit(url).query).items()}
        code = f"code-{len(self.grants)}"
        self.grants[code] = query
        if query.get("redirect_uri") != "urn:ietf:wg:oauth:2.0:oob" or query.get("client_id") not in self.apps:
            self.problems.append(f"authorize: {query}")
        return f"{self.url}/oauth/oob?" + urlencode({"code": code, "state": query.get("state", "")})

    def counts(self, path: str) -> int:
        """How many requests went to paths that hold `path`."""
        return sum(path in asked.path for asked in self.requests)

    def _mentions(self, text: str) -> list[Person]:
        """People of this server by `@user` or `@user@social.example`; others only with their host."""
        found: list[Person] = []
        for user, host in re.findall(r"(?<![\w/])@([\w-]+)(?:@([\w.:-]+\w))?", text):
            acct = user if not host or host == self.domain else f"{user}@{host}"
            if acct in self.people and self.people[acct] not in found:
                found.append(self.people[acct])
        return found

    # --- as JSON ------------------------------------------------------------------------------------------

    def account(self, person: Person) -> dict[str, Any]:
        host = person.acct.partition("@")[2] or self.domain
        return {
            "id": person.id,
            "username": person.username,
            "acct": person.acct,
            "display_name": person.username.title(),
            "url": f"https://{host}/@{person.username}",
            "bot": False,
            "locked": False,
            "created_at": "2020-01-01T00:00:00.000Z",
        }

    def status(self, key: str) -> dict[str, Any]:
        post = self.posts[key]
        answered = self.posts.get(post.parent or "")
        data = {
            "id": post.id,
            "uri": f"https://{self.domain}/users/{post.author.username}/statuses/{post.id}",
            "url": f"https://{self.domain}/@{post.author.username}/{post.id}",
            "created_at": iso(post.at),
            "edited_at": iso(post.edited) if post.edited else None,
            "in_reply_to_id": post.parent,
            "in_reply_to_account_id": answered.author.id if answered else None,
            "sensitive": False,
            "spoiler_text": post.spoiler,
            "visibility": post.visibility,
            "language": "en",
            "content": self._rendered(post.text),
            "account": self.account(post.author),
            "media_attachments": [],
            "mentions": [
                {"id": p.id, "username": p.username, "acct": p.acct, "url": self.account(p)["url"]}
                for p in post.mentions
            ],
            "tags": [],
            "emojis": [],
            "reblog": None,
            "poll": None,
            "card": None,
        }
        return data | post.extra

    def _rendered(self, text: str) -> str:
        def link(match: re.Match[str]) -> str:
            if match[0].startswith("http"):
                return f'<a href="{match[0]}" rel="nofollow">{match[0]}</a>'
            name = match[0][1:].split("@")[0]
            shown = f'<a href="https://x.example/@{name}" class="u-url mention">@<span>{name}</span></a>'
            return f'<span class="h-card">{shown}</span>'

        pattern = r"https?://[^\s<]+|(?<![\w/])@[\w-]+(?:@[\w.:-]+\w)?"
        escaped = re.sub(pattern, link, html.escape(text, quote=False))
        return "".join(f"<p>{part}</p>" for part in escaped.replace("\n", "<br>").split("<br><br>"))

    def notification(self, notice: Notice) -> dict[str, Any]:
        return {
            "id": notice.id,
            "type": notice.kind,
            "created_at": iso(notice.at),
            "group_key": f"ungrouped-{notice.id}",
            "account": self.account(notice.who),
            "status": self.status(notice.post) if notice.post in self.posts else None,
        }


class _Refused(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, body: Any = None, *, text: str | None = None) -> None:
        super().__init__(status)
        self.status = status
        self.body = body if body is not None else {"error": "words in any language"}
        self.text = text


class _Handler(BaseHTTPRequestHandler):
    """One connection. `double` is set on a subclass."""

    double: MastodonServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        self._serve("GET")

    def do_POST(self) -> None:
        self._serve("POST")

    def _serve(self, method: str) -> None:
        parts = urlsplit(self.path)
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {k.lower(): v for k, v in self.headers.items()}
        body: Any = None
        if raw and "json" in headers.get("content-type", ""):
            body = json.loads(raw)
        elif raw and "multipart/form-data" in headers.get("content-type", ""):
            letter = message_from_bytes(b"Content-Type: " + headers["content-type"].encode() + b"\r\n\r\n" + raw)
            parts_ = letter.get_payload()
            assert isinstance(parts_, list)
            named = {
                str(p.get_param("name", header="content-disposition")): p for p in parts_ if isinstance(p, Message)
            }
            body = {name: part.get_payload(decode=True) for name, part in named.items()}
        elif raw:
            body = {k: v[0] for k, v in parse_qs(raw.decode(), keep_blank_values=True).items()}
        asked = Asked(method, parts.path, parse_qs(parts.query, keep_blank_values=True), headers, body)
        with self.double.lock:
            self.double.requests.append(asked)
            fault = next((f for f in self.double.faults if f.path in asked.path and f.method in ("", method)), None)
            if fault is not None:
                self.double.faults.remove(fault)
            if self.double.on_request is not None:
                self.double.on_request(asked)
            if fault is None or fault.kind in ("lost", "truncate", "slow"):
                status, answer, extra, kind = self._answer(asked)
            else:
                status, answer, extra, kind = self._fault(fault)
        if fault is not None and fault.kind == "slow":
            self.double.release.wait(30)
        if fault is not None and fault.kind in ("reset", "lost"):
            # Zero linger: the peer sees a reset, not an end.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            self.connection.close()
            return
        self._send(status, answer, extra, kind, fault.kind if fault else "")

    def _fault(self, fault: Fault) -> tuple[int, bytes, dict[str, str], str]:
        if fault.kind == "html":
            return 200, b"<!DOCTYPE html><html><p>Not what you asked.</p></html>", fault.headers, "text/html"
        status = int(fault.kind) if fault.kind.isdigit() else 500
        if status == 429 and not fault.headers:
            reset = iso(self.double.clock() + timedelta(minutes=5))
            fault.headers = {"X-RateLimit-Limit": "300", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}
        body = fault.body if fault.body is not None else json.dumps({"error": "words in any language"})
        kind = "text/html" if body.startswith("<") else "application/json"
        return status, body.encode(), fault.headers, kind

    def _send(self, status: int, body: bytes, extra: Mapping[str, str], kind: str, fault: str) -> None:
        self.send_response(status)
        for name, value in {
            "Content-Type": kind,
            "Content-Length": str(len(body)),
            **self.double.told,
            **extra,
        }.items():
            self.send_header(name, value)
        self.end_headers()
        if fault == "truncate":
            self.wfile.write(body[: len(body) // 2])
            self.close_connection = True
            return
        self.wfile.write(body)

    # --- answers ------------------------------------------------------------------------------------------

    def _answer(self, asked: Asked) -> tuple[int, bytes, dict[str, str], str]:
        extra: dict[str, str] = {}
        try:
            data = self._route(asked, extra)
        except _Refused as exc:
            if exc.text is not None:
                return exc.status, exc.text.encode(), {}, "text/plain"
            return exc.status, json.dumps(exc.body).encode(), {}, "application/json"
        return 200, json.dumps(data).encode(), extra, "application/json; charset=utf-8"

    def _route(self, asked: Asked, extra: dict[str, str]) -> Any:
        double, path = self.double, asked.path
        if asked.method == "POST" and path == "/api/v1/apps":
            return self._register(asked.body)
        if asked.method == "POST" and path == "/oauth/token":
            return self._token(asked.body)
        if path == "/.well-known/oauth-authorization-server":
            if double.gotosocial:
                raise _Refused(404)
            return {
                "authorization_endpoint": f"https://{double.domain}/oauth/authorize",
                "token_endpoint": f"https://{double.domain}/oauth/token",
                "code_challenge_methods_supported": ["S256"],
            }
        if path in ("/api/v2/instance", "/api/v1/instance"):
            return self._instance(path)
        scope = double.tokens.get(asked.headers.get("authorization", "").removeprefix("Bearer "))
        if scope is None:
            raise _Refused(401, {"error": "The access token is invalid"})
        shape = re.sub(r"(?<=/(?:statuses|accounts)/)(?!verify)[^/]+", ":id", path)
        shape = re.sub(r"^/api/v1/statuses/[^/]+", "/api/v1/statuses/:id", path) if "/accounts/" not in path else shape
        wrong = set(asked.query) - ALLOWED.get(shape if asked.method == "GET" else "", set())
        if wrong:
            double.problems.append(f"{asked.method} {path}: unknown parameters {sorted(wrong)}")
        if asked.method == "POST":
            if path == "/api/v1/reports" or path.startswith("/api/v1/accounts/"):
                return self._moderate(asked, scope)
            if path == "/api/v2/media" and not asked.query:
                return self._uploaded(asked.body)
            if path != "/api/v1/statuses":
                raise _Refused(405)
            return self._write(asked, scope)
        if path.startswith("/api/v1/media/"):
            return self._worked_off(path.rpartition("/")[2])
        return self._read(path, shape, asked, extra)

    def _uploaded(self, body: Any) -> Any:
        """methods/media.md, v2: 202 and no address while the server is working on it."""
        double = self.double
        if not isinstance(body, dict) or set(body) != {"file", "description"} or not body["file"]:
            raise _Refused(422)
        key = str(700 + len(double.uploads))
        double.uploads[key] = Upload(body["file"], body["description"].decode(), double.working)
        if double.working:
            raise _Refused(202, {"id": key, "type": "image", "url": None, "description": double.uploads[key].alt})
        return self._worked_off(key)

    def _worked_off(self, key: str) -> Any:
        upload = self.double.uploads.get(key)
        if upload is None:
            raise _Refused(404)
        data = {"id": key, "type": "image", "description": upload.alt}
        if upload.looks:
            upload.looks -= 1
            raise _Refused(206, {**data, "url": None})
        return {**data, "url": f"https://{self.double.domain}/media/{key}.png"}

    def _read(self, path: str, shape: str, asked: Asked, extra: dict[str, str]) -> Any:
        double = self.double
        match shape:
            case "/api/v1/accounts/:id" if path.endswith("/lookup"):
                acct = asked.query.get("acct", [""])[0].removesuffix(f"@{double.domain}")
                if acct not in double.people:
                    raise _Refused(404)
                return double.account(double.people[acct])
            case "/api/v1/accounts/verify_credentials":
                return double.account(double.me)
            case "/api/v1/apps/verify_credentials" if not double.gotosocial:
                return {"name": "socialtriage", "scopes": ["read", "write"]}
            case "/api/v2/notifications/policy" if not double.gotosocial:
                return double.policy
            case "/api/v1/notifications":
                return self._notifications(asked, extra)
            case "/api/v1/accounts/:id/statuses":
                return self._own(path, asked, extra)
            case "/api/v1/statuses" if not double.gotosocial:
                ids = asked.query.get("id[]", [])
                if len(ids) > 20:
                    raise _Refused(422)
                return [double.status(key) for key in ids if key in double.posts]
            case "/api/v1/statuses/:id" | "/api/v1/statuses/:id/context":
                key = path.split("/")[4]
                if key not in double.posts:
                    raise _Refused(404)
                return self._context(key) if shape.endswith("context") else double.status(key)
        raise _Refused(404)

    def _instance(self, path: str) -> Any:
        double = self.double
        statuses = {"max_characters": double.max_characters, "characters_reserved_per_url": 23 + 2 * double.gotosocial}
        if double.gotosocial:
            data: dict[str, Any] = {"version": "0.20.0", "account_domain": double.domain}
        else:
            data = {"version": "4.7.0", "api_versions": {"mastodon": 11}}
        return {"domain": double.domain, "configuration": {"statuses": statuses}, **data}

    def _paged(self, rows: list[Any], asked: Asked, extra: dict[str, str], default: int, most: int) -> list[Any]:
        """A page of rows with `id` and `order`, newest first, and its Link header."""
        query = {k: v[0] for k, v in asked.query.items()}
        order = {row.id: row.order for row in rows}
        rows = sorted(rows, key=lambda row: row.order)
        limit = min(int(query.get("limit", default)), most)

        def place(key: str) -> int:
            if key in order:
                return int(order[key])
            digits = key if key.isdigit() and not self.double.gotosocial else "0"
            if self.double.gotosocial and key.startswith("01") and key[2:].isdigit():
                return int(key[2:16]) * 10**6 + int(key[16:])
            return int(digits) - 100 if not self.double.gotosocial else 10**30

        if "max_id" in query:
            rows = [row for row in rows if row.order < place(query["max_id"])]
        if "min_id" in query:
            rows = [row for row in rows if row.order > place(query["min_id"])][:limit]
        elif "since_id" in query:
            rows = [row for row in rows if row.order > place(query["since_id"])][-limit:]
        else:
            rows = rows[-limit:]
        rows.reverse()
        if rows:
            rest = {k: v for k, v in asked.query.items() if k not in ("max_id", "min_id", "since_id")}
            base = f"https://behind-a-proxy.example{asked.path}?"
            older = base + urlencode({**rest, "max_id": rows[-1].id}, doseq=True)
            newer = base + urlencode({**rest, "min_id": rows[0].id}, doseq=True)
            extra["Link"] = f'<{older}>; rel="next", <{newer}>; rel="prev"'
        return rows

    def _notifications(self, asked: Asked, extra: dict[str, str]) -> Any:
        double = self.double
        types = set(asked.query.get("types[]", [])) & TYPES
        rows = list(double.notices)
        if not double.gotosocial:
            rows = [n for n in rows if not types or n.kind in types]
            if asked.query.get("include_filtered") != ["true"]:
                rows = [n for n in rows if not n.filtered]
        page = self._paged(rows, asked, extra, 20 if double.gotosocial else 40, 80)
        # Mutes are applied to the page, not to the list: a page may be empty and not the last (recorded).
        return [double.notification(n) for n in page if not n.who.muted]

    def _own(self, path: str, asked: Asked, extra: dict[str, str]) -> Any:
        key = path.split("/")[4]
        rows = [post for post in self.double.posts.values() if post.author.id == key]
        return [self.double.status(post.id) for post in self._paged(rows, asked, extra, 20, 40)]

    def _context(self, key: str) -> Any:
        posts = self.double.posts
        above: list[str] = []
        parent = posts[key].parent
        while parent in posts and parent is not None:
            above.insert(0, parent)
            parent = posts[parent].parent
        below = [key]
        for post in sorted(posts.values(), key=lambda p: p.at):
            if post.parent in below:
                below.append(post.id)
        return {
            "ancestors": [self.double.status(k) for k in above],
            "descendants": [self.double.status(k) for k in below[1:]],
        }

    # --- writes -------------------------------------------------------------------------------------------

    def _write(self, asked: Asked, scope: str) -> Any:
        double, body = self.double, asked.body if isinstance(asked.body, dict) else {}
        if not {"write", "write:statuses"} & set(scope.split()):
            raise _Refused(403)
        if set(body) - BODY:
            double.problems.append(f"unknown fields {sorted(set(body) - BODY)}")
        key = asked.headers.get("idempotency-key", "")
        if not key:
            double.problems.append("a status without an Idempotency-Key")
        if key in double.written and not double.gotosocial:
            return double.status(double.written[key])
        text, warning = str(body.get("status", "")), str(body.get("spoiler_text", ""))
        if not text or len(text) + len(warning) > double.max_characters:
            raise _Refused(400 if double.gotosocial else 422)
        if body.get("visibility", "public") not in ("public", "unlisted", "private", "direct"):
            raise _Refused(422)
        parent = body.get("in_reply_to_id")
        if parent is not None and parent not in double.posts:
            raise _Refused(404)
        if double.schedules:
            return {"id": "1", "scheduled_at": iso(double.clock()), "params": {"text": text}, "media_attachments": []}
        media = body.get("media_ids", [])
        if any(key not in double.uploads or double.uploads[key].looks for key in media):
            raise _Refused(422)
        attached: dict[str, Any] = {"media_attachments": [self._worked_off(key) for key in media]} if media else {}
        made = double.post(
            "council",
            text,
            visibility=body.get("visibility", "unlisted"),
            reply_to=parent,
            spoiler=warning,
            **attached,
        )
        double.written[key] = made
        return double.status(made) | {"text": text}

    def _moderate(self, asked: Asked, scope: str) -> Any:
        """Block, mute and report, as the documents say; doing it again changes nothing."""
        double, body = self.double, asked.body if isinstance(asked.body, dict) else {}
        if "write" not in scope.split():
            raise _Refused(403)
        by_id = {person.id: person for person in double.people.values()}
        if asked.path == "/api/v1/reports":
            if body.get("account_id") not in by_id or len(body.get("comment", "")) > 1000:
                raise _Refused(422)
            if not set(body.get("status_ids", [])) <= set(double.posts):
                raise _Refused(404)
            double.reports.append(body)
            return {"id": str(len(double.reports)), "action_taken": False, "category": body["category"]}
        _, _, _, _, key, what = asked.path.split("/")
        person = by_id.get(key)
        if person is None or what not in ("block", "unblock", "mute", "unmute"):
            raise _Refused(404)
        setattr(person, "blocked" if what.endswith("block") else "muted", not what.startswith("un"))
        return {"id": key, "blocking": person.blocked, "muting": person.muted}

    def _register(self, body: Any) -> Any:
        if not isinstance(body.get("redirect_uris"), str) or not body.get("client_name"):
            raise _Refused(400)
        key = f"client-{len(self.double.apps)}"
        self.double.apps[key] = {"secret": f"secret-of-{key}", "scopes": body["scopes"]}
        return {"id": "1", "name": body["client_name"], "client_id": key, "client_secret": f"secret-of-{key}"}

    def _token(self, body: Any) -> Any:
        grant = self.double.grants.pop(body.get("code", ""), None)
        app = self.double.apps.get(body.get("client_id", ""))
        if grant is None or app is None or app["secret"] != body.get("client_secret"):
            raise _Refused(400, {"error": "invalid_grant"})
        if challenge := grant.get("code_challenge"):
            digest = hashlib.sha256(body.get("code_verifier", "").encode()).digest()
            if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != challenge:
                raise _Refused(400, {"error": "invalid_grant"})
        if body.get("redirect_uri") != grant["redirect_uri"] or body.get("grant_type") != "authorization_code":
            raise _Refused(400, {"error": "invalid_grant"})
        scope = grant["scope"]
        self.double.tokens["fresh-token"] = scope
        return {"access_token": "fresh-token", "token_type": "Bearer", "scope": scope, "created_at": 1}
