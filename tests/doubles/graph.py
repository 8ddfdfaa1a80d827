"""A Graph API on loopback: one Page with posts, comments and Messenger, one Instagram account, and their rules.

It runs in a thread, so that whole programs can be pointed at it. What the specification does not allow is refused and
put down in `problems`; faults are put in a queue with `fail`; what was asked is in `requests`.
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from tests.doubles.forms import File, read_form
from tests.doubles.graph_spec import ANYWHERE, EDGES, FIELDS, OUTSIDE, parse_fields

PAGE = "1100000000001"
IG = "17840000000000001"
TOKEN = "EAApage-token-of-the-council"
USER_TOKEN = "EAAuser-token-of-an-officer"
SYSTEM_TOKEN = "EAAsystem-user-token"
APP = "5500000000001"
SCOPES = (
    "pages_show_list", "pages_read_engagement", "pages_read_user_content", "pages_manage_engagement",
    "pages_manage_metadata", "pages_messaging", "instagram_basic", "instagram_manage_comments",
    "instagram_manage_messages", "pages_manage_posts",
)  # fmt: skip
LARGEST = 100
SEEN_OF_A_CONVERSATION = 20


@dataclass
class Grant:
    """A token: whose, of which kind, and what it may do."""

    kind: str
    profile: str | None = None
    scopes: set[str] = field(default_factory=lambda: set(SCOPES))
    valid: bool = True
    subcode: int = 460
    expires: int = 0
    data_access: int = 0
    only_for: dict[str, list[str]] = field(default_factory=dict)
    """Targets of permissions that are not for all."""


@dataclass
class Node:
    """Anything with an id. `edges` holds its lists, newest last."""

    type: str
    id: str
    at: datetime
    values: dict[str, Any]
    parent: str | None = None
    """What it stands below."""
    gone: bool = False


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


@dataclass(frozen=True)
class Asked:
    """A request that came in."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    form: dict[str, str]
    files: dict[str, File] = field(default_factory=dict)


class Refused(Exception):
    """An error of Meta's."""

    def __init__(self, code: int, message: str, subcode: int | None = None, status: int = 400) -> None:
        super().__init__(message)
        self.body = {"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "A"}
        self.status = status
        if subcode is not None:
            self.body["error_subcode"] = subcode


def stamp(at: datetime) -> str:
    """A time as Meta writes it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")


class GraphServer:
    """`with GraphServer() as server:`. `clock` gives the time of what is written."""

    def __init__(self, clock: Callable[[], datetime] | None = None) -> None:
        self.clock = clock or (lambda: datetime.now(UTC))
        self.lock = threading.RLock()
        self.requests: list[Asked] = []
        self.problems: list[str] = []
        self.faults: list[Fault] = []
        self.tokens = {
            TOKEN: Grant("PAGE", PAGE),
            USER_TOKEN: Grant("USER"),
            SYSTEM_TOKEN: Grant("SYSTEM_USER"),
        }
        self.nodes: dict[str, Node] = {}
        self.feed: dict[str, list[str]] = {edge: [] for edge in ("feed", "visitor_posts", "tagged", "ads_posts")}
        self.media: list[str] = []
        self.tags: list[str] = []
        self.conversations: list[str] = []
        self.blocked: set[str] = set()
        self.private_replies: dict[str, str] = {}
        self.pictures: dict[str, tuple[str, dict[str, str], File]] = {}
        """What was handed in: the edge, its form and its file, by id."""
        self.usage: dict[str, str] = {}
        """Headers of every answer."""
        self.apps: dict[str, str] = {}
        """Secrets of apps by their id."""
        self.proof = ""
        """The app's secret, where every call must prove to know it."""
        self.only_apps_ask = False
        self.bump_nested = True
        self.deep = False
        """Answers to answers stand below those, not below the top comment."""
        self.unsigned = False
        """Lists do not tell when a post moved, or how many comments a picture has."""
        self.bare_ids = False
        self.ranked = False
        self.nameless = False
        self.omit_ids = False
        self.largest = LARGEST
        self.release = threading.Event()
        self.on_request: Callable[[Asked], None] | None = None
        self._count = itertools.count(1)
        handler = type("Handler", (_Handler,), {"double": self})
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    # --- life -----------------------------------------------------------------------------------------------

    def __enter__(self) -> GraphServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.release.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(5)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def fail(self, kind: str | int, path: str = "", method: str = "", **more: Any) -> None:
        """Let the next matching request go wrong."""
        self.faults.append(Fault(str(kind), path, method, **more))

    def error(self, code: int, path: str = "", method: str = "", *, subcode: int | None = None, **more: Any) -> None:
        """Let the next matching request be answered with one of Meta's errors."""
        body = Refused(code, f"(#{code}) words", subcode).body
        self.fail(more.pop("status", 400), path, method, body=json.dumps({"error": body}), **more)

    def asked(self, part: str = "", method: str = "") -> list[Asked]:
        """Requests by a part of their path."""
        return [r for r in self.requests if part in r.path and method in ("", r.method)]

    # --- what people do -------------------------------------------------------------------------------------

    def _new(self, prefix: str) -> str:
        return f"{prefix}{next(self._count):06d}"

    def person(self, name: str) -> dict[str, str]:
        """Somebody: the same id for the same name."""
        number = 9_000_000 + sum(ord(letter) * 31**place for place, letter in enumerate(name)) % 900_000
        return {"id": f"2{number}", "name": name}

    def post(self, text: str, author: str | None = None, *, edge: str = "feed", at: datetime | None = None) -> str:
        """A post of the Page's, or of `author`."""
        now = at or self.clock()
        owner = self.person(author) if author else {"id": PAGE, "name": "Anytown Council"}
        id_ = f"{owner['id'] if edge == 'tagged' else PAGE}_{self._new('77')}"
        values = {"from": owner, "message": text, "updated_time": now, "is_published": edge != "ads_posts"}
        values |= {"permalink_url": f"https://facebook.example/{id_}", "is_hidden": False, "attachments": None}
        self.nodes[id_] = Node("PagePost", id_, now, values)
        self.feed[edge].append(id_)
        if author and edge == "visitor_posts":
            self.feed["feed"].append(id_)
        return id_

    def comment(self, on: str, text: str, author: str | None = "Ada", *, at: datetime | None = None) -> str:
        """A comment below a post or a comment; the Page's own without an author."""
        now = at or self.clock()
        above = self.nodes[on]
        post = above if above.type == "PagePost" else self.nodes[self._post_of(above)]
        top = above.id if self.deep or (above.type == "Comment" and above.parent == post.id) else above.parent
        id_ = f"{post.id.split('_')[1]}_{self._new('88')}"
        values: dict[str, Any] = {"message": text, "is_hidden": False}
        values["from"] = self.person(author) if author else {"id": PAGE, "name": "Anytown Council"}
        values |= dict.fromkeys(("can_hide", "can_remove", "can_comment", "can_reply_privately"), True)
        nested = above.type == "Comment"
        self.nodes[id_] = Node("Comment", id_, now, values, parent=top if nested else post.id)
        if (not nested or self.bump_nested) and now > post.values["updated_time"]:
            post.values["updated_time"] = now
        return id_

    def _post_of(self, node: Node) -> str:
        while node.type != "PagePost":
            node = self.nodes[node.parent or ""]
        return node.id

    def message(
        self, author: str, text: str, *, own: bool = False, at: datetime | None = None, platform: str = "messenger",
        **more: Any,
    ) -> str:  # fmt: skip
        """A private message by `author`, or of the account's to them."""
        now = at or self.clock()
        them = self.person(author)
        conversation = f"t_{platform}_{them['id']}"
        me: dict[str, str] = {"id": PAGE, "name": "Anytown Council"}
        if platform == "instagram":
            them = {"id": them["id"], "username": author.lower()}
            me = {"id": IG, "username": "anytown"}
        if conversation not in self.nodes:
            values = {"platform": platform, "updated_time": now, "can_reply": True}
            self.nodes[conversation] = Node("UnifiedThread", conversation, now, values)
            self.conversations.append(conversation)
        self.nodes[conversation].values["updated_time"] = now
        id_ = f"m_{self._new('99')}"
        values = {"message": text, "from": me if own else them, "to": {"data": [them if own else me]}, **more}
        self.nodes[id_] = Node("UnifiedMessage", id_, now, values, parent=conversation)
        return id_

    def medium(self, caption: str, author: str | None = None, *, at: datetime | None = None) -> str:
        """A picture on Instagram: the account's, or one of `author`'s that it is tagged in."""
        id_ = self._new("1799")
        username = author.lower() if author else "anytown"
        values = {"caption": caption, "username": username, "media_type": "IMAGE"}
        values |= {"permalink": f"https://instagram.example/p/{id_}", "media_url": f"https://cdn.example/{id_}.jpg"}
        self.nodes[id_] = Node("IGMedia", id_, at or self.clock(), values)
        (self.tags if author else self.media).append(id_)
        return id_

    def ig_comment(self, on: str, text: str, author: str | None = "ada", *, at: datetime | None = None) -> str:
        """A comment on a picture, or an answer to a comment; the account's own without an author."""
        id_ = self._new("1788")
        who = {"id": self.person(author)["id"], "username": author} if author else {"id": IG, "username": "anytown"}
        values = {"text": text, "from": who, "username": who["username"], "hidden": False}
        self.nodes[id_] = Node("IGComment", id_, at or self.clock(), values, parent=on)
        return id_

    def edit(self, id_: str, text: str) -> None:
        """Other words."""
        name = "text" if self.nodes[id_].type == "IGComment" else "message"
        self.nodes[id_].values[name] = text

    def delete(self, id_: str) -> None:
        """Gone, and everything below it."""
        for node in self.nodes.values():
            if node.id == id_ or node.parent == id_:
                node.gone = True

    def below(self, id_: str, type_: str = "") -> list[Node]:
        """What stands directly below something, newest last."""
        found = [n for n in self.nodes.values() if n.parent == id_ and not n.gone and type_ in ("", n.type)]
        return sorted(found, key=lambda node: node.at)

    def sent(self, type_: str = "Comment") -> list[Node]:
        """What the account itself wrote through the interface."""
        return [n for n in self.nodes.values() if n.type == type_ and n.values.get("by_api")]


class _Handler(BaseHTTPRequestHandler):
    """One connection. `double` is set on a subclass."""

    double: GraphServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        self._serve("GET")

    def do_POST(self) -> None:
        self._serve("POST")

    def do_DELETE(self) -> None:
        self._serve("DELETE")

    def _serve(self, method: str) -> None:
        parts = urlsplit(self.path)
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        form, files = read_form(self.headers.get("Content-Type", ""), raw)
        query = {k: v[0] for k, v in parse_qs(parts.query, keep_blank_values=True).items()}
        headers = {k.lower(): v for k, v in self.headers.items()}
        asked = Asked(method, unquote(parts.path), query, headers, form, files)
        double = self.double
        with double.lock:
            double.requests.append(asked)
            if double.on_request is not None:
                double.on_request(asked)
            fault = next((f for f in double.faults if f.path in asked.path and f.method in ("", method)), None)
            if fault is not None:
                double.faults.remove(fault)
            if fault is None or fault.kind in ("lost", "truncate", "slow"):
                status, body = self._answer(asked)
            elif fault.kind == "html":
                status, body = 200, "<!DOCTYPE html><html><p>Not what you asked.</p></html>"
            else:
                status, body = int(fault.kind) if fault.kind.isdigit() else 500, fault.body or "{}"
        if fault is not None and fault.kind == "slow":
            double.release.wait(30)
        if fault is not None and fault.kind in ("reset", "lost"):
            # Zero linger: the peer sees a reset, not an end.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            self.connection.close()
            return
        self._send(status, body.encode(), fault)

    def _send(self, status: int, body: bytes, fault: Fault | None) -> None:
        self.send_response(status)
        extra = {**self.double.usage, **(fault.headers if fault else {})}
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **extra}.items():
            self.send_header(name, value)
        self.end_headers()
        if fault is not None and fault.kind == "truncate":
            self.wfile.write(body[: len(body) // 2])
            self.close_connection = True
            return
        self.wfile.write(body)

    def _answer(self, asked: Asked) -> tuple[int, str]:
        try:
            return 200, json.dumps(_Call(self.double, asked).answer())
        except Refused as exc:
            return exc.status, json.dumps({"error": exc.body})


class _Call:
    """One request against the double's state."""

    def __init__(self, double: GraphServer, asked: Asked) -> None:
        self.double = double
        self.asked = asked
        self.token = ""
        self.grant = Grant("")

    def wrong(self, what: str, code: int = 100) -> Refused:
        """A call that the specification does not allow: refused, and put down."""
        self.double.problems.append(f"{self.asked.method} {self.asked.path} {self.asked.query}: {what}")
        return Refused(code, f"(#{code}) {what}")

    def answer(self) -> Any:
        path = self.asked.path.strip("/").split("/")
        if path == ["refresh_access_token"]:
            return self._extended()
        if path[0] != "v26.0":
            raise self.wrong(f"version {path[0]}")
        self._sign_in()
        if path[1:] == ["debug_token"]:
            return self._debug()
        self._prove()
        if path[1:] == ["me", "accounts"]:
            page = {"id": PAGE, "name": "Anytown Council", "access_token": TOKEN}
            return {"data": [page | {"instagram_business_account": {"id": IG}}]}
        if "ids" in self.asked.query:
            raise self.wrong("ids at the root is not supported")
        node = path[1]
        if path[1:] == ["me"] and self.grant.kind in ("USER", "SYSTEM_USER"):
            return {"id": "9000000000001", "name": "An Officer"}
        if node == "me":
            node = IG if self.grant.kind == "IG" else PAGE
        return self._call(node, path[2] if len(path) > 2 else "")

    def _extended(self) -> Any:
        """Instagram's own tokens: another one for one that still counts. The token is in the address, as specified."""
        token = self.asked.query["access_token"]
        self.double.tokens[f"{token}-extended"] = self.double.tokens.pop(token)
        return {"access_token": f"{token}-extended", "token_type": "bearer", "expires_in": 60 * 86_400}

    def _sign_in(self) -> None:
        header = self.asked.headers.get("authorization", "")
        self.token = header.removeprefix("Bearer ") or self.asked.query.get("access_token", "")
        if "access_token" in self.asked.query:
            self.double.problems.append("the token is in an address")
        grant = self.double.tokens.get(self.token)
        if "|" in self.token and self.double.apps.get(self.token.split("|")[0]) == self.token.split("|")[1]:
            grant = Grant("APP")
        if grant is None:
            raise Refused(190, f"Malformed access token {self.token}", status=401)
        if not grant.valid and "debug_token" not in self.asked.path:
            raise Refused(190, "Error validating access token", grant.subcode, 401)
        self.grant = grant

    def _prove(self) -> None:
        """Refuse a call without proof that the caller knows the app's secret, where that is demanded."""
        if not self.double.proof:
            return
        digest = hmac.new(self.double.proof.encode(), self.token.encode(), hashlib.sha256).hexdigest()
        if self.asked.query.get("appsecret_proof") != digest:
            raise Refused(100, "(#100) API calls from the server require an appsecret_proof argument")

    def _debug(self) -> Any:
        if self.double.only_apps_ask and self.grant.kind != "APP":
            raise Refused(100, "(#100) You must provide an app access token, or a user access token of a developer")
        grant = self.double.tokens[self.asked.query["input_token"]]
        data: dict[str, Any] = {
            "app_id": APP, "type": grant.kind, "application": "Desk", "is_valid": grant.valid,
            "expires_at": grant.expires, "data_access_expires_at": grant.data_access, "scopes": sorted(grant.scopes),
        }  # fmt: skip
        data["granular_scopes"] = [
            {"scope": scope, **({"target_ids": grant.only_for[scope]} if scope in grant.only_for else {})}
            for scope in sorted(grant.scopes)
        ]
        if not grant.valid:
            data["error"] = {"code": 190, "message": "The session was invalidated", "subcode": grant.subcode}
        if grant.profile:
            data["profile_id"] = grant.profile
        return {"data": data}

    # --- checks -----------------------------------------------------------------------------------------------

    def _call(self, id_: str, edge: str) -> Any:
        kind = self._kind(id_)
        allowed = EDGES.get((kind, self.asked.method, edge))
        if (kind, edge) == ("IGUser", "messages"):
            allowed = EDGES["Page", "POST", "messages"]
        if kind == "UnifiedMessage" and not edge:
            allowed = set()
        if allowed is None:
            raise self.wrong(f"no edge {edge!r} of a {kind} with {self.asked.method}")
        extra = {*self.asked.query, *self.asked.form} - allowed - ANYWHERE
        if extra:
            raise self.wrong(f"unknown parameters {sorted(extra)}")
        if self.asked.method == "GET":
            return self._read(kind, id_, edge)
        return _Writing(self, kind, id_).write(edge)

    def _kind(self, id_: str) -> str:
        if id_ in (PAGE, "anytowncouncil"):
            return "Page"
        if id_ == IG:
            return "IGUser"
        return self._node(id_).type

    def _node(self, id_: str) -> Node:
        node = self.double.nodes.get(id_)
        if node is None:
            whole = [key for key in self.double.nodes if key.endswith(f"_{id_}")]
            node = self.double.nodes[whole[0]] if whole else None
        if node is None or node.gone:
            message = f"Unsupported get request. Object with ID '{id_}' does not exist, cannot be loaded due to"
            raise Refused(100, f"{message} missing permissions, or does not support this operation", 33)
        return node

    def may(self, *scopes: str) -> None:
        """Refuse what was not granted."""
        lacking = [scope for scope in scopes if scope not in self.grant.scopes]
        if lacking:
            raise Refused(10, f"(#10) This endpoint requires the '{lacking[0]}' permission", status=403)

    # --- reading ----------------------------------------------------------------------------------------------

    def _read(self, kind: str, id_: str, edge: str) -> Any:
        if not edge:
            return self._object(kind, id_)
        below, nodes = self._list(kind, id_, edge)
        fields = self._fields(below)
        if below == "UnifiedMessage" and "instagram" in id_:
            fields = {name: fields[name] for name in fields if name in ("id", "created_time")}
        return self.paged(nodes, below, fields, int(self.asked.query.get("limit", "25")))

    def _object(self, kind: str, id_: str) -> Any:
        fields = self._fields(kind)
        if kind in ("Page", "IGUser"):
            whole = {"id": PAGE, "name": "Anytown Council", "access_token": TOKEN, "category": "Government"}
            if kind == "IGUser":
                whole = {"id": IG, "user_id": IG, "username": "anytown", "name": "Anytown Council"}
            return {name: whole[name] for name in {"id", *fields} if name in whole}
        node = self._node(id_)
        if kind == "UnifiedMessage":
            self.may("pages_messaging" if "instagram" not in (node.parent or "") else "instagram_manage_messages")
            self._readable(node)
        return self.shown(node, fields)

    def _readable(self, node: Node) -> None:
        """Instagram gives out the newest messages of a conversation only, and says of others that they are deleted."""
        siblings = self.double.below(node.parent or "")
        if "instagram" in (node.parent or "") and node not in siblings[-SEEN_OF_A_CONVERSATION:]:
            raise Refused(100, "(#100) The message has been deleted", 2534012)

    def _list(self, kind: str, id_: str, edge: str) -> tuple[str, list[Node]]:
        double, nodes = self.double, self.double.nodes
        if edge == "conversations":
            platform = self.asked.query.get("platform", "messenger").lower()
            self.may("pages_messaging" if platform == "messenger" else "instagram_manage_messages")
            found = [nodes[c] for c in double.conversations if nodes[c].values["platform"] == platform]
            return "UnifiedThread", sorted(found, key=lambda n: n.values["updated_time"], reverse=True)
        if kind == "Page":
            self.may("pages_read_engagement")
            posts = [nodes[i] for i in double.feed[edge] if not nodes[i].gone]
            return "PagePost", posts if double.ranked else posts[::-1]
        if kind == "UnifiedThread":
            return "UnifiedMessage", double.below(id_)[::-1]
        if kind == "IGUser":
            ids = double.media if edge == "media" else double.tags
            return "IGMedia", sorted((nodes[i] for i in ids if not nodes[i].gone), key=lambda n: n.at, reverse=True)
        if kind == "IGMedia":
            return "IGComment", double.below(id_)[::-1]
        if kind == "IGComment":
            return "IGComment", double.below(id_)
        return "Comment", self._comments(self._node(id_))

    def _comments(self, above: Node) -> list[Node]:
        self.may("pages_read_engagement", "pages_read_user_content")
        if self.grant.kind != "PAGE":
            return []  # the trap: no error, and nothing there
        found = self.double.below(above.id, "Comment")
        if self.asked.query.get("filter", "toplevel") == "stream":
            for comment in found:  # grows while it is walked
                found += self.double.below(comment.id, "Comment")
        found.sort(key=lambda node: node.at, reverse=self.asked.query.get("order") == "reverse_chronological")
        if self.double.ranked:
            found.sort(key=lambda node: (len(node.values["message"]), node.id))
        return found

    def paged(self, nodes: list[Node], kind: str, fields: dict[str, Any], limit: int, path: str = "") -> Any:
        """A page of a list, after the cursor of the call."""
        if limit > self.double.largest:
            raise Refused(1, "Please reduce the amount of data you're asking for, then retry your request", status=500)
        after = self.asked.query.get("after")
        at = next((n + 1 for n, node in enumerate(nodes) if node.id == after), 0) if after and not path else 0
        if after and not path and not at:
            raise Refused(100, "(#100) Invalid cursor")
        page = nodes[at : at + limit]
        answer: dict[str, Any] = {"data": [self.shown(node, fields) for node in page]}
        if page:
            answer["paging"] = {"cursors": {"before": page[0].id, "after": page[-1].id}}
            if at + limit < len(nodes):
                query = {**self.asked.query, "access_token": self.token, "after": page[-1].id, "limit": limit}
                where = path or self.asked.path
                answer["paging"]["next"] = f"https://graph.facebook.com{where}?{urlencode(query)}"
        return answer

    def _fields(self, kind: str) -> dict[str, Any]:
        try:
            fields = parse_fields(self.asked.query.get("fields", "id"))
        except ValueError as exc:
            raise self.wrong(f"syntax error in fields at {exc}") from exc
        known = FIELDS.get(kind, set()) | OUTSIDE.get(kind, set())
        unknown = set(fields) - known
        if unknown:
            raise self.wrong(f"Tried accessing nonexisting fields {sorted(unknown)} on node type ({kind})")
        return fields

    def shown(self, node: Node, fields: dict[str, Any]) -> dict[str, Any]:
        """A node as it is answered: what was asked for, and what there is of it."""
        shown: dict[str, Any] = {}
        for name, (limit, inner) in {"id": (None, {}), **fields}.items():
            value = self._value(node, name, limit, inner)
            if value is not None:
                shown[name] = value
        if node.type == "Comment" and self.double.nameless:
            shown.pop("from", None)
        if node.type == "Comment" and self.double.omit_ids:
            del shown["id"]
        return shown

    def _value(self, node: Node, name: str, limit: int | None, inner: dict[str, Any]) -> Any:
        double = self.double
        if name == "id":
            return node.id.split("_")[1] if node.type == "Comment" and double.bare_ids else node.id
        if name in ("created_time", "timestamp"):
            return stamp(node.at)
        if double.unsigned and name in ("updated_time", "comments_count") and node.type != "UnifiedThread":
            return None
        if name == "updated_time":
            return stamp(node.values["updated_time"])
        if name == "parent":
            above = double.nodes.get(node.parent or "")
            return self.shown(above, inner) if above is not None and above.type == "Comment" else None
        if name == "parent_id":
            above = double.nodes.get(node.parent or "")
            return above.id if above is not None and above.type == "IGComment" else None
        if name == "comments_count":
            return sum(1 + len(double.below(n.id)) for n in double.below(node.id))
        if name == "permalink_url" and node.type == "Comment":
            return self._link(node)
        if name == "private_reply_conversation":
            found = double.private_replies.get(node.id)
            return {"id": found} if found else None
        if name == "replies":
            page = self.paged(double.below(node.id), "IGComment", inner, 25, f"/v26.0/{node.id}/replies")
            return page if page["data"] else None
        if name == "messages":
            return self._messages(node, limit or 25, inner)
        return node.values.get(name)

    def _link(self, node: Node) -> str:
        post, id_ = node.id.split("_")
        above = self.double.nodes[node.parent or ""]
        query = f"comment_id={id_}"
        if above.type == "Comment":
            query = f"comment_id={above.id.split('_')[1]}&reply_comment_id={id_}"
        return f"https://facebook.example/{PAGE}/posts/{post}/?{query}"

    def _messages(self, node: Node, limit: int, inner: dict[str, Any]) -> Any:
        nodes = self.double.below(node.id)[::-1]
        if node.values["platform"] == "instagram":
            inner = {"id": (None, {}), "created_time": (None, {})}
        return self.paged(nodes, "UnifiedMessage", inner, limit, f"/v26.0/{node.id}/messages")


class _Writing:
    """What changes something."""

    def __init__(self, call: _Call, kind: str, id_: str) -> None:
        self.call = call
        self.double = call.double
        self.kind = kind
        self.id = id_
        self.form = call.asked.form

    def write(self, edge: str) -> Any:
        if edge == "blocked" and self.call.asked.method == "DELETE":
            self.double.blocked.discard(self.call.asked.query["user"])
            return {"success": True}
        if self.call.asked.method == "DELETE":
            node = self.call._node(self.id)
            self.call.may("pages_manage_engagement" if node.type == "Comment" else "instagram_manage_comments")
            self.double.delete(node.id)
            return {"success": True}
        return getattr(self, f"_{edge}" if edge else "_itself")()

    def _itself(self) -> Any:
        if "message" in self.form:
            raise self.call.wrong("the edit call: it would overwrite what somebody wrote")
        node = self.call._node(self.id)
        name = "hide" if node.type == "IGComment" else "is_hidden"
        node.values["hidden" if name == "hide" else name] = self.form[name] == "true"
        return {"success": True}

    def _comments(self) -> Any:
        if self.kind == "IGMedia":
            return self._replies()
        self.call.may("pages_manage_engagement")
        above = self.call._node(self.id)
        if above.values["from"]["id"] in self.double.blocked:
            raise Refused(100, "(#100) Cannot comment", 33)
        picture = self.form.get("attachment_id")
        if picture is not None and self.double.pictures[picture][0] != "photos":
            raise self.call.wrong(f"{picture} is no unpublished photo")
        id_ = self.double.comment(above.id, self.form["message"], None)
        self.double.nodes[id_].values |= {"by_api": True, "picture": picture}
        return {"id": id_}

    def _photos(self) -> Any:
        self.call.may("pages_manage_posts")
        if self.form.get("published") != "false":
            raise self.call.wrong("a picture that everybody sees")
        return {"id": self._handed_in("source")}

    def _message_attachments(self) -> Any:
        self.call.may("pages_messaging")
        if json.loads(self.form["message"])["attachment"]["type"] != "image":
            raise self.call.wrong("message")
        return {"attachment_id": self._handed_in("filedata")}

    def _handed_in(self, name: str) -> str:
        id_ = self.double._new("77")
        edge = self.call.asked.path.rpartition("/")[2]
        self.double.pictures[id_] = (edge, dict(self.form), self.call.asked.files[name])
        return id_

    def _feed(self) -> Any:
        self.call.may("pages_manage_posts")
        id_ = self.double.post(self.form["message"])
        self.double.nodes[id_].values["by_api"] = True
        return {"id": id_}

    def _replies(self) -> Any:
        self.call.may("instagram_manage_comments")
        id_ = self.double.ig_comment(self.call._node(self.id).id, self.form["message"], None)
        self.double.nodes[id_].values["by_api"] = True
        return {"id": id_}

    def _blocked(self) -> Any:
        people = json.loads(self.form["user"])
        self.double.blocked |= set(people)
        return dict.fromkeys(people, True)

    def _moderate_conversations(self) -> Any:
        people = {person["id"] for person in json.loads(self.form["user_ids"])}
        [action] = json.loads(self.form["actions"])
        if action not in ("BLOCK_USER", "UNBLOCK_USER"):
            raise self.call.wrong("actions")
        self.double.blocked = self.double.blocked | people if action == "BLOCK_USER" else self.double.blocked - people
        return {"success": True}

    def _messages(self) -> Any:
        instagram = self.kind == "IGUser" or self.call.asked.path.endswith("instagram")
        recipient, message = json.loads(self.form["recipient"]), json.loads(self.form["message"])
        if len(message) != 1:
            raise self.call.wrong("a message is words or an attachment")
        text, picture = message.get("text", ""), None
        if "attachment" in message:
            picture = message["attachment"]["payload"]["attachment_id"]
            if self.double.pictures[picture][0] != "message_attachments":
                raise self.call.wrong(f"{picture} is no attachment")
        to = recipient.get("comment_id") or recipient.get("post_id")
        platform = "messenger"
        if to is not None:
            author, platform = self._private_reply(to)
        else:
            author = self._within(recipient["id"])
            thread = next((n for n in self.double.nodes.values() if n.id.endswith(f"_{recipient['id']}")), None)
            platform = str(thread.values["platform"]) if thread is not None else platform
        platform = "instagram" if instagram else platform
        self.call.may("pages_messaging" if platform == "messenger" else "instagram_manage_messages")
        if platform == "instagram" and len(text.encode()) > 1000:
            raise Refused(100, "(#100) Length of param message[text] must be less than or equal to 1000", 2534055)
        id_ = self.double.message(author, text, own=True, platform=platform)
        self.double.nodes[id_].values |= {"by_api": True, "picture": picture}
        if picture is not None:
            shown = {
                "id": picture,
                "mime_type": "image/jpeg",
                "name": "picture",
                "image_data": {"url": "https://x.example"},
            }
            self.double.nodes[id_].values["attachments"] = {"data": [shown]}
        if to is not None:
            self.double.private_replies[self.call._node(to).id] = str(self.double.nodes[id_].parent)
        return {"recipient_id": self.double.person(author)["id"], "message_id": id_}

    def _private_reply(self, to: str) -> tuple[str, str]:
        node = self.call._node(to)
        if node.id in self.double.private_replies:
            raise Refused(10900, "(#10900) Activity already replied to")
        if self.double.clock() - node.at > timedelta(days=7):
            raise Refused(10, "(#10) The comment is too old", 2018278)
        who = node.values["from"]
        return str(who.get("name") or who["username"]), "instagram" if node.type == "IGComment" else "messenger"

    def _within(self, psid: str) -> str:
        """The person's name, when they wrote not too long ago."""
        theirs = [
            n for n in self.double.nodes.values() if n.type == "UnifiedMessage" and n.values["from"]["id"] == psid
        ]
        if not theirs:
            raise Refused(100, "(#100) No matching user found", 2018001)
        age = self.double.clock() - max(n.at for n in theirs)
        tagged = self.form.get("messaging_type") == "MESSAGE_TAG" and self.form.get("tag") == "HUMAN_AGENT"
        if age > (timedelta(days=7) if tagged else timedelta(hours=24)):
            raise Refused(10, "(#10) This message is sent outside of allowed window", 2018278)
        who = theirs[-1].values["from"]
        return str(who.get("name") or who["username"])
