"""An information officer's audit: whoever is in the store in any way is found, handed over, forgotten, and masked."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from socialtriage.cli import personal
from socialtriage.domain.errors import NotFound
from socialtriage.services import answers, manual, people
from tests.doubles.answer_desk import AnswerDesk
from tests.doubles.imap import ImapDouble
from tests.test_keeping import KEY, NAME, WORD, traces

STRANGER = f"{NAME} <{KEY}@elsewhere.example>"


@pytest.fixture
def there(tmp_path: Path) -> Iterator[AnswerDesk]:
    with ImapDouble() as server:
        there = AnswerDesk(tmp_path / "desk", server)
        yield there
        there.desk.close()


def steps(there: AnswerDesk) -> list[str]:
    """What officers could take back, in words."""
    with sqlite3.connect(there.desk.store.path) as raw:
        return [row[0] for row in raw.execute("SELECT said FROM undo_steps ORDER BY id")]


def test_somebody_known_only_by_a_mail_to_the_mailbox_of_answers_is_a_person(there: AnswerDesk) -> None:
    """They wrote to contacts' mailbox and nowhere else: found, handed over with their file, erased with the steps."""
    mail = there.mail(f"{WORD}, is anybody there?", From=STRANGER, Subject=f"{WORD} asks")
    mail.add_attachment(b"Quixxotl in pixels", maintype="image", subtype="png", filename=f"{WORD}.png")
    there.deliver(mail)
    there.answer(body=f"{WORD} once more", From=STRANGER)
    there.answer(body="Done", From="Waste <waste@anytown.example>")
    answers.ignore(there.desk, there.asked()[0].id)
    manual.new(there.desk, f"Friend of {NAME}", "rang", "phone")
    assert [people.name_of(each) for each in people.find(there.desk, f"{KEY}@")] == [f"imap:{KEY}@elsewhere.example"]
    data, files = personal.collected(there.desk, f"imap:{KEY}@elsewhere.example")
    (first, second) = data["messages_elsewhere"]
    assert (first["subject"], second["text"]) == (f"{WORD} asks", f"{WORD} once more")
    assert [path.read_bytes() for path in files.values()] == [b"Quixxotl in pixels"]
    assert NAME in str(steps(there))
    assert people.erase(there.desk, f"imap:{KEY}@elsewhere.example").messages_elsewhere == 2
    people.erase(there.desk, people.name_of(people.find(there.desk, NAME)[0]), anyway=True)
    assert traces(there.desk) == {}
    assert there.desk.store.log.verify().fault is None

    there.answer(body=f"{WORD} at last", From=STRANGER)
    answers.forget(there.desk, there.asked()[-1].id)
    with pytest.raises(NotFound):
        people.resolve(there.desk, f"imap:{KEY}@elsewhere.example")
    assert traces(there.desk) == {}
