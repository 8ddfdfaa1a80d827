"""Attempts to bring back, past the erasure, what somebody asked to have forgotten."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from socialtriage.domain.errors import Refused
from socialtriage.domain.models import OutboxKind, OutboxState, Status
from socialtriage.services import answers, backup, drafts, handoff, keeping, moderation, needs, people, triage
from socialtriage.services.outbox import must_be_free
from socialtriage.services.reply_rules import answerable_of
from socialtriage.store.log import NewEvent
from socialtriage.store.store import Transaction
from tests.doubles.answer_desk import AnswerDesk, bounce
from tests.doubles.desk import CONFIG, MONDAY, arrive, case_ids, message, person, small_desk
from tests.doubles.imap import ImapDouble
from tests.test_keeping import KEY, NAME, PICTURE, WORD, hers, traces


@pytest.fixture
def there(tmp_path: Path) -> Iterator[AnswerDesk]:
    with ImapDouble() as server:
        there = AnswerDesk(tmp_path / "desk", server)
        yield there
        there.desk.close()


def forget(there: AnswerDesk) -> None:
    """She is erased; the mails that left in practice are no part of the desk."""
    people.erase(there.desk, people.name_of(people.find(there.desk, NAME)[0]), anyway=True)
    shutil.rmtree(there.folder / "sent", ignore_errors=True)


def test_what_contacts_write_about_her_goes_too_and_does_not_come_back(there: AnswerDesk) -> None:
    """A contact's mail quotes what was handed to them, before the erasure as after it."""
    (case,) = arrive(there.desk, hers("bin", "1")).case_ids
    triage.tag(there.desk, [case], area="waste")
    handed = there.hand_off(case)
    there.answer(handed, f"{WORD} says", From="somebody@elsewhere.example")
    there.answer(handed, f"Away\n\n> {WORD}", Auto_Submitted="auto-replied", Subject="out of office")
    waiting = there.asked()
    assert len(waiting) == 2
    answers.ignore(there.desk, waiting[0].id)
    forget(there)
    assert traces(there.desk) == {}
    assert there.asked() == [], "nobody is asked about a mail without words"

    mail = there.mail(f"Done.\n\n> {WORD} {NAME}", In_Reply_To=handed.message_id)
    mail.add_attachment(f"{WORD} {NAME}".encode(), maintype="image", subtype="png", filename=f"{WORD}.png")
    there.deliver(mail)
    report = bounce(handed.message_id, "waste@anytown.example").replace(b"Subject: x", f"Subject: {WORD}".encode())
    there.deliver(report)
    there.poll()
    assert traces(there.desk) == {}
    shown = there.show(case)
    assert (shown.row.status, shown.handoffs[0].state) == (Status.CLOSED, OutboxState.ANSWERED)
    assert there.desk.store.log.verify().fault is None

    there.answer(handed, f"{WORD} again", From="somebody@elsewhere.example")
    (doubtful,) = there.asked()
    with pytest.raises(Refused, match="forgotten"):
        answers.accept(there.desk, doubtful.id)
    assert "it is forgotten" in answers.ignore(there.desk, doubtful.id).said
    assert WORD not in there.desk.store.answers.mails(everything=True)[0].text
    assert "somebody" not in repr(there.desk.store.log.of_case(case)[-1])


def test_what_she_wrote_to_the_mailbox_of_answers_is_hers(there: AnswerDesk) -> None:
    """Such a mail belongs to no person of the store, and only its sender says whose it is."""
    there.by_mail(f"{WORD} by mail")
    there.answer(body=f"{WORD}, anybody there?", From="Resident@home.example")
    there.answer(body="Buy now", From="news@shop.example")
    ignored, about = there.asked()[0], there.case()
    answers.ignore(there.desk, ignored.id)
    there.answer(body=f"{WORD} on {there.show(about).row.ref}", From="resident@home.example")
    answers.ignore(there.desk, there.asked()[-1].id)
    (key,) = map(people.name_of, people.find(there.desk, "resident@home.example"))
    assert [each.text for each in people.export(there.desk, key).elsewhere] == [
        f"{WORD}, anybody there?",
        f"{WORD} on {there.show(about).row.ref}",
    ]
    people.erase(there.desk, key, anyway=True)
    assert traces(there.desk) == {}
    assert b"home.example" not in there.desk.store.path.read_bytes()
    assert [asked.text for asked in there.asked()] == ["Buy now"]


def test_officers_at_other_windows_write_nothing_more_about_her(there: AnswerDesk) -> None:
    (case,) = arrive(there.desk, hers("bin", "1", media=(PICTURE,))).case_ids
    triage.tag(there.desk, [case], area="waste")
    row_id = handoff.queue(there.desk, handoff.prepare(there.desk, case)).row_id or 0
    forget(there)
    queued = there.desk.store.outbox.get(row_id)
    assert queued is not None
    assert (queued.state, queued.payload) == (OutboxState.FAILED, {})
    drafts.keep(there.desk, case, OutboxKind.REPLY, f"Dear {NAME}")
    for work in (
        lambda: triage.note(there.desk, case, f"{NAME} rang"),
        lambda: needs.note(there.desk, case, "address", "12 High Street"),
        lambda: moderation.decide(there.desk, case, OutboxKind.HIDE, reason="threats"),
        lambda: answerable_of(there.desk, there.show(case)),
        lambda: must_be_free(there.desk, queued),
    ):
        with pytest.raises(Refused, match="forgotten"):
            work()
    assert arrive(there.desk, hers("bin", "1", media=(PICTURE,))).new == 0
    assert traces(there.desk) == {}, "the picture that came with it is not kept either"


def test_an_older_backup_brings_back_neither_her_words_nor_those_that_came_after_it(
    there: AnswerDesk, tmp_path: Path
) -> None:
    desk = there.desk
    arrive(desk, message("Our news", "post", own=True, author="Anytown"))
    arrive(desk, hers("beside", "9", context=True, thread="post", parent="post"))
    (case,) = arrive(desk, hers("bin", "1")).case_ids
    backup.back_up(desk, tmp_path / "old.tar")
    late = hers("after the backup", "2", at=MONDAY + timedelta(minutes=4))
    arrive(desk, late)
    forget(there)
    path = desk.store.path
    desk.close()
    assert backup.restore(tmp_path / "old.tar", path, officer="JS", force=True).forgotten_again == 1
    for each in path.parent.glob("*.before-*"):
        shutil.rmtree(each) if each.is_dir() else each.unlink()
    again = small_desk(path.parent, clock=there.clock, config=CONFIG)
    assert traces(again) == {}
    assert arrive(again, hers("bin", "1"), late, hers("beside", "9", context=True)).new == 0
    assert (traces(again), people.find(again, KEY)) == ({}, [])
    assert [row.status for row in map(again.store.cases.get, [case])] == [Status.CLOSED]
    assert case_ids(again) == []
    assert again.store.log.verify().fault is None
    again.close()


def test_whoever_still_names_her_is_said(there: AnswerDesk) -> None:
    """By her handle as people write it, or by her name; in messages, in notes, and in mails that nobody could place."""
    desk = there.desk
    author = person("Zzyzx Woman", KEY)
    arrive(desk, hers("bin", "1", author=author))
    for number, words in enumerate(("ask @zzyzxkey", "zzyzxkey is no handle here", "zzyzx WOMAN told me", "nothing")):
        arrive(desk, message(words, f"o{number}", author=f"Other {number}"))
    _, handle, _, name, noted = sorted(case_ids(desk, "all"))
    triage.note(desk, noted, "Zzyzx Woman rang about it")
    there.deliver(there.mail("Hello\n\n> @zzyzxkey said", From="somebody@elsewhere.example"))
    there.poll()
    (mail,) = there.asked()
    plan = people.erasure(desk, people.name_of(people.find(desk, KEY)[0]))
    expected = {desk.store.cases.get(case).ref for case in (handle, name, noted)} | {f"mail {mail.id}"}
    assert set(plan.named_in) == expected
    there.answer(there.hand_off(there.case()), "Done.")
    with pytest.raises(Refused, match="is in"):
        answers.forget(desk, there.mails()[0].id)
    assert answers.forget(desk, mail.id).said == f"Forgot mail {mail.id}."
    assert (there.asked(), desk.store.answers.mails(everything=True)[-1].text) == ([], "")
    with pytest.raises(Refused, match="was forgotten"):
        answers.accept(desk, mail.id, case_id=name)
    assert f"mail {mail.id}" not in people.erasure(desk, people.name_of(people.find(desk, KEY)[0])).named_in


def test_no_word_of_hers_and_no_hash_that_a_guess_could_confirm_stays_in_the_log(there: AnswerDesk) -> None:
    """What the spotter read, what was hidden, and her picture: the chain has salted hashes, and the salts are gone."""
    desk = there.desk
    (case,) = arrive(desk, hers("This is a freedom of information request.", "1", media=(PICTURE,))).case_ids
    hiding = moderation.decide(desk, case, OutboxKind.HIDE, reason="threats")
    moderation.record(desk, hiding)
    picture = hashlib.sha256(PICTURE.data or b"").hexdigest()
    with desk.store.transaction("JS", desk.clock()) as tx:
        tx.log(NewEvent("evidence.kept", case, hiding.ref, {"media": 1, "sha256": picture}))
    shown = {event.kind: event.detail for event in desk.store.log.of_case(case)}
    assert shown["case.spotted"]["words"] == "freedom of information"
    hashes = {picture, str(shown["hide.by_hand"]["snapshot"])}
    assert len(hashes) == 2
    forget(there)
    raw = desk.store.path.read_bytes()
    assert [each for each in (*hashes, "freedom of information") if each.encode() in raw] == []
    found = desk.store.log.verify()
    assert (found.fault, found.private) == (None, 0)


def test_copies_that_a_killed_program_left_are_named_or_gone(
    there: AnswerDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = there.desk.store.path.parent
    old, young = folder / ".socialtriage-old", folder / ".socialtriage-young"
    for each in (old, young):
        each.mkdir()
        (each / "desk.db").write_text(NAME)
    os.utime(old, (1, 1))
    (folder / ".desk.db.before-2-20261122-120000").write_text(NAME)
    (folder / "desk.before-restore-20261122-120000-media").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    gone, alive = (tmp_path / f"socialtriage-view-{number}-x" for number in (2**22 + 1, os.getpid()))
    for each in (gone, alive):
        each.mkdir()
        (each / "photo.jpg").write_text(NAME)
    done = keeping.prune(there.desk)
    assert not old.exists()
    assert [each.exists() for each in (gone, alive)] == [False, True], "copies for the viewer, of a killed program"
    assert done.copies == (
        ".desk.db.before-2-20261122-120000",
        ".socialtriage-young",
        "desk.before-restore-20261122-120000-media",
    )


def test_what_arrives_while_she_is_erased_is_erased_with_the_rest(
    there: AnswerDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A poller may be faster than the erasure gets hold of the store; its message is among what is forgotten."""
    desk = there.desk
    arrive(desk, hers("bin", "1"))
    key = people.name_of(people.find(desk, NAME)[0])
    hold = desk.store.transaction

    def late(*args: Any, **more: Any) -> AbstractContextManager[Transaction]:
        monkeypatch.setattr(desk.store, "transaction", hold)
        arrive(desk, hers("and another", "2"))
        return hold(*args, **more)

    monkeypatch.setattr(desk.store, "transaction", late)
    done = people.erase(desk, key, anyway=True)
    assert len(done.cases) == 2
    shutil.rmtree(there.folder / "sent", ignore_errors=True)
    assert traces(desk) == {}
