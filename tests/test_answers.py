"""What contacts answer: tied to its handoff where that is certain, put before an officer where it is not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from socialtriage.domain.models import OutboxState, Status, Voice
from tests.doubles.answer_desk import AnswerDesk
from tests.doubles.desk import case_ids
from tests.doubles.imap import ImapDouble


@pytest.fixture
def server() -> Iterator[ImapDouble]:
    with ImapDouble() as double:
        yield double


@pytest.fixture
def desk(tmp_path: Path, server: ImapDouble) -> Iterator[AnswerDesk]:
    there = AnswerDesk(tmp_path, server)
    yield there
    there.desk.close()


def test_an_answer_lands_in_its_case_and_the_resident_is_to_be_told(desk: AnswerDesk) -> None:
    case_id, handed = desk.handed()
    body = "Collected this morning.\n\n-- \nPat, Waste services\n\nOn Mon, 16 Nov 2026, Desk wrote:\n> Case ABC\n"
    desk.answer(handed, body)
    case = desk.show(case_id)
    said = case.messages[-1]
    assert (said.voice, said.text) == (Voice.CONTACT, "Collected this morning.")
    assert said.quoted is not None
    assert "Pat, Waste services" in said.quoted
    assert case.row.status is Status.TELL_RESIDENT
    assert (case.handoffs[0].state, case.handoffs[0].answered_at) == (OutboxState.ANSWERED, said.at)
    assert case.events[-1].kind == "handoff.answered"
    assert case_ids(desk.desk, "tell") == [case_id]
    assert desk.asked() == []
