"""Forgetting: after it no word of the person is anywhere, the log is whole, counts stand, nothing returns."""

from __future__ import annotations

import json
import shutil
import sqlite3
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from socialtriage.domain.errors import Refused
from socialtriage.domain.models import Incoming, Kind, MediaItem, OutboxKind, OutboxState, Outcome
from socialtriage.domain.text import clean, clean_line
from socialtriage.services import backup, drafts, handoff, inbox, keeping, people, record, restricting, triage
from socialtriage.services.desk import Desk
from socialtriage.store import forget
from socialtriage.store.outbox import NewRow
from tests.doubles.desk import CONFIG, MONDAY, FrozenClock, arrive, case_ids, message, person, small_config, small_desk
from tests.doubles.inside import Inside

RETENTION = '\n[retention]\ndefault = "730d"\ncomplaint = "never"\nmedia = "30d"\nnetworks.bluesky = "48h"\n'
WORD, NAME, KEY = "Quixxotl", "Zzyzxwoman", "zzyzxkey"
PICTURE = MediaItem("image", clean_line(f"{WORD}.jpg"), alt=clean_line(f"{WORD} pictured"), data=b"Quixxotl in pixels")


def hers(text: str, remote_id: str, **more: Any) -> Incoming:
    """A message of the person who will be forgotten."""
    values: dict[str, Any] = {
        "author": person(NAME, KEY),
        "subject": clean(f"{WORD} subject"),
        "quoted": clean(f"{WORD} quoted"),
        "place": clean(f"{WORD} place"),
        "url": f"https://social.example/{KEY}/{remote_id}",
        "reply_data": {"acct": KEY},
    }
    return message(f"{WORD} {text}", f"{KEY}-{remote_id}", **(values | more))


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(MONDAY + timedelta(minutes=5))


@pytest.fixture
def desk(tmp_path: Path, clock: FrozenClock) -> Iterator[Desk]:
    desk = small_desk(tmp_path / "desk", clock=clock, config=CONFIG + RETENTION)
    yield desk
    desk.close()


def lived(desk: Desk) -> tuple[int, int]:
    """Two cases through everything that writes words down: hers, and a neighbour's."""
    first = hers("one", "1", media=(PICTURE,))
    arrive(desk, first, message("Pothole", "2", author="Bob"))
    arrive(desk, replace(first, text=clean(f"{WORD} edited"), edited_at=MONDAY + timedelta(minutes=2)))
    arrive(desk, hers("again", "3", thread=f"{KEY}-1", parent=f"{KEY}-1", at=MONDAY + timedelta(minutes=3)))
    mine, other = sorted(case_ids(desk))
    triage.tag(desk, [mine], area="waste")
    triage.note(desk, mine, f"{WORD} is known to us, call {NAME}")
    handoff.queue(desk, handoff.prepare(desk, mine, note=f"{WORD} please"), undo_seconds=0)
    drafts.keep(desk, mine, OutboxKind.REPLY, f"Dear {NAME}")
    with desk.store.transaction("JS", desk.clock()) as tx:
        row = tx.outbox.add(
            NewRow(
                kind=OutboxKind.REPLY,
                recipient=f"@{KEY}",
                key="k1",
                payload={"to": {"key": KEY, "name": NAME}},
                case_id=mine,
                body=f"Hello {NAME}",
                data=f"To: {NAME} {WORD}".encode(),
            ),
            "JS",
            desk.clock(),
        )
        for each in (row, 1):
            tx.outbox.claim(each, desk.clock())
            tx.outbox.settle(
                each, OutboxState.SENT, sent_at=desk.clock(), url=f"https://x.example/{KEY}", error=f"{KEY} said"
            )
    triage.close(desk, [mine], Outcome.ANSWERED, note=f"{WORD} is content")
    triage.close(desk, [other], Outcome.ANSWERED)
    return mine, other


def traces(desk: Desk) -> dict[str, list[str]]:
    """Where words of hers are found: every file beside the store, byte by byte, and what is exported."""
    found: dict[str, list[str]] = {}
    words = [w.encode() for w in (WORD, NAME, KEY, WORD.lower(), NAME.lower())]
    for path in sorted(desk.store.path.parent.rglob("*")):
        if path.is_file():
            hits = [w.decode() for w in words if w in path.read_bytes()]
            if hits:
                found[path.name] = hits
    exports = "".join(record.as_csv(record.case_rows(desk, None, None)))
    exports += "".join(record.as_jsonl(record.events(desk, None, None)))
    hits = [w.decode() for w in words if w in exports.encode()]
    return found | ({"exports": hits} if hits else {})


def counts(desk: Desk) -> list[object]:
    """What figures are made of."""
    with sqlite3.connect(desk.store.path) as raw:
        rows = [
            raw.execute(f"SELECT {what} FROM {table}").fetchall()  # noqa: S608
            for what, table in (
                ("id, ref, status, area, kind, outcome, opened_at, closed_at, messages, media, repeat_count", "cases"),
                ("id, case_id, voice, at, visibility, state", "messages"),
                ("id, contact, state, sent_at", "handoffs"),
                ("id, kind, state, officer, sent_at", "outbox"),
                ("sum(cases)", "persons"),
                ("count(*)", "media"),
            )
        ]
    raw.close()
    return [*rows, len(case_ids(desk, "all"))]


def test_what_is_over_is_forgotten_for_good_and_everything_is_still_counted(desk: Desk, clock: FrozenClock) -> None:
    mine, other = lived(desk)
    assert set(traces(desk)) >= {"exports"}
    before = counts(desk)
    clock.move(days=729)
    assert keeping.prune(desk, dry_run=True).forgotten.cases == 0
    assert keeping.prune(desk).forgotten.media == 1
    assert not list((desk.media_folder).glob("*/*"))
    clock.move(days=2)
    assert keeping.prune(desk, dry_run=True).kinds == {"default": 2}
    beside = small_desk(desk.store.path.parent, clock=clock)  # another window, looking on
    assert len(case_ids(beside, "all")) == 2
    done = keeping.prune(desk)
    assert (done.forgotten.cases, done.forgotten.messages, done.compacted, done.copies) == (2, 3, True, ())
    assert "[redacted]" in inbox.rows(beside, [mine])[0].snippet
    beside.close()
    assert traces(desk) == {}
    assert counts(desk) == before
    assert desk.store.search.differs() == 0
    verified = desk.store.log.verify()
    assert (verified.fault, verified.forgotten) == (None, done.forgotten.notes)
    assert done.forgotten.notes >= 5
    detail = inbox.detail(desk, mine)
    assert (detail.row.handle, detail.row.snippet, detail.row.name) == ("[redacted]", "[redacted]", "")
    assert "[forgotten]" in str([e.detail for e in detail.events])
    with pytest.raises(Refused, match="forgotten"):
        triage.reopen(desk, [other])
    again = arrive(desk, hers("one", "1"), hers("again", "3", thread=f"{KEY}-1"), gone=(f"{KEY}-1",))
    assert (again.new, again.updated) == (0, 0)
    assert keeping.prune(desk).forgotten.cases == 0
    assert traces(desk) == {}
    assert arrive(desk, hers("anew", "9")).new == 1


def test_a_note_that_only_somebody_deleted_is_missed(desk: Desk) -> None:
    lived(desk)
    assert desk.store.log.verify().fault is None
    raw = sqlite3.connect(desk.store.path)
    raw.execute("DELETE FROM event_notes WHERE seq = (SELECT max(seq) FROM event_notes)")
    raw.commit()
    raw.close()
    assert "1 note is gone" in (desk.store.log.verify().fault or "")


def test_kinds_have_times_of_their_own_and_nothing_on_its_way_is_forgotten(desk: Desk, clock: FrozenClock) -> None:
    arrive(desk, *(message(f"m{n}", str(n), author=f"P{n}") for n in range(3)))
    complaint, waiting, plain = sorted(case_ids(desk))
    triage.tag(desk, [complaint], kind=Kind.COMPLAINT)
    triage.close(desk, [complaint, waiting, plain], Outcome.ANSWERED)
    with desk.store.transaction("JS", desk.clock()) as tx:
        tx.outbox.add(
            NewRow(kind=OutboxKind.REPLY, recipient="@p1", key="k", payload={}, case_id=waiting), "JS", desk.clock()
        )
    clock.move(days=800)
    done = keeping.prune(desk)
    assert (done.kinds, done.held_back) == ({"default": 1}, 1)
    assert [r.flags for r in inbox.rows(desk, [complaint, waiting, plain])] == [(), (), ("redacted",)]


def test_a_network_with_a_rule_of_its_own_loses_words_and_can_still_be_answered(desk: Desk, clock: FrozenClock) -> None:
    arrive(desk, hers("one", "1", media=(PICTURE,)), account="leisure")
    case = case_ids(desk)[0]
    clock.move(hours=47)
    assert keeping.prune(desk).forgotten.messages == 0
    clock.move(hours=2)
    assert keeping.prune(desk).forgotten.messages == 1
    assert inbox.detail(desk, case).messages[0].text == ""
    answerable = desk.store.messages.to_answer(case)
    assert answerable is not None
    assert answerable.message.remote_id == f"{KEY}-1"
    taken = arrive(desk, hers("one, edited", "1"), account="leisure")
    assert (taken.new, taken.updated) == (0, 0)
    assert inbox.detail(desk, case).messages[0].text == ""


def test_the_other_case_of_somebody_keeps_them(desk: Desk, clock: FrozenClock) -> None:
    arrive(desk, hers("old", "1"))
    old = case_ids(desk)[0]
    triage.close(desk, [old], Outcome.ANSWERED)
    clock.move(days=800)
    arrive(desk, hers("new", "2", at=clock.now))
    new = case_ids(desk)[0]
    keeping.prune(desk)
    rows = {row.id: row for row in inbox.rows(desk, [old, new])}
    assert (rows[old].handle, rows[new].name) == ("[redacted]", NAME)
    assert [(p.cases, p.open_cases) for p in people.find(desk, NAME)] == [(1, 1)]


def test_a_person_is_found_handed_over_and_erased_over_all_identities(desk: Desk, tmp_path: Path) -> None:
    mine, _ = lived(desk)
    arrive(desk, hers("elsewhere", "b1", author=person(NAME, f"{KEY}.b")), account="leisure")
    arrive(desk, hers("context", "c1", thread="2", parent="2", context=True))
    arrive(desk, message(f"@{KEY}@social.example is my friend", "f1", author="Friend"))
    found = people.find(desk, NAME.upper())
    keys = [people.name_of(each) for each in found]
    assert len(keys) == 2
    people.link(desk, *keys)
    with pytest.raises(Refused, match="linked already"):
        people.link(desk, *reversed(keys))
    everything = people.export(desk, keys[1])
    assert {c.row.id for c in everything.cases} == {mine, max(case_ids(desk, "all")) - 1}
    assert [each.text for each in everything.elsewhere] == [f"{WORD} context"]
    with pytest.raises(Refused, match="open"):
        people.erase(desk, keys[0])
    plan = people.erasure(desk, keys[0])
    assert len(plan.named_in) == 1
    before = len(case_ids(desk, "all"))
    done = people.erase(desk, keys[0], anyway=True)
    assert done.done is not None
    assert done.done.forgotten.cases == 2
    friend = [inbox.detail(desk, i) for i in case_ids(desk)]
    assert [d.row.name for d in friend] == ["Friend"]
    left = traces(desk)
    assert all(hits == [KEY] for hits in left.values()), "only the friend's own words name her"
    assert len(case_ids(desk, "all")) == before
    assert desk.store.log.verify().fault is None
    assert people.find(desk, NAME) == []
    assert arrive(desk, hers("one", "1"), hers("elsewhere", "b1")).new == 1  # b1 was on another account
    logged = json.dumps([e.detail for e in desk.store.log.between(None, None) if e.kind.startswith("person.")])
    assert KEY not in logged
    assert NAME not in logged


def test_what_was_forgotten_is_forgotten_again_after_a_restore(desk: Desk, tmp_path: Path) -> None:
    lived(desk)
    backup.back_up(desk, tmp_path / "old.tar")
    people.erase(desk, people.name_of(people.find(desk, NAME)[0]))
    path = desk.store.path
    desk.close()
    done = backup.restore(tmp_path / "old.tar", path, officer="JS", force=True)
    assert done.forgotten_again == 1
    for each in path.parent.glob("*.before-*"):
        shutil.rmtree(each) if each.is_dir() else each.unlink()
    again = small_desk(path.parent, config=CONFIG)
    assert traces(again) == {}
    assert again.store.log.verify().fault is None
    again.close()


def test_restricted_cases_show_nothing_unless_asked_for_on_record(desk: Desk) -> None:
    arrive(desk, hers("secret", "1"), hers("other", "2"))
    case, beside = sorted(case_ids(desk))
    triage.note(desk, case, f"{WORD} noted")
    restricting.restrict(desk, [case])
    row = inbox.rows(desk, [case])[0]
    assert (row.handle, row.name, row.snippet) == ("[restricted]",) * 3
    shown = repr(inbox.shown(desk, case))
    related = repr(inbox.shown(desk, beside).related)
    assert not any(word in shown + related for word in (WORD, NAME, KEY))
    assert f"{WORD} secret" in repr(inbox.detail(desk, case))
    with desk.store.transaction("JS", desk.clock()) as tx:
        reply = NewRow(kind=OutboxKind.REPLY, recipient=f"@{KEY}", key="k", payload={}, case_id=case, body=WORD)
        tx.outbox.add(reply, "JS", desk.clock())
    assert [(view.to, view.text) for view in desk.store.outbox.views()] == [("[restricted]", "[restricted]")]
    restricting.unmask(desk, case)
    assert f"{WORD} secret" in repr(inbox.shown(desk, case, True))
    assert [e.kind for e in desk.store.log.of_case(case)][-1] == "case.unmasked"
    triage.undo(desk)
    assert inbox.rows(desk, [case])[0].name == NAME
    assert restricting.restrict(desk, [case]).case_ids == (case,)
    assert restricting.unrestrict(desk, [case]).case_ids == (case,)
    assert inbox.rows(desk, [case])[0].flags == ()


def test_wrong_times_are_named() -> None:
    for wrong in ('default = "soon"', 'media = "5m"', 'networks.x = "1y"'):
        with pytest.raises(Exception, match=r"configuration") as caught:
            small_config(f"{CONFIG}\n[retention]\n{wrong}\n")
        assert "retention." in str(caught.value.problems)  # type: ignore[attr-defined]
    assert keeping.policy_of(small_config()).networks["linkedin"] == timedelta(hours=48)


IMPERSONAL = {
    "accounts": "*",
    "gaps": "*",
    "tombstones": "*",  # remote ids stand there as hashes
    "leases": "*",
    "contact_away": "*",
    "answers_used": "*",
    "spending": "*",
    "switches": "*",
    "live_accounts": "*",
    "live_marks": "*",
    "incidents": "*",  # the organisation's own words
    "incident_posts": "*",
    "incident_cases": "*",
    "statement_drafts": "*",
    "case_moves": "*",  # numbers of rows
    "case_flags": "flag at due_on",
    "undo_steps": "*",  # steps of forgotten cases are deleted
    "drafts": "*",  # deleted
    "revisions": "*",  # deleted
    "event_notes": "*",  # deleted
    "events": "*",  # what names a person is hashed
    "persons": "network first_at",
    "cases": "ref status kind area topic owner account network visibility opened_at last_message_at waiting_since"
    " due_at due_clock due_from due_sort acknowledged_at answered_at promised_at closed_at reopened_at outcome"
    " snoozed_until repeat_since suggested_area avoidable",
    "messages": "account voice visibility at received_at state edited_at gone_at automatic checked_at",
    "media": "kind mime",
    "handoffs": "contact email message_id state queued_at sent_at expected_at answered_at chased_at via looked_at",
    "outbox": "kind account key state officer queued_at not_before next_try_at sent_at held",
    "outbox_files": "mime",
    "moderation": "ref account network kind officer at review_at state done_at lifted_at reviewed_at reviewed_by",
    "contact_mails": "kind state contact until decided_by decided_at",
    "case_links": "at",
}
"""Columns without anybody's words; every other one with text must be written by `store.forget`."""


def test_every_column_with_words_is_forgotten_or_said_to_have_none(desk: Desk) -> None:
    """A new column goes into `store/forget.py`, or, where no resident's word can get in, into the list above."""
    forgotten = Path(forget.__file__).read_text(encoding="utf-8")
    raw = sqlite3.connect(desk.store.path)
    unsaid = []
    for (table,) in raw.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '%messages_fts%'"
    ).fetchall():
        plain = IMPERSONAL.get(table, "").split()
        for _, column, kind, *_ in raw.execute(f"PRAGMA table_info({table})"):
            if kind in ("INTEGER", "REAL") or plain == ["*"] or column in plain or table.startswith(("sqlite", "_")):
                continue
            written = [part for part in forgotten.split("UPDATE ") if part.startswith(f"{table} SET")]
            written += [forgotten] if table == "messages" else []
            if not any(f"{column} =" in part for part in written):
                unsaid.append(f"{table}.{column}")
    raw.close()
    assert unsaid == []


def test_words_of_nobodys_case_and_who_has_nothing_left_are_forgotten(desk: Desk, clock: FrozenClock) -> None:
    arrive(desk, message("Our news", "post", own=True, author="Anytown"))
    arrive(desk, hers("beside", "9", context=True, thread="post", parent="post"))
    assert traces(desk) != {}
    clock.move(days=731)
    assert keeping.prune(desk).forgotten.messages == 1
    assert {path: hits for path, hits in traces(desk).items() if hits != [KEY]} == {}
    assert people.find(desk, NAME) == []


def test_whom_a_block_holds_is_known_until_it_is_lifted_or_they_are_erased(desk: Desk, clock: FrozenClock) -> None:
    arrive(desk, hers("abuse", "1"))
    case = case_ids(desk)[0]
    triage.close(desk, [case], Outcome.ABUSE)
    snapshot = json.dumps({"author": {"key": KEY}, "text": f"{WORD} abuse"})
    raw = sqlite3.connect(desk.store.path)
    raw.execute(
        "INSERT INTO moderation (case_id, ref, person_id, account, network, kind, reason, officer, at, state, snapshot)"
        " SELECT id, ref, person_id, account, network, 'block', 'threats', 'JS', opened_at, 'sent', ? FROM cases",
        (snapshot,),
    )
    raw.commit()
    clock.move(days=731)
    keeping.prune(desk)
    kept = raw.execute("SELECT reason, snapshot FROM moderation").fetchone()
    assert (kept[0], json.loads(kept[1])) == ("threats", {"author": {"key": KEY}})
    assert [each.cases for each in people.find(desk, NAME)] == [0]
    people.erase(desk, people.name_of(people.find(desk, NAME)[0]))
    assert raw.execute("SELECT reason, snapshot FROM moderation").fetchone() == ("", "{}")
    raw.close()
    assert people.find(desk, NAME) == []
    assert traces(desk) == {}


def test_the_commands_hand_over_and_erase_a_person(tmp_path: Path) -> None:
    shell = Inside(tmp_path)
    shell.config.write_text(shell.config.read_text() + '\n[retention]\ndefault = "30d"\n')
    ref = shell.ok("new", "--person", f"{NAME} <b>", "--text", f"{WORD} <script>", "--json").json["ref"]
    key = shell.ok("person", "find", NAME, "--json").json[0]["key"]
    shell.ok("fact", ref, "address", f"12 {WORD} Lane")
    data = shell.ok("person", "export", key).json
    assert [case["ref"] for case in data["cases"]] == [ref]
    assert data["cases"][0]["messages"][0]["text"] == f"{WORD} <script>"
    shell.ok("person", "export", key, "-o", str(tmp_path / "p.zip"))
    with zipfile.ZipFile(tmp_path / "p.zip") as archive:
        assert archive.namelist() == ["person.json", "person.html"]
        page = archive.read("person.html").decode()
    assert WORD in page
    assert f"<li>address: 12 {WORD} Lane</li>" in page
    assert "<script>" not in page
    asked = shell.run("person", "erase", key)
    assert (asked.status, "close them first" in asked.err) == (1, True), "what --yes would refuse is said before"
    refused = shell.run("person", "erase", key, "--yes")
    assert (refused.status, "open" in refused.err) == (1, True)
    shell.ok("close", ref, "--outcome", "answered")
    assert shell.ok("prune", "--dry-run", "--json").json["cases"] == 0
    assert shell.ok("person", "erase", key, "--yes", "--json").json["forgotten"]["cases"] == 1
    shown = shell.ok("show", ref).out
    assert "  (" not in shown
    assert " , " not in shown
    (tmp_path / "p.zip").unlink()
    assert not any(WORD.encode() in p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
    assert shell.ok("list", "--view", "all", "--json").json[0]["person"]["handle"] == "[redacted]"
    assert "match their hashes" in shell.ok("log", "verify").out
    assert shell.run("person", "export", key).status == 1
