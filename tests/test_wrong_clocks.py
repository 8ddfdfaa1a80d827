"""A computer whose clock is wrong: what was said is found, nothing is said twice, and nothing waits for days."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import stamina

from socialtriage.channels.http import Budget
from socialtriage.domain.models import OutboxState
from socialtriage.services import desk as desks
from socialtriage.services import vendor_clock
from tests.doubles.graph import PAGE, TOKEN, GraphServer
from tests.doubles.inside import Inside, one_tls_context
from tests.doubles.reply_desk import reply_desk


@pytest.fixture
def ahead(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The clock of every desk that the program opens goes 20 minutes ahead of the network's."""
    one_tls_context(monkeypatch)
    defaults = desks.open_desk.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "clock", lambda: datetime.now(UTC) + timedelta(minutes=20))
    with stamina.set_testing(True, attempts=3):
        yield


@pytest.mark.usefixtures("ahead")
def test_an_answer_that_got_lost_is_found_where_the_clock_here_is_ahead_and_never_said_twice(tmp_path: Path) -> None:
    with GraphServer() as meta:
        account = f'\n[[accounts]]\nid = "page"\nnetwork = "facebook"\nserver = "{meta.url}"\npage = "{PAGE}"\n'
        shell = Inside(tmp_path, accounts=account)
        shell.login("page", TOKEN)
        meta.comment(meta.post("The park opens"), "where is the gate?", "Ada")
        meta.message("Gus", "my bin was missed")
        shell.ok("poll", "--once")
        for case in shell.ok("list", "--view", "all", "--json").json:
            private = case["visibility"] == "private"
            meta.fail("lost", path="/messages" if private else "/comments", method="POST")
            assert shell.run("reply", case["ref"], "By the old mill.").status == 1
        meta.fail("lost", path="/feed", method="POST")
        assert shell.run("incident", "new", "main", "--text", "A water main has burst.", "--yes").status == 1
        assert {row["state"] for row in shell.ok("outbox", "--json").json} == {"unknown"}
        shell.ok("outbox", "send")
        assert {row["state"] for row in shell.ok("outbox", "--json").json} == {"sent"}
        assert [len(meta.sent(kind)) for kind in ("Comment", "UnifiedMessage", "PagePost")] == [1, 1, 1]
        # One that surely never arrived is still not found, and is said once.
        meta.fail("500", path="/feed", method="POST")
        shell.run("incident", "say", "main", "--text", "It is mended.", "--yes")
        [row] = [row for row in shell.ok("outbox", "--json").json if row["state"] == "unknown"]
        shell.ok("outbox", "retry", str(row["id"]))
        assert [post.values["message"] for post in meta.sent("PagePost")] == [
            "A water main has burst.",
            "It is mended.",
        ]
    assert meta.problems == []


def test_from_when_on_a_lost_answer_is_looked_for() -> None:
    noon = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
    told = Budget()
    assert vendor_clock.earlier(noon, told, noon) is None
    told.allowances.read({"date": "Sun, 22 Nov 2026 11:40:00 GMT"})
    assert vendor_clock.earlier(noon, told, noon) == noon - timedelta(minutes=20)
    told.allowances.read({"date": "no date"})
    assert vendor_clock.earlier(noon, told, noon) is None
    told.allowances.read({"date": "Sun, 22 Nov 2026 12:40:00 GMT"})
    assert vendor_clock.earlier(noon, told, noon) is None, "behind: channels look from before it on as it is"
    assert vendor_clock.earlier(noon + timedelta(hours=3), told, noon) == noon - vendor_clock.FAR


def test_what_a_clock_that_was_days_ahead_queued_does_not_wait_for_those_days(tmp_path: Path) -> None:
    with reply_desk(tmp_path) as town:
        case_id = town.ask("When is my bin emptied?")
        town.clock.move(days=3)
        [row_id] = town.reply(case_id, "On Thursday.")
        town.clock.move(days=-3)
        # A back-off that the right clock says is kept: the server is not asked again and again.
        town.server.fail(401, path="/api/v1/statuses", method="POST")
        assert [outcome.state for outcome in town.send()] == [OutboxState.QUEUED]
        assert town.send() == []
        town.clock.move(minutes=10)
        assert [outcome.state for outcome in town.send()] == [OutboxState.SENT]
        assert town.states(row_id) == [OutboxState.SENT]
        # A colleague's clock that is a little ahead takes nobody's undo window.
        town.clock.move(minutes=5)
        town.reply(case_id, "On Friday.")
        town.clock.move(minutes=-5)
        assert town.send() == []
