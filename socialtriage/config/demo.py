"""The configuration of the demo: a council that does not exist, its services, its contacts, and its accounts."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

from msgspec.structs import replace

from socialtriage.config.load import parse
from socialtriage.config.model import AccountConfig, Config, StoreConfig

STORE = "desk.db"
"""Name of the demo's store in its folder."""
AWAY = ("housing-repairs", timedelta(days=3))
"""Who is away when a demo begins, and for how long: the deputy gets the handoffs of repairs."""


def demo_text() -> str:
    """The demo's configuration as it is bundled: without the folder, the speed and the seed."""
    from importlib.resources import files

    return files("socialtriage.config").joinpath("demo.toml").read_text(encoding="utf-8")


def demo_config(folder: Path, speed: float = 60.0, seed: int = 0, *, limit: int | None = None) -> Config:
    """The configuration of a demo that keeps its store in `folder`.

    Messages arrive `speed` times faster than in the story, 0 for all at once; `seed` varies the arrivals. `limit`
    ends the week after so many messages of residents, over all accounts.
    """
    config = parse(demo_text(), "demo.toml")
    settings = {"speed": repr(speed), "seed": str(seed)} | ({"limit": str(limit)} if limit is not None else {})

    def playing(account: AccountConfig) -> AccountConfig:
        return replace(account, options={**account.options, **settings})

    return replace(
        config,
        store=StoreConfig(path=str(folder / STORE)),
        accounts=tuple(map(playing, config.accounts)),
    )


def away_contacts(today: date) -> dict[str, date]:
    """Contacts who are away when a demo begins, with the last day of their absence."""
    contact, days = AWAY
    return {contact: today + days}
