"""The demand figures against answers worked out by hand, against `list`, and against themselves."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from socialtriage.cli.start import run
from socialtriage.config.load import parse
from socialtriage.domain import figures as words
from socialtriage.domain import spans
from socialtriage.domain.drawing import bar, level, shade, sparkline
from socialtriage.domain.errors import UsageError
from socialtriage.domain.figures import Report, Unit, spread
from socialtriage.domain.models import Avoidable, Gap, Outcome
from socialtriage.domain.spans import Span
from socialtriage.domain.stopwatch import Stopwatch
from socialtriage.domain.times import iso
from socialtriage.services import figures, figures_data, figures_text, filters, inbox, queries, triage
from socialtriage.services.calendar import working_time
from socialtriage.services.desk import Desk
from socialtriage.store.log import NewEvent
from tests.doubles.desk import CONFIG, arrive, message
from tests.doubles.figures_desk import NOW, REPORT, october

LONDON = ZoneInfo("Europe/London")


def rows(report: Report, table: str) -> dict[str, tuple[Any, ...]]:
    """The values of a table by the rows' ids, those of zeros left out."""
    return {row.id: row.values for row in report.table(table).rows if any(row.values)}


def first(report: Report, table: str) -> dict[str, Any]:
    return {name: values[0] for name, values in rows(report, table).items()}


def week_of(desk: Desk) -> Report:
    return figures.make(desk, figures.span_called(desk, "week"))


# --- worked out by hand -------------------------------------------------------------------------------------------


def test_the_figures_are_those_worked_out_on_paper(tmp_path: Path) -> None:
    desk, _ = october(tmp_path)
    report = week_of(desk)
    assert (report.span.first, report.span.last) == (date(2026, 10, 22), date(2026, 10, 28))

    # Seven cases; the two `prev` came before noon of Wednesday a week ago, `late` after it.
    assert rows(report, "summary")["received"] == (7, 7, 2, 2.5)
    assert first(report, "by_account") == {"town-mastodon": 5, "mailbox": 1, "phone": 1}
    assert first(report, "by_network") == {"mastodon": 5, "imap": 1, "phone": 1}
    assert first(report, "by_kind") == {"enquiry": 3, "complaint": 1, "report": 1, "praise": 1, "none": 1}
    assert rows(report, "by_area")["waste"][:4] == (3, round(3 / 7, 4), 1, 2.0)
    assert first(report, "by_area") == {"waste": 3, "roads": 1, "none": 3}
    assert rows(report, "by_area")["waste"][4] == 3, "C, F and G speak of a bin too; nobody has tagged them"
    assert rows(report, "topics") == {"waste/new-bin": (2, round(2 / 7, 4), 0, None)}
    # Five of the six with a kind.
    assert rows(report, "summary")["service"][:3] == (round(5 / 6, 4), 5, 0.5)

    # Friday 16; Sunday 0; both Sundays 1 o'clock; Monday 10 twice; Wednesday 11.
    assert dict(report.heat) == {(4, 16): 1, (6, 0): 1, (6, 1): 2, (0, 10): 2, (2, 11): 1}
    assert first(report, "by_weekday") == {"mon": 2, "wed": 1, "fri": 1, "sun": 3}
    assert first(report, "by_hour") == {"00": 1, "01": 2, "10": 2, "11": 1, "16": 1}

    # First response in working minutes: B 10, E 30, A 30 + 30, D 480 + 120.
    assert first(report, "summary")["first_response_median"] == (30 + 60) / 2
    assert first(report, "summary")["first_response_p90"] == 600
    # Resolution: F 15, B 40, A 90, E 120, D 480 + 480 + 120.
    assert first(report, "summary")["resolution_median"] == 90
    assert first(report, "summary")["resolution_p90"] == 1080
    assert rows(report, "times_by_account")["mailbox"] == (1, 30, 30, 120, 120, 1.0)
    assert rows(report, "times_by_area")["waste"] == (3, 30, 60, 90, 120, 1.0)

    # A, B and E in time; D late, C open past its deadline; G still has time; F was closed without an answer.
    assert first(report, "charter") == {"kept": 3, "broken": 2, "waiting": 1, "none_not_ours": 1}
    assert rows(report, "summary")["charter"][:2] == (0.6, 3)
    assert rows(report, "summary")["repeat"][:2] == (round(1 / 7, 4), 1), "Ivy came twice"
    assert first(report, "avoidable") == {"chasing": 1}
    assert rows(report, "summary")["avoidable"][:2] == (0.2, 1)
    assert first(report, "channel_shift") == {"self_served": 1, "handled": 3, "elsewhere": 1, "none": 2}
    assert rows(report, "shift_by_network") == {"mastodon": (3, 1, 2, 0), "imap": (1, 0, 1, 0), "phone": (1, 0, 0, 1)}
    assert rows(report, "handoffs") == {"waste-team": (1, 1, 1.0, 20.0, 20.0, 0)}

    # A, B, D and E would have been calls at 4.50; F was one.
    assert rows(report, "calls") == {"calls": (4, 4, 1), "saved": (18.0, 4, 4.5)}
    assert "a call costs GBP 4.50" in report.table("calls").notes[0]

    # Thursday to Wednesday noon has five working days and 35 hours; C and G are in the queue, both due today or before.
    pace = {"queue": 2, "due": 2, "came": 1.4, "closed": 1.0, "closed_hour": 0.1, "lasts": 2.0}
    assert first(report, "pace") == pace

    # old1 shows that the account was there; of the same week of 2025 are old2 and old3. The others were not polled.
    growth = report.table("growth")
    assert {row.id: row.values for row in growth.rows} == {"all": (5, 2, 1.5), "town-mastodon": (5, 2, 1.5)}
    assert growth.notes == (
        "Not compared, first polled on 28 Oct 2026: mailbox.",
        "Not compared, no case before 23 Oct 2025: phone.",
    )
    months = report.table("months")
    assert [row.values[0] for row in months.rows] == [0] * 11 + [10]
    # Of October 2025 until noon of the 28th were all three old ones.
    assert [row.values[1] for row in months.rows] == [0] * 11 + [3]
    assert (months.rows[0].label, months.rows[-1].label) == ("Nov 2025", "Oct 2026 so far")
    desk.close()


@pytest.mark.parametrize("zone", ["Europe/London", "Australia/Adelaide", "America/St_Johns"])
def test_every_figure_lists_its_cases(tmp_path: Path, zone: str) -> None:
    desk, _ = october(tmp_path, config=(CONFIG + REPORT).replace("Europe/London", zone))
    for name in figures.SPANS:
        report = figures.make(desk, figures.span_called(desk, name))
        opened = 0
        for table in report.tables:
            column = next((place for place, each in enumerate(table.columns) if each.id == "cases"), None)
            for row in table.rows:
                for search, value in [
                    (row.search, row.values[column] if column is not None else None),
                    *_also(table, row),
                ]:
                    if search is None or value is None:
                        continue
                    query = queries.parse_query(search, desk, row.view)
                    assert len(inbox.snapshot(desk, query)) == value, f"{table.id} {row.id}: {search}"
                    opened += 1
        assert opened > 200
    desk.close()


def _also(table: words.Table, row: words.Row) -> list[tuple[str, Any]]:
    ids = [column.id for column in table.columns]
    return [(search, row.values[ids.index(column)]) for column, search in row.also.items()]


def test_a_span_that_is_over_is_compared_whole_and_an_empty_one_is_zero(tmp_path: Path) -> None:
    desk, _ = october(tmp_path)
    report = figures.make(desk, figures.span_between(desk, "2026-10-15", "2026-10-21"))
    assert rows(report, "summary")["received"] == (3, 3, 0, None)
    assert report.before.until is None
    empty = figures.make(desk, figures.span_between(desk, "2026-03-01", "2026-03-31"))
    assert empty.before == Span(date(2026, 2, 1), date(2026, 2, 28), LONDON)
    assert first(empty, "summary") == {}
    assert [row.values for row in empty.table("summary").rows][:2] == [(0, 0, 0, None), (0, 0, 0, None)]
    assert "No comparison" in empty.table("growth").summary
    assert list(figures_text.as_text(empty))
    with pytest.raises(UsageError, match="before the first"):
        figures.span_between(desk, "2026-10-21", "2026-10-15")
    desk.close()


def test_gaps_and_silent_accounts_are_said_and_a_year_with_a_hole_is_not_compared(tmp_path: Path) -> None:
    desk, _ = october(tmp_path)
    monday = datetime(2026, 10, 26, 9, 0, tzinfo=UTC)
    with desk.store.transaction("test", NOW) as tx:
        tx.accounts.add_gap("town-mastodon", Gap(monday, monday + timedelta(hours=2), "the server was down"))
        tx.accounts.add_gap("mailbox", Gap(monday, monday + timedelta(hours=1), "too many mails"))
    report = week_of(desk)
    assert report.coverage == "2 of 3 accounts, 2 gaps of 3 h"
    missed = {row.id: row.note for row in report.table("coverage").rows}
    assert missed["town-mastodon"] == "gap 26 Oct 09:00 to 26 Oct 11:00: the server was down"
    assert missed["leisure"].startswith("never polled")
    assert "may hide some of either" in report.table("growth").notes[-1]
    with desk.store.transaction("test", NOW) as tx:
        tx.accounts.close_gap(1, NOW)
        tx.accounts.close_gap(2, NOW)
        tx.log(NewEvent("account.gap_filled", detail={"account": "mailbox", "gap": 2}))
    assert week_of(desk).coverage == "2 of 3 accounts, 1 gap of 2 h", "noted is still missing, read again is not"
    with desk.store.transaction("test", NOW) as tx:
        year_ago = datetime(2025, 10, 24, tzinfo=UTC)
        tx.accounts.add_gap("town-mastodon", Gap(year_ago, year_ago + timedelta(hours=30), "the login had lapsed"))
    growth = week_of(desk).table("growth")
    assert growth.rows == ()
    assert growth.summary.startswith("No comparison")
    assert "Not compared, gaps of 30 h a year before: town-mastodon." in growth.notes
    desk.close()


def test_what_is_asked_often_and_has_no_saved_answer_is_named(tmp_path: Path) -> None:
    desk, _ = october(tmp_path)
    for number in range(5):
        text = f"The pothole of number {number}, and a missed bin"
        arrive(desk, message(text, f"often{number}", at=NOW, author=f"Person {number}"))
    found = {row.id: row for row in week_of(desk).table("questions").rows}
    assert set(found) == {"roads: pothole"}, "a saved answer is called missed-bin"
    assert found["roads: pothole"].values == (5,)
    query = queries.parse_query(found["roads: pothole"].search or "", desk, "all")
    assert len(inbox.snapshot(desk, query)) == 5
    desk.close()


def test_a_handoff_that_bounced_is_none(tmp_path: Path) -> None:
    desk, _ = october(tmp_path)
    with desk.store._db.write() as connection:
        connection.execute("UPDATE handoffs SET state = 'bounced', answered_at = NULL")
    report = week_of(desk)
    assert (rows(report, "handoffs"), rows(report, "summary").get("handed_off")) == ({}, None)
    assert list(inbox.snapshot(desk, queries.parse_query("is:handed_off", desk, "all"))) == []
    desk.close()


def test_counting_can_be_stopped(tmp_path: Path) -> None:
    desk, _ = october(tmp_path)

    def stop(done: int, total: int) -> None:
        raise figures.Stopped("enough")

    with pytest.raises(figures.Stopped):
        figures.make(desk, figures.span_called(desk, "year"), stop)
    desk.close()


def test_avoidable_is_logged_and_undone(tmp_path: Path) -> None:
    desk, ids = october(tmp_path)
    done = triage.close(desk, [ids["G"]], Outcome.ANSWERED, avoidable=Avoidable.WRONG_PLACE)
    assert done.said.endswith(": answered, avoidable: wrong place.")
    triage.undo(desk)
    case = desk.store.cases.get(ids["G"])
    assert (case.avoidable, case.closed_at) == (None, None)
    triage.redo(desk)
    assert desk.store.cases.get(ids["G"]).avoidable == "wrong_place"
    closing = [event for event in desk.store.log.of_case(ids["G"]) if event.kind == "case.closed"]
    assert closing[0].detail["avoidable"] == [None, "wrong_place"]
    desk.close()


# --- as documents ----------------------------------------------------------------------------------------------------


def test_text_csv_and_json_say_the_same(tmp_path: Path) -> None:
    desk, _ = october(tmp_path)
    report = week_of(desk)
    text = "\n".join(figures_text.as_text(report, width=80))
    assert max(map(len, text.splitlines())) <= 80
    assert "Seen: 2 of 3 accounts, no gaps." in text
    assert "enquiries received" in text
    assert "█" in text
    brief = " ".join(figures_text.as_brief(report))
    assert (
        "received 7 enquiries from 22 October 2026 to 28 October 2026, 250% more than in the period before (2)."
        in brief
    )
    assert "Most often asked about: Bins and recycling (3) and Roads (1)." in brief
    assert "Half of the first responses came within 45 min of working time, nine in ten within 10 h." in brief
    assert "60% of the 5 cases that the charter judges by now were answered in time." in brief
    assert "4 calls were avoided, which would have cost GBP 18.00. Assumption: " in brief
    assert "that can be compared: +150% (5 now, 2 a year before; left out: 2)." in brief
    assert figures_data.as_json(report)["brief"][0].startswith("Anytown Borough Council received 7 enquiries")
    plain = "\n".join(figures_text.as_text(report, width=80, plain=True))
    assert plain.isascii()
    assert "####" in plain
    lines = list(csv.DictReader(io.StringIO("".join(figures_data.as_csv(report)).removeprefix("\ufeff"))))
    assert tuple(lines[0]) == figures_data.CSV_COLUMNS
    assert [line["value"] for line in lines if (line["figure"], line["item"]) == ("calls", "saved")] == [
        "18.0",
        "4",
        "4.5",
    ]
    assert {line["unit"] for line in lines if (line["figure"], line["item"]) == ("calls", "saved")} == {"GBP", "cases"}
    data = figures_data.as_json(report)
    assert json.loads(json.dumps(data)) == data
    assert data["figures"]["by_account"]["rows"][0] == {
        "id": "town-mastodon",
        "label": "town-mastodon",
        "cases": 5,
        "share": round(5 / 7, 4),
        "before": 2,
        "change": 1.5,
        "search": "account:town-mastodon after:2026-10-22 before:2026-10-29",
        "view": "all",
    }
    desk.close()


def test_csv_cells_cannot_become_formulas(tmp_path: Path) -> None:
    desk, ids = october(tmp_path)
    with desk.store._db.write() as connection:
        connection.execute("UPDATE cases SET area = '=cmd()', topic = '@sum' WHERE id = ?", (ids["A"],))
    lines = list(csv.reader(io.StringIO("".join(figures_data.as_csv(week_of(desk))).removeprefix("\ufeff"))))
    assert any("'=cmd()" in line for line in lines)
    assert not [cell for line in lines for cell in line if cell.startswith(("=", "@", "+"))]
    desk.close()


def test_the_command_line(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    (tmp_path / "config.toml").write_text(CONFIG, encoding="utf-8")

    def command(*args: str, status: int = 0) -> tuple[str, str]:
        assert run(["--config", str(tmp_path / "config.toml"), "--store", str(tmp_path / "desk.db"), *args]) == status
        out, err = capfdbinary.readouterr()
        return out.decode(), err.decode()

    command("new", "--person", "Ann", "--text", "My bin was missed")
    week = json.loads(command("report", "--format", "json")[0])
    assert week["figures"]["summary"]["rows"][0]["cases"] == 1
    listed = json.loads(command("list", "--search", week["figures"]["by_account"]["rows"][0]["search"], "--json")[0])
    assert [case["account"] for case in listed] == ["phone"]
    target = tmp_path / "figures.csv"
    command("report", "--year", "--format", "csv", "-o", str(target))
    assert target.read_bytes().startswith(b"\xef\xbb\xbffigure,item,label,measure,value,unit,search\r\n")
    assert target.stat().st_mode & 0o077 == 0
    assert "ENQUIRIES BY MONTH" in command("report", "--month", "--ascii")[0]
    assert "■ Enquiries by month" in command("report", "--from", "-40d")[0]
    assert "received 1 enquiry from" in command("report", "--brief")[0]
    assert "--week and --from do not go together" in command("report", "--week", "--from", "today", status=2)[1]
    assert "Did you mean enquiry?" in command("list", "--search", "kind:enquiri", status=2)[1]


# --- what it is made of ----------------------------------------------------------------------------------------------


def test_spans_and_what_they_are_compared_with() -> None:
    noon = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
    today = date(2026, 11, 22)
    year = spans.year(today, LONDON)
    assert (year.first, year.last) == (date(2025, 12, 1), today)
    before = spans.previous(year, noon)
    assert (before.first, before.last, before.end) == (date(2024, 12, 1), date(2025, 11, 22), noon.replace(year=2025))
    assert spans.year_before(year, noon) == before
    week = spans.week(today, LONDON)
    assert spans.year_before(week, noon).first.weekday() == week.first.weekday()
    leap = Span(date(2028, 2, 1), date(2028, 2, 29), LONDON)
    assert spans.previous(leap, datetime(2028, 5, 1, tzinfo=UTC)) == Span(date(2028, 1, 1), date(2028, 1, 31), LONDON)
    assert spans.year_before(leap, datetime(2028, 5, 1, tzinfo=UTC)).last == date(2027, 2, 28)
    short = Span(date(2026, 10, 25), date(2026, 10, 25), LONDON)
    assert short.end - short.start == timedelta(hours=25)
    assert [month.first.month for month in spans.months(year)] == [12, *range(1, 12)]


@settings(max_examples=60)
@given(
    start=st.integers(0, 275 * 86_400).map(
        lambda seconds: datetime(2026, 3, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    ),
    length=st.timedeltas(timedelta(0), timedelta(days=20)),
    zone=st.sampled_from(["Europe/London", "Australia/Adelaide", "America/St_Johns"]),
)
def test_the_stopwatch_counts_as_the_charter_does(start: datetime, length: timedelta, zone: str) -> None:
    hours = '[hours]\ntuesday = ["00:00-06:15", "06:30-06:45", "23:00-24:00"]\nsunday = ["01:00-03:00"]\n'
    working = working_time(parse(CONFIG.replace("Europe/London", zone) + hours))
    watch = Stopwatch(working, date(2026, 2, 20))
    begin, end = start.replace(microsecond=0), (start + length).replace(microsecond=0)
    assert watch.at(iso(end)) - watch.at(iso(begin)) == working.between(begin, end).total_seconds()


def test_offsets_change_at_the_minute_at_which_clocks_do() -> None:
    low, high = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 12, 31, tzinfo=UTC)
    assert filters.offsets(LONDON, low, high) == (
        ("2026-01-01T00:00:00.000Z", 0),
        ("2026-03-29T01:00:00.000Z", 60),
        ("2026-10-25T01:00:00.000Z", 0),
    )
    adelaide = filters.offsets(ZoneInfo("Australia/Adelaide"), low, high)
    assert [minutes for _, minutes in adelaide] == [630, 570, 630]


def test_percentiles_words_and_small_pictures() -> None:
    assert spread([]).median is None
    assert spread([60 * n for n in range(1, 11)]) == words.Spread(10, 5.5, 9.0)
    assert words.words(None, Unit.CASES) == "–"
    assert words.words(0.034, Unit.SHARE) == "3.4%"
    assert words.words(-0.25, Unit.CHANGE) == "−25%"
    assert words.words(200, Unit.MINUTES) == "3 h 20 min"
    assert words.words(1234.5, Unit.MONEY, "GBP") == "GBP 1,234.50"
    assert (bar(0, 9, 10), bar(1, 1000, 10), bar(9, 9, 10)) == ("", "▏", "█" * 10)
    assert sparkline([0, 1, 8]) == "▁▂█"
    assert sparkline([0, 0]) == "▁▁"
    assert [shade(n, 4) for n in range(5)] == [" ", "░", "▒", "▓", "█"]
    assert [level(n, 1000) for n in (0, 1, 251, 1000)] == [0, 1, 2, 4]


def test_the_views_for_analysts_keep_their_columns(tmp_path: Path) -> None:
    desk, _ = october(tmp_path)

    def columns(view: str) -> str:
        return " ".join(row[1] for row in desk.store._db.all(f"PRAGMA table_info({view})"))

    assert columns("v_cases").startswith(
        "case_id reference account network visibility kind area topic urgency status outcome avoidable owner person_id"
        " opened_at acknowledged_at answered_at closed_at reopened_at promised_at promise_kept due_at within_charter"
        " is_open repeat_count messages media suggested_area external_reference automatic"
    )
    assert columns("v_messages").startswith(
        "message_id case_id reference account network voice visibility at received_at edited_at gone_at language"
        " automatic state length"
    )
    assert columns("v_handoffs").startswith(
        "handoff_id case_id reference area contact state queued_at sent_at expected_at answered_at chased"
        " case_opened_at"
    )
    report = week_of(desk)
    in_span = f"opened_at >= '{iso(report.span.start)}' AND opened_at < '{iso(report.span.end)}'"
    for column in ("account", "network", "area", "kind", "outcome", "avoidable"):
        table = {"outcome": "outcomes", "avoidable": "avoidable"}.get(column, f"by_{column}")
        sql = f"SELECT {column}, count(*) FROM v_cases WHERE {in_span} GROUP BY 1"  # noqa: S608
        counted = desk.store._db.all(sql)
        assert dict(counted).items() >= {k: v for k, v in first(report, table).items() if k != "none" and v}.items()
    handed = desk.store._db.all("SELECT contact, count(*), count(answered_at) FROM v_handoffs GROUP BY 1")
    assert handed == [("waste-team", 1, 1)]
    spoke = desk.store._db.all("SELECT voice, count(*) FROM v_messages GROUP BY 1")
    assert spoke == [("resident", desk.store._db.one("SELECT count(*) FROM cases")[0])]
    from socialtriage.store import schema_figures

    documented = schema_figures.__doc__ or ""
    for view in ("v_cases", "v_messages", "v_handoffs"):
        for name in columns(view).split():
            assert f"`{name}`" in documented, f"{view}.{name}"
    desk.close()
