"""Taking back what was to leave in several places, when some of them left, failed, or were dropped before."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import stamina

from socialtriage.domain.errors import Refused
from socialtriage.domain.models import OutboxState, Status
from socialtriage.domain.times import iso
from socialtriage.services import (
    approvals,
    drafts,
    grouping,
    inbox,
    incidents,
    outbox,
    pause,
    people,
    replies,
    reply_everywhere,
    reply_rules,
    statement_drafts,
    triage,
)
from socialtriage.services.desk import Desk
from socialtriage.services.secrets import SecretStore
from socialtriage.services.sync import Poller
from socialtriage.ui import reply_text
from socialtriage.ui.case_text import Reader
from socialtriage.ui.session import Written
from tests.doubles.desk import CONFIG, MONDAY, arrive, case_ids, kinds, message, person, small_desk
from tests.doubles.reply_desk import reply_desk
from tests.test_reply_everywhere import Towns, merged, towns

__all__ = ["towns"]


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[Desk, int, tuple[int, ...]]]:
    """A case of two threads, and the rows of an answer to both."""
    desk, case_id = merged(tmp_path)
    wishes = [replies.Wishes(message=place.message) for place in reply_everywhere.places(desk, case_id)]
    made = [replies.prepare(desk, None, case_id, "On Thursday.", wishes=each) for each in wishes]
    yield desk, case_id, replies.queue_all(desk, made).row_ids
    desk.close()


def settled(desk: Desk, row_id: int, state: OutboxState | None) -> None:
    """A row that another desk sends; without a state it is on its way."""
    with desk.store.transaction("MB", desk.clock()) as tx:
        assert tx.outbox.claim(row_id, desk.clock())
        if state is not None:
            tx.outbox.settle(row_id, state)


@pytest.mark.parametrize("state", [OutboxState.SENT, OutboxState.UNKNOWN, None])
def test_where_one_has_left_the_others_are_kept_from_it_and_that_is_said(
    two: tuple[Desk, int, tuple[int, ...]], state: OutboxState | None
) -> None:
    desk, case_id, (first, second) = two
    settled(desk, first, state)
    said = triage.undo(desk).said
    assert said.startswith("Taken back where it had not left: Answered")
    assert said.endswith("It has left by town-mastodon, and stays there.")
    assert [row.id for row in outbox.rows(desk)] == [first]
    kept = drafts.kept_reply(desk, case_id)
    [there] = [place.message for place in reply_everywhere.places(desk, case_id) if place.message in kept.places]
    assert (kept.text, kept.places) == ("On Thursday.", (there,))
    assert kinds(desk, case_id)[-1] == "reply.dropped"
    assert second not in [row.id for row in outbox.rows(desk)]


def test_one_that_was_dropped_before_keeps_no_other_from_being_taken_back(
    two: tuple[Desk, int, tuple[int, ...]],
) -> None:
    desk, case_id, (first, _) = two
    outbox.drop(desk, first)
    assert "Undone: Answered" in triage.undo(desk).said
    assert outbox.rows(desk) == []
    assert len(drafts.kept_reply(desk, case_id).places) == 1


def test_what_has_left_everywhere_and_what_leaves_now_is_refused(two: tuple[Desk, int, tuple[int, ...]]) -> None:
    desk, _, (first, second) = two
    settled(desk, first, OutboxState.SENT)
    settled(desk, second, None)
    with pytest.raises(Refused, match="leaving at this moment"):
        triage.undo(desk)
    assert len(outbox.rows(desk)) == 2


def test_a_wrong_word_is_stopped_although_a_colleague_changed_the_case_meanwhile(
    two: tuple[Desk, int, tuple[int, ...]], tmp_path: Path
) -> None:
    desk, case_id, _ = two
    with desk.store.transaction("MB", desk.clock()) as tx:
        before = tx.cases.get(case_id)
        tx.cases.save(before, replace(before, status=Status.WAITING_RESIDENT))
    assert "Undone: Answered" in triage.undo(desk).said
    assert outbox.rows(desk) == []
    assert desk.store.cases.get(case_id).status is Status.WAITING_RESIDENT


def test_a_statement_that_does_not_leave_is_its_officers_draft_again(tmp_path: Path) -> None:
    words = "A water main has burst."
    with reply_desk(tmp_path, CONFIG.replace("[organisation]", '[organisation]\nsupervised = ["TR"]')) as town:
        desk, trainee = town.desk, town.other("TR")
        for who, name in ((desk, "flood"), (desk, "fire"), (trainee, "snow")):

            async def draft(poller: object, sender: object, who: Desk = who) -> list[incidents.Statement]:
                return await incidents.statements(who, poller, words, {}, ["town-mastodon"])  # type: ignore[arg-type]

            done = incidents.begin(who, incidents.plan(who, name, words), town.with_network(draft, who))
            if name == "flood":
                triage.undo(who)
            elif name == "fire":
                outbox.drop(who, done.row_id or 0)
            else:
                said = approvals.give_back(desk, done.row_id or 0, "Say which street.").said
                assert said == "Returned to TR: the statement is their draft again."
            assert statement_drafts.kept(who, name) == words
        assert outbox.rows(desk) == []


def test_a_statement_leaves_nowhere_before_the_last_of_the_undo_windows_has_ended(tmp_path: Path) -> None:
    config = CONFIG.replace('handle = "leisure.anytown.example"', 'handle = "leisure.anytown.example"\nundo = "60s"')
    with reply_desk(tmp_path, config) as town:
        desk, words = town.desk, "A water main has burst."

        async def draft(poller: Poller, sender: outbox.Sender) -> list[incidents.Statement]:
            return await incidents.statements(desk, poller, words, {}, ["town-mastodon", "leisure"])

        incidents.begin(desk, incidents.plan(desk, "flood", words), town.with_network(draft))
        rows = outbox.rows(desk)
        assert {row.not_before for row in rows} == {desk.clock() + timedelta(seconds=60)}
        assert len(rows) == 2


def two_accounts(tmp_path: Path, config: str = CONFIG, officer: str = "JS") -> tuple[Desk, int]:
    """One person's case of two accounts, where they have another name on each."""
    desk = small_desk(tmp_path, officer=officer, config=config)
    arrive(desk, message("My bin was missed", "m1", author=person("Pat"), at=MONDAY - timedelta(hours=2)))
    there = person("Patrick", "p")
    arrive(desk, message("Still nobody came", "m2", author=there, at=MONDAY - timedelta(hours=1)), account="leisure")
    people.link(desk, "mastodon:pat@social.example", "bluesky:p@social.example")
    older, newer = sorted(case_ids(desk, "all"))
    grouping.merge(desk, [newer], older)
    return desk, older


def test_what_is_written_counts_as_the_first_of_its_places_and_a_message_that_is_gone_is_named(tmp_path: Path) -> None:
    desk, older = two_accounts(tmp_path)
    newest, first = reply_everywhere.places(desk, older)

    async def rules() -> list[str]:
        poller = Poller(desk, SecretStore(desk.config.keyring))
        try:
            found = [await reply_rules.rules(desk, poller, older, message=each) for each in (None, first.message)]
            return [each.network for each in found]
        finally:
            await poller.aclose()

    with stamina.set_testing(True, attempts=1):
        found = asyncio.run(rules())
    assert found == ["bluesky", "mastodon"]
    made = replies.prepare(desk, None, older, "Thursday.", wishes=replies.Wishes(message=newest.message))
    written = Written("Thursday.", places=(newest.message,))
    text = "\n".join(
        "".join(run[0] for run in each.runs)
        for each in reply_text.review(
            inbox.detail(desk, older), written, (made,), (), (), desk, Reader(MONDAY, desk.zone, {})
        )
    )
    assert "Patrick @p@social.example" in text
    with desk.store.transaction("t", MONDAY) as tx:
        tx.intake.mark_gone([newest.message], iso(MONDAY))
    gone = replies.prepare(desk, None, older, "Thursday.", wishes=replies.Wishes(message=newest.message))
    assert any("gone at its source" in each for each in gone.warnings)
    assert replies.prepare(desk, None, older, "Thursday.").warnings == ()
    desk.close()


def test_what_is_approved_for_several_places_leaves_after_the_longest_of_their_windows(tmp_path: Path) -> None:
    config = CONFIG.replace('handle = "leisure.anytown.example"', 'handle = "leisure.anytown.example"\nundo = "60s"')
    supervised = config.replace("[organisation]", '[organisation]\nsupervised = ["TR"]')
    trainee, case_id = two_accounts(tmp_path, supervised, "TR")
    wishes = [replies.Wishes(message=place.message) for place in reply_everywhere.places(trainee, case_id)]
    made = [replies.prepare(trainee, None, case_id, "Thursday.", wishes=each) for each in wishes]
    _, of_mastodon = replies.queue_all(trainee, made).row_ids
    desk = small_desk(tmp_path, config=supervised)
    approvals.approve(desk, of_mastodon)
    assert {row.not_before for row in outbox.rows(desk)} == {MONDAY + timedelta(seconds=60)}
    desk.close()
    trainee.close()


def test_a_pause_between_two_places_is_named_as_why_the_rest_has_not_left(
    towns: Towns, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = outbox.Sender._one

    async def then_pause(self: outbox.Sender, row_id: int, **more: Any) -> outbox.Outcome | None:
        found = await one(self, row_id, **more)
        await asyncio.to_thread(pause.pause, self._desk, "a tragedy")
        return found

    monkeypatch.setattr(outbox.Sender, "_one", then_pause)
    ran = towns.shell.run("reply", towns.ref, "On Thursday.", "--everywhere")
    assert (ran.status, [row["state"] for row in towns.rows()]) == (1, ["sent", "queued", "queued"])
    assert "Everything outgoing is paused since" in ran.err
    assert "Another program" not in ran.err
    towns.shell.ok("resume")
    ran = towns.shell.run("incident", "new", "main", "--text", "A water main has burst.", "--yes")
    assert ran.out.count(": queued") == 1
    assert "Everything outgoing is paused since" in ran.out
