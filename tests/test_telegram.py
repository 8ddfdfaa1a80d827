"""A Telegram bot as live chat: committed before confirmed, edits, files, refusals; and the whole way by the program."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from socialtriage.channels.telegram import LIMIT, Telegram
from socialtriage.config.model import AccountConfig
from socialtriage.domain.errors import (
    AnswerLost,
    AuthError,
    BadPayload,
    ChannelError,
    Misconfigured,
    NotPermitted,
    RateLimited,
    Rejected,
    Unavailable,
)
from socialtriage.domain.models import OutgoingReply, Sent, Visibility
from tests.doubles.channel_desk import FixedSecret, SmallDesk, answer_to
from tests.doubles.inside import Inside, one_tls_context
from tests.doubles.telegram import TOKEN, TelegramServer, person

GWEN, WEI = person(42, "Gwen", "gwen"), person(43, "Wei\x1b[31m")
GROUP = {"id": -1009, "type": "supergroup", "title": "Flood wardens", "username": "wardens"}


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    one_tls_context(monkeypatch)


@pytest.fixture
def server() -> Iterator[TelegramServer]:
    with TelegramServer() as server:
        yield server
    assert server.problems == []


def desk_of(server: TelegramServer, **more: Any) -> SmallDesk:
    account = AccountConfig(id="chat", network="telegram", server=server.url)
    return SmallDesk(Telegram, account, FixedSecret(more.pop("token", TOKEN)), now=server.now)


async def send(desk: SmallDesk, key: str, text: str) -> Sent:
    reply: OutgoingReply = answer_to(desk.messages[key], text)
    sent = await desk.use(lambda channel: channel.send(reply))
    assert isinstance(sent, Sent)
    return sent


def test_updates_are_committed_before_they_are_confirmed_and_both_wordings_are_kept(server: TelegramServer) -> None:
    server.webhook = "https://elsewhere.example/hook"
    desk = desk_of(server)
    server.say(GWEN, "/start")
    number = server.say(GWEN, "my bin was mised")
    server.edit(GWEN, number, "my bin was missed")
    server.say(WEI, "and mine", chat=GROUP)

    async def story() -> None:
        (first,) = await desk.poll(stop_after=1)
        assert [item.text for item in first.items] == ["my bin was mised"]
        assert server.confirmed == []
        # The process died after the commit: the next pass goes on, and confirms what was committed.
        pages = await desk.poll()
        assert server.confirmed == [501, 502, 503, 504]
        assert [item.text for page in pages for item in page.items] == ["my bin was missed", "and mine"]

    asyncio.run(story())
    gwen, wei = desk.messages[f"42/{number}"], desk.messages[f"-1009/{number + 1}"]
    assert gwen.edited_at is not None
    assert (gwen.visibility, gwen.conversation, gwen.author.handle) == (Visibility.PRIVATE, "42", "@gwen")
    assert (wei.visibility, wei.conversation, wei.place) == (Visibility.PUBLIC, None, "Flood wardens")
    assert wei.author.handle == "Wei\N{REPLACEMENT CHARACTER}[31m"
    assert wei.url == f"https://t.me/wardens/{number + 1}"


def test_a_long_queue_is_walked_in_pages_and_a_second_pass_brings_nothing(server: TelegramServer) -> None:
    desk = desk_of(server)
    for i in range(250):
        server.say(person(100 + i % 7, f"Person {i % 7}"), f"message {i}")
    asyncio.run(desk.poll())
    assert len(desk.residents) == len(desk.handed) == 250
    assert all(len(asked.query) <= 4 for asked in server.asked)
    asyncio.run(desk.poll())
    assert len(desk.handed) == 250


def test_after_a_weekend_the_gap_is_told_and_renumbered_updates_are_not_lost(server: TelegramServer) -> None:
    desk = desk_of(server)
    server.say(GWEN, "before")
    asyncio.run(desk.poll())
    server.say(GWEN, "nobody ever saw this")
    began = server.now
    desk.now = server.now = server.now + timedelta(days=9)
    server.update_id = 7  # after a week without updates the next number is chosen at random
    server.say(GWEN, "after")
    pages = asyncio.run(desk.poll())
    assert sorted(item.text for item in desk.residents.values()) == ["after", "before"]
    gaps = [page.gap for page in pages if page.gap]
    assert [(gap.start, gap.end) for gap in gaps] == [(began, desk.now - timedelta(hours=24))]
    assert "24 hours" in gaps[0].why
    assert not [page for page in asyncio.run(desk.poll()) if page.gap]


def test_what_is_said_without_words_is_read_too(server: TelegramServer) -> None:
    desk = desk_of(server)
    server.files["f1"] = b"\xff\xd8\xff\xe0photo"
    sizes = [{"file_id": "f0", "width": 90}, {"file_id": "f1", "width": 1280, "file_size": 900}]
    server.say(GWEN, photo=sizes, caption="this pothole")
    server.say(GWEN, location={"latitude": 51.5, "longitude": -0.12})
    server.say(GWEN, document={"file_id": "f2", "file_name": "plan.pdf", "file_size": 30_000_000})
    server.say(GWEN, voice={"file_id": "gone", "duration": 3})
    server.say(GWEN, poll={"question": "?"})
    server.say(GWEN, contact={"first_name": "Ann", "phone_number": "01632 960000"})
    server.say(GWEN, rich_message={"blocks": [{"type": "paragraph", "text": "rich"}, {"items": [{"text": "words"}]}]})
    server.update(message={"message_id": 99, "chat": {"id": 42, "type": "private"}, "date": 1, "pinned_message": {}})
    server.update(message={"message_id": "what", "chat": None})
    server.update(edited_message={"location": {"latitude": 1.0, "longitude": 1.0, "live_period": 60}})
    asyncio.run(desk.poll())
    found = list(desk.residents.values())
    assert [item.text for item in found] == [
        "this pothole",
        "Location: 51.50000, -0.12000",
        "",
        "",
        "[A poll, which only Telegram can show]",
        "Contact: Ann 01632 960000",
        "rich\nwords",
    ]
    assert [(m.kind, m.name, m.state, m.remote_id) for item in found for m in item.media] == [
        ("image", "photo.jpg", "pending", "f1"),
        ("file", "plan.pdf", "too_large", "f2"),
        ("audio", "voice", "pending", "gone"),
    ]
    # Where a file is, is asked when it is fetched: the address holds the token and lapses.
    assert asyncio.run(desk.use(lambda channel: channel.locate("f1"))) == f"{server.url}/file/bot{TOKEN}/photos/f1.jpg"
    with pytest.raises(Rejected, match="invalid file_id"):
        asyncio.run(desk.use(lambda channel: channel.locate("gone")))
    assert len(desk.notices) == 1
    assert "could not be read" in desk.notices[0]


def test_an_answer_quotes_the_message_and_what_the_bot_said_elsewhere_is_ours(server: TelegramServer) -> None:
    desk = desk_of(server)
    number = server.say(GWEN, "my bin")

    async def story() -> None:
        await desk.poll()
        sent = await send(desk, f"42/{number}", "Sorry 🗑️!")
        assert sent.remote_id == f"42/{number + 1}"
        (said,) = server.sent
        assert said["reply_parameters"] == {"message_id": number, "allow_sending_without_reply": True}
        server.say(GWEN, "thanks", reply_to_message={k: v for k, v in said.items() if k != "reply_parameters"})
        await desk.poll()
        ours = desk.messages[sent.remote_id]
        assert (ours.own, ours.context, ours.text) == (True, True, "Sorry 🗑️!")
        with pytest.raises(Rejected, match="too long"):
            await send(desk, f"42/{number}", "🗑" * (LIMIT // 2) + "!")
        server.blocked.add(42)
        with pytest.raises(Rejected, match="does not let the bot write to @gwen: Forbidden: bot was blocked"):
            await send(desk, f"42/{number}", "hello?")
        server.fail("lost", "sendMessage")
        server.blocked.clear()
        with pytest.raises(AnswerLost):
            await send(desk, f"42/{number}", "once")
        reply = answer_to(desk.messages[f"42/{number}"], "once")
        with pytest.raises(NotPermitted, match="cannot be asked"):
            await desk.use(lambda channel: channel.look_up(reply))
        moved = {"ok": False, "error_code": 400, "description": "moved", "parameters": {"migrate_to_chat_id": -100}}
        server.fail("400", "sendMessage", moved)
        assert (await send(desk, f"42/{number}", "there")).remote_id.startswith("-100/")

    asyncio.run(story())
    assert [said["text"] for said in server.sent] == ["Sorry 🗑️!", "once", "there"]


def test_a_channels_direct_messages_are_private_and_topics_are_answered_in_place(server: TelegramServer) -> None:
    desk = desk_of(server)
    inbox = {"id": -1010, "type": "supergroup", "title": "Anytown", "is_direct_messages": True}
    channel = {"id": -1011, "type": "channel", "title": "Anytown"}
    first = server.say(GWEN, "in confidence", chat=inbox, direct_messages_topic={"topic_id": 42})
    other = server.say(WEI, "me too", chat=inbox, direct_messages_topic={"topic_id": 43})
    ours = server.say(GWEN, "from the app", chat=inbox, direct_messages_topic={"topic_id": 42}, sender_chat=channel)
    topic = server.say(WEI, "about floods", chat=GROUP, is_topic_message=True, message_thread_id=5)

    async def story() -> None:
        await desk.poll()
        talks = {key: (item.visibility, item.conversation, item.own) for key, item in desk.messages.items()}
        assert talks == {
            f"-1010/{first}": (Visibility.PRIVATE, "-1010/42", False),
            f"-1010/{other}": (Visibility.PRIVATE, "-1010/43", False),
            f"-1010/{ours}": (Visibility.PRIVATE, "-1010/42", True),
            f"-1009/{topic}": (Visibility.PUBLIC, None, False),
        }
        await send(desk, f"-1010/{first}", "answered")
        await send(desk, f"-1009/{topic}", "answered too")

    asyncio.run(story())
    posted = [asked.body for asked in server.calls("sendMessage")]
    assert [(body.get("direct_messages_topic_id"), body.get("message_thread_id")) for body in posted] == [
        (42, None),
        (None, 5),
    ]


@pytest.mark.parametrize(
    ("kind", "value", "error", "words"),
    [
        ("401", {"ok": False, "error_code": 401, "description": "Unauthorized"}, AuthError, "token"),
        ("404", {"ok": False, "error_code": 404, "description": "Not Found"}, Misconfigured, "no bot"),
        ("429", {"ok": False, "error_code": 429, "parameters": {"retry_after": 77}}, RateLimited, "slow down"),
        ("502", b"<html>", Unavailable, "502"),
        ("200", {"ok": True, "result": {"odd": 1}}, BadPayload, "not a list"),
        ("200", {"ok": True, "result": [{"update_id": None}]}, BadPayload, "no number"),
        ("200", b'{"ok": tru', BadPayload, "not JSON"),
        ("200", b"[" * 100_000, BadPayload, "not JSON"),
    ],
)
def test_what_goes_wrong_moves_nothing_and_never_shows_the_token(
    server: TelegramServer,
    caplog: pytest.LogCaptureFixture,
    kind: str,
    value: Any,
    error: type[ChannelError],
    words: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    desk = desk_of(server)
    asyncio.run(desk.poll())
    before = desk.cursor
    server.say(GWEN, "still here")
    for _ in range(3):
        server.fail(kind, "getUpdates", value)
    with pytest.raises(error, match=words) as caught:
        asyncio.run(desk.poll())
    logging.getLogger("test").error("as the program logs it", exc_info=caught.value)
    assert "secret_of_the_bot" not in caplog.text + repr(caught.value)
    if isinstance(caught.value, RateLimited):
        assert caught.value.retry_at is not None
    assert desk.cursor == before
    server.faults.clear()
    asyncio.run(desk.poll())
    assert [item.text for item in desk.residents.values()] == ["still here"]


def test_another_program_at_the_bot_is_explained_and_a_token_of_another_kind_too(server: TelegramServer) -> None:
    desk = desk_of(server)
    server.rivals = 2
    with pytest.raises(Misconfigured, match="Another program reads this bot's messages") as caught:
        asyncio.run(desk.poll())
    assert "@BotFather" in caught.value.hint
    server.webhook = "https://elsewhere.example/hook"
    server.say(GWEN, "hello")
    health = asyncio.run(desk.use(lambda channel: channel.check()))
    assert (health.identity, health.handle) == ("7001", "@anytown_bot")
    assert "webhook" in health.notices[0]
    asyncio.run(desk.poll())
    assert len(desk.residents) == 1
    with pytest.raises(Misconfigured, match="not the token"):
        asyncio.run(desk_of(server, token="a b").poll())


def test_the_program_polls_once_answers_and_asks_before_it_sends_again(tmp_path: Path, server: TelegramServer) -> None:
    shell = Inside(tmp_path, accounts=f'\n[[accounts]]\nid = "chat"\nnetwork = "telegram"\nserver = "{server.url}"\n')
    shell.login("chat", TOKEN)
    server.files["f1"] = b"\xff\xd8\xff\xe0photo"
    server.say(GWEN, photo=[{"file_id": "f1", "width": 1280}], caption="missed bin")
    polled = shell.ok("poll", "--once", "--json").json
    assert (polled["account"], polled["state"], polled["new"], polled["gap"]) == ("chat", "ok", 1, None)
    (case,) = shell.ok("list", "--json").json
    assert (case["network"], case["visibility"], case["person"]["handle"]) == ("telegram", "private", "@gwen")
    (message,) = shell.ok("show", case["ref"], "--json").json["messages"]
    assert [(m["state"], m["bytes"]) for m in message["media"]] == [("kept", 9)]
    server.fail("lost", "sendMessage")
    lost = shell.run("reply", case["ref"], "On our way.", "--json")
    assert (lost.status, lost.json["state"]) == (1, "unknown")
    refused = shell.run("outbox", "retry", str(lost.json["id"]))
    assert refused.status == 1
    assert "--anyway" in refused.err
    assert len(server.sent) == 1
    shell.ok("outbox", "retry", str(lost.json["id"]), "--anyway")
    assert [said["text"] for said in server.sent] == ["On our way."] * 2
    server.token = "7001:renewed"
    lapsed = shell.run("poll", "--once", "--json")
    assert (lapsed.status, lapsed.json["state"]) == (1, "login_needed")
