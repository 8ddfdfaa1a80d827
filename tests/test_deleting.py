"""Deleting a resident's comment: asked twice, after a snapshot, and never taken for done when it is not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from socialtriage.channels import registry
from socialtriage.domain.errors import Refused
from socialtriage.domain.models import OutboxKind, OutboxState, Sent, Visibility
from socialtriage.services import moderation, outbox, triage
from socialtriage.services.desk import Desk
from socialtriage.services.settling import settle
from socialtriage.services.verdict import Verdict
from socialtriage.ui.screens.dialogs import Confirm
from socialtriage.ui.screens.moderate import Reason
from tests.doubles.desk import arrive, kinds, message, small_desk, the_case
from tests.doubles.graph import IG, PAGE, TOKEN, GraphServer
from tests.doubles.inside import Inside, one_tls_context
from tests.doubles.ui_desk import Officer, at_the_desk

ABUSE = ("--reason", "abuse of staff")


@pytest.fixture
def meta() -> Iterator[GraphServer]:
    with GraphServer() as server:
        yield server
        assert server.problems == []


@pytest.fixture
def shell(tmp_path: Path, meta: GraphServer, monkeypatch: pytest.MonkeyPatch) -> Inside:
    one_tls_context(monkeypatch)
    accounts = "".join(
        f'\n[[accounts]]\nid = "{network}"\nnetwork = "{network}"\nserver = "{meta.url}"\n{key} = "{id_}"\n'
        for network, key, id_ in (("facebook", "page", PAGE), ("instagram", "business_account", IG))
    )
    shell = Inside(tmp_path, accounts=accounts)
    shell.login("facebook", TOKEN)
    shell.login("instagram", TOKEN)
    return shell


def case(shell: Inside, words: str) -> dict[str, Any]:
    [found] = [c for c in shell.ok("list", "--view", "all", "--json").json if words in c["snippet"]]
    whole: dict[str, Any] = shell.ok("show", found["ref"], "--json").json
    return whole


def delete(shell: Inside, ref: str, *more: str) -> tuple[int, Any]:
    ran = shell.run("moderation", "delete", ref, *ABUSE, "--json", *more)
    return ran.status, json.loads(ran.out) if ran.out else ran.err


def test_a_comment_is_deleted_for_good_on_facebook_and_instagram(shell: Inside, meta: GraphServer) -> None:
    ago = datetime.now(UTC) - timedelta(hours=2)
    rude = meta.comment(meta.post("The park opens", at=ago), "you scum", "Ada", at=ago)
    rude_too = meta.ig_comment(meta.medium("The park", at=ago), "scum, all of you", "rude.one", at=ago)
    shell.ok("poll", "--once", "--json")
    ref = case(shell, "you scum")["ref"]

    unsure = shell.run("moderation", "delete", ref, *ABUSE)
    assert unsure.status == 1
    assert "you scum" in unsure.err
    assert "cannot be taken back" in unsure.err
    assert "--yes" in unsure.err
    assert meta.asked(method="DELETE") == []
    assert shell.ok("moderation", "--json").json == []

    status, said = delete(shell, ref, "--yes")
    assert (status, said["state"]) == (0, "sent")
    assert meta.nodes[rude].gone
    [record] = shell.ok("moderation", "--json").json
    assert (record["kind"], record["state"], record["officer"]) == ("delete", "sent", "JS")
    assert record["reason"] == "abuse of staff"
    assert record["review_at"]
    assert record["snapshot"]["text"] == "you scum"
    whole = case(shell, "you scum")
    assert whole["messages"][0]["text"] == "you scum", "our copy stays for the record"
    assert whole["messages"][0]["gone_at"]
    assert [e["kind"] for e in whole["events"]][-2:] == ["delete.queued", "delete.sent"]
    assert "gone at its source" in shell.run("reply", ref, "We hear you.", "--preview").err
    lift = shell.run("moderation", "lift", str(record["id"]), "--reason", "sorry")
    assert lift.status == 1
    assert "cannot be taken back" in lift.err
    again, why = delete(shell, ref, "--yes")
    assert again == 1
    assert "gone at its source already" in why

    # Instagram; an answer that got lost is asked for again, and changes nothing.
    meta.fail("lost", rude_too, "DELETE")
    status, said = delete(shell, case(shell, "scum, all of you")["ref"], "--yes")
    assert (status, said["state"]) == (0, "sent")
    assert meta.nodes[rude_too].gone
    assert shell.ok("poll", "--once", "--json").status == 0


def test_what_may_only_be_out_of_sight_is_not_taken_for_deleted(shell: Inside, meta: GraphServer) -> None:
    ago = datetime.now(UTC) - timedelta(hours=2)
    rude = meta.comment(meta.post("The park opens", at=ago), "you scum", "Ada", at=ago)
    meta.message("Gus", "scum in private", at=ago)
    shell.ok("poll", "--once", "--json")
    meta.error(100, rude, "DELETE", subcode=33)
    ref = case(shell, "you scum")["ref"]
    status, said = delete(shell, ref, "--yes")
    assert (status, said["state"]) == (1, "failed")
    assert "does not find the comment" in said["error"]
    assert case(shell, "you scum")["messages"][0]["gone_at"] is None
    status, why = delete(shell, case(shell, "scum in private")["ref"], "--yes")
    assert status == 1
    assert "private message" in why


def able(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A desk with a rude message, on a network that cannot delete it, and then can."""
    desk = small_desk(tmp_path)
    arrive(desk, message("You scum", "m1"))
    cannot = moderation.decide(desk, the_case(desk), OutboxKind.DELETE, reason="insults")
    assert cannot.cannot == "The interface of mastodon cannot delete a message of somebody else."
    factory = registry.factory("mastodon")
    monkeypatch.setattr(factory, "capabilities", replace(factory.capabilities, delete=True))  # type: ignore[attr-defined]
    return desk


def test_at_the_screen_it_is_asked_twice_and_taken_back_only_before_it_leaves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = able(tmp_path, monkeypatch)
    case_id = the_case(desk)
    with pytest.raises(Refused, match="cannot be taken back"):
        moderation.queue(desk, moderation.decide(desk, case_id, OutboxKind.DELETE, reason="insults"))

    async def story(officer: Officer) -> None:
        for answer in ("n", "y"):
            officer.app.perform("case.delete")
            await officer.on(Reason)
            await officer.write("insults")
            await officer.press("enter")
            await officer.on(Confirm)
            await officer.sees("cannot be taken back")
            assert outbox.rows(desk) == []
            await officer.press(answer)
        await officer.until(lambda: outbox.rows(desk), "the deletion in the outbox")
        officer.app.perform("case.delete")
        await officer.sees("about to leave")
        await officer.press("u")
        await officer.until(lambda: not outbox.rows(desk), "the deletion taken back")

    at_the_desk(desk, story)


def test_what_left_is_past_taking_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = able(tmp_path, monkeypatch)
    case_id = the_case(desk)
    decision = moderation.decide(desk, case_id, OutboxKind.DELETE, reason="insults")
    row_id = moderation.queue(desk, decision, undo_seconds=0, sure=True).row_id
    with desk.store.transaction("JS", desk.clock()) as tx:
        assert tx.outbox.claim(row_id or 0, desk.clock(), retried=None)
    row = desk.store.outbox.get(row_id or 0)
    assert row is not None
    settle(desk, row, Verdict(OutboxState.SENT, sent=Sent("k", desk.clock())))
    assert kinds(desk, case_id)[-1] == "delete.sent"
    with pytest.raises(Refused, match=r"left already|cannot be taken back"):
        triage.undo(desk)
    [done] = moderation.listing(desk)
    assert "stays" in moderation.review(desk, done.id).said
    assert moderation.decide(desk, case_id, OutboxKind.HIDE, reason="x").target.gone
    desk.close()


def test_a_private_message_is_not_deleted(tmp_path: Path) -> None:
    desk = small_desk(tmp_path)
    arrive(desk, message("psst", "m2", visibility=Visibility.PRIVATE, conversation="c"))
    with pytest.raises(Refused, match="cannot be deleted from here"):
        moderation.decide(desk, the_case(desk), OutboxKind.DELETE, reason="x")
    desk.close()
