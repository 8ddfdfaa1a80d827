"""X on loopback: the calls that the desk makes, in one dialect or both, and a refusal of everything else.

The tables follow OpenAPI 2.165 (`tweet`) and 2.167 (`post`). Faults are put in a queue with `fail`; what clients did
wrong is in `problems`, what they asked in `requests`.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import re
import socket
import struct
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

ME = "783214"
HANDLE = "council"
SCOPES = (
    "tweet.read users.read tweet.write tweet.moderate.write dm.read dm.write mute.read mute.write media.write"
    " offline.access"
)
CLIENT = "client-of-the-council"
EPOCH = datetime(2010, 11, 4, 1, 42, 54, 657000, tzinfo=UTC)
POST_FIELDS = {
    "tweet": (
        "attachments author_id conversation_id created_at edit_history_tweet_ids entities id in_reply_to_user_id lang"
        " note_tweet referenced_tweets reply_settings text"
    ),
    "post": "attachments conversation_id created_at entities id lang note_post reply_settings text",
}
EXPANSIONS = {
    "tweet": (
        "attachments.media_keys author_id edit_history_tweet_ids in_reply_to_user_id referenced_tweets.id"
        " referenced_tweets.id.author_id"
    ),
    "post": "attachments.media_keys author_id edit_history_post_ids in_reply_to_user_id referenced_posts",
}
EVENT_FIELDS = {
    "tweet": "attachments created_at dm_conversation_id event_type id participant_ids sender_id text",
    "post": "attachments created_at dm_conversation_id event_type id text",
}
EVENT_EXPANSIONS = "attachments.media_keys participant_ids sender_id"
USER_FIELDS = "id name username"
MEDIA_FIELDS = "alt_text media_key preview_image_url type url variants"
PAGED = {"max_results", "pagination_token", "start_time", "end_time", "since_id", "until_id"}


@dataclass
class Post:
    """A post."""

    id: str
    author: str
    text: str
    at: datetime
    conversation: str
    answers: str | None = None
    quotes: str | None = None
    history: list[str] = field(default_factory=list)
    note: str = ""
    media: list[str] = field(default_factory=list)
    urls: list[dict[str, str]] = field(default_factory=list)
    written: str = ""
    """What an interface was given, before X put its own addresses in."""
    pictures: list[str] = field(default_factory=list)


@dataclass
class Asked:
    """A request that came in."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


class Refusal(Exception):
    """An answer that says no."""

    def __init__(self, status: int, detail: str, kind: str = "invalid-request", title: str = "Invalid Request") -> None:
        super().__init__(detail)
        self.status = status
        self.body = {
            "title": title,
            "detail": detail,
            "type": f"https://api.x.com/2/problems/{kind}",
            "status": status,
        }


class XServer:
    """`with XServer() as server:`. `dialects` are those that requests may be written in; answers use the same."""

    def __init__(self, *, now: datetime | None = None, dialects: tuple[str, ...] = ("post",)) -> None:
        self.now = now or datetime.now(UTC)
        self.dialects = dialects
        self.lock = threading.RLock()
        self.requests: list[Asked] = []
        self.problems: list[str] = []
        self.faults: list[tuple[str, str]] = []
        self.people: dict[str, tuple[str, str]] = {ME: (HANDLE, "Anytown Council")}
        self.posts: dict[str, Post] = {}
        self.events: list[dict[str, Any]] = []
        self.hidden: dict[str, bool] = {}
        self.muted: set[str] = set()
        self.media: dict[str, dict[str, Any]] = {}
        self.hanging, self.release = threading.Event(), threading.Event()
        self.handed_in: dict[str, dict[str, Any]] = {}
        """Pictures by their id: category, bytes, and what is on them."""
        self.withheld: set[str] = set()
        self.most = 100
        self.reach = 800
        self.scopes = SCOPES
        self.access: dict[str, str] = {"access-0": SCOPES}
        self.refresh = "refresh-0"
        self.codes: dict[str, dict[str, str]] = {}
        self.oldest_since = 0
        self.limits: dict[str, int] = {}
        self.form: list[dict[str, str]] = []
        self._count = itertools.count(1)
        handler = type("Handler", (_Handler,), {"double": self})
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> XServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    # --- what happens on the network ----------------------------------------------------------------------

    def new_id(self, at: datetime) -> str:
        """A snowflake."""
        return str((int((at - EPOCH).total_seconds() * 1000) << 22) + next(self._count))

    def person(self, name: str) -> str:
        """Id of somebody, made at first mention."""
        for key, (handle, _) in self.people.items():
            if handle == name:
                return key
        key = str(9000 + next(self._count))
        self.people[key] = (name, name.capitalize())
        return key

    def post(
        self, author: str, text: str, *, answers: str | None = None, at: datetime | None = None, **more: Any
    ) -> str:
        """Somebody posts."""
        with self.lock:
            at = at or self.now
            key = self.new_id(at)
            conversation = self.posts[answers].conversation if answers else key
            self.posts[key] = Post(key, self.person(author), text, at, conversation, answers, history=[key], **more)
            return key

    def mention(self, text: str = "the bins were missed", author: str = "ada", **more: Any) -> str:
        """A resident addresses the council."""
        return self.post(author, f"@{HANDLE} {text}", **more)

    def edit(self, key: str, text: str, at: datetime) -> str:
        """A new version: a post with a history."""
        with self.lock:
            old = self.posts[key]
            new = self.new_id(at)
            history = [*old.history, new]
            self.posts[new] = Post(new, old.author, text, at, old.conversation, old.answers, history=history)
            for version in old.history:
                self.posts[version].history = history
            return new

    def direct(self, author: str, text: str, *, at: datetime | None = None, to: str = HANDLE) -> str:
        """A direct message between the council and somebody."""
        with self.lock:
            at = at or self.now
            sender = self.person(author)
            other = self.person(to)
            low, high = sorted((sender, other), key=int)
            event = {
                "id": self.new_id(at),
                "event_type": "MessageCreate",
                "text": text,
                "sender_id": sender,
                "dm_conversation_id": f"{low}-{high}",
                "created_at": _iso(at),
            }
            self.events.append(event)
            return str(event["id"])

    def fail(self, path: str, *kinds: str) -> None:
        """The next calls whose path ends like this go wrong: a status, `lost`, `truncate`, `reset`, `html`, `type`,
        `errors` (nothing but those, with status 200)."""
        self.faults += [(path, kind) for kind in kinds]

    def grant(self, address: str) -> str:
        """What a browser does after a person said yes: the address it is sent to."""
        query = {key: values[0] for key, values in parse_qs(urlsplit(address).query).items()}
        wanted = {"response_type", "client_id", "redirect_uri", "scope", "state", "code_challenge"}
        if missing := wanted - query.keys():
            self.problems.append(f"authorize lacks {missing}")
        if query.get("code_challenge_method") != "S256" or not address.startswith(f"{self.url}/i/oauth2/authorize?"):
            self.problems.append(f"authorize: {address}")
        code = f"code-{next(self._count)}"
        self.codes[code] = query
        return f"{query['redirect_uri']}?{urlencode({'state': query['state'], 'code': code})}"

    # --- answers ------------------------------------------------------------------------------------------

    def answer(self, asked: Asked) -> tuple[int, Any]:
        """Status and body. Raises `Refusal`."""
        if asked.path == "/2/oauth2/token":
            return self._token(asked)
        self._signed_in(asked)
        parts = asked.path.strip("/").split("/")
        match (asked.method, *parts):
            case ("GET", "2", "users", "me"):
                self._only(asked, {"user.fields"})
                return 200, {"data": self._user(ME)}
            case ("GET", "2", "users", id_, "mentions" | "tweets" as kind):
                return self._timeline(asked, id_, kind)
            case ("GET", "2", "tweets"):
                return self._lookup(asked)
            case ("GET", "2", "dm_events"):
                return self._events(asked, self.events)
            case ("GET", "2", "dm_conversations", id_, "dm_events"):
                return self._events(asked, [e for e in self.events if e["dm_conversation_id"] == id_])
            case ("POST", "2", "tweets"):
                return self._create(asked)
            case ("POST", "2", "media", "upload" | "metadata" as what):
                return self._picture(asked, what)
            case ("POST", "2", "dm_conversations", id_, "messages"):
                return self._write_direct(asked, id_)
            case ("PUT", "2", "tweets", id_, "hidden"):
                return self._hide(asked, id_)
            case ("POST", "2", "users", id_, "muting") if id_ == ME:
                self.muted.add(asked.body["target_user_id"])
                return 200, {"data": {"muting": True}}
            case ("DELETE", "2", "users", id_, "muting", other) if id_ == ME:
                self.muted.discard(other)
                return 200, {"data": {"muting": False}}
        self.problems.append(f"{asked.method} {asked.path} does not exist")
        raise Refusal(404, "Not Found", "resource-not-found", "Not Found Error")

    def _token(self, asked: Asked) -> tuple[int, Any]:
        form = asked.body
        self.form.append(form)
        no = {"error": "invalid_request", "error_description": "Value passed for the token was invalid."}
        if form.get("client_id") != CLIENT and "authorization" not in asked.headers:
            return 401, {"error": "invalid_client", "error_description": "Missing valid authorization header"}
        if form.get("grant_type") == "authorization_code":
            begun = self.codes.pop(form.get("code", ""), None)
            if begun is None or begun["redirect_uri"] != form.get("redirect_uri"):
                return 400, no
            digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
            if base64.urlsafe_b64encode(digest).decode().rstrip("=") != begun["code_challenge"]:
                return 400, no
        elif form.get("grant_type") != "refresh_token" or form.get("refresh_token") != self.refresh:
            return 400, no
        number = next(self._count)
        self.access = {f"access-{number}": self.scopes}
        self.refresh = f"refresh-{number}"
        return 200, {
            "token_type": "bearer",
            "expires_in": 7200,
            "access_token": f"access-{number}",
            "scope": self.scopes,
            "refresh_token": self.refresh,
        }

    def _signed_in(self, asked: Asked) -> None:
        token = asked.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in self.access:
            raise Refusal(401, "Unauthorized", "unauthorized", "Unauthorized")

    def _scope(self, name: str, asked: Asked) -> None:
        granted = self.access[asked.headers["authorization"].removeprefix("Bearer ")]
        if name not in granted.split():
            raise Refusal(403, f"The token lacks {name}.", "not-authorized-for-resource", "Forbidden")

    def _only(self, asked: Asked, names: set[str]) -> None:
        for name in asked.query.keys() - names:
            raise Refusal(400, f"The query parameter [{name}] is not one of [{','.join(sorted(names))}]")

    def _dialect(self, asked: Asked) -> str:
        for name in ("post", "tweet"):
            if f"{name}.fields" in asked.query and name in self.dialects:
                return name
        used = [name for name in ("post", "tweet") if f"{name}.fields" in asked.query]
        if used:
            self._only(asked, PAGED | {"exclude", "ids", "expansions", "user.fields", "media.fields"})
        return self.dialects[0]

    def _listed(self, asked: Asked, name: str, allowed: str) -> list[str]:
        values = [value for value in asked.query.get(name, "").split(",") if value]
        for value in values:
            if value not in allowed.split():
                raise Refusal(400, f"The `{name}` query parameter value [{value}] is not one of [{allowed}]")
        return values

    def _fields(self, asked: Asked) -> tuple[str, list[str], list[str]]:
        dialect = self._dialect(asked)
        self._listed(asked, "user.fields", USER_FIELDS)
        self._listed(asked, "media.fields", MEDIA_FIELDS)
        fields = self._listed(asked, f"{dialect}.fields", POST_FIELDS[dialect])
        return dialect, fields, self._listed(asked, "expansions", EXPANSIONS[dialect])

    def _timeline(self, asked: Asked, id_: str, kind: str) -> tuple[int, Any]:
        dialect, fields, expansions = self._fields(asked)
        names = {f"{dialect}.fields", "expansions", "user.fields", "media.fields"}
        self._only(asked, PAGED | names | ({"exclude"} if kind == "tweets" else set()))
        if id_ != ME:
            raise Refusal(404, "Not Found", "resource-not-found")
        own = kind == "tweets"
        mine = [p for p in self.posts.values() if (p.author == ME) == own and (own or self._to_me(p))]
        return self._page(asked, mine, dialect, fields, expansions)

    def _to_me(self, post: Post) -> bool:
        parent = self.posts.get(post.answers or "")
        return f"@{HANDLE}" in post.text or (parent is not None and parent.author == ME)

    def _page(
        self, asked: Asked, posts: list[Post], dialect: str, fields: list[str], expansions: list[str]
    ) -> tuple[int, Any]:
        query = asked.query
        size = int(query.get("max_results", "10"))
        if not 5 <= size <= 100:
            raise Refusal(400, "The `max_results` query parameter value is not between 5 and 100")
        since, until = int(query.get("since_id", "0")), int(query.get("until_id", "9" * 19))
        if 0 < since < self.oldest_since:
            raise Refusal(400, "'since_id' must be a tweet id created after [TIMESTAMP].")
        posts = sorted(posts, key=lambda post: -int(post.id))[: self.reach]
        if "start_time" in query:
            start = datetime.fromisoformat(query["start_time"])
            posts = [post for post in posts if post.at >= start]
        posts = [post for post in posts if since < int(post.id) < until]
        begin = int(query.get("pagination_token", "t0")[1:])
        page = posts[begin : begin + min(size, self.most)]
        body = self._written(page, dialect, fields, expansions)
        meta: dict[str, Any] = {"result_count": len(page)}
        if page:
            meta |= {"newest_id": page[0].id, "oldest_id": page[-1].id}
        if begin + len(page) < len(posts):
            meta["next_token"] = f"t{begin + len(page)}"
        return 200, {**body, "meta": meta}

    def _written(self, page: list[Post], dialect: str, fields: list[str], expansions: list[str]) -> dict[str, Any]:
        body: dict[str, Any] = {}
        if page:
            body["data"] = [self._post(post, dialect, fields, expansions) for post in page]
        includes: dict[str, Any] = {}
        referenced = "referenced_posts" if dialect == "post" else "referenced_tweets.id"
        beside = [
            self.posts[key]
            for p in page
            for key in (p.answers, p.quotes)
            if key in self.posts and referenced in expansions
        ]
        if beside:
            includes["posts" if dialect == "post" else "tweets"] = [
                self._post(post, dialect, fields, expansions) for post in beside
            ]
        if "author_id" in expansions:
            authors = dict.fromkeys(p.author for p in [*page, *beside] if p.author not in self.withheld)
            if authors:
                includes["users"] = [self._user(key) for key in authors]
        keys = [key for p in page for key in p.media]
        if keys and "attachments.media_keys" in expansions:
            includes["media"] = [self.media[key] for key in keys]
        if includes:
            body["includes"] = includes
        errors = [_problem("not-found", p.author, "user") for p in page if p.author in self.withheld]
        return body | ({"errors": errors} if errors else {})

    def _user(self, key: str) -> dict[str, str]:
        handle, name = self.people[key]
        return {"id": key, "username": handle, "name": name}

    def _post(self, post: Post, dialect: str, fields: list[str], expansions: list[str]) -> dict[str, Any]:
        refs = [{"type": "replied_to", "id": post.answers}] if post.answers else []
        refs += [{"type": "quoted", "id": post.quotes}] if post.quotes else []
        parent = self.posts.get(post.answers or "")
        mentions = [
            {"start": 0, "end": 1, "id": key, "username": handle}
            for key, (handle, _) in self.people.items()
            if f"@{handle}" in post.text
        ]
        entities = {"mentions": mentions} if mentions else {}
        values: dict[str, Any] = {
            "author_id": post.author,
            "conversation_id": post.conversation,
            "created_at": _iso(post.at),
            "in_reply_to_user_id": parent.author if parent else None,
            "lang": "en",
            "entities": entities | ({"urls": post.urls} if post.urls else {}),
            "attachments": {"media_keys": post.media} if post.media else None,
            f"referenced_{dialect}s": refs,
            f"note_{dialect}": {"text": post.note} if post.note else None,
        }
        given = {*fields, *(name.partition(".")[0] for name in expansions)}
        shown = {name: value for name, value in values.items() if name in given and value}
        return {"id": post.id, "text": post.text, f"edit_history_{dialect}_ids": post.history, **shown}

    def _lookup(self, asked: Asked) -> tuple[int, Any]:
        dialect, fields, expansions = self._fields(asked)
        self._only(asked, {"ids", f"{dialect}.fields", "expansions", "user.fields", "media.fields"})
        ids = asked.query["ids"].split(",")
        if not 1 <= len(ids) <= 100:
            raise Refusal(400, "size must be between 1 and 100")
        body = self._written([self.posts[k] for k in ids if k in self.posts], dialect, fields, expansions)
        gone = [_problem("resource-not-found", k, "tweet") for k in ids if k not in self.posts]
        errors = [*body.pop("errors", []), *gone]
        return 200, body | ({"errors": errors} if errors else {})

    def _events(self, asked: Asked, events: list[dict[str, Any]]) -> tuple[int, Any]:
        self._scope("dm.read", asked)
        dialect = "tweet" if "sender_id" in asked.query.get("dm_event.fields", "") else "post"
        if dialect not in self.dialects:
            self._listed(asked, "dm_event.fields", EVENT_FIELDS[self.dialects[0]])
        self._only(
            asked,
            {"max_results", "pagination_token", "event_types", "dm_event.fields", "expansions"}
            | {"user.fields", "media.fields"},
        )
        expansions = self._listed(asked, "expansions", EVENT_EXPANSIONS)
        begin = int(asked.query.get("pagination_token", "a-long-token-of-x-0").rpartition("-")[2])
        ordered = sorted(events, key=lambda e: -int(e["id"]))
        page = ordered[begin : begin + min(int(asked.query.get("max_results", "100")), self.most)]
        meta: dict[str, Any] = {"result_count": len(page)}
        if begin + len(page) < len(ordered):
            meta["next_token"] = f"a-long-token-of-x-{begin + len(page)}"
        body: dict[str, Any] = {"meta": meta}
        if page:
            keep = dialect == "tweet" or "sender_id" in expansions
            body["data"] = [{k: v for k, v in e.items() if k != "sender_id" or keep} for e in page]
            body["includes"] = {"users": [self._user(k) for k in dict.fromkeys(e["sender_id"] for e in page)]}
        return 200, body

    def _create(self, asked: Asked) -> tuple[int, Any]:
        self._scope("tweet.write", asked)
        body = asked.body
        reply = body.get("reply", {"in_reply_to_tweet_id": None})
        if set(body) - {"text", "reply", "media"} or set(reply) != {"in_reply_to_tweet_id"}:
            raise Refusal(400, f"unexpected fields in {sorted(body)}")
        shown = self._shown_pictures(body.get("media", {}).get("media_ids", []), "tweet_image")
        if "reply" not in body:
            if any(p.author == ME and p.written == body["text"] and p.answers is None for p in self.posts.values()):
                raise Refusal(403, "You are not allowed to create a Tweet with duplicate content.", "about:blank")
            return 201, {"data": {"id": self._rendered(body["text"], shown, None), "text": body["text"]}}
        parent = self.posts.get(reply["in_reply_to_tweet_id"])
        if parent is None:
            raise Refusal(
                403, "You attempted to reply to a Tweet that is deleted or not visible to you.", "about:blank"
            )
        if parent.author != ME and not self._to_me(parent):
            raise Refusal(403, "Replies are allowed only where the author mentioned the account.", "about:blank")
        if any(p.author == ME and p.written == body["text"] and p.answers == parent.id for p in self.posts.values()):
            raise Refusal(403, "You are not allowed to create a Tweet with duplicate content.", "about:blank")
        key = self._rendered(body["text"], shown, parent.id)
        return 201, {"data": {"id": key, "text": body["text"]}}

    def _rendered(self, text: str, pictures: list[str], answers: str | None) -> str:
        """A post of ours as X writes it: every address is a short one of its own, and pictures have one at the end."""
        said = re.sub(r"(?:https?://|www\.)\S+", "https://t.co/abc123", text)
        return self.post(
            HANDLE, said + " https://t.co/pic" * bool(pictures), answers=answers, written=text, pictures=pictures
        )

    def _shown_pictures(self, ids: list[str], category: str) -> list[str]:
        for each in ids:
            if self.handed_in[each]["category"] != category:
                raise Refusal(400, f"media {each} is of another category")
        return ids

    def _picture(self, asked: Asked, what: str) -> tuple[int, Any]:
        self._scope("media.write", asked)
        body = asked.body
        if what == "metadata":
            self.handed_in[body["id"]]["alt"] = body["metadata"]["alt_text"]["text"]
            return 200, {"data": {"id": body["id"], "associated_metadata": body["metadata"]}}
        if set(body) != {"media", "media_category"} or body["media_category"] not in ("tweet_image", "dm_image"):
            raise Refusal(400, f"unexpected fields in {sorted(body)}")
        key = str(7700 + len(self.handed_in))
        self.handed_in[key] = {"category": body["media_category"], "data": base64.b64decode(body["media"])}
        return 200, {"data": {"id": key, "media_key": f"3_{key}", "expires_after_secs": 86_400}}

    def _write_direct(self, asked: Asked, id_: str) -> tuple[int, Any]:
        self._scope("dm.write", asked)
        pictures = [each["media_id"] for each in asked.body.get("attachments", [])]
        self._shown_pictures(pictures, "dm_image")
        if set(asked.body) - {"attachments"} != {"text"} or not any(
            e["dm_conversation_id"] == id_ for e in self.events
        ):
            raise Refusal(400, "unexpected body")
        other = next(key for key in id_.split("-") if key != ME)
        key = self.direct(HANDLE, asked.body["text"], to=self.people[other][0])
        return 201, {"data": {"dm_conversation_id": id_, "dm_event_id": key}}

    def _hide(self, asked: Asked, id_: str) -> tuple[int, Any]:
        self._scope("tweet.moderate.write", asked)
        if set(asked.body) != {"hidden"}:
            raise Refusal(400, "unexpected body")
        if self.posts[self.posts[id_].conversation].author != ME:
            raise Refusal(403, "You are not permitted to hide this reply.", "about:blank")
        self.hidden[id_] = asked.body["hidden"]
        return 200, {"data": {"hidden": asked.body["hidden"]}}

    def next_fault(self, path: str) -> str | None:
        """The fault that this call runs into."""
        with self.lock:
            for number, (end, kind) in enumerate(self.faults):
                if path.endswith(end):
                    del self.faults[number]
                    return kind
        return None


def _problem(kind: str, value: str, what: str) -> dict[str, Any]:
    return {
        "value": value,
        "detail": f"Could not find {what} with id: [{value}].",
        "title": "Not Found Error",
        "resource_type": what,
        "parameter": "ids",
        "resource_id": value,
        "type": f"https://api.x.com/2/problems/{kind}",
    }


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class _Handler(BaseHTTPRequestHandler):
    double: XServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Nothing is written."""

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def _asked(self) -> Asked:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        kind = self.headers.get("Content-Type", "")
        body: Any = json.loads(raw) if "json" in kind and raw else {k: v[0] for k, v in parse_qs(raw).items()}
        parts = urlsplit(self.path)
        query = {k: ",".join(v) for k, v in parse_qs(parts.query, keep_blank_values=True).items()}
        return Asked(self.command, parts.path, query, {k.lower(): v for k, v in self.headers.items()}, body)

    def _serve(self) -> None:
        asked = self._asked()
        self.double.requests.append(asked)
        fault = self.double.next_fault(asked.path)
        if fault == "reset":
            return self._hang_up()
        if fault and fault.isdigit():
            after = int((datetime.now(UTC) + timedelta(minutes=15)).timestamp())
            problem = Refusal(int(fault), "Something went wrong.", "about:blank", "Fault").body
            return self._send(int(fault), problem, {"x-rate-limit-reset": str(after)})
        with self.double.lock:
            try:
                status, body = self.double.answer(asked)
            except Refusal as refusal:
                status, body = refusal.status, refusal.body
        if fault == "hang":
            self.double.hanging.set()
            self.double.release.wait(20)
        if fault in ("lost", "hang"):
            return self._hang_up()
        if fault == "html":
            return self._raw(200, b"<html>maintenance</html>", {})
        if fault == "type":
            body = {"data": "text", "meta": [], "includes": 5}
        if fault == "errors":
            body = {"errors": [_problem("not-authorized-for-resource", ME, "user")]}
        data = json.dumps(body).encode()
        kind = asked.path.rpartition("/")[2]
        headers = {"x-rate-limit-remaining": str(self.double.limits.get(kind, 299)), "x-rate-limit-limit": "300"}
        headers["x-rate-limit-reset"] = str(int(datetime.now(UTC).timestamp()) + 900)
        self._raw(status, data[: len(data) // 2] if fault == "truncate" else data, headers)

    def _send(self, status: int, body: Any, headers: dict[str, str]) -> None:
        self._raw(status, json.dumps(body).encode(), headers)

    def _raw(self, status: int, data: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers, "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def _hang_up(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()
        self.rfile.close()
