"""Messages out of files: each comes once however often the file is read, and a bad row costs itself only."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from socialtriage.domain.errors import UsageError
from socialtriage.domain.models import Visibility
from socialtriage.services import inbox
from socialtriage.services.desk import Desk
from socialtriage.services.import_files import BadRow, Mail, Row, read, unknown_columns
from socialtriage.services.importing import Imported, bring_in
from tests.doubles.desk import MONDAY, case_ids, small_desk
from tests.doubles.inside import Inside, one_tls_context

CHATS = """Person,Handle,At,Conversation,Voice,Text,Colour
Gwen,07700 900001,2026-11-16 08:00,c1,,My bin was missed,red
Ann,,2026-11-16T08:05:00Z,c1,officer,Which street is it?,
Gwen,07700 900001,16/11/2026 08:06,c1,,Mill Lane,
Gwen,,2026-11-16 08:00,c2,,Another Gwen says hello,
,,,,,nobody said this,
Wei,,next tuesday,c3,,when,
Wei,,2026-11-20,c3,,from the future,
Wei,,,c3,shouting,LOUD,
Ann,,,,officer,To whom?,
Wei,,,c3,,"two
lines",
"""
MAIL = b"""From: Gwen <gwen@example.org>
To: hello@anytown.example
Subject: Missed bin
Message-ID: <one@example.org>
Date: Mon, 16 Nov 2026 08:00:00 +0000

Please come back.
"""


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    one_tls_context(monkeypatch)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = small_desk(tmp_path)
    yield desk
    desk.close()


def load(desk: Desk, path: Path, **more: str | None) -> tuple[Imported, list[BadRow]]:
    bad: list[BadRow] = []
    done = bring_in(desk, path, account_id=more.get("account"), channel=more.get("channel"), report=bad.append)
    return done, bad


def test_chats_become_cases_once_and_bad_rows_are_told_with_their_line(tmp_path: Path, desk: Desk) -> None:
    file = tmp_path / "chats.csv"
    file.write_text("\N{ZERO WIDTH NO-BREAK SPACE}" + CHATS, encoding="utf-8")
    assert unknown_columns(file) == ["Colour"]
    done, bad = load(desk, file)
    assert (done.rows, done.new, done.known, done.bad, len(done.cases)) == (10, 5, 0, 5, 3)
    assert [row.line for row in bad] == [6, 7, 8, 9, 10]
    assert "neither person nor handle" in bad[0].why
    assert "not a time" in bad[1].why
    assert "still to come" in bad[2].why
    assert "neither resident nor officer" in bad[3].why
    assert "need a conversation" in bad[4].why
    details = [inbox.detail(desk, case_id) for case_id in case_ids(desk)]
    talk = next(detail for detail in details if len(detail.messages) == 3)
    assert [(m.voice, m.text) for m in talk.messages] == [
        ("resident", "My bin was missed"),
        ("officer", "Which street is it?"),
        ("resident", "Mill Lane"),
    ]
    assert (talk.row.network, talk.row.visibility) == ("chat", Visibility.PRIVATE)
    assert talk.messages[2].at == datetime(2026, 11, 16, 8, 6, tzinfo=UTC)
    assert talk.row.suggested_area == "waste"
    # Two people of one name stay two.
    assert sum(str(detail.row.name) == "Gwen" for detail in details) == 2
    again, _ = load(desk, file)
    assert (again.new, again.known, again.updated, again.bad) == (0, 5, 0, 5)
    file.write_text(CHATS.replace("Mill Lane", "Mill Lane 4"), encoding="utf-8")
    longer, _ = load(desk, file)
    assert (longer.new, longer.known) == (1, 4)


def test_lines_of_json_with_ids_are_edited_not_doubled_and_may_be_an_accounts(tmp_path: Path, desk: Desk) -> None:
    file = tmp_path / "notes.jsonl"
    rows = [
        {"id": 7, "author": "Gwen", "message": "first wording", "created_at": "2026-11-16T08:00:00Z", "other": [1]},
        {
            "id": "8",
            "handle": "@wei",
            "text": "public one",
            "visibility": "public",
            "url": "https://nextdoor.example/8",
        },
    ]
    lines = [json.dumps(row).encode() for row in rows]
    file.write_bytes(b"\n".join([*lines, b"", b"{oops", b"[1]", b'{"text": ["a"]}', b'"\xff"', b"[" * 50_000]))
    done, bad = load(desk, file, channel="nextdoor")
    assert (done.new, done.bad) == (2, 5)
    assert [row.line for row in bad] == [4, 5, 6, 7, 8]
    file.write_bytes(lines[0].replace(b"first", b"second"))
    edited, _ = load(desk, file, channel="nextdoor")
    assert (edited.new, edited.updated) == (0, 1)
    assert {inbox.detail(desk, i).row.network for i in case_ids(desk)} == {"nextdoor"}
    with pytest.raises(UsageError, match="--account leisure"):
        load(desk, file, channel="leisure")
    with pytest.raises(UsageError, match="is no channel"):
        load(desk, file, channel="A b")
    mine, _ = load(desk, file, account="town-mastodon")
    assert mine.new == 1
    due = desk.store.messages.to_reread("town-mastodon", young_since=MONDAY.replace(year=2000), before=MONDAY, limit=9)
    assert due == []  # there is no source that could be asked


def test_mails_and_mailboxes_are_the_same_mails_as_polling_brings(tmp_path: Path, desk: Desk) -> None:
    single, box = tmp_path / "one.eml", tmp_path / "all.mbox"
    single.write_bytes(MAIL)
    answer = MAIL.replace(b"<one@", b"<two@").replace(
        b"\n\nPlease", b"\nReferences: <one@example.org>\n\nFrom me.\n>Please"
    )
    box.write_bytes(
        b"From gwen@example.org Mon Nov 16 08:00:00 2026\n" + MAIL + b"\n"
        b"From gwen@example.org Mon Nov 16 09:00:00 2026\n" + answer.replace(b"From me", b">From me") + b"\n"
        b"From nobody Mon Nov 16 09:00:00 2026\nthis is no mail\n"
    )
    first, _ = load(desk, single, account="mailbox")
    assert (first.new, len(first.cases)) == (1, 1)
    done, bad = load(desk, box, account="mailbox")
    assert (done.rows, done.new, done.known, done.bad) == (3, 1, 1, 1)
    assert bad[0].line == 22
    assert "no mail" in bad[0].why
    detail = inbox.detail(desk, case_ids(desk)[0])
    assert len(detail.messages) == 2
    assert detail.messages[1].text.startswith("From me.")
    single.write_bytes(b"\n\n")
    assert load(desk, single)[1][0].why.startswith("it is no mail")
    box.write_bytes(b"not a mailbox\n")
    assert "no mailbox" in load(desk, box)[1][0].why


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.csv", b"", "names no column `text`"),
        ("a.csv", b"person;note\nGwen;hello\n", "names no column `text`"),
        ("a.xlsx", b"PK", "none of the files"),
    ],
)
def test_files_of_another_kind_are_refused_whole(tmp_path: Path, name: str, content: bytes, why: str) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(UsageError, match=why):
        list(read(file))


@settings(max_examples=60)
@given(st.binary(max_size=300), st.sampled_from([".csv", ".jsonl", ".mbox", ".eml"]))
def test_no_bytes_make_reading_fail(tmp_path_factory: pytest.TempPathFactory, data: bytes, kind: str) -> None:
    file = tmp_path_factory.getbasetemp() / f"any{kind}"
    file.write_bytes((b"text,person\n" if kind == ".csv" else b"") + data)
    for found in read(file):
        assert isinstance(found, Row | Mail | BadRow)
        assert found.line >= 1


def test_the_program_imports_and_says_why_an_import_cannot_be_answered(tmp_path: Path) -> None:
    shell = Inside(tmp_path)
    file = tmp_path / "chats.csv"
    file.write_bytes("text;person;channel\nMy bin;Gwen;whatsapp\nM\xfcll;Jo;whatsapp\n".encode("latin-1"))
    first = shell.run("import", str(file), "--json")
    assert first.status == 1
    assert (first.json["new"], first.json["failed"]) == (1, 1)
    assert first.json["bad"] == [{"line": 3, "why": "it is not UTF-8; save the file as CSV UTF-8"}]
    assert "chats.csv:3:" in first.err
    assert shell.run("import", str(file), "--json").json["new"] == 0
    (case,) = shell.ok("list", "--json").json
    assert case["network"] == "whatsapp"
    refused = shell.run("reply", case["ref"], "hello")
    assert (refused.status, "no account of the desk" in refused.err) == (1, True)
    assert shell.run("import", str(tmp_path / "absent.csv")).status == 2


@pytest.mark.parametrize(
    ("rows", "line", "why"),
    [
        ('"My bin was,Ann\nthe next,Bob\nand more,Cy\n', 3, "never closed; lines 3 to 5 were not read"),
        (
            '"My bin was,Ann\nthe next,Bob\n"all, of it",Cy\nlast,Di\n',
            3,
            "middle of a cell; lines 3 to 5 were not read",
        ),
        ('"My bin was,Ann', 3, "never closed"),
        ('"My bin,Ann\n' + "a row that is lost,Bob\n" * 6_000, 3, "field larger than field limit"),
    ],
)
def test_a_quotation_mark_that_is_never_closed_says_which_rows_it_took(
    tmp_path: Path, rows: str, line: int, why: str
) -> None:
    path = tmp_path / "chats.csv"
    path.write_text('text,person\n"two\nlines",Gwen\n'.replace("\nlines", " lines") + rows)
    found = list(read(path))
    [bad] = [row for row in found if isinstance(row, BadRow)]
    assert (bad.line, why in bad.why) == (line, True), bad
    texts = [row.values["text"] for row in found if isinstance(row, Row)]
    assert texts[0] == "two lines"
    assert not any("Bob" in text for text in texts)


def test_a_table_may_be_of_a_spreadsheet_in_utf_16_and_an_inch_is_no_quotation(tmp_path: Path) -> None:
    for number, encoding in enumerate(("utf-16", "utf-16-be")):
        path = tmp_path / f"{number}.csv"
        mark = "\ufeff" if encoding == "utf-16-be" else ""
        path.write_bytes(f'{mark}text\tperson\r\n5" pipe, naïve\tAnn\r\n'.encode(encoding))
        assert unknown_columns(path) == []
        assert list(read(path)) == [Row(2, {"text": '5" pipe, naïve', "person": "Ann"})]
