"""What is left of a network's allowance: read out of each vendor's headers, kept with the account, said in words."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from socialtriage.channels.allowance import Allowances
from tests.doubles.graph import PAGE, GraphServer
from tests.doubles.graph import TOKEN as META_TOKEN
from tests.doubles.inside import Inside, one_tls_context
from tests.doubles.mastodon import TOKEN, MastodonServer
from tests.doubles.shell import mastodon
from tests.doubles.x import CLIENT, XServer

USAGE = {"call_count": 38, "total_cputime": 12, "total_time": 5, "type": "pages", "estimated_time_to_regain_access": 0}


@pytest.mark.parametrize(
    ("headers", "left", "limit", "of"),
    [
        ({"x-ratelimit-limit": "300", "x-ratelimit-remaining": "287", "x-ratelimit-reset": "ISO"}, 287, 300, ""),
        ({"ratelimit-limit": "3000", "ratelimit-remaining": "2990", "ratelimit-reset": "EPOCH"}, 2990, 3000, ""),
        ({"x-rate-limit-limit": "10", "x-rate-limit-remaining": "0", "x-rate-limit-reset": "EPOCH"}, 0, 10, ""),
        (
            {"x-business-use-case-usage": json.dumps({"7": [USAGE]}), "x-app-usage": '{"total_time": 4}'},
            62,
            100,
            "pages",
        ),
        ({"x-app-usage": '{"call_count": 140, "total_time": 2}'}, 0, 100, "app"),
    ],
)
def test_the_headers_of_each_vendor(headers: dict[str, str], left: float, limit: float, of: str) -> None:
    soon = datetime.now(UTC) + timedelta(minutes=5)
    times = {"ISO": soon.isoformat(), "EPOCH": str(int(soon.timestamp()))}
    told = Allowances()
    told.read({name: times.get(value, value) for name, value in headers.items()})
    found = told.tightest
    assert found is not None
    assert (found.left, found.limit, found.of) == (left, limit, of)
    if not of:
        assert found.renewed_in is not None
        assert 200 < found.renewed_in <= 301


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-ratelimit-limit": "0", "x-ratelimit-remaining": "0"},
        {"x-ratelimit-limit": "many", "x-ratelimit-remaining": "few"},
        {"x-ratelimit-limit": "5", "x-ratelimit-remaining": "9"},
        {"x-ratelimit-remaining": "9"},
        {"x-app-usage": "[]"},
        {"x-business-use-case-usage": "{"},
    ],
)
def test_what_cannot_be_read_says_nothing(headers: dict[str, str]) -> None:
    told = Allowances()
    told.read(headers)
    assert told.tightest is None


def test_the_nearest_end_counts_and_of_one_limit_the_last_word() -> None:
    told = Allowances()
    for limit, left in (("300", "299"), ("30", "12"), ("300", "280"), ("30", "11")):
        told.read(
            {"x-ratelimit-limit": limit, "x-ratelimit-remaining": left, "x-ratelimit-reset": "2026-11-22T12:00:00Z"}
        )
    assert told.tightest is not None
    assert (told.tightest.left, told.tightest.limit) == (11, 30)


def test_accounts_say_what_is_left_and_nothing_where_nothing_was_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_tls_context(monkeypatch)
    now = datetime.now(UTC)
    soon = (now + timedelta(minutes=5)).isoformat()
    with (
        MastodonServer() as town,
        MastodonServer() as silent,
        GraphServer(lambda: now) as meta,
        XServer(now=now - timedelta(minutes=1)) as x,
    ):
        town.told = {"X-RateLimit-Limit": "300", "X-RateLimit-Remaining": "287", "X-RateLimit-Reset": soon}
        meta.usage = {"X-Business-Use-Case-Usage": json.dumps({PAGE: [USAGE]})}
        rows = [
            mastodon(town.url, "town"),
            mastodon(silent.url, "quiet"),
            f'\n[[accounts]]\nid = "page"\nnetwork = "facebook"\nserver = "{meta.url}"\npage = "{PAGE}"\n',
            f'\n[[accounts]]\nid = "birds"\nnetwork = "x"\nserver = "{x.url}"\nclient_id = "{CLIENT}"\nceiling = 25\n',
        ]
        shell = Inside(tmp_path, accounts="".join(rows))
        for id_, secret in (("town", TOKEN), ("quiet", TOKEN), ("page", META_TOKEN), ("birds", "access-0")):
            shell.login(id_, secret)
        before = shell.ok("accounts", "--json").json
        assert not any("left" in account["budget"] for account in before)
        shell.ok("poll", "--once")
        found = {account["id"]: account["budget"] for account in shell.ok("accounts", "--json").json}
        assert (found["town"]["left"]["unit"], found["town"]["left"]["left"]) == ("requests", 287)
        assert found["town"]["left"]["renewed_at"] is not None
        assert (found["page"]["left"]["unit"], found["page"]["left"]["left"]) == ("percent", 62)
        assert found["birds"]["left"]["limit"] == 300
        assert found["birds"]["spent"]["ceiling"] == 25
        assert "left" not in found["quiet"]
        shown = shell.ok("accounts").out
        assert "287 of 300 requests left until " in shown
        assert "62 % of Meta's allowance for the Page left" in shown
        assert "of US$25.00 spent this month" in shown
        # A window that is over is told of in the past; what a network no longer tells is not kept.
        raw = sqlite3.connect(shell.store)
        [[told]] = raw.execute("SELECT allowance FROM accounts WHERE id = 'town'")
        over = json.dumps(json.loads(told) | {"renewed_at": "2026-01-01T00:00:00.000Z"})
        raw.execute("UPDATE accounts SET allowance = ? WHERE id = 'town'", (over,))
        raw.commit()
        raw.close()
        assert "287 of 300 requests were left at " in shell.ok("accounts").out
        town.told = {}
        shell.ok("poll", "--once", "--account", "town")
        assert "left" not in shell.ok("accounts", "--json").json[0]["budget"]
