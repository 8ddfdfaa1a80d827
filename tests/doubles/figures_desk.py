"""A desk over a change of clocks: seven cases of one week whose figures can be worked out on paper."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from socialtriage.domain import cases as life
from socialtriage.domain.models import Avoidable, Kind, OutboxState, Outcome
from socialtriage.services import triage
from socialtriage.services.desk import Desk
from socialtriage.services.manual import new
from tests.doubles.desk import CONFIG, FrozenClock, account_of, arrive, message, small_desk

NOW = datetime(2026, 10, 28, 12, 0, tzinfo=UTC)
"""Wednesday noon. Clocks in London went back on Sunday 25 October at 01:00 UTC."""
REPORT = "\n[report]\ncost_per_call = 4.50\n"

CALENDAR = """
case | account  | came             | who | kind      | tag           | answered | closed   | outcome     | avoidable
old1 | mastodon | 2025-10-20 10:00 | Ann |           |               |          | 20 11:00 | answered    |
old2 | mastodon | 2025-10-24 10:00 | Bob |           |               |          | 24 11:00 | answered    |
old3 | mastodon | 2025-10-27 10:00 | Cat |           |               |          | 27 11:00 | answered    |
prev | mastodon | 2026-10-16 09:00 | Dan | enquiry   | waste         |          | 16 10:00 | answered    |
prev | mastodon | 2026-10-21 10:59 | Eve | praise    |               |          | 21 11:00 | duplicate   |
late | mastodon | 2026-10-21 11:30 | Fay | praise    |               |          | 21 11:40 | duplicate   |
A    | mastodon | 2026-10-23 15:30 | Gus | enquiry   | waste/new-bin | 26 09:30 | 26 10:00 | answered    |
B    | mastodon | 2026-10-24 23:30 | Hal | complaint | waste         | 26 09:10 | 26 09:40 | self_served |
D    | mastodon | 2026-10-25 00:30 | Ivy | enquiry   | roads         | 27 11:00 | 28 11:00 | answered    | chasing
C    | mastodon | 2026-10-25 01:30 | Ivy |           |               |          |          |             |
E    | mailbox  | 2026-10-26 10:15 | Jon | report    | waste/new-bin | 26 10:45 | 26 12:15 | done_by_us  |
F    | phone    | 2026-10-26 10:45 | Kim | praise    |               |          | 26 11:00 | not_ours    |
G    | mastodon | 2026-10-28 11:30 | Lea | enquiry   |               |          |          |             |
"""
"""In UTC; answered and closed are days of the same month. A came on Friday 16:30 by the clock on the wall, B on Sunday
00:30, D on the first Sunday 01:30, C an hour later on the second one, E and F on Monday after 10, G on Wednesday 11:30.
Working hours are 9 to 17 on weekdays."""


def october(folder: Path, *, config: str = CONFIG + REPORT) -> tuple[Desk, dict[str, int]]:
    """The desk at noon on Wednesday, and the ids of its cases by name (the last one of a name)."""
    clock = FrozenClock(NOW)
    desk = small_desk(folder, clock=clock, config=config)
    lines = [[cell.strip() for cell in line.split("|")] for line in CALENDAR.strip().splitlines()]
    rows = [dict(zip(lines[0], line, strict=False)) for line in lines[1:]]
    ids: dict[str, int] = {}
    for row in rows:
        clock.now = _at(row["came"])
        row["account"] = {"mastodon": "town-mastodon"}.get(row["account"], row["account"])
        ids[row["case"]] = _came(desk, row, len(ids))
        if row["tag"]:
            area, _, topic = row["tag"].partition("/")
            triage.tag(desk, [ids[row["case"]]], area=area, topic=topic or None)
        if row["kind"]:
            triage.tag(desk, [ids[row["case"]]], kind=Kind(row["kind"]))
        if row["case"] == "E":
            _handed(desk, ids["E"])
        for step in ("answered", "closed"):
            if row[step]:
                clock.now = _at(f"{row['came'][:8]}{row[step]}")
                _ended(desk, ids[row["case"]], step, row)
    clock.now = NOW
    with desk.store.transaction("test", NOW) as tx:
        tx.accounts.update("town-mastodon", last_ok_at=datetime(2025, 1, 1, tzinfo=UTC))
        tx.accounts.update("town-mastodon", last_ok_at=NOW)
        account_of(desk, "mailbox")
        tx.accounts.update("mailbox", last_ok_at=NOW)
    return desk, ids


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _came(desk: Desk, row: dict[str, str], number: int) -> int:
    text = f"About my bin, says {row['who']} on {row['came']}"
    if row["account"] == "phone":
        return new(desk, row["who"], text, "phone").case_ids[0]
    item = message(text, f"m{number}-{row['came']}", at=_at(row["came"]), author=row["who"])
    return arrive(desk, item, account=row["account"]).case_ids[0]


def _ended(desk: Desk, case_id: int, step: str, row: dict[str, str]) -> None:
    now = desk.clock()
    if step == "closed":
        why = Avoidable(row["avoidable"]) if row.get("avoidable") else None
        triage.close(desk, [case_id], Outcome(row["outcome"]), avoidable=why)
        return
    with desk.store.transaction("test", now) as tx:
        before = tx.cases.get(case_id)
        after = life.answered(before, now, in_time=desk.clocks.in_time(before, now))
        tx.cases.save(before, desk.clocks.with_due(after))


def _handed(desk: Desk, case_id: int) -> None:
    """E went to the waste team at 10:20, who answered at 10:40."""
    sent, answered = "2026-10-26T10:20:00.000Z", "2026-10-26T10:40:00.000Z"
    with desk.store.transaction("test", desk.clock()) as tx:
        number = tx.outbox.add_handoff(case_id, "waste-team", "waste@anytown.example", "<e@x>", "", desk.clock(), None)
        tx.outbox.update_handoff(number, OutboxState.SENT, sent_at=_at(sent[:16].replace("T", " ")))
    with desk.store._db.write() as connection:
        connection.execute("UPDATE handoffs SET answered_at = ? WHERE id = ?", (answered, number))
