"""Google's reviews: newest change first, stars in words, an answer that is one however often it is put."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from socialtriage.channels.google import GoogleReviews
from socialtriage.config.load import parse
from socialtriage.config.model import AccountConfig
from socialtriage.domain.errors import AnswerLost, BadPayload, ConfigError, Misconfigured, Rejected
from socialtriage.domain.models import Reread, Sent
from tests.doubles.channel_desk import FixedSecret, SmallDesk, answer_to
from tests.doubles.google import LOCATION, SECRET, ReviewServer
from tests.doubles.inside import Inside, one_tls_context

DAYS = timedelta(days=1)


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    one_tls_context(monkeypatch)


@pytest.fixture
def server() -> Iterator[ReviewServer]:
    with ReviewServer() as server:
        yield server
    assert server.problems == []


def desk_of(server: ReviewServer, location: str = LOCATION) -> SmallDesk:
    account = AccountConfig(id="tip", network="google", server=server.url, location=location)
    return SmallDesk(GoogleReviews, account, FixedSecret(json.dumps(SECRET)), now=server.now)


def test_reviews_arrive_with_stars_edits_and_answers_and_a_walk_stops_early(server: ReviewServer) -> None:
    desk = desk_of(server)
    server.most = 5
    for i in range(20):
        server.review(f"Old {i}", "FIVE", age=(100 + i) * DAYS)
    two = server.review("Gwen", "TWO", "The tip was shut.", age=3 * DAYS)
    bare = server.review("Gwen", "FOUR", age=2 * DAYS)

    async def story() -> None:
        await desk.poll()
        assert {key: item.text for key, item in desk.residents.items()} == {
            two: "★★☆☆☆ (2 of 5 stars)\nThe tip was shut.",
            bare: "★★★★☆ (4 of 5 stars)\n(without words)",
        }
        # Two reviews by one name are never one person.
        assert desk.messages[two].author.key != desk.messages[bare].author.key
        assert len(server.calls("/reviews")) == 1
        server.change("r1", starRating="ONE", comment="Worse now.")
        server.reviews[two]["reviewReply"] = {"comment": "Sorry.", "updateTime": "2026-11-22T11:00:00Z"}
        server.change(two)
        await desk.poll()
        assert desk.messages["r1"].text == "★☆☆☆☆ (1 of 5 stars)\nWorse now."
        assert desk.messages["r1"].edited_at == server.now
        answer = desk.messages[f"{two}/reply"]
        assert (answer.own, answer.parent, answer.text) == (True, two, "Sorry.")

    asyncio.run(story())


def test_a_walk_that_was_stopped_loses_nothing(server: ReviewServer) -> None:
    desk = desk_of(server)
    server.most = 4
    keys = {server.review(f"P{i}", "THREE", f"number {i}", age=i * timedelta(hours=1)) for i in range(30)}

    async def story() -> None:
        await desk.poll(stop_after=3)
        keys.add(server.review("New", "ONE", "meanwhile"))
        await desk.poll(stop_after=3)
        server.fail("400", "/reviews", {"error": {"code": 400, "status": "INVALID_ARGUMENT", "message": "token"}})
        with pytest.raises(BadPayload):
            await desk.poll()
        await desk.poll()

    asyncio.run(story())
    assert set(desk.residents) == keys


def test_an_answer_is_put_once_and_never_over_one_that_nobody_here_has_read(server: ReviewServer) -> None:
    desk = desk_of(server)
    key = server.review("Gwen", "ONE", "Shut again")

    async def send(text: str) -> Sent:
        found = await desk.use(lambda channel: channel.send(answer_to(desk.messages[key], text)))
        assert isinstance(found, Sent)
        return found

    async def story() -> None:
        await desk.poll()
        server.fail("lost", "/reply")
        sent = await send("Open on Monday.")
        assert (sent.remote_id, server.puts) == (f"{key}/reply", 1)
        server.fail("reset", "/reply")
        assert (await send("Open on Monday.")).remote_id == sent.remote_id
        server.reviews[key]["reviewReply"] = {
            "comment": "A colleague was faster.",
            "updateTime": "2026-11-22T12:00:00Z",
        }
        with pytest.raises(Rejected, match="answered this review on Google already"):
            await send("Something else.")
        await desk.poll()
        assert (await send("Something else.")).notice == "This replaced the answer that stood there."
        with pytest.raises(Rejected, match="too long"):
            await send("é" * 2049)
        server.fail("ok", f"/reviews/{key}")
        server.fail("lost", "/reply")
        for _ in range(3):
            server.fail("503", f"/reviews/{key}")
        with pytest.raises(AnswerLost, match="could not be seen"):
            await send("Something else again.")
        server.faults.clear()
        server.reviews.pop(key)
        with pytest.raises(Rejected, match="deleted"):
            await send("too late")
        found: Reread = await desk.use(lambda channel: channel.reread([answer_to(desk.messages[key], "").parent]))
        assert found.gone == (key,)

    asyncio.run(story())


def test_an_answer_that_google_keeps_back_is_told_and_pictures_come_along(server: ReviewServer) -> None:
    desk = desk_of(server)
    key = server.review("Gwen", "ONE", "Look at this")
    pictures = [{"thumbnailUrl": "https://lh3.example/1"}, {"videoUrl": "https://lh3.example/2"}, {}, 7]
    server.reviews[key]["reviewMediaItems"] = pictures

    async def story() -> None:
        await desk.poll()
        assert [(m.kind, m.url) for m in desk.messages[key].media] == [
            ("image", "https://lh3.example/1"),
            ("video", "https://lh3.example/2"),
        ]
        for state, words in (("PENDING", "before it is shown"), ("REJECTED", "does not show it")):
            server.state = state
            sent = await desk.use(lambda channel: channel.send(answer_to(desk.messages[key], "Sorry.")))
            assert words in str(sent.notice)
        await desk.poll()
        assert "Google does not show our answer to the review by Gwen." in desk.notices

    asyncio.run(story())


def test_a_location_that_is_none_is_said_by_the_configuration_and_by_google(server: ReviewServer) -> None:
    head = '[organisation]\nname = "A"\nprefix = "ABC"\n[[accounts]]\nid = "tip"\nnetwork = "google"\n'
    with pytest.raises(ConfigError) as caught:
        parse(head + 'location = "locations/22"\nquota = 3\n')
    assert any("accounts[0].location" in line or "tip.location" in line for line in caught.value.problems)
    assert any("quota" in line for line in caught.value.problems)
    with pytest.raises(Misconfigured, match="knows no location"):
        asyncio.run(desk_of(server, "accounts/1/locations/2").poll())


def test_the_program_polls_and_answers_a_review(server: ReviewServer, tmp_path: Path) -> None:
    shell = Inside(
        tmp_path,
        accounts=f'\n[[accounts]]\nid = "tip"\nnetwork = "google"\nserver = "{server.url}"\nlocation = "{LOCATION}"\n',
    )
    server.now = datetime.now(UTC)
    server.good.clear()  # the login has to be renewed on the way
    shell.login("tip", json.dumps(SECRET))
    server.review("Gwen", "TWO", "The recycling centre was shut.")
    assert shell.ok("poll", "--once", "--json").json["new"] == 1
    (case,) = shell.ok("list", "--json").json
    assert case["suggestion"]["area"] == "waste"
    assert shell.ok("reply", case["ref"], "It opens at eight.", "--json").json["state"] == "sent"
    assert server.reviews["r1"]["reviewReply"]["comment"] == "It opens at eight."
    private = shell.run("reply", case["ref"], "psst", "--private")
    assert (private.status, server.puts) == (1, 1)


def test_an_answer_that_replaces_another_is_read_as_it_stands(tmp_path: Path, server: ReviewServer) -> None:
    account = f'\n[[accounts]]\nid = "tip"\nnetwork = "google"\nserver = "{server.url}"\nlocation = "{LOCATION}"\n'
    shell = Inside(tmp_path, accounts=account)
    shell.login("tip", json.dumps(SECRET | {"expires_at": None}))
    server.now = datetime.now(UTC)
    server.review("Gwen", "TWO", "The tip was shut.")
    shell.ok("poll", "--once")
    [case] = shell.ok("list", "--json").json
    shell.ok("reply", case["ref"], "It opens at nine.")
    shell.ok("poll", "--once")
    shell.ok("reply", case["ref"], "It opens at eight.")
    [result] = [json.loads(line) for line in shell.ok("poll", "--once", "--json").out.splitlines()]
    assert (result["new"], result["updated"]) == (0, 1)
    assert json.loads(shell.ok("poll", "--once", "--json").out)["updated"] == 0
    ours = shell.ok("show", case["ref"], "--json").json["messages"][-1]
    assert (ours["voice"], ours["text"]) == ("officer", "It opens at eight.")
    assert ours["edited_at"] is not None
