"""A first import costs no more memory for being long: pages go through poller and intake into the store one by one."""

from __future__ import annotations

import asyncio
import csv
import gc
import tracemalloc
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

import msgspec
import pytest

from socialtriage.channels.base import Channel
from socialtriage.domain import rules
from socialtriage.domain.models import Capabilities, Health, Incoming, Page, Reread, StoredRef
from socialtriage.services import answerbox, importing
from socialtriage.services.desk import Desk
from socialtriage.services.secrets import SecretStore
from socialtriage.services.sync import Poller
from tests.doubles.desk import MONDAY, message, small_desk

WORDS = f"The bin in our street was not emptied: https://anytown.example/{'x' * 4_000}"
"""Few words, and yet so many bytes that a message which somebody keeps is seen."""
FEW, MANY = 80, 400
ROOM = 1_000_000
"""Bytes by which the peaks may differ: less than half of what the longer import has more."""


MAIL = """From ada@x.example Mon Nov  2 09:00:00 2026
From: Person <person{n}@x.example>
To: social@anytown.example
Subject: Bins
Message-ID: <{n}@x.example>
Date: Mon, 02 Nov 2026 09:00:00 +0000

{words}

"""


class Endless:
    """A channel that makes its messages as they are asked for."""

    capabilities = Capabilities(reread=True)

    def __init__(self, count: int) -> None:
        self.count = count

    async def check(self) -> Health:
        return Health("anytown@social.example", "@anytown")

    async def fetch(self, cursor: str | None, since: datetime) -> AsyncIterator[Page]:
        begin = int(cursor or 0)
        for start in range(begin, self.count, 80):
            stop = min(start + 80, self.count)
            yield Page(items=tuple(map(self.item, range(start, stop))), cursor=str(stop))

    def item(self, n: int) -> Incoming:
        at = MONDAY - timedelta(minutes=self.count - n)
        return message(f"{n} {WORDS}", f"m{n}", at=at, author=f"Person {n % 40}", thread=f"t{n // 2}")

    async def reread(self, messages: Sequence[StoredRef]) -> Reread:
        return Reread()

    async def aclose(self) -> None:
        pass


@pytest.fixture
def desks(tmp_path: Path) -> Iterator[Callable[[str], Desk]]:
    opened: list[Desk] = []

    def make(name: str) -> Desk:
        opened.append(small_desk(tmp_path / name))
        return opened[-1]

    yield make
    for desk in opened:
        desk.close()


def peak_of(work: Callable[[], object]) -> int:
    """Bytes that `work` held at most beside what was there before."""
    gc.collect()
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_what_is_no_word_is_not_remembered(desks: Callable[[str], Desk]) -> None:
    desk = desks("town")
    desk.suggester.suggest("The bins were missed")
    before = rules.stem.cache_info().currsize
    for n in range(200):
        desk.suggester.suggest(f"{'y' * 3_000}{n} {'z' * 2_000}{n}s")
    assert rules.stem.cache_info().currsize == before


def test_a_long_first_import_by_polling_holds_one_page_at_a_time(
    desks: Callable[[str], Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    def poll(desk: Desk, count: int) -> None:
        account = msgspec.structs.replace(desk.account("town-mastodon"), budget="10m")
        monkeypatch.setattr(answerbox, "create", lambda ctx: cast("Channel", Endless(count)))

        async def story() -> int:
            poller = Poller(desk, SecretStore(desk.config.keyring))
            try:
                return (await poller.once([account]))[0].new
            finally:
                await poller.aclose()

        assert asyncio.run(story()) == count

    poll(desks("warm"), 80)
    few, many = (desks(name) for name in ("few", "many"))
    low, high = peak_of(lambda: poll(few, FEW)), peak_of(lambda: poll(many, MANY))
    assert high - low < ROOM, (low, high)


@pytest.mark.parametrize("kind", ["csv", "mbox"])
def test_a_long_file_is_brought_in_row_by_row(kind: str, desks: Callable[[str], Desk], tmp_path: Path) -> None:
    def file(count: int) -> Path:
        path = tmp_path / f"{count}.{kind}"
        with path.open("w", encoding="utf-8", newline="") as stream:
            if kind == "csv":
                table = csv.writer(stream)
                table.writerow(["id", "at", "person", "text"])
                table.writerows([n, "2026-11-02T09:00:00Z", f"Person {n % 40}", WORDS] for n in range(count))
            else:
                stream.writelines(MAIL.format(n=n, words=WORDS) for n in range(count))
        return path

    def bring_in(desk: Desk, path: Path) -> None:
        bad: list[object] = []
        done = importing.bring_in(desk, path, account_id=None, channel=None, report=bad.append)
        assert (done.new, bad) == (int(path.stem), [])

    bring_in(desks("warm"), file(20))
    few, many, short, long = desks("few"), desks("many"), file(FEW), file(MANY)
    low, high = peak_of(lambda: bring_in(few, short)), peak_of(lambda: bring_in(many, long))
    assert high - low < ROOM, (low, high)
