"""A Bluesky on loopback: entryway, data server, AppView and chat service in one, with the behaviour that was recorded.

Paging of notifications is the real one: sorted by the earlier of `createdAt` and the server's time, the cursor a bare
time that the next page is strictly below, `reasons` and mutes filtered after the page is cut. What it is sent, and what
it answers, is checked against the lexicons where the specification is present.
"""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import stamina

from tests.doubles.lexicon import Lexicons, Wrong

POST = "app.bsky.feed.post"
CHAT = "did:web:api.bsky.chat#bsky_chat"
LETTERS = "234567abcdefghijklmnopqrstuvwxyz"
ACCESS_LIFE = timedelta(hours=2)
GRACE = timedelta(hours=2)


def stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def digest(text: str, length: int) -> str:
    return base64.b32encode(hashlib.sha512(text.encode("utf-8", "surrogatepass")).digest()).decode().lower()[:length]


@dataclass(eq=False)
class Person:
    """An account on the network."""

    did: str
    handle: str
    name: str | None = None
    muted: bool = False
    blocked: bool = False
    blocks_us: bool = False
    messages: str = "all"
    """`all`, `following` or `none`: whom the person takes direct messages from."""


@dataclass
class Record:
    """A post."""

    uri: str
    cid: str
    author: Person
    value: dict[str, Any]
    indexed: str
    locked: bool = False


@dataclass
class Row:
    """A notification to the council. `seq` tells the order of arrival."""

    sort: str
    uri: str
    reason: str
    seq: int


@dataclass
class Convo:
    """A conversation with the council in it."""

    id: str
    members: list[Person]
    name: str | None = None
    status: str = "accepted"
    messages: list[dict[str, Any]] = field(default_factory=list)


class Answered(Exception):
    """An error answer: status, name, words."""

    def __init__(self, status: int, error: str, message: str = "", headers: dict[str, str] | None = None) -> None:
        super().__init__(error)
        self.status, self.error, self.message, self.headers = status, error, message, headers or {}


class BlueskyServer:
    """Starts on entering. Everything is done under one lock, in the order of the calls."""

    def __init__(self, *, now: datetime | None = None, fill_page: bool = False) -> None:
        self.time = now or datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
        self.fill_page = fill_page
        self.most = 100
        """Rows in a page at most, to have many pages out of few rows."""
        self.lexicons = Lexicons.find()
        self.council = Person("did:plc:council", "council.example", "Anytown Council")
        self.people: dict[str, Person] = {self.council.did: self.council}
        self.posts: dict[str, Record] = {}
        self.kept: dict[str, dict[str, Any]] = {}
        self.blobs: dict[str, bytes] = {}
        """Records of the council that are no posts, by URI: `cid` and `value`."""
        self.reports: list[dict[str, Any]] = []
        self.rows: list[Row] = []
        self.convos: dict[str, Convo] = {}
        self.log: list[dict[str, Any]] = []
        self.log_start = 0
        self.log_page = 50
        self.passwords = {"aaaa-bbbb-cccc-dddd": True}
        """App passwords, and whether each may use direct messages."""
        self.active = True
        self.status: str | None = None
        self.two_factor = False
        self.chat_down = False
        self.appview_down = False
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.counts: Counter[str] = Counter()
        self.complaints: list[str] = []
        """What the server or the channel did against the lexicons."""
        self._access: dict[str, tuple[datetime, str]] = {}
        self._refresh: dict[str, dict[str, Any]] = {}
        self._faults: dict[str, list[str]] = {}
        self._number = 0
        self.leaving = threading.Event()
        self._lock = threading.RLock()

    # --- the server ---------------------------------------------------------------------------------------

    def __enter__(self) -> BlueskyServer:
        self._hurry = stamina.set_testing(True, attempts=3)  # retries, but no waiting between them
        handler = type("Handler", (_Handler,), {"double": self})
        self._httpd = _Quiet(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._httpd.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.leaving.set()
        self._httpd.shutdown()
        self._httpd.server_close()
        self._thread.join()
        self._hurry.__exit__(None, None, None)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._httpd.server_address[1]}"

    def now(self) -> datetime:
        return self.time

    def pass_time(self, **parts: float) -> None:
        """Move the clock: `minutes=5`."""
        self.time += timedelta(**parts)

    def fail(self, method: str, *kinds: str) -> None:
        """What happens to the next calls of `method` (the end of its name): `429`, `500`, `502`, `reset` before or
        `lost` after it was carried out, `cut` in the middle of the answer, `html`, `hang`, `unknown` (no such method),
        or `ok`."""
        self._faults.setdefault(method, []).extend(kinds)

    def heal(self) -> None:
        """No more of what `fail` announced."""
        self._faults.clear()

    def fault(self, method: str) -> str:
        for name, kinds in self._faults.items():
            if method.endswith(name) and kinds:
                return kinds.pop(0)
        return "ok"

    # --- people and posts ---------------------------------------------------------------------------------

    def person(self, name: str, **kind: Any) -> Person:
        person = Person(
            f"did:plc:{name}", kind.pop("handle", f"{name}.example"), kind.pop("shown", name.title()), **kind
        )
        self.people[person.did] = person
        return person

    def tick(self) -> int:
        self._number += 1
        return self._number

    def tid(self, at: datetime | None = None) -> str:
        micros = int((at or self.time).timestamp() * 1000) * 1000 + self.tick() % 1000
        number, letters = micros << 10 | self._number % 1024, ""
        for _ in range(13):
            number, place = divmod(number, 32)
            letters = LETTERS[place] + letters
        return letters

    def post(
        self,
        author: Person,
        text: str,
        *,
        created: datetime | None = None,
        to: str | None = None,
        quotes: str | None = None,
        rkey: str | None = None,
        mention: bool = False,
        **more: Any,
    ) -> str:
        """A post; `to` is the URI that it answers. The council is notified as the AppView would."""
        with self._lock:
            value: dict[str, Any] = {"$type": POST, "text": text, "createdAt": stamp(created or self.time), **more}
            if mention:
                at = f"@{self.council.handle}"
                start = len(text.partition(at)[0].encode()) if at in text else 0
                value["facets"] = [
                    {
                        "index": {"byteStart": start, "byteEnd": start + len(at)},
                        "features": [{"$type": "app.bsky.richtext.facet#mention", "did": self.council.did}],
                    }
                ]
            if to:
                parent = self.posts[to]
                root = parent.value.get("reply", {}).get("root") or {"uri": to, "cid": parent.cid}
                value["reply"] = {"root": root, "parent": {"uri": to, "cid": parent.cid}}
            if quotes:
                value["embed"] = {
                    "$type": "app.bsky.embed.record",
                    "record": {"uri": quotes, "cid": self.posts[quotes].cid},
                }
            return self.put(author, rkey or self.tid(), value).uri

    def mention(self, author: Person, words: str, **kind: Any) -> str:
        """A post with a mention facet for the council."""
        return self.post(author, f"@{self.council.handle} {words}", mention=True, **kind)

    def put(self, author: Person, rkey: str, value: dict[str, Any]) -> Record:
        uri = f"at://{author.did}/{POST}/{rkey}"
        cid = f"bafyrei{digest(json.dumps(value, sort_keys=True) + uri, 52)}"
        claimed = datetime.fromisoformat(value["createdAt"])
        record = Record(uri, cid, author, value, stamp(min(claimed, self.time)))
        edited = uri in self.posts
        self.posts[uri] = record
        reason = None if author is self.council or edited else self._reason(value)
        if reason:
            self.rows.append(Row(record.indexed, uri, reason, self.tick()))
        return record

    def _reason(self, value: dict[str, Any]) -> str | None:
        us = self.council.did
        for facet in value.get("facets", ()):
            if any(feature.get("did") == us for feature in facet["features"]):
                return "mention"
        embed = value.get("embed", {})
        quoted = embed.get("record", {}).get("uri", "") if embed.get("$type") == "app.bsky.embed.record" else ""
        if quoted.startswith(f"at://{us}/"):
            return "quote"
        above = value.get("reply", {}).get("parent", {}).get("uri")
        for _ in range(4):
            if above is None or above not in self.posts:
                return None
            if self.posts[above].author is self.council:
                return "reply"
            above = self.posts[above].value.get("reply", {}).get("parent", {}).get("uri")
        return None

    def like(self, author: Person, *, at: datetime | None = None) -> None:
        """A notification of another kind, which fills pages."""
        with self._lock:
            uri = f"at://{author.did}/app.bsky.feed.like/{self.tid()}"
            self.rows.append(Row(stamp(at or self.time), uri, "like", self.tick()))

    def edit(self, uri: str, text: str) -> None:
        """The author replaces the record."""
        with self._lock:
            old = self.posts[uri]
            self.put(old.author, uri.rpartition("/")[2], {**old.value, "text": text})

    def delete(self, uri: str) -> None:
        with self._lock:
            del self.posts[uri]
            self.rows = [row for row in self.rows if row.uri != uri]

    # --- direct messages ----------------------------------------------------------------------------------

    def convo(self, person: Person, *, status: str = "request") -> Convo:
        with self._lock:
            for convo in self.convos.values():
                if convo.name is None and person in convo.members:
                    return convo
            convo = Convo(f"convo{self.tick()}", [self.council, person], status=status)
            self.convos[convo.id] = convo
            self._event("logBeginConvo", convo)
            return convo

    def group(self, name: str, *people: Person) -> Convo:
        with self._lock:
            convo = Convo(f"group{self.tick()}", [self.council, *people], name)
            self.convos[convo.id] = convo
            self._event("logBeginConvo", convo)
            return convo

    def say(
        self, author: Person, text: str, convo: Convo, *, at: datetime | None = None, **more: Any
    ) -> dict[str, Any]:
        """A direct message."""
        with self._lock:
            view = {
                "$type": "chat.bsky.convo.defs#messageView",
                "id": self.tid(),
                "rev": self.tid(),
                "text": text,
                "sender": {"did": author.did},
                "sentAt": stamp(at or self.time),
                **more,
            }
            convo.messages.append(view)
            self._event("logCreateMessage", convo, message=view, relatedProfiles=[self._basic(author)])
            return view

    def unsay(self, convo: Convo, message: str) -> None:
        """The author deletes a direct message."""
        with self._lock:
            for view in convo.messages:
                if view["id"] == message:
                    for name in ("text", "facets", "embed"):
                        view.pop(name, None)
                    view["$type"] = "chat.bsky.convo.defs#deletedMessageView"
                    self._event("logDeleteMessage", convo, message=dict(view))

    def _event(self, kind: str, convo: Convo, **more: Any) -> None:
        event = {"$type": f"chat.bsky.convo.defs#{kind}", "rev": self.tid(), "convoId": convo.id, **more}
        self.log.append(json.loads(json.dumps(event)))

    # --- sessions -----------------------------------------------------------------------------------------

    def expire_access(self) -> None:
        """Every access token has had its two hours."""
        with self._lock:
            self._access.clear()

    def revoke(self, password: str) -> None:
        """An app password is taken back: its access tokens go on until they expire."""
        with self._lock:
            del self.passwords[password]
            for token in self._refresh.values():
                if token["password"] == password:
                    token["until"] = self.time

    def _open(self, password: str, refresh: str | None = None) -> dict[str, Any]:
        access, refresh = f"access-{self.tick()}", refresh or f"refresh-{self.tick()}"
        self._access[access] = (self.time + ACCESS_LIFE, password)
        self._refresh.setdefault(refresh, {"password": password, "until": self.time + timedelta(days=90), "next": None})
        services = [{"id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": self.url}]
        session = {
            "did": self.council.did,
            "handle": self.council.handle,
            "accessJwt": access,
            "refreshJwt": refresh,
            "didDoc": {"id": self.council.did, "service": services},
            "active": self.active,
        }
        return session | ({"status": self.status} if self.status else {})

    def createSession(self, _: dict[str, list[str]], body: dict[str, Any], __: str) -> dict[str, Any]:
        if self.counts["com.atproto.server.createSession"] > 30:
            reset = str(int(self.time.timestamp()) + 290)
            raise Answered(
                429, "RateLimitExceeded", "Rate Limit Exceeded", {"retry-after": "290", "ratelimit-reset": reset}
            )
        known = body["identifier"].lower() in (self.council.handle, self.council.did)
        if not known or body["password"] not in self.passwords:
            raise Answered(401, "AuthenticationRequired", "Invalid identifier or password")
        if self.two_factor:
            raise Answered(401, "AuthFactorTokenRequired", "A sign in code has been sent to your email address")
        if self.status == "takendown":
            raise Answered(401, "AccountTakedown", "Account has been taken down")
        return self._open(body["password"])

    def refreshSession(self, _: dict[str, list[str]], __: Any, token: str) -> dict[str, Any]:
        old = self._refresh.get(token)
        if old is None:
            raise Answered(400, "InvalidToken", "Token could not be verified")
        if old["until"] <= self.time:
            raise Answered(400, "ExpiredToken", "Token has been revoked")
        old["until"] = min(old["until"], self.time + GRACE)
        old["next"] = old["next"] or f"refresh-{self.tick()}"
        return self._open(old["password"], old["next"])

    def authorise(self, method: str, token: str, chat: bool) -> None:
        if not token:
            raise Answered(401, "AuthMissing", "Authentication Required")
        if not token.startswith("access-"):
            raise Answered(400, "InvalidToken", "Token could not be verified")
        until, password = self._access.get(token, (self.time, ""))
        if until <= self.time:
            raise Answered(400, "ExpiredToken", "Token has expired")
        if method.startswith("chat."):
            if not chat:
                raise Answered(501, "MethodNotImplemented", "Method Not Implemented")
            if not self.passwords.get(password, False):
                raise Answered(400, "InvalidToken", "Bad token method")
            if self.chat_down:
                raise Answered(502, "UpstreamFailure", "Upstream service unreachable")
        if method.startswith("app.bsky.") and self.appview_down:
            raise Answered(502, "UpstreamFailure", "Upstream service unreachable")

    # --- AppView ------------------------------------------------------------------------------------------

    def listNotifications(self, params: dict[str, list[str]], _: Any, __: str) -> dict[str, Any]:
        limit, reasons = min(self.most, int(params.get("limit", ["50"])[0])), params.get("reasons")
        cursor = params.get("cursor", [None])[0]
        assert params.get("priority") == ["false"], "without priority=false the account's preference may filter"
        rows, following = self._cut(cursor, limit, reasons)
        for _try in range(9 if self.fill_page else 0):
            if following is None or len(rows) >= limit:
                break
            more, following = self._cut(following, limit - len(rows), reasons)
            rows += more
        answer: dict[str, Any] = {"notifications": [self._notification(row) for row in rows], "priority": False}
        return answer | ({"cursor": following} if following else {})

    def _cut(self, cursor: str | None, limit: int, reasons: list[str] | None) -> tuple[list[Row], str | None]:
        if cursor is not None:
            try:
                cursor = stamp(min(datetime.fromisoformat(cursor), self.time + timedelta(days=1)))
            except ValueError:
                raise Answered(502, "InternalServerError", "Internal Server Error") from None
        ranked = sorted(self.rows, key=lambda row: (row.sort, digest(row.uri, 8)), reverse=True)
        below = [row for row in ranked if cursor is None or row.sort < cursor]
        page = below[:limit]
        following = page[-1].sort if len(below) > limit else None
        kept = [row for row in page if reasons is None or row.reason in reasons]
        return [row for row in kept if self._shown(row)], following

    def _shown(self, row: Row) -> bool:
        person = self.people.get(row.uri.split("/")[2])
        return row.reason != "like" and person is not None and not (person.muted or person.blocked or person.blocks_us)

    def _notification(self, row: Row) -> dict[str, Any]:
        record = self.posts[row.uri]
        return {
            "uri": record.uri,
            "cid": record.cid,
            "author": self._basic(record.author),
            "reason": row.reason,
            "record": record.value,
            "isRead": False,
            "indexedAt": record.indexed,
            "labels": [],
        }

    def _basic(self, person: Person) -> dict[str, Any]:
        shown = {"did": person.did, "handle": person.handle, "labels": []}
        return shown | ({"displayName": person.name} if person.name is not None else {})

    def _view(self, record: Record) -> dict[str, Any]:
        view: dict[str, Any] = {
            "uri": record.uri,
            "cid": record.cid,
            "author": self._basic(record.author),
            "record": record.value,
            "indexedAt": record.indexed,
            "labels": [],
            "viewer": {"replyDisabled": record.locked},
        }
        embed = record.value.get("embed", {})
        if embed.get("$type") == "app.bsky.embed.images":
            shown = [
                {"thumb": f"{self.url}/img/t", "fullsize": f"{self.url}/img/{i}", "alt": image["alt"]}
                for i, image in enumerate(embed["images"])
            ]
            view["embed"] = {"$type": "app.bsky.embed.images#view", "images": shown}
        return view

    def getPosts(self, params: dict[str, list[str]], _: Any, __: str) -> dict[str, Any]:
        found = [self.posts[uri] for uri in params["uris"] if uri in self.posts]
        return {"posts": [self._view(r) for r in found if not (r.author.blocked or r.author.blocks_us)]}

    def getPostThread(self, params: dict[str, list[str]], _: Any, __: str) -> dict[str, Any]:
        uri = params["uri"][0]
        record = self.posts.get(uri)
        if record is None:
            raise Answered(400, "NotFound", f"Post not found: {uri}")
        if record.author.blocked or record.author.blocks_us:
            viewer: dict[str, Any] = {"blockedBy": record.author.blocks_us}
            if record.author.blocked:
                viewer["blocking"] = f"at://{self.council.did}/app.bsky.graph.block/{self.tid()}"
            author = {"did": record.author.did, "viewer": viewer}
            return {
                "thread": {"$type": "app.bsky.feed.defs#blockedPost", "uri": uri, "blocked": True, "author": author}
            }
        return {"thread": {"$type": "app.bsky.feed.defs#threadViewPost", "post": self._view(record), "replies": []}}

    # --- data server --------------------------------------------------------------------------------------

    def uploadBlob(self, _: Any, body: dict[str, Any], __: str) -> dict[str, Any]:
        link = f"bafkrei{digest(body['data'].hex(), 52)}"
        self.blobs[link] = body["data"]
        blob = {"$type": "blob", "ref": {"$link": link}, "mimeType": body["mime"], "size": len(body["data"])}
        return {"blob": blob}

    def createRecord(self, _: Any, body: dict[str, Any], __: str) -> dict[str, Any]:
        if body["repo"] != self.council.did:
            raise Answered(401, "AuthenticationRequired", "Authentication Required")
        self._check_record(body)
        rkey = body.get("rkey") or self.tid()
        if f"at://{self.council.did}/{POST}/{rkey}" in self.posts:
            raise Answered(500, "InternalServerError", "Internal Server Error")
        record = self.put(self.council, rkey, body["record"])
        return {"uri": record.uri, "cid": record.cid, "validationStatus": "valid"}

    def _check_record(self, body: dict[str, Any]) -> None:
        record = body["record"]
        if self.lexicons is not None:
            try:
                self.lexicons.check_record(body["collection"], record)
            except Wrong as exc:
                raise Answered(400, "InvalidRequest", f"Invalid {body['collection']} record: {exc}") from exc
        for image in record.get("embed", {}).get("images", ()):
            assert image["image"]["ref"]["$link"] in self.blobs, "a picture that was not handed in"
        size = len(record["text"].encode())
        assert size <= 3000
        for facet in record.get("facets", ()):
            start, end = facet["index"]["byteStart"], facet["index"]["byteEnd"]
            assert 0 <= start < end <= size, "a facet outside the text"
            record["text"].encode()[start:end].decode()  # never in the middle of a character
        for name in ("root", "parent") if "reply" in record else ():
            assert record["reply"][name]["cid"], f"{name} without cid"

    def _own_uri(self, body: dict[str, Any]) -> str:
        if body["repo"] != self.council.did:
            raise Answered(401, "AuthenticationRequired", "Authentication Required")
        return f"at://{self.council.did}/{body['collection']}/{body['rkey']}"

    def putRecord(self, _: Any, body: dict[str, Any], __: str) -> dict[str, Any]:
        uri = self._own_uri(body)
        if self.lexicons is not None:
            self.lexicons.check_record(body["collection"], body["record"])
        there = self.kept.get(uri)
        if "swapRecord" in body and body["swapRecord"] != (there["cid"] if there else None):
            raise Answered(400, "InvalidSwap", "Record was at another cid")
        cid = f"bafyrei{digest(json.dumps(body['record'], sort_keys=True), 52)}"
        self.kept[uri] = {"cid": cid, "value": body["record"]}
        self._see_blocks()
        return {"uri": uri, "cid": cid, "validationStatus": "valid"}

    def deleteRecord(self, _: Any, body: dict[str, Any], __: str) -> dict[str, Any]:
        self.kept.pop(self._own_uri(body), None)
        self._see_blocks()
        return {}

    def _see_blocks(self) -> None:
        blocked = {r["value"]["subject"] for uri, r in self.kept.items() if "/app.bsky.graph.block/" in uri}
        for person in self.people.values():
            person.blocked = person.did in blocked

    def getProfile(self, params: dict[str, list[str]], _: Any, __: str) -> dict[str, Any]:
        person = self.people.get(params["actor"][0])
        if person is None:
            raise Answered(400, "InvalidRequest", "Profile not found")
        made = [u for u, r in self.kept.items() if r["value"].get("subject") == person.did]
        return {**self._basic(person), "viewer": {"muted": person.muted, **({"blocking": made[0]} if made else {})}}

    def muteActor(self, _: Any, body: dict[str, Any], __: str) -> dict[str, Any]:
        self.people[body["actor"]].muted = True
        return {}

    def unmuteActor(self, _: Any, body: dict[str, Any], __: str) -> dict[str, Any]:
        self.people[body["actor"]].muted = False
        return {}

    def createReport(self, _: Any, body: dict[str, Any], __: str) -> dict[str, Any]:
        self.reports.append(body)
        made = {"id": len(self.reports), "reportedBy": self.council.did, "createdAt": stamp(self.time)}
        return {**body, **made}

    def getRecord(self, params: dict[str, list[str]], _: Any, __: str) -> dict[str, Any]:
        uri = f"at://{params['repo'][0]}/{params['collection'][0]}/{params['rkey'][0]}"
        if uri in self.kept:
            return {"uri": uri, **self.kept[uri]}
        if uri not in self.posts:
            raise Answered(400, "RecordNotFound", f"Could not locate record: {uri}")
        record = self.posts[uri]
        return {"uri": uri, "cid": record.cid, "value": record.value}

    def listRecords(self, params: dict[str, list[str]], _: Any, __: str) -> dict[str, Any]:
        limit, cursor = int(params.get("limit", ["50"])[0]), params.get("cursor", [None])[0]
        mine = [r for r in self.posts.values() if r.author.did == params["repo"][0]]
        keyed = sorted(((r.uri.rpartition("/")[2], r) for r in mine), key=lambda pair: pair[0], reverse=True)
        page = [pair for pair in keyed if cursor is None or pair[0] < cursor][:limit]
        answer: dict[str, Any] = {"records": [{"uri": r.uri, "cid": r.cid, "value": r.value} for _key, r in page]}
        return answer | ({"cursor": page[-1][0]} if page else {})

    def resolveHandle(self, params: dict[str, list[str]], _: Any, __: str) -> dict[str, Any]:
        for person in self.people.values():
            if person.handle == params["handle"][0]:
                return {"did": person.did}
        raise Answered(400, "HandleNotFound", "Unable to resolve handle")

    # --- chat service -------------------------------------------------------------------------------------

    def _convo_view(self, convo: Convo) -> dict[str, Any]:
        kind: dict[str, Any] = {"$type": "chat.bsky.convo.defs#directConvo"}
        if convo.name is not None:
            kind = {
                "$type": "chat.bsky.convo.defs#groupConvo",
                "name": convo.name,
                "createdAt": stamp(self.time),
                "lockStatus": "unlocked",
                "lockStatusModerationOverride": False,
                "memberCount": len(convo.members),
                "memberLimit": 50,
            }
        view: dict[str, Any] = {
            "id": convo.id,
            "rev": self.tid(),
            "members": [self._basic(person) for person in convo.members],
            "muted": False,
            "unreadCount": 0,
            "status": convo.status,
            "kind": kind,
        }
        return view | ({"lastMessage": convo.messages[-1]} if convo.messages else {})

    def _paged(self, rows: list[Any], params: dict[str, list[str]]) -> tuple[list[Any], dict[str, str]]:
        start, limit = int(params.get("cursor", ["0"])[0]), int(params.get("limit", ["50"])[0])
        more = {"cursor": str(start + limit)} if start + limit < len(rows) else {}
        return rows[start : start + limit], more

    def listConvos(self, params: dict[str, list[str]], _: Any, __: str) -> dict[str, Any]:
        wanted = [c for c in self.convos.values() if params.get("status", [c.status])[0] == c.status]
        rows, more = self._paged(wanted, params)
        return {"convos": [self._convo_view(c) for c in rows], **more}

    def listConvoRequests(self, params: dict[str, list[str]], _: Any, __: str) -> dict[str, Any]:
        rows, more = self._paged([c for c in self.convos.values() if c.status == "request"], params)
        return {"requests": [{"$type": "chat.bsky.convo.defs#convoView", **self._convo_view(c)} for c in rows], **more}

    def _convo(self, ident: str) -> Convo:
        if ident not in self.convos:
            raise Answered(400, "InvalidConvo", "Convo not found")
        return self.convos[ident]

    def getConvo(self, params: dict[str, list[str]], _: Any, __: str) -> dict[str, Any]:
        return {"convo": self._convo_view(self._convo(params["convoId"][0]))}

    def getConvoForMembers(self, params: dict[str, list[str]], _: Any, __: str) -> dict[str, Any]:
        person = self.people[params["members"][0]]
        if person.messages == "none":
            raise Answered(400, "MessagesDisabled", "recipient has disabled incoming messages")
        if person.messages == "following":
            raise Answered(
                400, "NotFollowedBySender", "recipient requires incoming messages to come from someone they follow"
            )
        if person.blocks_us:
            raise Answered(400, "BlockedActor", "block between recipient and sender")
        return {"convo": self._convo_view(self.convo(person, status="accepted"))}

    def getConvoAvailability(self, params: dict[str, list[str]], _: Any, __: str) -> dict[str, Any]:
        person = self.people[params["members"][0]]
        found = [c for c in self.convos.values() if c.name is None and person in c.members]
        return {"canChat": person.messages == "all", **({"convo": self._convo_view(found[0])} if found else {})}

    def getMessages(self, params: dict[str, list[str]], _: Any, __: str) -> dict[str, Any]:
        rows, more = self._paged(self._convo(params["convoId"][0]).messages[::-1], params)
        return {"messages": rows, **more}

    def getLog(self, params: dict[str, list[str]], _: Any, __: str) -> dict[str, Any]:
        if "cursor" not in params:
            return {"logs": [], "cursor": f"log-{len(self.log)}"}
        start = int(params["cursor"][0].removeprefix("log-"))
        if start < self.log_start:
            raise Answered(400, "InvalidRequest", "Invalid cursor")
        rows = self.log[start : start + self.log_page]
        return {"logs": rows, "cursor": f"log-{start + len(rows)}"}

    def acceptConvo(self, _: Any, body: dict[str, Any], __: str) -> dict[str, Any]:
        self._convo(body["convoId"]).status = "accepted"
        return {"rev": self.tid()}

    def sendMessage(self, _: Any, body: dict[str, Any], __: str) -> dict[str, Any]:
        convo = self._convo(body["convoId"])
        assert convo.status == "accepted", "a request must be accepted before it is answered"
        message = body["message"]
        more = {name: message[name] for name in ("facets",) if name in message}
        if "replyTo" in message:
            answered = next(m for m in convo.messages if m["id"] == message["replyTo"]["messageId"])
            more["replyTo"] = answered
        return self.say(self.council, message["text"], convo, **more)


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away are what the tests are about."""


class _Handler(BaseHTTPRequestHandler):
    double: BlueskyServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_: object) -> None:
        """Tests are quiet."""

    def do_GET(self) -> None:
        self._serve(None)

    def do_POST(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(size)
        if self.path.endswith("uploadBlob"):
            self._serve({"data": raw, "mime": self.headers.get("Content-Type")})
        else:
            self._serve(json.loads(raw) if raw else {})

    def _serve(self, body: Any) -> None:
        double, parts = self.double, urlsplit(self.path)
        method, params = parts.path.removeprefix("/xrpc/"), parse_qs(parts.query)
        with double._lock:
            double.counts[method] += 1
            double.requests.append((method, body if body is not None else dict(params)))
            fault = double.fault(method)
            if fault == "reset":
                return self._drop()
            status, headers, answer = self._answer(method, params, body, fault)
        if fault == "hang":
            double.leaving.wait(30)
        if fault in ("lost", "hang"):
            return self._drop()
        raw = b"<html>Bad gateway</html>" if fault == "html" else json.dumps(answer).encode("utf-8", "surrogatepass")
        self.send_response_only(status)
        self.send_header("Date", format_datetime(double.time, usegmt=True))
        self.send_header("Content-Type", "text/html" if fault == "html" else "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(raw)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(raw[: len(raw) // 2] if fault == "cut" else raw)
        if fault == "cut":
            self._drop()
        return None

    def _answer(
        self, method: str, params: dict[str, list[str]], body: Any, fault: str
    ) -> tuple[int, dict[str, str], dict[str, Any]]:
        double = self.double
        try:
            if fault.isdigit():
                words = {"429": "RateLimitExceeded", "502": "UpstreamFailure"}.get(fault, "InternalServerError")
                waits = {"retry-after": "240"} if fault == "429" else {}
                raise Answered(int(fault), words, words, waits)
            token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
            if not method.startswith("com.atproto.server."):
                double.authorise(method, token, self.headers.get("atproto-proxy") == CHAT)
            self._check(method, params, body)
            call = cast("Callable[..., dict[str, Any]] | None", getattr(double, method.rpartition(".")[2], None))
            if call is None or fault == "unknown":
                raise Answered(501, "MethodNotImplemented", "Method Not Implemented")
            answer = json.loads(json.dumps(call(params, body, token)))
            if double.lexicons is not None:
                double.lexicons.check_output(method, answer)
            return 200, {}, answer
        except Answered as exc:
            return exc.status, exc.headers, {"error": exc.error, "message": exc.message}
        except (Wrong, AssertionError, KeyError, StopIteration) as exc:
            double.complaints.append(f"{method}: {exc!r}")
            return 400, {}, {"error": "InvalidRequest", "message": f"Invalid {method}: {exc}"}

    def _check(self, method: str, params: dict[str, list[str]], body: Any) -> None:
        if self.double.lexicons is None:
            return
        try:
            if body is None:
                self.double.lexicons.check_params(method, params)
            elif method not in ("com.atproto.server.refreshSession", "com.atproto.repo.uploadBlob"):
                self.double.lexicons.check_input(method, body)
        except Wrong as exc:
            self.double.complaints.append(f"{method} was sent: {exc}")
            raise Answered(400, "InvalidRequest", f"Invalid {method} params: {exc}") from exc

    def _drop(self) -> None:
        self.close_connection = True
        self.wfile.flush()
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            return
