"""An Instagram account is read and answered: comments, answers, photo tags and direct messages."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import stamina

from socialtriage.channels import graph_chat
from socialtriage.channels.base import Lifts, Moderates
from socialtriage.channels.http import Http
from socialtriage.channels.instagram import Instagram
from socialtriage.config.model import AccountConfig
from socialtriage.domain.errors import AnswerLost, ChannelError, Misconfigured, NotPermitted, Rejected
from socialtriage.domain.models import Incoming, StoredRef, Visibility
from tests.doubles.channel_desk import NOON, FixedSecret, SmallDesk, answer_to
from tests.doubles.graph import IG, TOKEN, USER_TOKEN, Grant, GraphServer
from tests.doubles.inside import Inside, one_tls_context


class Clock:
    """The time at Meta."""

    def __init__(self) -> None:
        self.now = NOON - timedelta(minutes=2)

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


@pytest.fixture
def meta(monkeypatch: pytest.MonkeyPatch) -> Iterator[GraphServer]:
    one_tls_context(monkeypatch)
    with GraphServer(Clock()) as server:
        yield server
        assert server.problems == []


def desk_of(meta: GraphServer, token: str = TOKEN) -> SmallDesk:
    account = AccountConfig(id="pictures", network="instagram", server=meta.url, business_account=IG)
    return SmallDesk(Instagram, account, FixedSecret(token))


def poll(desk: SmallDesk, **more: Any) -> None:
    asyncio.run(desk.poll(**more))


def texts(desk: SmallDesk) -> set[str]:
    return {str(item.text) for item in desk.residents.values()}


def act(desk: SmallDesk, what: Any) -> Any:
    async def story() -> Any:
        http = Http()
        try:
            return await what(Instagram(desk.context(http)))
        finally:
            await http.aclose()

    return asyncio.run(story())


def ref(item: Incoming) -> StoredRef:
    return StoredRef(item.remote_id, item.thread, item.conversation, item.visibility, item.reply_data)


@pytest.mark.parametrize("token", [TOKEN, USER_TOKEN])
def test_comments_answers_tags_and_messages_come_once(meta: GraphServer, token: str) -> None:
    picture = meta.medium("The park opens")
    old = meta.medium("Last year's fair", at=NOON - timedelta(days=300))
    top = meta.ig_comment(picture, "lovely", "ada")
    answer = meta.ig_comment(top, "I do not think so", "bob")
    ours = meta.ig_comment(top, "Thank you", None)
    meta.ig_comment(old, "when is the next one?", "cy")
    meta.medium("look at this lamp", "dee")
    meta.medium("years ago", "eve", at=NOON - timedelta(days=900))
    meta.message("fay", "my bin was missed", platform="instagram")
    desk = desk_of(meta, token)
    poll(desk)
    expected = {"lovely", "I do not think so", "when is the next one?", "look at this lamp", "my bin was missed"}
    assert texts(desk) == expected
    assert desk.messages[ours].own
    assert desk.messages[answer].thread == desk.messages[ours].thread == top
    assert desk.messages[answer].author.handle == "@bob"
    handed = len(desk.handed)
    poll(desk)
    # An old picture on which one is newly tagged counts; a comment that only replaced another one comes in turn.
    assert texts(desk) == expected
    assert len(desk.messages) == handed
    meta.medium("found this old one", "gus", at=NOON - timedelta(days=900))
    meta.delete(answer)
    meta.ig_comment(top, "in its place", "hal")
    poll(desk)
    assert texts(desk) - expected == {"found this old one", "in its place"}


def test_comments_go_on_without_messages_and_missing_permissions_are_named(meta: GraphServer) -> None:
    meta.tokens[TOKEN].scopes.discard("instagram_manage_messages")
    meta.ig_comment(meta.medium("The park opens"), "lovely", "ada")
    meta.message("fay", "my bin was missed", platform="instagram")
    desk = desk_of(meta)
    poll(desk)
    assert texts(desk) == {"lovely"}
    assert "Direct messages could not be read" in " ".join(desk.notices)
    health = act(desk, lambda channel: channel.check())
    assert "instagram_manage_messages" in " ".join(health.notices)
    meta.tokens[TOKEN].scopes.add("instagram_manage_messages")
    poll(desk)
    assert texts(desk) == {"lovely", "my bin was missed"}
    meta.tokens[TOKEN].scopes.discard("instagram_manage_comments")
    desk.now += timedelta(hours=2)
    with pytest.raises(NotPermitted, match="instagram_manage_comments"):
        poll(desk)


def test_only_the_newest_messages_can_be_read_and_none_is_taken_for_deleted(
    meta: GraphServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graph_chat, "PACE", 0.0)
    for number in range(30):
        meta.message("fay", f"word {number}", platform="instagram")
    desk = desk_of(meta)
    pages = asyncio.run(desk.poll())
    assert texts(desk) == {f"word {number}" for number in range(10, 30)}
    assert "newest" in " ".join(desk.notices)
    [gap] = [page.gap for page in pages if page.gap is not None]
    assert gap.start < gap.end < min(item.at for item in desk.residents.values())
    meta.message("fay", "word 30", platform="instagram")
    assert not any(page.gap for page in asyncio.run(desk.poll()))
    assert "word 30" in texts(desk)
    old = [item for item in desk.residents.values() if item.text == "word 10"]
    for number in range(31, 45):
        meta.message("fay", f"word {number}", platform="instagram")
    again = act(desk, lambda channel: channel.reread([ref(item) for item in old]))
    assert again.gone == ()


def test_a_deletion_is_told_from_a_permission(meta: GraphServer) -> None:
    picture = meta.medium("The park opens")
    kept, lost = meta.ig_comment(picture, "kept", "ada"), meta.ig_comment(picture, "lost", "bob")
    desk = desk_of(meta)
    poll(desk)
    refs = [ref(desk.messages[kept]), ref(desk.messages[lost])]
    meta.edit(kept, "kept, and changed")
    for _ in range(2):
        meta.error(100, f"/{lost}", subcode=33)
        meta.error(10, f"/{kept}", status=403)
        again = act(desk, lambda channel: channel.reread(refs))
        assert again.gone == ()
    meta.delete(lost)
    again = act(desk, lambda channel: channel.reread(refs))
    assert again.gone == (lost,)
    assert [str(item.text) for item in again.items] == ["kept, and changed"]


def test_answers_go_below_the_top_comment_and_messages_in_time(meta: GraphServer) -> None:
    picture = meta.medium("The park opens")
    top = meta.ig_comment(picture, "lovely", "ada")
    below = meta.ig_comment(top, "indeed", "bob")
    tag = meta.medium("look at this lamp", "dee")
    fay = meta.message("fay", "my bin was missed", platform="instagram")
    desk = desk_of(meta)
    poll(desk)

    async def story(channel: Instagram) -> None:
        sent = await channel.send(answer_to(desk.messages[below], "Thank you both"))
        assert meta.nodes[sent.remote_id].parent == top
        assert sent.notice is None
        meta.fail("lost", f"{top}/replies", "POST")
        lost = answer_to(desk.messages[top], "Come again")
        with pytest.raises(AnswerLost):
            await channel.send(lost)
        found = await channel.look_up(lost)
        assert found is not None
        assert meta.nodes[found.remote_id].values["text"] == "Come again"
        assert await channel.look_up(answer_to(desk.messages[top], "Never said")) is None
        private = await channel.send(answer_to(desk.messages[fay], "We are on our way"))
        assert meta.nodes[private.remote_id].parent == meta.nodes[fay].parent
        again = await channel.look_up(answer_to(desk.messages[fay], "We are on our way"))
        assert again is not None
        assert again.remote_id == private.remote_id
        whisper = answer_to(desk.messages[top], "In confidence", Visibility.PRIVATE)
        await channel.send(whisper)
        with pytest.raises(Rejected, match="only one"):
            await channel.send(whisper)
        with pytest.raises(Rejected, match="tagged"):
            await channel.send(answer_to(desk.messages[tag], "Thank you"))
        desk.now += timedelta(hours=30)
        with pytest.raises(Rejected, match="24 hours"):
            await channel.send(answer_to(desk.messages[fay], "Too late"))

    act(desk, story)
    assert len(meta.sent("IGComment")) == 2
    assert len(meta.sent("UnifiedMessage")) == 2
    poll(desk)
    assert sum(item.own for item in desk.messages.values()) == 4


def test_comments_are_hidden_shown_and_deleted_and_people_blocked(meta: GraphServer) -> None:
    top = meta.ig_comment(meta.medium("The park opens"), "rude words", "ada")
    desk = desk_of(meta)
    poll(desk)
    item = desk.messages[top]

    async def story(channel: Instagram) -> None:
        assert isinstance(channel, Moderates)
        await channel.hide(ref(item))
        assert meta.nodes[top].values["hidden"] is True
        await channel.unhide(ref(item))
        assert meta.nodes[top].values["hidden"] is False
        await channel.block(item.author)
        assert item.author.key in meta.blocked
        assert isinstance(channel, Lifts)
        await channel.unblock(item.author)
        assert not meta.blocked
        await channel.delete(ref(item))
        await channel.delete(ref(item))
        assert meta.nodes[top].gone

    act(desk, story)
    assert meta.nodes[top].values["text"] == "rude words"


def test_instagrams_own_login_is_extended_and_told_from_anothers(meta: GraphServer) -> None:
    meta.tokens["IGAAold"] = Grant("IG", IG)
    ends = int((NOON + timedelta(days=20)).timestamp())
    secret = json.dumps({"access_token": "IGAAold", "expires_at": ends})
    desk = desk_of(meta, secret)
    meta.ig_comment(meta.medium("The park opens"), "lovely", "ada")
    meta.message("fay", "my bin was missed", platform="instagram")
    poll(desk)
    assert texts(desk) == {"lovely", "my bin was missed"}
    stored = json.loads(desk.secret.value)
    assert stored["access_token"] == "IGAAold-extended"
    assert stored["expires_at"] > ends
    desk.account = AccountConfig(id="pictures", network="instagram", server=meta.url, business_account="1784")
    with pytest.raises(Misconfigured, match="@anytown"):
        poll(desk)


def test_the_program_polls_and_answers(tmp_path: Path) -> None:
    with GraphServer() as meta:
        account = '\n[[accounts]]\nid = "pictures"\nnetwork = "instagram"\n'
        account += f'server = "{meta.url}"\nbusiness_account = "{IG}"\n'
        shell = Inside(tmp_path, accounts=account)
        shell.login("pictures", TOKEN)
        now = datetime.now(UTC)
        top = meta.ig_comment(meta.medium("The park opens"), "where is the gate?", "ada", at=now - timedelta(hours=1))
        line = json.loads(shell.ok("poll", "--once", "--json").out)
        assert (line["state"], line["new"]) == ("ok", 1)
        [case] = shell.ok("list", "--json").json
        assert case["person"]["handle"] == "@ada"
        assert "Sent." in shell.ok("reply", case["ref"], "At Mill Lane.").out
        assert [node.parent for node in meta.sent("IGComment")] == [top]
        assert json.loads(shell.ok("poll", "--once", "--json").out)["new"] == 0
        assert meta.problems == []


@pytest.mark.parametrize(
    "fault", ["html", "reset", "truncate", "500", "429", "80002", '{"data": {"a": 1}}', '{"data": [3]}']
)
@pytest.mark.parametrize("path", ["/media", "/comments", "/tags", "/conversations"])
def test_nothing_is_lost_or_doubled_by_faults_in_reading(meta: GraphServer, fault: str, path: str) -> None:
    top = meta.ig_comment(meta.medium("The park opens"), "lovely", "ada")
    meta.ig_comment(top, "indeed", "bob")
    meta.medium("look at this lamp", "dee")
    meta.message("fay", "my bin was missed", platform="instagram")
    desk = desk_of(meta)
    for _ in range(3 if fault in ("500", "reset", "truncate") else 1):
        if fault.startswith("{"):
            meta.fail(200, path, body=fault)
        elif fault == "80002":
            meta.error(80002, path)
        else:
            meta.fail(fault, path)
    with stamina.set_testing(True, attempts=3), contextlib.suppress(ChannelError):
        poll(desk)
    meta.faults.clear()
    for _ in range(2):
        desk.now += timedelta(minutes=2)
        poll(desk)
    found = sorted(str(item.text) for item in desk.residents.values())
    assert found == ["indeed", "look at this lamp", "lovely", "my bin was missed"]
