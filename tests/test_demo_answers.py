"""Contacts answer in the practice week: every way they have, through the same intake as real mail."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from socialtriage.channels import demo_answers
from socialtriage.domain.models import Status
from socialtriage.services import answerbox, answers, chase, handoff, practice
from socialtriage.services.desk import Desk
from socialtriage.services.outbox import Sender
from socialtriage.services.sync import Poller
from tests.doubles.desk import FrozenClock, case_ids


def run(desk: Desk, *, poll: bool) -> None:
    """Send what waits, or poll everything."""

    async def story() -> None:
        secrets = practice.no_secrets()
        poller = Poller(desk, secrets)
        try:
            if poll:
                results = await poller.once([each for each in answerbox.polled(desk) if each.id == answerbox.ID])
                assert [each.error for each in results] == [None]
            else:
                await Sender(desk, secrets, poller).run(ignore_windows=True)
        finally:
            await poller.aclose()

    asyncio.run(story())


def test_the_contacts_of_the_week_answer_in_their_ways(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: dict[str, int] = {}
    monkeypatch.setattr(demo_answers, "_draw", lambda sent: drawn.setdefault(sent.message_id, len(drawn)))
    practice.headless(tmp_path, 1, 60)
    desk = practice.open_practice(tmp_path, speed=60, seed=1)
    desk.clock = clock = FrozenClock(desk.clock())
    for case_id in case_ids(desk)[: demo_answers.WAYS + 1]:
        handoff.queue(desk, handoff.prepare(desk, case_id, to="highways"), undo_seconds=0)
    run(desk, poll=False)
    run(desk, poll=True)
    assert case_ids(desk, "tell") == []
    clock.move(minutes=1)
    run(desk, poll=True)
    told, waiting = case_ids(desk, "tell"), case_ids(desk, "waiting")
    kinds = {mail.kind for mail in answers.listing(desk)}
    assert kinds == {"answer", "absence"}
    assert len(told) > len(waiting) > 0
    assert answers.words_for_resident(desk, told[0])
    silent = [case_id for case_id in waiting if not any(mail.case_id == case_id for mail in answers.listing(desk))]
    chase.queue(desk, chase.prepare(desk, silent[0], to=desk.store.answers.handoffs_of(silent[0])[-1].contact))
    run(desk, poll=False)
    clock.move(minutes=1)
    run(desk, poll=True)
    assert desk.store.cases.get(silent[0]).status is Status.TELL_RESIDENT
    desk.close()
