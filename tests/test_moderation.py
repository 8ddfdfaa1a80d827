"""Moderation: words mark, officers decide, a snapshot comes first and a review later; through a Mastodon end to end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from socialtriage.config.load import parse
from socialtriage.domain.blocked import BlockedWords
from socialtriage.domain.errors import ConfigError, NotFound, Refused, UsageError
from socialtriage.domain.models import OutboxKind, OutboxState, Outcome, Sent, Visibility
from socialtriage.domain.views import Query
from socialtriage.services import flagging, inbox, moderation, outbox, queries, triage
from socialtriage.services.desk import Desk
from socialtriage.services.moderating import REPEATABLE
from socialtriage.services.settling import settle
from socialtriage.services.verdict import Verdict
from tests.doubles.desk import CONFIG, FrozenClock, arrive, kinds, message, small_desk, the_case
from tests.doubles.inside import Inside
from tests.doubles.mastodon import TOKEN, MastodonServer
from tests.doubles.media import MediaServer, photo
from tests.doubles.shell import mastodon

WORDS = '[moderation]\nflag = ["idiot*", "rubbish council"]\nhold = ["kill you"]\nreview = "30d"\n\n[outbox]'


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = small_desk(tmp_path, config=CONFIG.replace("[outbox]", WORDS))
    yield desk
    desk.close()


def row_of(desk: Desk, text_or_id: str) -> Any:
    return next(row for row in inbox.rows(desk, inbox.snapshot(desk, Query(view="all"))) if text_or_id in row.snippet)


def test_blocked_words_mark_and_hold_and_nothing_is_hidden_by_them(desk: Desk) -> None:
    arrive(desk, message("You 1D10TS, where is my bin?", "m1", author="Ada"))
    arrive(desk, message("I will k\u200bill  you all", "m2", author="Bob"))
    arrive(desk, message("The midiot rubbish, council, is on page 10", "m3", author="Cy"))
    arrive(desk, message("A fine park", "m4", author="Dee"))
    ada = row_of(desk, "1D10TS")
    assert desk.store.cases.get(ada.id).flags == ("blocked_word",)
    held = row_of(desk, "held")
    case = desk.store.cases.get(held.id)
    assert case.flags == ("blocked_word", "held")
    assert "kill" not in held.snippet
    [told] = [e for e in inbox.detail(desk, held.id).events if e.kind == "case.flagged"]
    assert told.detail == {"words": "kill you", "held": True}
    assert desk.store.cases.get(row_of(desk, "midiot").id).flags == ("blocked_word",)
    assert desk.store.cases.get(row_of(desk, "fine park").id).flags == ()
    assert outbox.rows(desk) == []

    arrive(desk, message("And kill you again", "m5", author="Ada", thread="m1", parent="m1"))
    assert desk.store.cases.get(ada.id).flags == ("blocked_word", "held")
    assert "released" in flagging.release(desk, ada.id).said.lower()
    assert "1D10TS" in desk.store.cases.get(ada.id).snippet
    assert triage.undo(desk).case_ids == (ada.id,)
    assert "held" in desk.store.cases.get(ada.id).flags
    edited = message("A fine park, you idiot", "m4", author="Dee", edited_at=desk.clock())
    arrive(desk, edited)
    assert desk.store.cases.get(row_of(desk, "fine park").id).flags == ("blocked_word",)
    with pytest.raises(Refused, match="not held"):
        flagging.release(desk, row_of(desk, "fine park").id)
    query = queries.parse_query("is:blocked", desk, "all")
    assert len(inbox.snapshot(desk, query)) == 4
    assert len(inbox.snapshot(desk, queries.parse_query("is:held", desk, "all"))) == 2


@settings(max_examples=60)
@given(st.text(max_size=60))
def test_no_text_brings_the_lists_down(text: str) -> None:
    words = BlockedWords(["idiot*", "a b"], ["[x", "(", "\\"])
    found = words.look(f"{text} idiots! {text}")
    assert found is None or set(found.words) <= {"idiot*", "a b", "[x", "(", "\\"}
    assert BlockedWords([], []).look(text) is None


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("[evidence]\nmax_bytes = 0", "evidence.max_bytes"),
        ('[evidence]\nmax_bytes = "50MB"', "a whole number"),
        ("[evidence]\nmax_bytes = true", "a whole number"),
        ('[moderation]\nflag = [""]', "moderation.flag"),
        ('[moderation]\nreview = "soon"', "moderation.review"),
        ("[moderation]\nhide = []", "is no known key"),
    ],
)
def test_settings_that_make_no_sense_are_named(table: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(CONFIG.replace("[outbox]", f"{table}\n\n[outbox]"))
    assert any(said in problem for problem in caught.value.problems)


def decide(desk: Desk, kind: OutboxKind, **more: Any) -> moderation.Decision:
    return moderation.decide(desk, the_case(desk), kind, **({"reason": "abuse of staff"} | more))


def test_a_decision_needs_a_reason_and_a_network_that_can(desk: Desk) -> None:
    arrive(desk, message("Go away", "m1"))
    with pytest.raises(UsageError, match="Say why"):
        decide(desk, OutboxKind.BLOCK, reason="  ")
    with pytest.raises(NotFound):
        decide(desk, OutboxKind.HIDE, message_id=99)
    with pytest.raises(UsageError, match="to come"):
        decide(desk, OutboxKind.BLOCK, review_on=date(2026, 1, 1))
    cannot = decide(desk, OutboxKind.HIDE)
    assert cannot.cannot == "The interface of mastodon cannot hide a message of somebody else."
    with pytest.raises(Refused, match=r"social\.example/m1"):
        moderation.queue(desk, cannot)
    assert outbox.rows(desk) == []
    with pytest.raises(Refused, match="not hidden by us"):
        decide(desk, OutboxKind.UNHIDE)
    assert "by hand" not in moderation.record(desk, cannot).said
    [action] = moderation.listing(desk)
    assert (action.state, action.kind, action.officer) == ("by_hand", OutboxKind.HIDE, "JS")
    assert action.snapshot["text"] == "Go away"
    assert inbox.detail(desk, the_case(desk)).messages[0].state == "hidden"
    assert kinds(desk, the_case(desk))[-1] == "hide.by_hand"
    arrive(desk, message("psst", "m2", author="Bob", visibility=Visibility.PRIVATE, conversation="c"))
    private = row_of(desk, "psst").id
    with pytest.raises(Refused, match="seen by nobody else"):
        moderation.decide(desk, private, OutboxKind.HIDE, reason="x")


def test_a_block_can_be_taken_back_until_it_leaves_is_reviewed_and_lifted(desk: Desk) -> None:
    clock = desk.clock
    assert isinstance(clock, FrozenClock)
    arrive(desk, message("Go away", "m1"))
    done = moderation.queue(desk, decide(desk, OutboxKind.BLOCK))
    [row] = outbox.rows(desk)
    assert (row.kind, row.state, row.not_before) == ("block", "queued", clock.now + timedelta(seconds=10))
    with pytest.raises(Refused, match="about to leave"):
        decide(desk, OutboxKind.BLOCK)
    assert "Blocked" in triage.undo(desk).said
    assert (outbox.rows(desk), moderation.listing(desk)) == ([], [])

    done = moderation.queue(desk, decide(desk, OutboxKind.BLOCK))
    triage.close(desk, [the_case(desk)], outcome=Outcome.ABUSE)
    row_id = done.row_id or 0
    with desk.store.transaction("JS", clock.now) as tx:
        assert tx.outbox.claim(row_id, clock.now)
    full = desk.store.outbox.get(row_id)
    assert full is not None
    settle(desk, full, Verdict(OutboxState.SENT, sent=Sent("", clock.now)))
    [action] = moderation.listing(desk)
    assert (action.state, action.done_at, action.reason) == ("sent", clock.now, "abuse of staff")
    assert action.review_at == clock.now + timedelta(days=30)
    assert moderation.listing(desk, due=True) == []

    clock.move(days=31)
    assert [a.id for a in moderation.listing(desk, due=True)] == [action.id]
    moderation.review(desk, action.id, note="still rude", next_on=clock.now.date() + timedelta(days=10))
    assert moderation.listing(desk, due=True) == []
    clock.move(days=11)
    assert [a.id for a in moderation.listing(desk, due=True)] == [action.id]
    lifting = moderation.lift(desk, action.id, reason="they apologised")
    assert (lifting.kind, lifting.cannot) == (OutboxKind.UNBLOCK, None)
    moderation.record(desk, lifting)
    assert moderation.listing(desk, due=True) == []
    with pytest.raises(Refused, match="over already"):
        moderation.lift(desk, action.id, reason="again")
    said = kinds(desk, inbox.snapshot(desk, Query(view="closed"))[0])
    assert said[-3:] == ["block.sent", "block.reviewed", "unblock.by_hand"]
    assert OutboxKind.REPORT not in REPEATABLE


def test_through_a_mastodon_end_to_end(tmp_path: Path) -> None:
    with MastodonServer() as network, MediaServer() as files:
        shell = Inside(tmp_path, accounts=mastodon(network.url))
        shell.login("town", TOKEN)
        url = files.put("/photo.jpg", photo())
        attached = {"id": "9", "type": "image", "url": url, "remote_url": None, "preview_url": None}
        post = network.mention("you are all crooks", author="ada@far.example", media_attachments=[attached])
        shell.ok("poll", "--once")
        [case] = shell.ok("list", "--json").json
        ref = case["ref"]

        assert shell.run("block", ref).status == 2, "never without a reason"
        refused = shell.run("hide", ref, "--reason", "insults")
        assert refused.status == 1
        assert f"/{post}" in refused.err
        assert "hide" in refused.err

        network.fail("lost", path="/block")
        lost = shell.run("block", ref, "--reason", "insults", "--review", "2099-01-01")
        assert (lost.status, network.people["ada@far.example"].blocked) == (1, True)
        [row] = shell.ok("outbox", "--json").json
        assert (row["kind"], row["state"]) == ("block", "queued"), (
            "doing it again changes nothing, so it is tried again"
        )
        shell.ok("outbox", "retry", str(row["id"]))
        network.fail("lost", path="/reports")
        assert shell.run("moderation", "report", ref, "--reason", "insults staff").status == 1
        told = next(row["id"] for row in shell.ok("outbox", "--json").json if row["kind"] == "report")
        assert "--anyway" in shell.run("outbox", "retry", str(told)).err, "a second report would be another one"
        [report] = network.reports
        assert (report["comment"], report["status_ids"]) == ("insults staff", [post])
        shell.ok("mute", ref, "--reason", "insults")
        assert network.people["ada@far.example"].muted

        found = shell.ok("moderation", "--json").json
        assert [(a["kind"], a["state"], a["officer"]) for a in found] == [
            ("mute", "sent", "JS"),
            ("report", "unknown", "JS"),
            ("block", "sent", "JS"),
        ]
        block = found[-1]
        assert block["review_at"].startswith("2099-01-01")
        assert (block["person"], block["reason"], block["due"]) == ("@ada@far.example", "insults", False)
        assert block["snapshot"]["text"].endswith("you are all crooks")
        [shown] = block["snapshot"]["media"]
        assert (shown["state"], len(shown["sha256"])) == ("kept", 64)
        shell.ok("moderation", "lift", str(block["id"]), "--reason", "they apologised")
        assert not network.people["ada@far.example"].blocked
        assert shell.ok("moderation", "--json").json[-1]["lifted_at"] is not None
        events = [e["kind"] for e in shell.ok("show", ref, "--json").json["events"]]
        assert {"block.queued", "block.deferred", "block.sent", "report.unknown", "mute.sent", "unblock.sent"} <= set(
            events
        )
        assert network.problems == []
