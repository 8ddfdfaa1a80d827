"""Servers that send what no server should: halves of characters, addresses that are none, the year 1."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from socialtriage.channels.answers import Answer
from socialtriage.channels.mastodon_api import _links
from socialtriage.channels.mastodon_entities import moment, read_server
from socialtriage.channels.mastodon_items import web_url
from socialtriage.channels.mastodon_login import _path, code_in
from socialtriage.config.model import Keyring
from socialtriage.domain.errors import UsageError
from socialtriage.domain.models import AccountState
from socialtriage.services import inbox
from socialtriage.services.secrets import SecretStore
from socialtriage.services.sync import Poller, PollResult
from tests.doubles.bluesky import BlueskyServer
from tests.doubles.bluesky_desk import Desk as BlueskyDesk
from tests.doubles.desk import CONFIG, MONDAY, FrozenClock, arrive, case_ids, message, small_desk, the_case
from tests.doubles.mastodon import TOKEN, MastodonServer
from tests.doubles.memory_keyring import MemoryKeyring

NO_ADDRESS = "http://["


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (b'["\\ud800"]', ["\ufffd"]),
        ('["\ud83d x"]'.encode("utf-8", "surrogatepass"), ["\ufffd x"]),
        (b'["\\ud83d\\ude00 \\\\ud800 \\ude00\\ud83d"]', ["\U0001f600 \\ud800 \ufffd\ufffd"]),
        (b'{"\\udfff": 1e999}', {"\ufffd": float("inf")}),
    ],
)
def test_half_a_character_becomes_a_sign_that_can_be_stored(sent: bytes, read: Any) -> None:
    assert Answer("GET", "https://social.example/x", 200, {}, sent).json() == read


def test_addresses_that_are_none_are_left_out() -> None:
    assert web_url(NO_ADDRESS) is None
    assert web_url("https:///no-host") is None
    assert _links(f'<{NO_ADDRESS}?max_id=7>; rel="next", <https://x?min_id=9#top>; rel="prev"') == {
        "next": "7",
        "prev": "9",
    }
    assert _path({"token_endpoint": NO_ADDRESS}, "token_endpoint", "/oauth/token") == "/oauth/token"
    assert read_server({"uri": NO_ADDRESS}, "https://social.example", "").domain == "["
    with pytest.raises(UsageError):
        code_in(NO_ADDRESS, "state")


@pytest.mark.parametrize("value", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.9999Z", "1969-12-31T23:59:59Z", "now"])
def test_a_time_that_cannot_be_is_no_time(value: str) -> None:
    assert moment(value) is None


def test_a_message_of_the_year_one_has_a_deadline_that_can_be_told(tmp_path: Path) -> None:
    desk = small_desk(tmp_path, config=CONFIG.replace("Europe/London", "America/New_York"))
    first = datetime(1, 1, 1, tzinfo=UTC)
    arrive(desk, message("long ago", "1", at=first, edited_at=first))
    row = inbox.rows(desk, [the_case(desk)])[0]
    assert row.opened_at == MONDAY
    assert inbox.why(desk, row.id)[-1].startswith("Due")
    assert inbox.detail(desk, row.id).messages[0].edited_at is None
    desk.close()


def polled(folder: Path, server: MastodonServer) -> PollResult:
    config = CONFIG.replace("https://social.example", server.url).replace('handle = "@anytown"', 'handle = "@council"')
    desk = small_desk(folder, config=config, clock=FrozenClock(datetime.now(UTC)))
    keyring = MemoryKeyring()  # type: ignore[no-untyped-call]
    keyring.set_password("socialtriage", "town-mastodon", TOKEN)

    async def run() -> PollResult:
        poller = Poller(desk, SecretStore(Keyring(), backend=keyring))
        try:
            return (await poller.once([desk.account("town-mastodon")]))[0]
        finally:
            await poller.aclose()

    try:
        return asyncio.run(run())
    finally:
        desk.close()


@pytest.mark.parametrize(
    "hostile",
    [
        {"media_attachments": [{"id": "1", "type": "image", "url": NO_ADDRESS}]},
        {"media_attachments": "\ud800", "poll": "\ud800", "mentions": "\ud800"},
        {"account": "\ud800"},
        {"created_at": "0001-01-01T00:00:00Z"},
        {"content": "\ud800" * 10, "language": "\ud800", "url": NO_ADDRESS, "uri": "\ud800"},
    ],
)
def test_a_hostile_post_hides_no_other(tmp_path: Path, hostile: dict[str, Any]) -> None:
    with MastodonServer() as server:
        server.mention("one", author="ada")
        server.mention("two", author="bob", **json.loads(json.dumps(hostile)))
        result = polled(tmp_path, server)
        assert (result.state, result.new) == (AccountState.OK, 2)
    desk = small_desk(tmp_path)
    assert len(case_ids(desk, "all")) == 2
    desk.close()


@pytest.mark.parametrize(
    ("method", "name"),
    [("getLog", "logs"), ("getMessages", "messages"), ("listConvos", "convos"), ("listConvoRequests", "requests")],
)
@pytest.mark.parametrize("later", [False, True])
def test_an_answer_without_its_list_is_read_again_and_loses_no_direct_message(
    monkeypatch: pytest.MonkeyPatch, method: str, name: str, later: bool
) -> None:
    with BlueskyServer() as server:
        server.lexicons = None  # what is sent here is against them
        council = BlueskyDesk(server)
        ada = server.person("ada")
        convo = server.convo(ada)
        if later:
            asyncio.run(council.poll())
        server.say(ada, "my bin was missed", convo)
        whole = getattr(BlueskyServer, method)

        def without(self: BlueskyServer, *args: Any) -> dict[str, Any]:
            return {**whole(self, *args), name: {"not": "a list"}}

        with monkeypatch.context() as broken:
            broken.setattr(BlueskyServer, method, without)
            asyncio.run(council.poll())
        asyncio.run(council.poll())
        assert [str(item.text) for item in council.stored.values()] == ["my bin was missed"]
