"""Servers that are simpler than the real ones: what they lack is said, and what they have is read."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from socialtriage.domain.models import AccountState
from socialtriage.services.secrets import SecretStore
from socialtriage.services.sync import Poller, PollResult
from tests.doubles.bluesky import BlueskyServer
from tests.doubles.bluesky_desk import Desk as BlueskyDesk
from tests.doubles.desk import CONFIG, FrozenClock, small_desk
from tests.doubles.mastodon import TOKEN, MastodonServer


def test_a_last_page_that_leads_on_is_no_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    cut = BlueskyServer._cut

    def leads_on(self: BlueskyServer, cursor: str | None, limit: int, reasons: Any) -> Any:
        rows, _ = cut(self, cursor, limit, reasons)
        every, _ = cut(self, cursor, limit, None)
        return rows, every[-1].sort if every else None

    monkeypatch.setattr(BlueskyServer, "_cut", leads_on)
    with BlueskyServer() as server:
        desk = BlueskyDesk(server)
        for number in range(7):
            server.mention(server.person("gwen"), f"mention {number}")
        server.like(server.person("gwen"))
        asyncio.run(desk.poll())
        assert (len(desk.texts()), desk.gaps) == (7, [])


def test_a_mastodon_without_a_list_of_our_posts_is_read_all_the_same(tmp_path: Path) -> None:
    with MastodonServer() as server:
        server.mention("The bins were missed.")
        for _ in range(2):
            server.fail(404, path="/statuses")
        config = CONFIG.replace("https://social.example", server.url)
        desk = small_desk(tmp_path, config=config, clock=cast("FrozenClock", lambda: datetime.now(UTC)))

        async def story() -> PollResult:
            secrets = SecretStore(desk.config.keyring)
            secrets.set("town-mastodon", TOKEN)
            poller = Poller(desk, secrets)
            try:
                return (await poller.once([desk.account("town-mastodon")]))[0]
            finally:
                await poller.aclose()

        result = asyncio.run(story())
        assert (result.state, result.new) == (AccountState.OK, 1)
        assert "Our own posts could not be read" in result.detail
        desk.close()
