"""One matter that somebody wrote of in several places: answered where an officer chooses, each answer once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from socialtriage.domain.errors import Stale
from socialtriage.domain.models import OutboxState
from socialtriage.services import approvals, grouping, outbox, people, replies, reply_everywhere, saved_answers, triage
from socialtriage.services.desk import Desk
from socialtriage.ui.screens.compose import Compose
from socialtriage.ui.screens.picker import Picker
from socialtriage.ui.screens.reply import ReplyScreen
from tests.doubles.desk import CONFIG, MONDAY, arrive, case_ids, kinds, message, person, small_desk
from tests.doubles.inside import Inside, one_tls_context
from tests.doubles.mastodon import TOKEN, MastodonServer, Post
from tests.doubles.shell import Shell, mastodon
from tests.doubles.ui_desk import Officer, at_the_desk
from tests.test_ui_leaving import FakeEngine


@dataclass
class Towns:
    """Two accounts of one organisation, on two servers; Ada wrote twice to the first and once to the second."""

    shell: Shell
    town: MastodonServer
    leisure: MastodonServer
    ref: str

    @property
    def ours(self) -> dict[str, list[Post]]:
        return {
            name: [post for post in server.posts.values() if post.author is server.me]
            for name, server in (("town", self.town), ("leisure", self.leisure))
        }

    def rows(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.shell.ok("outbox", "--json").json
        return sorted(found, key=lambda row: row["id"])


@pytest.fixture
def towns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Towns]:
    one_tls_context(monkeypatch)
    with MastodonServer() as town, MastodonServer() as leisure:
        leisure.max_characters = 40
        shell = Inside(tmp_path, accounts=mastodon(town.url) + mastodon(leisure.url, "leisure"))
        for account in ("town", "leisure"):
            shell.login(account, TOKEN)
        town.mention("My bin was missed", author="ada")
        town.mention("Nobody came for my bin", author="ada")
        shell.ok("poll", "--once")
        leisure.mention("You tell me about my bin then", author="ada")
        shell.ok("poll", "--once")
        cases = shell.ok("list", "--view", "all", "--json").json
        first, *rest = sorted(cases, key=lambda case: case["opened_at"])
        shell.ok("merge", *[case["ref"] for case in rest], "--into", first["ref"])
        yield Towns(shell, town, leisure, first["ref"])
        assert (town.problems, leisure.problems) == ([], [])


def test_the_newest_message_is_answered_unless_places_are_named_and_each_answer_is_its_own(towns: Towns) -> None:
    shell, ref = towns.shell, towns.ref
    shown = shell.ok("reply", ref, "On Thursday.", "--everywhere", "--preview", "--json").json
    assert [each["account"] for each in shown] == ["leisure", "town", "town"]
    assert shell.ok("reply", ref, "On Thursday.", "--preview", "--json").json["account"] == "leisure"
    wrong = shell.run("reply", ref, "On Thursday.", "--at", "nowhere")
    assert (wrong.status, "leisure (" in wrong.err, "town (" in wrong.err) == (2, True, True)
    assert shell.run("reply", ref, "x", "--at", "town", "--everywhere").status == 2
    towns.leisure.fail("lost", path="/api/v1/statuses", method="POST")
    ran = shell.run("reply", ref, "On Thursday.", "--everywhere")
    assert (ran.status, "leisure: unknown" in ran.out, ran.out.count("town: sent")) == (1, True, 2)
    assert [row["state"] for row in towns.rows()] == ["unknown", "sent", "sent"]
    # The case counts as answered; what is in doubt is said where the case is read.
    shown, case = shell.ok("show", ref).out, shell.ok("show", ref, "--json").json
    assert (case["status"], "MAY NOT HAVE ARRIVED: the reply on leisure" in shown) == ("waiting_resident", True)
    assert [(row["account"], row["state"]) for row in case["unsent"]] == [("leisure", "unknown")]
    assert len({(name, post.parent) for name, posts in towns.ours.items() for post in posts}) == 3
    assert "sent" in shell.ok("outbox", "retry", str(towns.rows()[0]["id"])).out
    assert shell.ok("show", ref, "--json").json["unsent"] == []
    assert {name: len(posts) for name, posts in towns.ours.items()} == {"town": 2, "leisure": 1}
    voices = [m["voice"] for m in shell.ok("show", ref, "--json").json["messages"]]
    assert (voices.count("officer"), voices.count("resident")) == (3, 3)
    # One place by its message's number, one account by its name.
    numbers = [m["id"] for m in shell.ok("show", ref, "--json").json["messages"] if m["voice"] == "resident"]
    shell.ok("reply", ref, "Sorry for the wait.", "--at", str(numbers[0]))
    assert [len(posts) for posts in towns.ours.values()] == [3, 1]


def test_where_one_place_would_refuse_nothing_leaves_and_one_step_takes_all_of_them_back(towns: Towns) -> None:
    shell, ref = towns.shell, towns.ref
    ran = shell.run("reply", ref, "On Thursday, as soon as the road is free.", "--everywhere")
    assert (ran.status, "leisure:" in ran.err, "Nothing was sent anywhere" in ran.err) == (1, True, True)
    assert (towns.rows(), towns.ours) == ([], {"town": [], "leisure": []})
    shell.ok("reply", ref, "Thursday.", "--everywhere", "--queue")
    assert [row["state"] for row in towns.rows()] == ["queued"] * 3
    shell.ok("undo")
    assert (towns.rows(), towns.ours) == ([], {"town": [], "leisure": []})


def merged(tmp_path: Path, config: str = CONFIG) -> tuple[Desk, int]:
    """A case of two threads."""
    desk = small_desk(tmp_path, config=config)
    hour = timedelta(hours=1)
    arrive(desk, message("My bin was missed", "m1", author=person("Pat"), at=MONDAY - 2 * hour, thread="t1"))
    arrive(desk, message("Still nobody came", "m2", author=person("Pat"), at=MONDAY - hour, thread="t2"))
    older, newer = sorted(case_ids(desk, "all"))
    grouping.merge(desk, [newer], older)
    return desk, older


def test_of_two_officers_the_second_is_told_and_none_of_the_places_is_answered_by_halves(tmp_path: Path) -> None:
    desk, case_id = merged(tmp_path)
    there = reply_everywhere.places(desk, case_id)
    assert [place.words for place in there] == ["Still nobody came", "My bin was missed"]
    drafts = [
        replies.prepare(desk, None, case_id, "On Thursday.", wishes=replies.Wishes(message=place.message))
        for place in there
    ]
    triage.tag(desk, [case_id], area="waste")
    with pytest.raises(Stale):
        replies.queue_all(desk, drafts)
    assert outbox.rows(desk) == []
    desk.close()


def test_a_new_colleagues_reply_is_approved_in_all_of_its_places_at_once(tmp_path: Path) -> None:
    desk, case_id = merged(tmp_path, CONFIG.replace("[organisation]", '[organisation]\nsupervised = ["JS"]'))
    wishes = [replies.Wishes(message=place.message) for place in reply_everywhere.places(desk, case_id)]
    drafts = [replies.prepare(desk, None, case_id, "On Thursday.", wishes=each) for each in wishes]
    first, second = replies.queue_all(desk, drafts).row_ids
    assert [row.held for row in outbox.rows(desk)] == ["approval", "approval"]
    other = small_desk(tmp_path, officer="MB", config=CONFIG)
    done = approvals.approve(other, second)
    assert sorted(done.row_ids) == [first, second]
    assert [row.held for row in outbox.rows(desk)] == [None, None]
    other.close()
    desk.close()


def test_a_case_that_is_answered_in_one_place_says_on_its_screen_where_it_is_not(tmp_path: Path) -> None:
    desk, case_id = merged(tmp_path)
    wishes = [replies.Wishes(message=place.message) for place in reply_everywhere.places(desk, case_id)]
    drafts = [replies.prepare(desk, None, case_id, "On Thursday.", wishes=each) for each in wishes]
    first, _ = replies.queue_all(desk, drafts).row_ids
    with desk.store.transaction("JS", MONDAY) as tx:
        tx.outbox.claim(first, MONDAY)
        tx.outbox.settle(first, OutboxState.FAILED, error="The post was deleted.")

    async def story(officer: Officer) -> None:
        await officer.press("enter")
        await officer.reads("Not sent", "the reply on town-mastodon", "The post was deleted.")

    at_the_desk(desk, story)


def test_a_saved_answer_is_worded_for_the_network_of_each_place(tmp_path: Path) -> None:
    variant = 'for.facebook = "Sorry {name}, we have logged it as {ref}."'
    desk = small_desk(tmp_path, config=CONFIG.replace(variant, 'for.bluesky = "Sorry, {name}."'))
    arrive(desk, message("My bin was missed", "m1", author=person("Pat"), at=MONDAY - timedelta(hours=2)))
    arrive(desk, message("Still nobody came", "m2", author=person("Pat", "p")), account="leisure")
    people.link(desk, "mastodon:pat@social.example", "bluesky:p@social.example")
    older, newer = sorted(case_ids(desk, "all"))
    grouping.merge(desk, [newer], older)
    there = reply_everywhere.places(desk, older)
    said = [saved_answers.wording(desk, older, "missed-bin", MONDAY, None, place.message) for place in there]
    assert [place.network for place in there] == ["bluesky", "mastodon"]
    assert said[0] == "Sorry, Pat."
    assert said[1].startswith("Sorry about that.")
    assert saved_answers.wording(desk, older, "missed-bin", MONDAY) == said[0]
    desk.close()


def test_at_the_screen_a_key_takes_another_place_in(tmp_path: Path) -> None:
    desk, case_id = merged(tmp_path)

    async def story(officer: Officer) -> None:
        await officer.press("r")
        await officer.on(Compose)
        await officer.write("On Thursday.")
        await officer.press("escape")
        await officer.on(ReplyScreen)
        await officer.reads("[x] town-mastodon, PUBLIC on mastodon: Still nobody came", "[ ] town-mastodon")
        await officer.press("w")
        await officer.on(Picker)
        await officer.press("down", "enter")
        await officer.on(ReplyScreen)
        await officer.reads("[x] town-mastodon, PUBLIC on mastodon: My bin was missed", "AND BY town-mastodon")
        await officer.press("y")
        await officer.home()
        found = [desk.store.outbox.get(row.id) for row in outbox.rows(desk)]
        assert sorted(row.payload["parent"]["remote_id"] for row in found if row is not None) == ["m1", "m2"]
        assert kinds(desk, case_id).count("reply.queued") == 2
        await officer.press("u")
        await officer.until(lambda: outbox.rows(desk) == [], "both are taken back")
        officer.app.session.replies.clear()
        await officer.press("r")
        await officer.on(Compose)
        await officer.press("escape")
        await officer.on(ReplyScreen)
        await officer.reads("[x] town-mastodon, PUBLIC on mastodon: My bin was missed", "AND BY town-mastodon")

    at_the_desk(desk, story, engine=lambda: FakeEngine(desk))
