"""YouTube's comments and Business Profile's reviews on loopback, with Google's token endpoint, scopes and quota.

Calls to YouTube are held against the discovery document where it is present: paths, parameters, enums, required ones.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from tests.doubles.vendor import Asked, Said, Vendor

DISCOVERY = Path(__file__).resolve().parents[3] / "shared/specs/google/youtube.v3.json"
YOUTUBE_SCOPE = "https://www.googleapis.com/auth/youtube.force-ssl"
BUSINESS_SCOPE = "https://www.googleapis.com/auth/business.manage"
CHANNEL = "UCanytown"
LOCATION = "accounts/11/locations/22"
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SECRET = {
    "access_token": "first-access-token",
    "refresh_token": "the-refresh-token",
    "expires_at": int((NOON + timedelta(hours=1)).timestamp()),
    "client_id": "777-desk.apps.googleusercontent.example",
    "client_secret": "not-so-secret",
}


def stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def error(status: int, reason: str, message: str = "") -> Said:
    words = message or reason
    body = {"code": status, "message": words, "errors": [{"message": words, "domain": "youtube", "reason": reason}]}
    return Said(status, {"error": body})


class GoogleServer(Vendor):
    """The token endpoint: an access token counts until it is taken out of `good`."""

    scope = ""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOON
        self.good = {"first-access-token"}
        self.refresh = {"the-refresh-token"}
        self.granted = self.scope
        self.renewed = 0

    def answer(self, asked: Asked) -> Any:
        if asked.path == "/token":
            return self._token(asked.body)
        token = asked.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in self.good:
            raise Said(401, {"error": {"code": 401, "status": "UNAUTHENTICATED", "message": "Invalid Credentials"}})
        if self.scope not in self.granted.split():
            raise error(403, "insufficientPermissions", "Insufficient Permission")
        return self.serve(asked)

    def serve(self, asked: Asked) -> Any:
        raise NotImplementedError

    def _token(self, form: Any) -> Any:
        if form.get("grant_type") == "authorization_code":
            return self._traded(form)
        if form.get("grant_type") != "refresh_token" or form.get("client_id") != SECRET["client_id"]:
            raise self.wrong(f"a token was asked for with {sorted(form)}")
        if form.get("refresh_token") not in self.refresh:
            raise Said(400, {"error": "invalid_grant", "error_description": "Token has been expired or revoked."})
        self.renewed += 1
        self.good.add(f"token-{self.renewed}")
        return {"access_token": f"token-{self.renewed}", "expires_in": 3599, "scope": self.granted}

    def _traded(self, form: Any) -> Any:
        wanted = {"grant_type", "code", "redirect_uri", "code_verifier", "client_id", "client_secret"}
        if set(form) != wanted or form["code"] != "the-code":
            raise self.wrong(f"a code was traded with {sorted(form)}")
        self.refresh.add("new-refresh-token")
        self.good.add("new-access-token")
        return {
            "access_token": "new-access-token",
            "refresh_token": "new-refresh-token",
            "expires_in": 3599,
            "scope": self.granted,
            "token_type": "Bearer",
        }


@dataclass
class Comment:
    """A comment; `status` is the moderators'."""

    id: str
    author: str
    text: str
    at: datetime
    thread: str
    video: str
    status: str = "published"
    updated: datetime | None = None
    extra: dict[str, Any] = field(default_factory=dict)


@cache
def youtube_methods() -> dict[tuple[str, str], Mapping[str, Any]]:
    """Parameters by verb and path, of the discovery document; empty where it is absent."""
    if not DISCOVERY.exists():
        return {}
    resources = json.loads(DISCOVERY.read_text(encoding="utf-8"))["resources"]
    return {
        (method["httpMethod"], f"/{method['path']}"): method
        for name in ("comments", "commentThreads", "channels", "videos")
        for method in resources[name]["methods"].values()
    }


class YouTubeServer(GoogleServer):
    """One channel. `sample` is how many replies a thread shows; replies never move a thread."""

    scope = YOUTUBE_SCOPE

    def __init__(self) -> None:
        super().__init__()
        self.comments: dict[str, Comment] = {}
        self.titles = {"vid1": "Council meeting, 18 November"}
        self.owner = True
        self.signed_in = CHANNEL
        self.sample = 2
        self.most = 100
        self.units = 0
        self.limit = 10_000
        self.banned: set[str] = set()
        self.vanish = False
        """Whether new answers are taken and not shown."""
        self._count = 0

    # --- what people do -----------------------------------------------------------------------------------

    def say(self, author: str, text: str, *, thread: str = "", age: timedelta = timedelta(0), **more: Any) -> str:
        """Someone comments, below `thread` or as a new one."""
        self._count += 1
        top = thread or f"Ugx{self._count:04}"
        key = f"{top}.r{self._count:04}" if thread else top
        at = self.now - age
        self.comments[key] = Comment(key, author, text, at, top, more.pop("video", "vid1"), **more)
        return key

    def edit(self, key: str, text: str) -> None:
        self.comments[key].text, self.comments[key].updated = text, self.now

    # --- the interface ------------------------------------------------------------------------------------

    def serve(self, asked: Asked) -> Any:
        name = asked.path.removeprefix("/youtube/v3/")
        if asked.path == name:
            raise self.wrong(f"no such path {asked.path}")
        self._check(asked)
        cost = 1 if asked.method == "GET" else 50
        if self.units + cost > self.limit:
            raise error(403, "quotaExceeded", "The request cannot be completed because you have exceeded your quota.")
        self.units += cost
        query = {key: values[0] for key, values in asked.query.items()}
        if asked.method == "GET":
            return getattr(self, f"list_{name}")(query)
        if name == "comments/setModerationStatus":
            return self._moderate(query)
        return self._insert(asked.body)

    def _check(self, asked: Asked) -> None:
        methods = youtube_methods()
        if not methods:
            return
        method = methods.get((asked.method, asked.path))
        if method is None:
            raise self.wrong(f"no method {asked.method} {asked.path}")
        if self.scope not in method["scopes"]:
            raise self.wrong(f"{method['id']} needs another scope")
        for key, values in asked.query.items():
            known = method["parameters"].get(key)
            if known is None:
                raise self.wrong(f"{method['id']} has no parameter {key}")
            if known.get("enum") and not set(values) <= set(known["enum"]):
                raise self.wrong(f"{method['id']} takes no {key}={values}")
            if known.get("maximum") and int(values[0]) > int(known["maximum"]):
                raise self.wrong(f"{method['id']} takes no {key}={values}")
        for key, known in method["parameters"].items():
            if known.get("required") and key not in asked.query:
                raise self.wrong(f"{method['id']} needs {key}")

    def list_commentThreads(self, query: dict[str, str]) -> Any:
        status = query.get("moderationStatus", "published")
        if query["allThreadsRelatedToChannelId"] != CHANNEL:
            raise error(404, "channelNotFound")
        if status != "published" and not self.owner:
            raise error(403, "forbidden", "The channel's owner alone may see these.")
        # A thread is in a moderators' queue for its top comment or for any of its replies.
        there = {c.thread for c in self.comments.values() if c.status == status}
        tops = [c for c in self.comments.values() if c.id == c.thread]
        tops = [c for c in tops if (c.status == status if status == "published" else c.id in there)]
        tops.sort(key=lambda c: c.at, reverse=True)
        part, token = self._page(tops, query)
        items = [self._shown(top, status) for top in part]
        return {"kind": "youtube#commentThreadListResponse", "items": items} | token

    def _page(self, found: list[Comment], query: dict[str, str]) -> tuple[list[Comment], dict[str, str]]:
        start, size = 0, min(self.most, int(query.get("maxResults", "20")))
        if token := query.get("pageToken"):
            if not re.fullmatch(r"at-\d+", token):
                raise error(400, "invalidPageToken")
            start = int(token[3:])
        return found[start : start + size], ({"nextPageToken": f"at-{start + size}"} if found[start + size :] else {})

    def _replies(self, thread: str, status: str = "published") -> list[Comment]:
        below = [c for c in self.comments.values() if c.thread == thread != c.id and c.status == status]
        return sorted(below, key=lambda c: c.at)

    def _shown(self, top: Comment, status: str) -> Any:
        replies = self._replies(top.id, status)
        shown = {"replies": {"comments": [self._comment(c) for c in replies[: self.sample]]}} if replies else {}
        snippet = {
            "channelId": CHANNEL,
            "videoId": top.video,
            "topLevelComment": self._comment(top),
            "canReply": True,
            "totalReplyCount": len(replies),
            "isPublic": True,
            "aFieldOfTomorrow": [1],
        }
        return {"kind": "youtube#commentThread", "id": top.id, "snippet": snippet} | shown

    def _comment(self, comment: Comment, *, by_id: bool = False) -> Any:
        snippet: dict[str, Any] = {
            "textDisplay": comment.text,
            "authorDisplayName": f"@{comment.author}" if comment.author != CHANNEL else "Anytown Council",
            "authorChannelId": {"value": comment.author},
            "publishedAt": stamp(comment.at),
            "updatedAt": stamp(comment.updated or comment.at),
        }
        snippet |= {"parentId": comment.thread} if comment.id != comment.thread else {}
        snippet |= {} if by_id else {"videoId": comment.video, "moderationStatus": comment.status}
        return {"kind": "youtube#comment", "id": comment.id, "snippet": snippet | comment.extra}

    def list_comments(self, query: dict[str, str]) -> Any:
        if "id" in query:
            found = [self.comments[key] for key in query["id"].split(",") if key in self.comments]
            return {"items": [self._comment(c, by_id=True) for c in found if c.status != "rejected"]}
        if query["parentId"] not in self.comments:
            raise error(404, "commentNotFound")
        part, token = self._page(self._replies(query["parentId"]), query)
        return {"items": [self._comment(c) for c in part]} | token

    def list_channels(self, query: dict[str, str]) -> Any:
        snippet = {"title": "Anytown Council", "customUrl": "@anytowncouncil"}
        return {"items": [{"id": self.signed_in, "snippet": snippet}]}

    def list_videos(self, query: dict[str, str]) -> Any:
        found = [key for key in query["id"].split(",") if key in self.titles]
        return {"items": [{"id": key, "snippet": {"title": self.titles[key]}} for key in found]}

    def _insert(self, body: Any) -> Any:
        if set(body) != {"snippet"} or set(body["snippet"]) != {"parentId", "textOriginal"}:
            raise self.wrong(f"a comment was made of {body}")
        thread = body["snippet"]["parentId"]
        if thread not in self.comments or self.comments[thread].thread != thread:
            raise error(404, "parentCommentNotFound")
        key = self.say(CHANNEL, body["snippet"]["textOriginal"], thread=thread)
        made = self._comment(self.comments[key])
        if self.vanish:
            self.comments[key].status = "rejected"
        return made

    def _moderate(self, query: dict[str, str]) -> Any:
        for key in query["id"].split(","):
            if key not in self.comments:
                raise error(404, "commentNotFound")
            self.comments[key].status = query["moderationStatus"]
            if query.get("banAuthor") == "true":
                if query["moderationStatus"] != "rejected":
                    raise self.wrong("banAuthor goes with rejected only")
                self.banned.add(self.comments[key].author)
        raise Said(204, b"")


class ReviewServer(GoogleServer):
    """One location of a Business Profile."""

    scope = BUSINESS_SCOPE

    def __init__(self) -> None:
        super().__init__()
        self.reviews: dict[str, dict[str, Any]] = {}
        self.puts = 0
        self.state = ""
        """What Google thinks of new answers."""
        self.most = 50

    def review(self, name: str, stars: str, comment: str = "", age: timedelta = timedelta(0)) -> str:
        key = f"r{len(self.reviews) + 1}"
        at = stamp(self.now - age)
        self.reviews[key] = {
            "name": f"{LOCATION}/reviews/{key}",
            "reviewId": key,
            "reviewer": {"displayName": name},
            "starRating": stars,
            "createTime": at,
            "updateTime": at,
        } | ({"comment": comment} if comment else {})
        return key

    def change(self, key: str, **values: Any) -> None:
        self.reviews[key] |= {"updateTime": stamp(self.now)} | values

    def serve(self, asked: Asked) -> Any:
        base = f"/v4/{LOCATION}/reviews"
        if not asked.path.startswith(base):
            raise Said(404, {"error": {"code": 404, "status": "NOT_FOUND", "message": "Requested entity not found"}})
        parts = [part for part in asked.path.removeprefix(base).split("/") if part]
        if not parts:
            return self._list(asked.query)
        review = self.reviews.get(parts[0])
        if review is None:
            raise Said(404, {"error": {"code": 404, "status": "NOT_FOUND", "message": "Requested entity not found"}})
        if len(parts) == 1 and asked.method == "GET":
            return review
        if parts[1:] != ["reply"] or asked.method != "PUT" or set(asked.body) != {"comment"}:
            raise self.wrong(f"{asked.method} {asked.path} {asked.body}")
        if len(asked.body["comment"].encode()) > 4096:
            raise Said(400, {"error": {"code": 400, "status": "INVALID_ARGUMENT", "message": "too long"}})
        self.puts += 1
        review["reviewReply"] = {"comment": asked.body["comment"], "updateTime": stamp(self.now)}
        if self.state:
            review["reviewReply"]["reviewReplyState"] = self.state
        return review["reviewReply"]

    def _list(self, query: dict[str, list[str]]) -> Any:
        if set(query) - {"pageSize", "orderBy", "pageToken"} or query.get("orderBy") != ["updateTime desc"]:
            raise self.wrong(f"reviews were asked for with {query}")
        size = min(self.most, int(query["pageSize"][0]))
        if int(query["pageSize"][0]) > 50:
            raise self.wrong("pageSize is at most 50")
        found = sorted(self.reviews.values(), key=lambda review: str(review["updateTime"]), reverse=True)
        start = int(query.get("pageToken", ["0"])[0])
        more = {"nextPageToken": str(start + size)} if found[start + size :] else {}
        shown = {"reviews": found[start : start + size]} if found else {}
        return shown | more | {"averageRating": 3.5, "totalReviewCount": len(found)}
