"""An incident: one statement on every account after one look, what became of each, and the cases that belong to it."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from socialtriage.channels.base import Posts
from socialtriage.cli.main import run_command
from socialtriage.config.model import AccountConfig
from socialtriage.domain.errors import NotFound, Refused, UsageError
from socialtriage.domain.models import OutboxState, OutgoingPost, Visibility
from socialtriage.services import approvals, inbox, incidents, outbox, queries, surge, triage
from socialtriage.services.desk import Desk
from socialtriage.services.incidents import Statement
from socialtriage.services.outbox import Outcome, Sender
from socialtriage.services.posting import page_of
from socialtriage.services.secrets import SecretStore
from socialtriage.services.sync import Poller
from tests.doubles.bluesky import BlueskyServer
from tests.doubles.bluesky_desk import PASSWORD
from tests.doubles.desk import CONFIG, MONDAY, arrive, case_ids, kinds, message, person
from tests.doubles.mastodon import TOKEN
from tests.doubles.reply_desk import ReplyDesk, reply_desk

WORDS = "A water main has burst in High Street. Crews are there; drink bottled water until we say more."
BY_HAND = """
[[accounts]]
id = "town-instagram"
network = "instagram"
handle = "@anytown"
business_account = "1234567"

[[accounts]]
id = "town-telegram"
network = "telegram"
handle = "@town_bot"
"""


@dataclass
class Town:
    """A desk that speaks on Mastodon and Bluesky, and has an Instagram account and a Telegram bot where it cannot."""

    reply: ReplyDesk
    bluesky: BlueskyServer

    @property
    def desk(self) -> Desk:
        return self.reply.desk

    def drafts(self, text: str = WORDS, accounts: tuple[str, ...] = (), **variants: str) -> list[Statement]:
        async def draft(poller: Poller, sender: Sender) -> list[Statement]:
            return await incidents.statements(self.desk, poller, text, variants, accounts)

        return self.reply.with_network(draft)

    def begin(self, text: str = WORDS, **more: Any) -> tuple[int, ...]:
        """Say it where it can be said from here; the rows."""
        said = self.drafts(text, ("town-mastodon", "leisure"))
        plan = incidents.plan(self.desk, "Water main", text, **more)
        return incidents.begin(self.desk, plan, said, undo_seconds=0).row_ids

    def states(self) -> dict[str, OutboxState | None]:
        number = incidents.named(self.desk, "water-main").id
        return {post.account: post.state for post in self.desk.store.incidents.posts(number)}


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    with BlueskyServer(now=MONDAY + timedelta(minutes=5)) as bluesky:
        config = CONFIG.replace('handle = "leisure.anytown.example"', f'handle = "{bluesky.council.handle}"')
        config = config.replace('network = "bluesky"', f'network = "bluesky"\nserver = "{bluesky.url}"')
        with reply_desk(tmp_path, config, BY_HAND) as reply:
            SecretStore(reply.desk.config.keyring).set("leisure", PASSWORD)
            SecretStore(reply.desk.config.keyring).set("town-mastodon", TOKEN)
            yield Town(reply, bluesky)


def test_one_look_at_every_account_says_how_long_each_is_and_which_is_done_by_hand(town: Town) -> None:
    long = WORDS + " Updates follow." * 20
    said = {each.account: each for each in town.drafts(long, instagram="Burst main in High Street. 07700 900123")}
    assert set(said) == {"town-mastodon", "leisure", "town-instagram", "town-telegram"}
    assert (said["town-telegram"].fault, bool(said["town-telegram"].page)) == ("", True)
    mastodon = said["town-mastodon"]
    assert (mastodon.length.used, mastodon.length.limit, mastodon.fault) == (len(long), 500, "")
    assert "too many" in said["leisure"].fault
    assert said["town-instagram"].page == "https://www.instagram.com/anytown/"
    assert "needs a picture" in said["town-instagram"].why
    assert "channel" in said["town-telegram"].why
    assert "personal data" in said["town-instagram"].warnings[0]
    with pytest.raises(Refused, match="leisure: It has"):
        incidents.begin(town.desk, incidents.plan(town.desk, "Water main", long), list(said.values()))
    assert (outbox.rows(town.desk), town.reply.ours, town.desk.store.incidents.all()) == ([], [], [])
    with pytest.raises(NotFound, match="mastodn"):
        town.drafts(mastodn="x")
    with pytest.raises(Refused, match="still holds"):
        incidents.plan(town.desk, "x", "Your reference is {ref}")
    with pytest.raises(UsageError, match="is over"):
        incidents.plan(town.desk, "x", "words", until="2026-01-01")


def test_it_is_posted_on_both_networks_once_and_each_result_stands_by_itself(town: Town) -> None:
    rows = town.begin()
    assert [outcome.state for outcome in town.reply.send()] == [OutboxState.SENT, OutboxState.SENT]
    [toot] = town.reply.ours
    assert (toot.visibility, toot.parent) == ("public", None)
    [skeet] = [r.value for r in town.bluesky.posts.values() if r.author is town.bluesky.council]
    assert (skeet["text"], "reply" in skeet) == (WORDS, False)
    assert town.states() == {"town-mastodon": OutboxState.SENT, "leisure": OutboxState.SENT}
    told = {event.kind for event in town.desk.store.log.between(None, None)}
    assert {"incident.opened", "post.queued", "post.sent"} <= told
    assert town.reply.states(*rows) == [OutboxState.SENT, OutboxState.SENT]
    with pytest.raises(Refused, match="already"):
        incidents.begin(town.desk, incidents.plan(town.desk, "water main", WORDS), [])


def test_one_account_that_fails_keeps_nobody_else_and_a_lost_answer_is_looked_up_not_repeated(town: Town) -> None:
    town.reply.server.fail("lost", path="/api/v1/statuses", method="POST")
    town.bluesky.fail("com.atproto.repo.createRecord", "400")
    mastodon, bluesky = town.begin()
    town.reply.send()
    assert town.states() == {"town-mastodon": OutboxState.UNKNOWN, "leisure": OutboxState.FAILED}

    async def again(poller: Poller, sender: Sender) -> list[Outcome]:
        return [await sender.check_at_source(mastodon), await sender.retry(bluesky)]

    assert {outcome.state for outcome in town.reply.with_network(again)} == {OutboxState.SENT}
    assert town.states() == {"town-mastodon": OutboxState.SENT, "leisure": OutboxState.SENT}
    assert len(town.reply.ours) == 1


def test_the_command_asks_once_and_says_what_became_of_each_account(
    town: Town, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    common = ["--config", str(tmp_path / "config.toml"), "--store", str(town.desk.store.path)]

    def run(*words: str) -> int:
        return run_command([*common, "incident", *words])

    assert run("new", "Flood", "--text", WORDS, "--for", f"bluesky={'x' * 301}", "--preview", "--json") == 1
    shown = {each["account"]: each for each in json.loads(capsys.readouterr().out)}
    assert "1 too many" in shown["leisure"]["fault"]
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert run("new", "Flood", "--text", WORDS) == 1
    said = capsys.readouterr().err
    assert all(name in said for name in ("town-mastodon", "leisure", "by hand", "Nothing was sent"))
    assert (town.reply.ours, town.desk.store.incidents.all()) == ([], [])
    assert run("new", "Flood", "--text", WORDS, "--keywords", "water", "--yes", "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    assert {post["account"]: post["state"] for post in facts["posts"]} == {
        "town-mastodon": "sent",
        "leisure": "sent",
        "town-instagram": "by_hand",
        "town-telegram": "by_hand",
    }
    assert run("say", "flood", "--text", "It is mended.", "--account", "town-mastodon", "--yes") == 0
    assert [post.text for post in town.reply.ours] == [WORDS, "It is mended."]
    [case_id] = [town.reply.ask("No WATER here")]
    ref = inbox.rows(town.desk, [case_id])[0].ref
    assert run("add", "flood", ref) == 0
    capsys.readouterr()
    assert run("show", "flood") == 0
    assert f"{ref}  in it" in capsys.readouterr().out
    assert run("end", "flood") == 0
    assert run("end", "flood") == 1


def test_undo_takes_every_statement_back_while_none_has_left(town: Town) -> None:
    said = town.drafts(WORDS, ("town-mastodon", "leisure"))
    incidents.begin(town.desk, incidents.plan(town.desk, "Water main", WORDS), said)
    assert town.reply.send() == []
    assert "Undone: Said of water-main" in triage.undo(town.desk).said
    assert (outbox.rows(town.desk), town.states()) == ([], {"town-mastodon": None, "leisure": None})


def test_a_trainees_statement_waits_for_a_second_officer(tmp_path: Path) -> None:
    config = CONFIG.replace('prefix = "ABC"', 'prefix = "ABC"\nsupervised = ["TR"]')
    with reply_desk(tmp_path, config) as reply:
        trainee = reply.other("TR")

        async def draft(poller: Poller, sender: Sender) -> list[Statement]:
            return await incidents.statements(trainee, poller, WORDS, {}, ["town-mastodon"])

        said = reply.with_network(draft, trainee)
        done = incidents.begin(trainee, incidents.plan(trainee, "flood", WORDS), said, undo_seconds=0)
        assert reply.send(everything=True) == []
        assert approvals.concerns(reply.desk, done.row_id or 0) == approvals.Concerns(Visibility.PUBLIC)
        approvals.approve(reply.desk, done.row_id or 0, undo_seconds=0)
        assert [outcome.state for outcome in reply.send()] == [OutboxState.SENT]


def test_cases_that_speak_of_it_are_suggested_until_its_end_and_an_officer_decides(town: Town) -> None:
    desk = town.desk
    arrive(
        desk,
        message("No water in High Street since this morning", "a", author=person("Ada")),
        message("My bin was missed", "b", author=person("Bob")),
    )
    water, bins = sorted(case_ids(desk), key=lambda i: "water" not in inbox.rows(desk, [i])[0].snippet)
    town.begin(keywords=["water", "high street"], until="2026-11-17", area="roads")
    arrive(
        desk,
        message("Brown WATER from the tap", "c", author=person("Cy")),
        message("The watering of the flowerbeds by your bin lorry", "d", author=person("Dee")),
    )

    def grouped() -> list[str]:
        query = queries.parse_query("incident:water-main", desk, "all")
        return sorted(str(row.snippet)[:9] for row in inbox.rows(desk, inbox.snapshot(desk, query)))

    assert grouped() == ["Brown WAT", "No water "], "the flowerbeds are of the area waste by their words"
    assert incidents.leave_out(desk, "water-main", [water]).said.endswith("does not belong to water-main.")
    incidents.take_in(desk, "water-main", [bins])
    assert incidents.suggest(desk, "water-main") == 2
    assert grouped() == ["Brown WAT", "My bin wa"]
    assert "incident.added" in kinds(desk, bins)
    town.reply.clock.move(days=2)
    arrive(desk, message("Water again", "e", author=person("Eve"), at=town.reply.clock()))
    assert len(grouped()) == 2
    with pytest.raises(Refused, match="over already"):
        incidents.end(desk, "water-main")
    with pytest.raises(UsageError, match="no incident"):
        queries.parse_query("incident:fire", desk)


def test_a_surge_is_told_once_by_what_is_usual_at_this_hour(town: Town) -> None:
    desk, clock = town.desk, town.reply.clock

    def say(count: int, at: Any, name: str) -> None:
        arrive(desk, *(message(f"{name} {i}", f"{name}{i}", author=person(f"{name} {i}"), at=at) for i in range(count)))

    say(14, clock() - timedelta(minutes=10), "today")
    assert surge.look(desk) is None, "nothing is usual yet"
    for day in range(1, 15):
        say(5 if day == 7 else 2, clock() - timedelta(days=day, minutes=20), f"day{day}")
    found = surge.look(desk)
    assert found is not None
    assert (found.count, round(found.usual), surge.banner(desk)) == (14, 2, "14 new in an hour, usually 2")
    assert surge.note(desk).said.startswith("Noted: 14 new")
    assert surge.banner(desk) == ""
    say(15, clock() - timedelta(minutes=5), "more")
    assert surge.banner(desk).startswith("29 new"), "twice as many are news again"
    clock.move(hours=2)
    assert surge.look(desk) is None
    assert surge.note(desk).said.startswith("No more arrives")


def test_the_same_words_twice_are_posted_twice_but_one_key_makes_one_post(town: Town) -> None:
    post = OutgoingPost("a" * 32, "We are here @nobody.example https://anytown.example", town.reply.clock())

    async def twice(poller: Poller, sender: Sender) -> None:
        from socialtriage.channels.http import Budget

        for name in ("town-mastodon", "leisure"):
            channel = poller.channel(town.desk.account(name), Budget(10))
            assert isinstance(channel, Posts)
            assert await channel.look_up_post(post) is None
            first, second = await channel.post(post), await channel.post(post)
            assert first.remote_id == second.remote_id
            found = await channel.look_up_post(post)
            assert found is not None
            assert found.remote_id == first.remote_id
            await channel.aclose()

    town.reply.with_network(twice)


def test_a_page_to_post_on_by_hand_is_an_address_that_leads_somewhere() -> None:
    account = AccountConfig(id="town", network="instagram")
    assert page_of(account, "instagram") == "https://www.instagram.com/"
    assert page_of(account, "youtube") == "https://www.youtube.com/"
    assert page_of(msgspec.structs.replace(account, handle="@town"), "instagram") == "https://www.instagram.com/town/"
