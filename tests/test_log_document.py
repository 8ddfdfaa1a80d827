"""The log as a document: by period, area, contact or case; it says who made it, is on record, and can be proved."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

import pytest

from socialtriage.services import handoff, inbox, page, record, restricting, triage
from tests.doubles.desk import arrive, case_ids, message, small_desk
from tests.doubles.inside import Inside

NASTY = "<script>alert(1)</script> & <img src=https://evil.example/x> \x1b[31m call 01632 960123"


class Seen(HTMLParser):
    """Which elements and addresses a page has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [str(value) for name, value in attrs if name in ("src", "href", "action")]


def test_a_document_of_an_area_a_contact_or_a_case_is_proved_and_on_record(tmp_path: Path) -> None:
    shell = Inside(tmp_path)
    waste = shell.ok("new", "--person", "Mrs Price", "--text", NASTY, "--json").json["ref"]
    shell.ok("new", "--person", "Mr Other", "--text", "hello")
    shell.ok("tag", waste, "--area", "waste")
    shell.ok("note", waste, "she lives at No 5")
    for scope, rows in ((("--area", "waste"), 1), (("--area", "none"), 1), (("--contact", "waste-team"), 0)):
        assert len(shell.ok("log", *scope).out.splitlines()) == 1 + rows
    wrong = shell.run("log", "--area", "wast")
    assert (wrong.status, wrong.out, "Did you mean waste?" in wrong.err) == (2, "", True)
    copy = tmp_path / "case.html"
    shell.ok("log", "--case", waste, "--format", "html", "-o", str(copy))
    text = copy.read_text()
    seen = Seen(text)
    assert "script" not in seen.tags
    assert seen.links == []
    assert "Mrs Price" in text
    assert "No 5" in text
    assert "by JS" in text
    head = text.split("--expect ")[1].split("<")[0]
    assert "nothing was cut off" in shell.ok("log", "verify", "--expect", head).out
    proved = shell.ok("log", "verify", "--copy", str(copy), "--json").json
    assert (proved["copy"]["kind"], proved["copy"]["officer"], proved["forgotten"]) == ("log.exported", "JS", 0)
    copy.write_text(text.replace("No 5", "No 6"))
    assert shell.run("log", "verify", "--copy", str(copy)).status == 1
    lines = [json.loads(line) for line in shell.ok("log", "--format", "jsonl", "--case", waste).out.splitlines()]
    assert {line["ref"] for line in lines} == {waste}
    assert [line["kind"] for line in lines][-2:] == ["log.exported", "log.exported"]
    assert lines[-1]["detail"] == {"format": "jsonl", "redacted": False}
    hidden = shell.ok("log", "--case", waste, "--format", "html", "--redact").out
    assert not any(word in hidden for word in ("Price", "960123", "No 5"))


def test_a_restricted_case_is_withheld_in_every_document(tmp_path: Path) -> None:
    desk = small_desk(tmp_path)
    arrive(desk, message("Quixxotl is afraid", "1", author="Zzyzx Woman"))
    case = case_ids(desk)[0]
    triage.tag(desk, [case], area="waste")
    triage.note(desk, case, "Quixxotl noted")
    handoff.queue(desk, handoff.prepare(desk, case), undo_seconds=0)
    restricting.restrict(desk, [case])
    scope = record.Scope(case_id=case)
    rows = list(record.case_rows(desk, None, None, scope=scope))
    documents = "".join(record.as_csv(rows))
    documents += "".join(page.as_html(desk, rows, record.COLUMNS, None, None, scope=scope))
    documents += "".join(page.case_file(desk, inbox.shown(desk, case), rows[0]))
    documents += "".join(record.as_jsonl(record.events(desk, None, None), restricted=desk.store.keeping.restricted()))
    assert "Quixxotl" not in documents
    assert "zzyzx" not in documents.lower()
    assert rows[0]["person"] == "[withheld]"
    desk.close()


@pytest.mark.parametrize("scope", [record.Scope(contact="waste-team"), record.Scope(area="waste")])
def test_a_page_says_what_it_is_about(tmp_path: Path, scope: record.Scope) -> None:
    desk = small_desk(tmp_path)
    text = "".join(
        page.as_html(desk, record.case_rows(desk, None, None, scope=scope), record.COLUMNS, None, None, scope=scope)
    )
    assert "content=\"default-src 'none'; style-src 'sha256-" in text
    assert ("handed to Waste services" if scope.contact else "of Bins and recycling") in text
    desk.close()
