"""Every answer recorded from real servers (PDS 0.5.35, AppView 0.0.280), read by the channel."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import stamina

from socialtriage.channels.answers import Answer
from socialtriage.channels.base import ChannelContext
from socialtriage.channels.bluesky import Bluesky
from socialtriage.channels.bluesky_answers import Declined, Missing, NotOffered, TokenTrouble, classify
from socialtriage.channels.bluesky_inbox import REASONS
from socialtriage.channels.bluesky_posts import Reader, read_view
from socialtriage.channels.bluesky_session import Kept, _grant
from socialtriage.channels.http import Budget, Http
from socialtriage.config.model import AccountConfig
from socialtriage.domain.errors import AuthError, ChannelError, NotPermitted, RateLimited, Unavailable
from socialtriage.domain.models import Page, Reread, StoredRef, Visibility
from tests.doubles.bluesky_desk import Desk, Memory

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "recorded" / "bluesky"
FILES = sorted(path.stem for path in FOLDER.glob("*.json"))
pytestmark = pytest.mark.skipif(not FILES, reason="the recorded answers are absent")

COUNCIL = "did:plc:gsg47z5lsbmigtnvmquyrytv"
PASS = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)

OUTCOMES: dict[str, type[ChannelError]] = {
    "chat_no_proxy_header": NotOffered,
    "chat_privileged_service_down": Unavailable,
    "chat_proxy_did_unresolvable_SANDBOX_ARTEFACT": Unavailable,
    "chat_send_unprivileged": NotPermitted,
    "chat_unprivileged_app_password": NotPermitted,
    "error_access_with_refresh_token": TokenTrouble,
    "error_apppass_create_apppass": NotPermitted,
    "error_apppass_delete_account": NotPermitted,
    "error_bad_password": AuthError,
    "error_bad_signature": TokenTrouble,
    "error_basic_auth": TokenTrouble,
    "error_create_same_rkey": Unavailable,
    "error_expired_access_getsession": TokenTrouble,
    "error_expired_access_local": TokenTrouble,
    "error_expired_access_proxied": TokenTrouble,
    "error_expired_refresh": TokenTrouble,
    "error_garbage_token": TokenTrouble,
    "error_get_record_deleted": Missing,
    "error_get_record_deleted_account": Missing,
    "error_no_token": TokenTrouble,
    "error_notifications_bad_cursor": Unavailable,
    "error_other_repo": TokenTrouble,
    "error_rate_limited_createSession": RateLimited,
    "error_refresh_after_delete_session": TokenTrouble,
    "error_refresh_with_access_token": TokenTrouble,
    "error_resolve_handle": Missing,
    "error_revoked_apppass_login": AuthError,
    "error_revoked_apppass_refresh": TokenTrouble,
    "error_session_at_prefixed": AuthError,
    "error_session_leaver": AuthError,
    "error_session_taken": AuthError,
    "error_thread_deactivated_account": Missing,
    "error_thread_deleted_account": Missing,
    "error_thread_deleted_post": Missing,
    "error_thread_missing": Missing,
    "error_thread_takendown_account": Missing,
    "error_unknown_account": AuthError,
    "error_unknown_method": NotOffered,
}
"""What the errors mean; every other one is `Declined`."""


def recorded(name: str) -> dict[str, Any]:
    data = json.loads((FOLDER / f"{name}.json").read_text())
    assert isinstance(data, dict)
    return data


def answer(name: str) -> Answer:
    data = recorded(name)
    url = f"https://pds.example{data['request']['path']}"
    body = json.dumps(data.get("body")).encode() if data.get("body") is not None else b""
    return Answer(data["request"]["method"], url, data["status"], data["headers"], body)


def views(value: Any) -> Iterator[dict[str, Any]]:
    """Everything in an answer that has the form of a post or notification."""
    if isinstance(value, dict):
        if {"uri", "cid", "author", "record", "indexedAt"} <= value.keys():
            yield value
        for inner in value.values():
            yield from views(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from views(inner)


@pytest.mark.parametrize("name", FILES)
def test_every_answer_is_understood(name: str) -> None:
    given = answer(name)
    error = classify(given)
    if given.status < 300:
        assert error is None
        for view in views(recorded(name).get("body")):
            if "text" in view["record"]:
                Reader(COUNCIL).message(read_view(view))
    else:
        assert type(error) is OUTCOMES.get(name, Declined)
        assert str(error)


def test_the_limit_on_sessions_says_until_when() -> None:
    error = classify(answer("error_rate_limited_createSession"))
    assert isinstance(error, RateLimited)
    assert error.retry_at is not None


@pytest.mark.parametrize("name", [n for n in FILES if n.startswith("session_create") or n == "session_refresh"])
def test_sessions_are_read_and_kept(name: str) -> None:
    body = recorded(name)["body"]
    grant = _grant({**body, "pds": "https://pds.example"})
    assert grant is not None
    assert grant.did == body["did"]
    kept = Kept("pw", None, grant, "council.test", "https://bsky.social")
    assert Kept.parse(kept.to_secret()) == kept


class Replay:
    """A server that gives recorded answers: by method, or by what a function makes of the request."""

    def __init__(self, **answers: str | Callable[[httpx.QueryParams], str]) -> None:
        self.answers = {"createSession": "session_create_handle", "getLog": "chat_unprivileged_app_password", **answers}
        self.asked: list[tuple[str, httpx.QueryParams]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        method = request.url.path.rpartition(".")[2]
        self.asked.append((method, request.url.params))
        name = self.answers.get(method, "error_unknown_method")
        given = recorded(name if isinstance(name, str) else name(request.url.params))
        headers = {k: v for k, v in given["headers"].items() if k in ("content-type", "retry-after", "ratelimit-reset")}
        return httpx.Response(given["status"], headers=headers, json=given.get("body"))

    def run(self, what: Callable[[Bluesky], Any]) -> Any:
        async def story() -> Any:
            http = Http(transport=httpx.MockTransport(self))
            desk = Desk.__new__(Desk)
            desk.stored = {}
            account = AccountConfig(id="a", network="bluesky", handle="council.test", server="https://pds.example")
            context = ChannelContext(account, Memory(), http, Budget(), desk, lambda: PASS)
            try:
                return await what(Bluesky(context))
            finally:
                await http.aclose()

        return asyncio.run(story())

    def fetch(self, since: timedelta = timedelta(days=7), cursor: str | None = None) -> list[Page]:
        async def walk(channel: Bluesky) -> list[Page]:
            return [page async for page in channel.fetch(cursor, PASS - since)]

        pages = self.run(walk)
        assert isinstance(pages, list)
        return pages


def test_a_first_look_at_the_recorded_council() -> None:
    def page(params: httpx.QueryParams) -> str:
        return "notifications_all_p2" if params.get("cursor") == "2026-11-22T03:44:26.690Z" else "notifications_reasons"

    replay = Replay(listNotifications=page, getPosts="posts_get", listRecords="list_records")
    pages = replay.fetch()
    assert max(len(page.items) for page in pages) <= 100
    items = {item.remote_id: item for page in pages for item in page.items}
    both = [
        row
        for name in ("notifications_reasons", "notifications_all_p2")
        for row in recorded(name)["body"]["notifications"]
    ]
    rows = [row for row in both if row["reason"] in REASONS]
    recent = {r["uri"] for r in rows if r["indexedAt"] >= "2026-11-15"}
    assert recent <= items.keys()
    assert not {r["uri"] for r in rows} - recent & items.keys(), "what was dated 2019 is before the first look back"
    texts = {str(item.text) for item in items.values()}
    assert any(text.startswith("@council.test எங்கள் தெருவில்") for text in texts)
    assert any("\N{REPLACEMENT CHARACTER}" in text for text in texts), "a bidi control was replaced"
    assert any(item.own for item in items.values())
    assert any("app password" in notice for page in pages for notice in page.notices)
    asked = [params for method, params in replay.asked if method == "listNotifications"]
    assert asked[0].get_list("reasons") == list(REASONS)
    assert (asked[0]["limit"], asked[0]["priority"]) == ("100", "false")
    assert "seenAt" not in asked[0]


def test_seven_posts_of_one_time_across_pages() -> None:
    def page(params: httpx.QueryParams) -> str:
        if params.get("cursor") == "2026-11-22T01:02:03.456Z":
            return "notifications_tie_next_page"
        return "notifications_tie_page"

    pages = Replay(listNotifications=page).fetch(timedelta(days=4000))
    gaps = [p.gap for p in pages if p.gap]
    assert len(gaps) == 1, "three of seven fit a page: what is missing is said"
    assert gaps[0].start == datetime(2026, 11, 22, 1, 2, 3, 456000, tzinfo=UTC)
    texts = [str(item.text) for p in pages for item in p.items]
    assert len(texts) == len(set(texts)) == 4


def test_an_empty_page_is_followed_only_where_it_has_a_cursor() -> None:
    replay = Replay(listNotifications="notifications_empty_page_with_cursor")
    pages = replay.fetch()
    assert [item for page in pages for item in page.items] == []
    assert sum(method == "listNotifications" for method, _ in replay.asked) == 1


def test_a_refused_cursor_begins_again_at_the_top() -> None:
    def page(params: httpx.QueryParams) -> str:
        return "error_notifications_bad_cursor" if "cursor" in params else "notifications_backdated_page"

    cursor = json.dumps(
        {
            "floor": "2019-01-01T00:00:00Z",
            "public": {
                "walk": {"start": "2026-11-22T03:00:00Z", "until": "2019-01-01T00:00:00Z", "cursor": "nonsense"}
            },
        }
    )
    with stamina.set_testing(True, attempts=3):
        pages = Replay(listNotifications=page).fetch(cursor=cursor)
    texts = {str(item.text) for page in pages for item in page.items}
    assert "@council.test backdated after seen" in texts


def test_reading_again_after_deletions() -> None:
    asked = recorded("posts_get_after_deletions")["request"]["params"]["uris"]
    alive = {post["uri"] for post in recorded("posts_get_after_deletions")["body"]["posts"]}
    refs = [StoredRef(uri, uri, None, Visibility.PUBLIC, {"cid": "old"}) for uri in asked]

    async def gone(channel: Bluesky) -> Reread:
        return await channel.reread(refs)

    seen = Replay(getPosts="posts_get_after_deletions", getPostThread="error_thread_deleted_post").run(gone)
    assert {item.remote_id for item in seen.items} == alive
    assert set(seen.gone) == set(asked) - alive
    assert all(item.edited_at == PASS for item in seen.items)
    seen = Replay(getPosts="posts_get_after_deletions", getPostThread="thread_of_blocked_author").run(gone)
    assert seen.gone == (), "what a block hides is not gone"


def test_an_edit_shows_by_its_cid() -> None:
    (post,) = recorded("posts_get_after_edit")["body"]["posts"]

    async def again(channel: Bluesky) -> Reread:
        refs = [StoredRef(post["uri"], post["uri"], None, Visibility.PUBLIC, {"cid": "bafyreibefore"})]
        return await channel.reread(refs)

    (item,) = Replay(getPosts="posts_get_after_edit").run(again).items
    assert (item.text, item.edited_at) == ("@council.test after edit", PASS)


def test_places_and_marks_of_recorded_posts() -> None:
    both = recorded("notifications_all_after_deletions")["body"]["notifications"]
    rows = [row for row in both if row["reason"] in REASONS]
    shown = {str(item.text): item for row in rows for item in [Reader(COUNCIL).message(read_view(row))]}
    fox = shown["@council.test dead fox on A40, graphic"]
    assert fox.place == "labelled graphic-media"
    both = next(item for text, item in shown.items() if text.startswith("@council.test quote and mention at once"))
    assert both.place == "Quotes our post"
    assert both.thread == both.remote_id
    few = shown["几点?"]
    assert few.place == "Reply to a post by someone else, below our post"
    picture = next(item for item in shown.values() if item.text == "" and item.media)
    assert picture.place == "Reply to our post"
