"""What a pass makes of a server that is slow: messages first, and never a failure that is none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import cast

import msgspec
import pytest

from socialtriage.channels.base import Channel, ChannelContext
from socialtriage.domain.errors import Unavailable
from socialtriage.domain.models import AccountState, Capabilities, Health, Page, Reread, StoredRef
from socialtriage.services import answerbox
from socialtriage.services.secrets import SecretStore
from socialtriage.services.sync import Poller, PollResult
from tests.doubles.desk import FrozenClock, message, small_desk


class Slow:
    """A channel whose calls use the budget up at the place that is named."""

    capabilities = Capabilities(reread=True)

    def __init__(self, ctx: ChannelContext, where: str) -> None:
        self._budget = ctx.budget
        self._where = where
        self.checked = 0

    def _out_of_time(self, place: str) -> None:
        if place == self._where:
            self._budget.seconds = 0
            raise Unavailable("social.example took too long.")

    async def check(self) -> Health:
        self._out_of_time("check")
        self.checked += 1
        return Health("anytown@social.example", "@anytown", notices=("Mentions are thrown away.",))

    async def fetch(self, cursor: str | None, since: datetime) -> AsyncIterator[Page]:
        self._out_of_time("newest")
        yield Page(items=(message("The bins were missed.", "m1"),), cursor="1")
        self._out_of_time("older")

    async def reread(self, messages: Sequence[StoredRef]) -> Reread:
        self._out_of_time("reread")
        return Reread()

    async def aclose(self) -> None:
        pass


def passes(folder: Path, monkeypatch: pytest.MonkeyPatch, *places: str) -> tuple[list[PollResult], str]:
    """One pass for each of `places`, the place where the server is too slow; and what the account says after them."""
    clock = FrozenClock()
    desk = small_desk(folder, clock=cast("FrozenClock", lambda: clock.move(seconds=1)))
    account = msgspec.structs.replace(desk.account("town-mastodon"), budget="20s")
    results: list[PollResult] = []
    turns = iter(places)
    monkeypatch.setattr(answerbox, "create", lambda ctx: cast("Channel", Slow(ctx, next(turns))))

    async def story() -> None:
        poller = Poller(desk, SecretStore(desk.config.keyring))
        try:
            for _ in places:
                results.extend(await poller.once([account]))
        finally:
            await poller.aclose()

    asyncio.run(story())
    record = desk.store.accounts.get(account.id)
    desk.close()
    return results, record.detail if record else ""


@pytest.mark.parametrize("place", ["older", "check", "reread"])
def test_a_server_too_slow_after_the_newest_messages_has_not_failed(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (result,), detail = passes(tmp_path, monkeypatch, place)

    assert (result.state, result.new, result.error) == (AccountState.OK, 1, None)
    assert ("20s" in detail) is (place != "check")


def test_a_server_too_slow_for_the_newest_messages_is_unreachable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (result,), detail = passes(tmp_path, monkeypatch, "newest")

    assert (result.state, result.new) == (AccountState.UNREACHABLE, 0)
    assert detail == "social.example took too long."


def test_what_signing_in_showed_stands_until_it_is_looked_at_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, detail = passes(tmp_path, monkeypatch, "nowhere", "nowhere")

    assert "Mentions are thrown away." in detail
