"""A desk that nobody polled for a weekend: what is newest comes first, then the rest, and the program says so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from socialtriage.channels.mastodon_api import Api, OutOfTime
from socialtriage.services import desk
from tests.doubles.desk import FrozenClock
from tests.doubles.inside import Inside
from tests.doubles.mastodon import TOKEN, MastodonServer
from tests.doubles.shell import mastodon

FRIDAY = datetime(2026, 11, 20, 17, 40, tzinfo=UTC)
BACK = "Fri 20 Nov 17:40"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FrozenClock:
    """The clock of every desk that the program opens."""
    clock = FrozenClock(FRIDAY)
    defaults = desk.open_desk.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "clock", clock)
    return clock


@pytest.fixture
def network(clock: FrozenClock) -> Iterator[MastodonServer]:
    with MastodonServer(clock=clock) as server:
        yield server
        assert server.problems == []


def shell_at(folder: Path, *urls: str) -> Inside:
    folder.mkdir(exist_ok=True)
    every = [mastodon(url, f"town-{number}", since="30d") for number, url in enumerate(urls)]
    shell = Inside(folder, accounts="".join(every))
    for number in range(len(urls)):
        shell.login(f"town-{number}", TOKEN)
    return shell


def the_cases(shell: Inside) -> list[dict[str, Any]]:
    """Every case as the list has it, but for its reference, and how often it was changed on its way here."""
    found = shell.ok("list", "--view", "all", "--json").json
    for case in found:
        case["repeat"]["related"] = len(case["repeat"].pop("related"))
        del case["ref"], case["version"]
    return sorted(found, key=lambda case: (case["opened_at"], case["snippet"]))


def test_a_laptop_that_slept_for_a_weekend_catches_up_newest_first_and_says_so(
    tmp_path: Path, clock: FrozenClock, network: MastodonServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    awake, asleep = shell_at(tmp_path / "awake", network.url), shell_at(tmp_path / "asleep", network.url)
    network.mention("Friday, and the bins were missed.")
    for shell in (awake, asleep):
        said = shell.ok("poll", "--once")
        assert "atching up" not in said.out + said.err
        assert shell.ok("accounts", "--json").json[0]["catching_up_from"] is None

    # Residents write, and answer themselves and each other; one desk reads all along, the other sleeps.
    sent: list[str] = []
    for number in range(140):
        clock.now = FRIDAY + timedelta(minutes=25 * number + 1)
        above = sent[number - 7] if number % 3 == 1 and number > 7 else None
        sent.append(network.mention(f"Message {number}.", f"r{number % 11}", reply_to=above))
        if number % 35 == 34:
            awake.ok("poll", "--once")
    clock.now = datetime(2026, 11, 23, 8, 30, tzinfo=UTC)
    awake.ok("poll", "--once")

    # Monday: the pass is cut short when it has read the newest page, and the first one after Friday's last.
    def still_time(_: Api) -> None:
        if any("min_id" in asked.query for asked in network.requests[before:]):
            raise OutOfTime

    before = len(network.requests)
    with monkeypatch.context() as slow:
        slow.setattr(Api, "still_time", still_time)
        cut = asleep.ok("poll", "--once")
        assert f"last read whole on {BACK}: catching up, newest first, then the rest" in cut.err
        assert f"Catching up, newest first: not yet read back to {BACK}; the next pass goes on." in cut.out
        newest = {case["snippet"] for case in the_cases(asleep)}
        assert {"Message 139.", "Message 3."} <= newest
        assert "Message 90." not in newest
        shown = asleep.ok("accounts")
        assert f"OK, catching up: newest first, then back to {BACK}" in shown.out
        assert shown.out.startswith(f"1/1 accounts: catching up, newest first: 1 of 1 still reads back to {BACK}\n")
        assert asleep.ok("accounts", "--json").json[0]["catching_up_from"] == "2026-11-20T17:40:00.000Z"
        line = json.loads(asleep.ok("poll", "--once", "--json").out)
    assert line["catching_up_from"] == "2026-11-20T17:40:00.000Z"

    last = asleep.ok("poll", "--once")
    assert f"Caught up: everything since {BACK} is read." in last.out
    assert "atching up" not in asleep.ok("accounts").out
    kinds = [json.loads(text)["kind"] for text in asleep.ok("log", "--format", "jsonl").out.splitlines()]
    assert (kinds.count("account.behind"), kinds.count("account.caught_up")) == (1, 1)
    assert kinds.count("case.opened") == len(the_cases(asleep))
    # The order in which it came is seen nowhere.
    assert the_cases(asleep) == the_cases(awake)
