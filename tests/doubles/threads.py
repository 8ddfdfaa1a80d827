"""Threads on loopback, after Meta's documents: the calls that the desk makes, and a refusal of everything else."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.doubles.vendor import Asked, Said, Vendor

ME = "17841400000000001"
NAME = "council"
APP, APP_SECRET = "app-of-the-council", "secret-of-the-app"
SCOPES = [
    "threads_basic", "threads_read_replies", "threads_manage_replies", "threads_manage_mentions",
    "threads_content_publish",
]  # fmt: skip
FIELDS = {
    "id", "text", "username", "permalink", "timestamp", "media_type", "media_url", "root_post", "replied_to",
    "is_reply_owned_by_me", "hide_status", "reply_audience",
}  # fmt: skip


@dataclass
class Post:
    """A post or reply."""

    id: str
    who: str
    text: str
    at: datetime
    root: str
    above: str | None = None
    hidden: bool = False
    pending: bool = False
    """It waits for approval: nobody sees it, and its own address does not show it either."""


@dataclass
class Container:
    """What waits to be published."""

    text: str
    above: str | None
    status: str = "FINISHED"


@dataclass
class Login:
    """A token."""

    ends: datetime
    scopes: list[str] = field(default_factory=lambda: list(SCOPES))


class ThreadsServer(Vendor):
    """The council's account is `council`."""

    def __init__(self, now: datetime | None = None) -> None:
        super().__init__()
        self.now = now or datetime.now(UTC)
        self.posts: dict[str, Post] = {}
        self.containers: dict[str, Container] = {}
        self.tokens = {"token-0": Login(self.now + timedelta(days=59))}
        self.codes: dict[str, str] = {}
        self.most = 100
        self.advanced = True
        self._count = itertools.count(1)

    # --- what happens on the network ----------------------------------------------------------------------

    def post(self, who: str, text: str, *, above: str | None = None, at: datetime | None = None) -> str:
        """Somebody posts, or answers a post."""
        with self.lock:
            key = str(18000000000000000 + next(self._count))
            root = self.posts[above].root if above else key
            self.posts[key] = Post(key, who, text, at or self.now, root, above)
            return key

    def grant(self, address: str) -> str:
        """What the browser is sent to after a person said yes."""
        query = {key: values[0] for key, values in parse_qs(urlsplit(address).query).items()}
        assert query["redirect_uri"].startswith("https://")
        assert set(query["scope"].split(",")) == set(SCOPES)
        code = f"code-{next(self._count)}"
        self.codes[code] = query["redirect_uri"]
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}#_"

    # --- answers ------------------------------------------------------------------------------------------

    def answer(self, asked: Asked) -> Any:
        match (asked.method, *asked.path.strip("/").split("/")):
            case ("POST", "oauth", "access_token"):
                return self._trade(asked.body)
            case ("GET", "access_token"):
                return self._longer(asked, "th_exchange_token")
            case ("GET", "refresh_access_token"):
                return self._longer(asked, "th_refresh_token")
            case (method, "v1.0", *rest):
                return self._signed(method, rest, asked)
        raise self.wrong(f"{asked.method} {asked.path} does not exist")

    def _trade(self, form: dict[str, str]) -> Any:
        if self.codes.pop(form["code"], None) != form["redirect_uri"] or form["client_secret"] != APP_SECRET:
            raise _error(100, "Invalid verification code")
        if form["client_id"] != APP or form["grant_type"] != "authorization_code":
            raise self.wrong(f"oauth/access_token: {sorted(form)}")
        self.tokens["short"] = Login(self.now + timedelta(hours=1))
        return {"access_token": "short", "user_id": int(ME)}

    def _longer(self, asked: Asked, grant: str) -> Any:
        given = {key: values[0] for key, values in asked.query.items()}
        if given.pop("grant_type") != grant or given.pop("access_token") not in self.tokens:
            raise _error(190, "Invalid OAuth access token", 463)
        if given.pop("client_secret", APP_SECRET) != APP_SECRET or given:
            raise self.wrong(f"{asked.path}: {sorted(given)}")
        token = f"token-{next(self._count)}"
        self.tokens[token] = Login(self.now + timedelta(days=60))
        return {"access_token": token, "token_type": "bearer", "expires_in": 5_184_000}

    def _signed(self, method: str, path: list[str], asked: Asked) -> Any:
        given = {key: values[0] for key, values in asked.query.items()} | (asked.body or {})
        token = given.pop("access_token", "")
        if token not in self.tokens:
            raise _error(190, "Error validating access token: Session has expired", 463)
        match (method, *path):
            case ("GET", "me"):
                return {"id": ME, "username": NAME}
            case ("GET", "debug_token"):
                login = self.tokens[given["input_token"]]
                ends = int(login.ends.timestamp())
                return {"data": {"is_valid": True, "expires_at": ends, "scopes": login.scopes, "user_id": ME}}
            case ("GET", "me", "threads"):
                return self._list(given, [p for p in self.posts.values() if p.who == NAME and p.above is None])
            case ("GET", who, "mentions") if who == ME:
                if not self.advanced:
                    raise _error(10, "Application does not have permission for this action")
                return self._list(given, [p for p in self.posts.values() if f"@{NAME}" in p.text], {"since", "until"})
            case ("GET", key, "conversation"):
                if key not in self.posts or self.posts[key].above is not None:
                    raise _error(100, "Unsupported get request.", 33)
                below = [p for p in self.posts.values() if p.root == key and p.id != key and not p.pending]
                return self._list(given, below, {"reverse"})
            case ("GET", key, "pending_replies"):
                if given.pop("approval_status") != "pending" or self.posts[key].who != NAME:
                    raise self.wrong("pending_replies")
                return self._list(given, [p for p in self.posts.values() if p.root == key and p.pending], {"reverse"})
            case ("POST", key, "manage_pending_reply"):
                if not self.posts[key].pending:
                    raise _error(100, "not pending", 33)
                self.posts[key].pending = False
                if given["approve"] != "true":
                    del self.posts[key]
                return {"success": True}
            case ("GET", key, "replies"):
                return self._list(given, [p for p in self.posts.values() if p.above == key], {"reverse"})
            case ("POST", "me", "threads"):
                return self._container(given)
            case ("POST", who, "threads_publish") if who == ME:
                return self._publish(given)
            case ("POST", key, "manage_reply"):
                if self.posts[self.posts[key].root].who != NAME:
                    raise _error(10, "not yours")
                if self.posts[key].above != self.posts[key].root or self.posts[key].pending:
                    raise self.wrong("manage_reply: only replies that stand directly below the post")
                self.posts[key].hidden = given["hide"] == "true"
                return {"success": True}
            case ("GET", key) if key in self.containers:
                return {"id": key, "status": self.containers[key].status}
            case ("GET", key):
                if key not in self.posts or self.posts[key].pending:
                    raise _error(100, "Unsupported get request. Object with ID does not exist", 33)
                return self._shown(self.posts[key], given.pop("fields", "id"))
        raise self.wrong(f"{method} {asked.path} does not exist")

    def _list(self, given: dict[str, str], posts: list[Post], more: set[str] | None = None) -> Any:
        if bad := given.keys() - {"fields", "limit", "after", "before", *(more or {"since", "until"})}:
            raise self.wrong(f"unknown parameters {sorted(bad)}")
        limit = int(given.get("limit", "25"))
        if not 1 <= limit <= 100:
            raise self.wrong(f"limit {limit}")
        since = datetime.fromtimestamp(int(given.get("since", "0")), UTC)
        until = datetime.fromtimestamp(int(given.get("until", "4000000000")), UTC)
        ordered = sorted((p for p in posts if since <= p.at <= until), key=lambda p: (p.at, p.id), reverse=True)
        begin = int(given.get("after", "c0")[1:])
        page = ordered[begin : begin + min(limit, self.most)]
        body: dict[str, Any] = {"data": [self._shown(p, given.get("fields", "id")) for p in page]}
        if page:
            body["paging"] = {"cursors": {"before": f"c{begin}", "after": f"c{begin + len(page)}"}}
        return body

    def _shown(self, post: Post, fields: str) -> dict[str, Any]:
        wanted = fields.split(",")
        if bad := set(wanted) - FIELDS:
            raise self.wrong(f"unknown fields {sorted(bad)}")
        values: dict[str, Any] = {
            "id": post.id,
            "text": post.text,
            "username": post.who,
            "permalink": f"https://www.threads.net/@{post.who}/post/{post.id}",
            "timestamp": post.at.strftime("%Y-%m-%dT%H:%M:%S+0000"),
            "media_type": "TEXT_POST",
            "root_post": {"id": post.root} if post.above else None,
            "replied_to": {"id": post.above} if post.above else None,
            "is_reply_owned_by_me": post.who == NAME if post.above else None,
            "hide_status": "HIDDEN" if post.hidden else "NOT_HUSHED",
        }
        return {name: values[name] for name in wanted if values.get(name) is not None}

    def _container(self, given: dict[str, str]) -> Any:
        if set(given) - {"reply_to_id"} != {"media_type", "text"} or given["media_type"] != "TEXT":
            raise self.wrong(f"me/threads: {sorted(given)}")
        if given.get("reply_to_id", next(iter(self.posts), None)) not in (*self.posts, None):
            raise _error(100, "The requested resource does not exist", 33)
        key = f"9{next(self._count):016d}"
        self.containers[key] = Container(given["text"], given.get("reply_to_id"))
        return {"id": key}

    def _publish(self, given: dict[str, str]) -> Any:
        container = self.containers[given["creation_id"]]
        if container.status != "FINISHED":
            raise _error(24, f"The container is {container.status}")
        container.status = "PUBLISHED"
        return {"id": self.post(NAME, container.text, above=container.above)}


def _error(code: int, message: str, subcode: int | None = None) -> Said:
    error = {"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "A"}
    return Said(400, {"error": error | ({"error_subcode": subcode} if subcode else {})})
