"""The spotter's rules: those that are shipped in `spotter.toml`, changed and extended by the configuration."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import msgspec

from socialtriage.config.model import Config
from socialtriage.config.model_keeping import SpotterRule
from socialtriage.config.problems import Problems
from socialtriage.config.values import check_id
from socialtriage.domain.statutory import parse_period

RESERVED = ("restricted", "redacted", "held", "blocked_word", "automatic")
"""Flags of cases that mean something else."""


def shipped_text() -> str:
    """The rules that come with the program, as they stand in their file."""
    return files("socialtriage.config").joinpath("spotter.toml").read_text(encoding="utf-8")


@cache
def shipped() -> tuple[SpotterRule, ...]:
    """The rules that come with the program."""
    import tomllib

    return msgspec.convert(tomllib.loads(shipped_text())["rule"], tuple[SpotterRule, ...])


def rules(config: Config) -> list[SpotterRule]:
    """Every rule that is used, shipped ones first; a contact that the configuration does not have is left out."""
    contacts = {contact.id for contact in config.contacts}
    found = {rule.id: rule for rule in shipped()}
    for own in config.spotter:
        base = found.get(own.id)
        found[own.id] = _changed(base, own) if base is not None else own
    return [
        msgspec.structs.replace(rule, contact=rule.contact if rule.contact in contacts else None)
        for rule in found.values()
        if not rule.off
    ]


def _changed(base: SpotterRule, own: SpotterRule) -> SpotterRule:
    """A shipped rule with what the configuration says differently."""
    given = {
        name: value
        for name in ("name", "any", "together", "unless", "contact", "within", "wording", "off")
        if (value := getattr(own, name))
    }
    return msgspec.structs.replace(base, **given, also=own.also)


def check_spotter(config: Config, problems: Problems) -> None:
    """Ids once and free, contacts that exist, periods that can be read, words to look for in new rules."""
    contacts = {contact.id for contact in config.contacts}
    known = {rule.id for rule in shipped()} if config.spotter else set()
    seen: set[str] = set()
    for number, rule in enumerate(config.spotter):
        here = ("spotter", number)
        try:
            check_id(rule.id)
        except ValueError as exc:
            problems.add((*here, "id"), str(exc))
        if rule.id in seen or rule.id.split(":")[0] in RESERVED:
            problems.add((*here, "id"), f'"{rule.id[:40]}" is taken already')
        seen.add(rule.id)
        if rule.contact is not None and rule.contact not in contacts:
            from socialtriage.config.problems import did_you_mean, quoted

            near = did_you_mean(rule.contact, contacts)
            problems.add((*here, "contact"), f"there is no contact {quoted(rule.contact)}{near}")
        if rule.within is not None:
            try:
                parse_period(rule.within)
            except ValueError as exc:
                problems.add((*here, "within"), str(exc))
        if rule.id not in known:
            _new(rule, here, problems)


def _new(rule: SpotterRule, here: tuple[str | int, ...], problems: Problems) -> None:
    if not rule.name:
        problems.add((*here, "name"), "is missing; a rule of your own needs one")
    if not (rule.any or rule.also or rule.together):
        problems.add((*here, "any"), "is missing; a rule of your own needs words to look for")
