"""Recorded answers of real servers (Mastodon 4.7, GoToSocial 0.20, Takahe 0.11); requests against the specification.

The recordings are beside the project, not in it: without them these tests skip.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import stamina

from socialtriage.channels.http import Http
from socialtriage.channels.mastodon import Mastodon, _servers
from socialtriage.channels.mastodon_entities import Account, Server, read_server, read_status
from socialtriage.channels.mastodon_items import Translator
from socialtriage.channels.mastodon_send import measured
from socialtriage.config.model import AccountConfig
from socialtriage.domain.errors import (
    AuthError,
    ChannelError,
    Misconfigured,
    NotPermitted,
    RateLimited,
    Rejected,
    Unavailable,
)
from socialtriage.domain.models import Author, Incoming, OutgoingReply, SafeText, StoredRef, Visibility
from tests.doubles.channel_desk import NOON, FixedSecret, SmallDesk, answer_to
from tests.doubles.mastodon import TOKEN, MastodonServer

SHARED = Path(__file__).resolve().parents[2] / "shared"
RECORDED = SHARED / "recorded" / "mastodon"
SPEC = SHARED / "specs" / "mastodon" / "openapi-4.7.0.json"
NOW = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)

pytestmark = pytest.mark.skipif(not RECORDED.is_dir(), reason="the recorded answers are not beside the project")


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    _servers.clear()
    with stamina.set_testing(True, attempts=1):
        yield


@cache
def recorded(name: str) -> dict[str, Any]:
    return dict(json.loads((RECORDED / f"{name}.json").read_text()))


def names(pattern: str) -> list[str]:
    return sorted(path.stem for path in RECORDED.glob(f"{pattern}.json")) if RECORDED.is_dir() else []


def response(name: str) -> httpx.Response:
    """The recorded answer, its compression undone as the recording has it undone."""
    data = recorded(name)
    body = json.dumps(data["json"]) if "json" in data else str(data.get("text", ""))
    dropped = ("content-encoding", "content-length", "transfer-encoding")
    headers = [(k, v) for k, v in data["headers"] if k.lower() not in dropped]
    return httpx.Response(data["status"], headers=headers, content=body.encode())


FAMILY = {
    "gotosocial": ("verify_credentials", "instance_v2"),
    "takahe": ("takahe_verify_credentials", "takahe_instance_v2"),
    "mastodon": ("mastodon473_verify_credentials_00", "mastodon473_instance_00"),
}


def play(
    family: str, answers: Mapping[str, str | list[str]], story: Callable[[SmallDesk, Http, Mastodon], Any]
) -> tuple[Any, list[httpx.Request]]:
    """Run `story` against recordings by path; lists are given out one by one, and after them nothing new."""
    who, instance = FAMILY[family]
    left = {path: list(value) if isinstance(value, list) else value for path, value in answers.items()}
    asked: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        path = request.url.path
        if path.endswith("verify_credentials") and path not in left:
            return response(who) if "accounts" in path else httpx.Response(404, json={"error": "Not Found"})
        if path == "/api/v2/instance":
            return response(instance)
        found = left.get(path)
        if isinstance(found, list):
            found = found.pop(0) if found else None
        if found is not None:
            return response(found)
        return httpx.Response(200, json={"ancestors": [], "descendants": []} if path.endswith("context") else [])

    async def run() -> Any:
        http = Http(transport=httpx.MockTransport(handler))
        desk = SmallDesk(
            Mastodon,
            AccountConfig(id="m", network="mastodon", server="https://social.example"),
            FixedSecret(TOKEN),
            now=NOW,
        )
        try:
            return await story(desk, http, Mastodon(desk.context(http)))
        finally:
            await http.aclose()

    return asyncio.run(run()), asked


def walk(family: str, answers: Mapping[str, str | list[str]]) -> SmallDesk:
    async def story(desk: SmallDesk, http: Http, channel: Mastodon) -> SmallDesk:
        async for page in channel.fetch(None, datetime(2026, 1, 1, tzinfo=UTC)):
            desk.take(page)
        return desk

    return play(family, answers, story)[0]  # type: ignore[no-any-return]


# --- what can be read -----------------------------------------------------------------------------------------


def statuses_in(data: Any) -> Iterator[dict[str, Any]]:
    """Every status in a JSON value."""
    if isinstance(data, dict):
        if {"content", "visibility", "account"} <= data.keys():
            yield data
        for value in data.values():
            yield from statuses_in(value)
    elif isinstance(data, list):
        for value in data:
            yield from statuses_in(value)


def test_every_recorded_status_is_read_whole() -> None:
    server = Server(domain="social.example")
    translator = Translator(Account(id="1", acct="council"), server)
    count = 0
    for name in names("*"):
        for data in statuses_in(recorded(name).get("json")):
            status, faulty = read_status(data)
            assert status is not None, name
            assert faulty == (), name
            item = translator.message(status, "root", now=NOW)
            assert item.at < NOW, name
            assert "@" in item.author.key, name
            assert "<p>" not in item.text, name
            count += 1
    assert count > 300


LISTS = (
    [name for name in names("*notifications*") if isinstance(recorded(name).get("json"), list)] if names("*") else []
)


@pytest.mark.parametrize("name", LISTS)
def test_every_recorded_list_of_notifications(name: str) -> None:
    entries = [e for e in recorded(name)["json"] if "type" in e]
    family = "takahe" if name.startswith("takahe") else "mastodon" if name.startswith("mastodon") else "gotosocial"
    told = [e["status"] for e in entries if e["type"] in ("mention", "quote", "update")]
    expected = {status["id"] for status in told if status["mentions"]}
    desk = walk(family, {"/api/v1/notifications": [name]})
    assert expected == {key for key, item in desk.messages.items() if not item.context and not item.own}


def test_takahe_has_no_host_for_ourselves_and_one_for_everybody_else() -> None:
    desk = walk("takahe", {"/api/v1/notifications": ["takahe_notifications"]})
    assert {item.author.key for item in desk.messages.values()} == {"ada@council.test", "ben@council.test"}
    private = next(item for item in desk.messages.values() if item.visibility is Visibility.PRIVATE)
    assert private.conversation == f"{private.remote_id}|ben@council.test"


def test_people_of_another_server() -> None:
    desk = walk("gotosocial", {"/api/v1/notifications": ["remote_notifications"]})
    assert all(item.author.key.endswith("@localhost:18081") for item in desk.messages.values())


def test_a_thread_with_answers_of_ours_in_public_and_in_private() -> None:
    first, second = recorded("context_public_thread_root")["json"]["descendants"][:2]
    root = recorded("status_after_edit")["json"]["id"]
    server = read_server(recorded("instance_v2")["json"], "https://social.example", "")
    translator = Translator(Account(id=first["account"]["id"], acct="council"), server)
    items = [translator.message(read_status(s)[0], root, now=NOW) for s in (first, second)]  # type: ignore[arg-type]
    assert [item.own for item in items] == [True, True]
    assert [item.conversation for item in items] == [f"{root}|ada@localhost:18080", None]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("status_cw_sensitive", "[content warning: sewage, disgusting]"),
        ("status_poll", "[poll: Mon / Tue]"),
        ("status_html_in_text", "<script>alert(1)</script>"),
        ("status_html_in_text", "https://example.org/a?b=c&d=e#f"),
        ("status_html_in_text", "#potholes"),
        ("status_markdown", "link (https://example.org)"),
        ("mastodon473_status_post_with_quote_01", "[quotes @mastodonpy_test@social.example: “Toot!”]"),
    ],
)
def test_what_the_reader_sees(name: str, words: str) -> None:
    status, _ = read_status(recorded(name)["json"])
    assert status is not None
    item = Translator(Account(id="1"), Server(domain="social.example")).message(status, "root", now=NOW)
    assert words in item.text
    assert "x.example" not in item.text


def test_pictures() -> None:
    status, _ = read_status(recorded("status_with_media")["json"])
    assert status is not None
    item = Translator(Account(id="1"), Server(domain="social.example")).message(status, "root", now=NOW)
    assert [m.kind for m in item.media] == ["image", "image"]
    assert item.media[0].alt == "A deep pothole outside number 12"
    assert item.media[0].name.endswith(".png")


@pytest.mark.parametrize(
    ("name", "mastodon", "batch", "limit", "per_url", "domain"),
    [
        ("instance_v2", False, "", 5000, None, "localhost:18080"),
        ("instance_v1", False, "", 5000, None, "localhost:18080"),
        ("instance_v2_injected_mastodon_version_500chars", False, "", 500, None, "localhost:18080"),
        ("instance_v1_injected_mastodon_version_500chars", False, "", 500, None, "localhost:18080"),
        ("mastodon473_instance_00", True, "id[]", 500, 23, "localhost:3000"),
        ("mastodon473_instance_v1_00", True, "", 500, 23, "localhost:3000"),
        ("takahe_instance_v2", False, "", 500, None, "council.test"),
        ("takahe_instance_v1", False, "", 500, None, "127.0.0.1:18090"),
    ],
)
def test_kinds_of_servers(name: str, mastodon: bool, batch: str, limit: int, per_url: int | None, domain: str) -> None:
    server = read_server(recorded(name)["json"], "https://social.example", "")
    assert (server.mastodon, server.batch, server.max_characters, server.per_url, server.domain) == (
        mastodon,
        batch,
        limit,
        per_url,
        domain,
    )


def test_the_length_that_gotosocial_refused() -> None:
    """520 characters with one address: Mastodon would count fewer."""
    request = recorded("status_url_counts_in_full_or_23")["request"]
    text = (
        parse_qs(request["body"])["status"][0] if "=" in request["body"][:10] else json.loads(request["body"])["status"]
    )
    mentioned = "@council@social.example"
    strict = Server(domain="s", max_characters=500)
    lenient = Server(domain="s", mastodon=True, max_characters=500, per_url=23)
    assert measured(f"{mentioned} {text}", mentioned, "", strict).used - len(mentioned) - 1 > 500
    assert measured(f"{mentioned} {text}", mentioned, "", lenient).used < 500


# --- what goes wrong ------------------------------------------------------------------------------------------

READS = [
    ("bad_token", AuthError),
    ("revoked_token", AuthError),
    ("no_token", AuthError),
    ("takahe_bad_token", AuthError),
    ("takahe_revoked_token", AuthError),
    ("takahe_no_token", AuthError),
    ("mastodon473_unauthed_home_tl_throws_01", AuthError),
    ("rate_limited_429", RateLimited),
    ("booting_503", Unavailable),
    ("takahe_notifications_since_id_unknown", Unavailable),
    ("not_acceptable", Misconfigured),
    ("method_not_allowed", Misconfigured),
    ("unknown_api_route_404", Rejected),
]


@pytest.mark.parametrize(("name", "error"), READS)
def test_errors_of_a_read(name: str, error: type[ChannelError]) -> None:
    with pytest.raises(error) as caught:
        walk("gotosocial", {"/api/v1/notifications": [name, name, name]})
    if isinstance(caught.value, RateLimited):
        assert caught.value.retry_at is not None
        assert 290 < (caught.value.retry_at - datetime.now(UTC)).total_seconds() <= 300
    if isinstance(caught.value, Unavailable) and name == "booting_503":
        assert caught.value.retry_after == 120
    assert "<" not in str(caught.value)


WRITES = [
    ("status_too_long", Rejected),
    ("takahe_status_too_long", Rejected),
    ("status_empty", Rejected),
    ("mastodon473_status_empty_00", Rejected),
    ("status_bad_visibility", Rejected),
    ("status_bad_reply", Rejected),
    ("status_create_reply_to_deleted", Rejected),
    ("council_replies_to_blocked", Rejected),
    ("unsupported_media_type", Rejected),
    ("bad_json", Rejected),
    ("scope_insufficient", NotPermitted),
    ("takahe_scope_insufficient", NotPermitted),
    ("revoked_token_post_status", AuthError),
    ("takahe_revoked_token", AuthError),
    ("rate_limited_post_429", RateLimited),
]


@pytest.mark.parametrize(("name", "error"), WRITES)
def test_errors_of_a_write(name: str, error: type[ChannelError]) -> None:
    with pytest.raises(error):
        play("gotosocial", {"/api/v1/statuses": [name]}, lambda d, h, c: c.send(order("ada", "1")))


def order(acct: str, parent: str) -> OutgoingReply:
    host = acct if "@" in acct else f"{acct}@localhost:18080"
    return OutgoingReply(
        key="k",
        text="Thank you",
        visibility=Visibility.PRIVATE,
        to=Author(host, SafeText(f"@{host}"), SafeText("x")),
        parent=StoredRef(parent, parent, None, Visibility.PRIVATE, {"acct": acct, "visibility": "direct"}),
        queued_at=NOW,
    )


@pytest.mark.parametrize(
    ("name", "family", "acct", "reached"),
    [
        ("reply_direct_idempotency_1", "gotosocial", "ada", True),
        ("reply_public", "gotosocial", "ada", True),
        ("reply_direct_without_mention", "gotosocial", "ada", False),
        ("remote_reply_direct", "gotosocial", "dee@localhost:18081", True),
        ("remote_reply_wrong_short_handle", "gotosocial", "dee@localhost:18081", False),
        ("takahe_reply_direct_idempotency_1", "takahe", "ada@council.test", True),
        ("takahe_status_bad_reply", "takahe", "ada@council.test", False),
    ],
)
def test_whether_an_answer_reached_its_reader(name: str, family: str, acct: str, reached: bool) -> None:
    parent = recorded(name)["json"]["in_reply_to_id"] or "999"
    sent, asked = play(family, {"/api/v1/statuses": [name]}, lambda d, h, c: c.send(order(acct, parent)))
    assert (sent.notice is None) == reached
    body = json.loads(asked[-1].content)
    assert body["status"].startswith(f"@{acct} ")


def test_a_deleted_status_is_gone_and_a_hidden_one_too() -> None:
    refs = [StoredRef(key, key, None, Visibility.PUBLIC) for key in ("1", "2", "3", "4")]
    answers: dict[str, str | list[str]] = {
        "/api/v1/statuses/1": "status_deleted",
        "/api/v1/statuses/2": "takahe_status_deleted",
        "/api/v1/statuses/3": "booting_503",
        "/api/v1/statuses/4": "status_get_anonymous",
    }
    again, _ = play("gotosocial", answers, lambda d, h, c: c.reread(refs))
    assert sorted(again.gone) == ["1", "2"]
    assert again.items == ()


# --- requests against the specification ------------------------------------------------------------------------


@pytest.mark.skipif(not SPEC.is_file(), reason="the specification is not beside the project")
def test_every_request_is_one_of_the_specification() -> None:
    spec = json.loads(SPEC.read_text())
    with MastodonServer(clock=lambda: NOON) as server:
        account = AccountConfig(id="m", network="mastodon", server=server.url)
        desk = SmallDesk(Mastodon, account, FixedSecret(TOKEN))
        own = server.own("News")
        for n in range(100):
            server.mention(f"n {n}", author=f"r{n % 7}", reply_to=own if n % 5 == 0 else None)
        asyncio.run(desk.poll())
        for n in range(60):
            server.mention(f"more {n}", author=f"r{n % 7}")
        asyncio.run(desk.poll())
        asyncio.run(_use_all(desk))
        problems = [problem for asked in server.requests for problem in _against(spec, asked.method, asked)]
    assert problems == []


async def _use_all(desk: SmallDesk) -> None:
    http = Http()
    channel = Mastodon(desk.context(http))
    item = next(iter(desk.residents.values()))
    await channel.check()
    await channel.reread([StoredRef(i.remote_id, i.thread, None, i.visibility) for i in desk.residents.values()])
    sent = await channel.send(answer_to(item, "Thank you"))
    found = await channel.look_up(answer_to(item, "Thank you"))
    assert found is not None
    assert found.remote_id == sent.remote_id
    await http.aclose()


def _against(spec: dict[str, Any], method: str, asked: Any) -> Iterator[str]:
    parts = asked.path.split("/")
    for path, operations in spec["paths"].items():
        shape = path.split("/")
        same = len(shape) == len(parts) and all(s.startswith("{") or s == p for s, p in zip(shape, parts, strict=True))
        if same and method.lower() in operations and not ("{" in path and asked.path in spec["paths"]):
            allowed = {p["name"] for p in operations[method.lower()].get("parameters", [])}
            unknown = {name.removesuffix("[]") for name in asked.query} - allowed
            if unknown:
                yield f"{method} {asked.path}: {unknown}"
            if method == "POST" and asked.path == "/api/v1/statuses":
                yield from _body(spec, asked.body)
            return
    yield f"{method} {asked.path} is not in the specification"


def _body(spec: dict[str, Any], body: dict[str, Any]) -> Iterator[str]:
    import jsonschema

    schema = {"$ref": "#/components/schemas/TextStatus", "components": spec["components"]}
    for error in jsonschema.Draft202012Validator(schema).iter_errors(body):
        yield error.message
    known = set(spec["components"]["schemas"]["BaseStatus"]["properties"]) | {"status"}
    yield from sorted(body.keys() - known)


def test_the_recorded_pages_lead_where_their_links_say() -> None:
    """The second recorded page is the one that the first one's Link header leads to."""

    async def story(desk: SmallDesk, http: Http, channel: Mastodon) -> list[Incoming]:
        async for page in channel.fetch(None, datetime(2026, 1, 1, tzinfo=UTC)):
            desk.take(page)
        return list(desk.messages.values())

    pages: dict[str, str | list[str]] = {
        "/api/v1/notifications": ["notifications_page1_limit3", "notifications_page2_via_next"]
    }
    items, asked = play("gotosocial", pages, story)
    lists = [request for request in asked if request.url.path == "/api/v1/notifications"]
    assert (
        dict(lists[1].url.params)["max_id"]
        == parse_qs(urlsplit(recorded("notifications_page2_via_next")["request"]["url"]).query)["max_id"][0]
    )
    assert len(items) == 6
