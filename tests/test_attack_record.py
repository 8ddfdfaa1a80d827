"""An information officer's audit: whoever is in the store in any way is found, handed over, forgotten, and masked."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from msgspec.structs import replace as replaced

from socialtriage.cli import personal
from socialtriage.domain.errors import NotFound
from socialtriage.domain.models import OutboxKind, OutboxState, Outcome
from socialtriage.domain.views import Query
from socialtriage.services import (
    answer_once,
    answers,
    drafts,
    grouping,
    inbox,
    keeping,
    manual,
    moderation,
    needs,
    people,
    queries,
    restricting,
    triage,
)
from socialtriage.store.outbox import NewRow
from socialtriage.ui.withdrawing import Withdrawn
from tests.doubles.answer_desk import AnswerDesk
from tests.doubles.desk import CONFIG, MONDAY, FrozenClock, arrive, case_ids, message, person, small_desk
from tests.doubles.imap import ImapDouble
from tests.doubles.ui_desk import Officer, at_the_desk
from tests.test_keeping import IMPERSONAL, KEY, NAME, WORD, hers, traces

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


def found(there: AnswerDesk, text: str, view: str = "queue") -> list[int]:
    """What a search finds."""
    return list(inbox.snapshot(there.desk, queries.parse_query(text, there.desk, view=view)))


def test_no_search_and_no_list_confirms_what_a_restricted_case_says(there: AnswerDesk) -> None:
    """Words, names, the likeness of another question; refusals in the outbox; mails that may belong to it."""
    desk = there.desk
    (secret,) = arrive(desk, hers("missed collection of garden recycling", "1")).case_ids
    (open_one,) = arrive(desk, message(f"{WORD} missed collection of garden recycling", "2", author="Bob")).case_ids
    (alike,) = arrive(desk, message("The missed collection of garden recycling?", "3", author="Carl")).case_ids
    triage.tag(desk, [secret, open_one, alike], area="waste")
    mail = there.hand_off(secret)
    block = moderation.record(desk, moderation.decide(desk, secret, OutboxKind.BLOCK, reason="threats")).said
    assert KEY in block
    there.answer(mail, f"{WORD} is what {NAME} told me", From=STRANGER)
    with desk.store.transaction("JS", desk.clock()) as tx:
        reply = NewRow(kind=OutboxKind.REPLY, recipient=f"@{KEY}", key="k", payload={}, case_id=secret, body=WORD)
        tx.outbox.settle(tx.outbox.add(reply, "JS", desk.clock()), OutboxState.FAILED, error=f"@{KEY} is gone")
    wanted = [(WORD, "all"), (f"from:{KEY}", "all"), ("collection", "queue"), (f"{WORD} from:{KEY}", "all")]
    assert [row.id for row in answer_once.similar(desk, open_one)] == [alike]
    asked = partial(desk.store.figures.asked, ['"missed collection"'], MONDAY, MONDAY + timedelta(days=1))
    assert asked() == [3]
    assert secret in found(there, WORD, "all")
    restricting.restrict(desk, [secret, alike])
    ref = desk.store.cases.get(secret).ref
    assert [case for text, view in wanted for case in found(there, text, view) if case in (secret, alike)] == []
    assert asked() == [len(found(there, '"missed collection" ', "all"))] == [1], "a figure is what its list shows"
    assert found(there, ref) == [secret]
    assert secret in inbox.snapshot(desk, Query(view="all"))
    assert answer_once.similar(desk, open_one) == []
    shown = repr([*desk.store.outbox.views(), *answers.listing(desk), *answers.listing(desk, everything=True)])
    shown += moderation.review(desk, 1).said
    assert [word for word in (WORD, NAME, KEY) if word in shown] == []
    assert answers.unmask(desk) == {secret}
    assert WORD in repr(answers.listing(desk, unmasked={secret}))
    assert [event.kind for event in desk.store.log.of_case(secret)][-1] == "case.unmasked"


def test_no_case_says_that_it_has_the_same_text_as_one_that_is_restricted_or_erased(tmp_path: Path) -> None:
    desk = small_desk(tmp_path, clock=FrozenClock(MONDAY + timedelta(minutes=5)))
    text = f"The lamp in {WORD} Lane has been out for weeks, please mend it"

    def said() -> list[str]:
        return [reason for row in inbox.rows(desk, case_ids(desk)) for reason in row.suggested_because]

    for first, second in (("mastodon", "leisure"), ("leisure", "again")):
        (case,) = arrive(desk, message(f"{text} {first}", first, author=f"Ann {first}")).case_ids
        arrive(desk, message(f"{text} {first}", second, author=f"Bob {second}"), account="leisure")
        ref = desk.store.cases.get(case).ref
        assert [reason for reason in said() if ref in reason] == [f"same text as {ref}, on mastodon"]
        if first == "mastodon":
            restricting.restrict(desk, [case])
        else:
            people.erase(desk, f"mastodon:ann{first}@social.example", anyway=True)
        assert not [reason for reason in said() if ref in reason]
        arrive(desk, message(f"{text} {first}", f"third {first}", author="Carl"), account="leisure")
        assert not [reason for reason in said() if ref in reason]
    desk.close()


def test_what_an_officer_has_open_closes_when_another_one_erases_or_restricts_it(tmp_path: Path) -> None:
    """The composer over a case, then the review of a handoff: no word stays, none leaves, no letter is a command."""
    clock = FrozenClock(MONDAY + timedelta(minutes=5))
    desk, other = small_desk(tmp_path, clock=clock), small_desk(tmp_path, clock=clock, officer="AB")
    (case,) = arrive(desk, hers("bin missed", "1")).case_ids
    triage.tag(desk, [case], area="waste")

    async def story(officer: Officer) -> None:
        await officer.press("f")
        await officer.sees(NAME, WORD)
        restricting.restrict(other, [case])
        await officer.on(Withdrawn)
        await officer.sees("was restricted by somebody else")
        await officer.press("enter")
        await officer.home()
        await officer.until(lambda: WORD not in officer.text, "it is masked")
        restricting.unrestrict(other, [case])
        await officer.sees(WORD)
        await officer.press("r")
        await officer.write(f"Dear {NAME}, e")
        people.erase(other, people.name_of(people.find(other, NAME)[0]), anyway=True)
        await officer.write("ee")
        await officer.on(Withdrawn)
        assert not [word for word in (WORD, NAME, KEY) if word in officer.text]
        await officer.write("e")
        await officer.press("escape")
        await officer.home()
        assert (desk.store.outbox.views(), case_ids(desk)) == ([], [])

    at_the_desk(desk, story)
    other.close()
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and NAME.encode() in path.read_bytes()]


def test_an_erasure_names_what_officers_wrote_about_somebody_elsewhere(there: AnswerDesk) -> None:
    """Drafts, facts and link reasons of other cases, incidents, saved answers: an officer must look at those."""
    desk = there.desk
    key, name = f"{KEY}@social.example", "Zzyzx Woman"
    arrive(desk, hers("bin", "1", author=person(name, KEY)))
    (drafted, noted, linked, quiet) = (
        arrive(desk, message("about something else", f"o{n}", author=f"Other {n}")).case_ids[0] for n in range(4)
    )
    drafts.keep(desk, drafted, OutboxKind.REPLY, f"As {name} said to us")
    needs.note(desk, noted, "neighbour", name)
    grouping.link(desk, linked, drafted, f"both know @{key}")
    with sqlite3.connect(desk.store.path) as raw:
        raw.execute(
            "INSERT INTO incidents (name, text, at, officer) VALUES ('storm', ?, '2026-11-16', 'JS')",
            (f"{name}'s tree",),
        )
        raw.execute("INSERT INTO statement_drafts VALUES ('AB', 'storm', ?, '2026-11-16')", (f"the tree of {name}",))
    answer = desk.config.answers[0]
    desk.config = replaced(desk.config, answers=(replaced(answer, text=f"As we told {name}"),))
    expected = {desk.store.cases.get(case).ref for case in (drafted, noted, linked)}
    plan = people.erasure(desk, f"mastodon:{key}")
    assert set(plan.named_in) == expected | {
        "incident storm",
        "a statement that AB writes",
        f"the saved answer {answer.id}",
    }
    assert desk.store.cases.get(quiet).ref not in plan.named_in


READ = {"facts", "flags", "suggested_because", "reply_data", "refs", "text", "who", "subject"}
"""Columns of a form of their own, and those of the full-text index: other stories fill them."""
HERS = {"case_id", "message_id", "person_id", "handoff_id", "outbox_id", "a", "source"}
"""Columns by which a row is of a case or of somebody."""


def fill(store: Path, case: int) -> list[str]:
    """A row of every table for a case, with a word of its own in every column that may hold a resident's."""
    raw, made = sqlite3.connect(store), []
    raw.row_factory = sqlite3.Row
    mine = dict(raw.execute("SELECT id AS case_id, person_id FROM cases WHERE id = ?", (case,)).fetchone())
    mine["message_id"] = raw.execute("SELECT id FROM messages WHERE case_id = ?", (case,)).fetchone()[0]
    mine |= {"handoff_id": 77, "outbox_id": 77, "a": case, "source": case}
    tables = raw.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '%messages_fts%'")
    for (table,) in tables.fetchall():
        columns = [each for each in raw.execute(f"PRAGMA table_xinfo({table})") if each["hidden"] == 0]
        plain = IMPERSONAL.get(table, "").split()
        if plain == ["*"] or table in ("messages", "persons", "cases") or not HERS & {each["name"] for each in columns}:
            continue
        values: dict[str, object] = {}
        for each in columns:
            name, kind = each["name"], each["type"]
            if name in mine:
                # Of a handoff the recipient is the contact, who is known.
                values[name] = mine[name] if (table, name) != ("outbox", "handoff_id") else None
            elif name in plain:
                values[name] = "sent" if name == "state" else f"plain {table} {name}"
            elif kind in ("INTEGER", "REAL"):
                values[name] = 77
            else:
                made.append(f"Mark{table}{name}".replace("_", "").lower())
                told = f'{{"x": "{made[-1]}"}}' if name in ("payload", "snapshot") else made[-1]
                values[name] = told.encode() if kind == "BLOB" else told
        names, slots = ", ".join(values), ", ".join("?" * len(values))
        raw.execute(f"INSERT INTO {table} ({names}) VALUES ({slots})", list(values.values()))  # noqa: S608
    for table, of in (
        ("cases", "id"),
        ("messages", "case_id"),
        ("persons", "id = (SELECT person_id FROM cases) OR id"),
    ):
        for each in raw.execute(f"PRAGMA table_xinfo({table})").fetchall():
            name, kept = each["name"], IMPERSONAL[table].split()
            texts = each["type"] == "TEXT" and not each["hidden"] and name not in kept and not name.endswith("_at")
            if texts and name not in (
                "facts",
                "flags",
                "suggested_because",
                "reply_data",
                "refs",
                "text",
                "who",
                "subject",
            ):
                made.append(f"Mark{table}{name}".replace("_", "").lower())
                raw.execute(f"UPDATE {table} SET {name} = ? WHERE {of} = ?", (made[-1], case))  # noqa: S608
    raw.commit()
    raw.close()
    return made


@pytest.mark.parametrize("by", ["request", "time"])
def test_a_word_in_every_column_of_the_schema_is_gone(tmp_path: Path, by: str) -> None:
    """Whatever column is added, and however its row hangs on a case: no word of it is in any file afterwards."""
    clock = FrozenClock(MONDAY + timedelta(minutes=5))
    desk = small_desk(tmp_path, clock=clock, config=f'{CONFIG}\n[retention]\ndefault = "30d"\n')
    arrive(desk, hers("bin", "1"))
    (case,) = case_ids(desk)
    triage.close(desk, [case], Outcome.ANSWERED)
    made = fill(desk.store.path, case)
    assert len(made) > 40
    if by == "request":
        with sqlite3.connect(desk.store.path) as raw:
            key = raw.execute("SELECT network || ':' || key FROM persons").fetchone()[0]
        people.erase(desk, key, anyway=True)
    else:
        clock.move(days=60)
        assert keeping.prune(desk).forgotten.cases == 1
    left = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert [word for word in made if word.encode() in left and (by, word) not in KEPT] == []
    assert desk.store.log.verify().fault is None
    desk.close()


KEPT = {("time", "markcasesexternalreference"), ("time", "markhandoffsexternalreference")}
"""Another system's number is no word of a resident; whoever asks to be forgotten loses it too."""
