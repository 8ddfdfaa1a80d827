"""Mail by those who mean harm, by machines that answer machines, and by programs that know no standard."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from socialtriage.domain.models import Visibility
from socialtriage.services import reply_checks
from tests.doubles.answer_desk import AnswerDesk
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


def test_the_name_of_the_colleague_who_answered_is_not_published_unawares(desk: AnswerDesk) -> None:
    case_id, handed = desk.handed()
    desk.answer(handed, "I go there on Friday.", From='"Bloggs, Jo" <waste@anytown.example>')
    desk.answer(handed, "Done.", From="Dana Smith <centre@anytown.example>")

    def said(words: str) -> str:
        return " ".join(reply_checks.warnings(desk.desk, desk.show(case_id), wording(words)))

    def wording(words: str) -> reply_checks.Wording:
        return reply_checks.Wording(words, Visibility.PUBLIC, "@a")

    assert "of a colleague: name" in said("Dana\u00a0Smith comes on Friday.")
    assert "name" not in said("Waste services come on Friday, Dana.")
