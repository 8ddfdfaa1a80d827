"""The starting configuration: it is right, whole and complete, and `init` never spoils a file."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import Any

import pytest
from msgspec import inspect as kinds

from socialtriage.channels import registry
from socialtriage.config.example import example_text, write_example
from socialtriage.config.load import load, parse
from socialtriage.config.model import Config
from socialtriage.domain.council_areas import COUNCIL_AREAS, EMERGENCY_WORDS, URGENT_WORDS
from socialtriage.domain.errors import ConfigError, Refused

ROOT = Path(__file__).resolve().parents[1]
SETTING = re.compile(r"^# (\[\[accounts\]\]|[a-z_.]+ = .*)$")
FOR_OTHER_CHANNELS = {"page", "business_account", "client_id", "channel", "location", "human_agent", "options"}


def uncommented() -> str:
    """The example with every setting behind # switched on."""
    return "\n".join(SETTING.sub(r"\1", line) for line in example_text().split("\n"))


def test_the_file_in_the_repository_is_what_init_writes() -> None:
    assert (ROOT / "config.example.toml").read_bytes() == example_text().encode()


def test_it_loads_without_a_problem() -> None:
    config = parse(example_text(), "config.example.toml", registry.names())
    assert config.organisation.name == "Anytown Borough Council"
    assert config.organisation.holidays == "GB-ENG"
    assert config.accounts == ()
    assert len(config.areas) >= 14
    assert {"waste", "roads", "street-lights", "council-tax", "housing", "planning"} <= {
        area.id for area in config.areas
    }


def test_its_words_are_those_that_suggestions_were_measured_with() -> None:
    config = parse(example_text())
    found = {area.id: (area.name, area.keywords, area.urgent_keywords, area.topics) for area in config.areas}
    wanted = {area.id: (area.name, area.keywords, area.urgent_keywords, area.topics) for area in COUNCIL_AREAS}
    assert found == wanted
    assert (config.suggest.emergency, config.suggest.urgent) == (EMERGENCY_WORDS, URGENT_WORDS)


def test_everything_behind_a_hash_is_a_right_setting_too() -> None:
    config = parse(uncommented(), "config.toml", registry.names())
    assert {account.network for account in config.accounts} >= {"mastodon", "bluesky", "imap", "youtube", "telegram"}
    assert config.mail.smtp is not None
    assert config.officer.initials == "JS"
    assert config.keys["case.handoff"] == "f,f6"


def test_what_is_said_to_hold_without_a_setting_is_the_default() -> None:
    """A commented setting without "for example" behind it shows what holds anyway."""
    plain, table = example_text(), ""
    switched: list[str] = []
    for line in plain.split("\n"):
        if line.startswith("[") or SETTING.match(line) is None or "for example" in line or table == "accounts":
            table = line.strip("[]# ") if "[" in line[:4] else table
            switched.append(line)
        else:
            switched.append(line[2:])
    before, after = parse(plain), parse("\n".join(switched))
    assert (after.outbox, after.repeat, after.ui, after.mail, after.keyring) == (
        before.outbox,
        before.repeat,
        before.ui,
        before.mail,
        before.keyring,
    )
    assert after.keys == {"preset": "default"}


def fields_of(kind: Any) -> set[str]:
    """The names of every key a type of the configuration has, below it included."""
    if isinstance(kind, kinds.StructType):
        return {name for field in kind.fields for name in {field.encode_name, *fields_of(field.type)}}
    if isinstance(kind, kinds.VarTupleType):
        return fields_of(kind.item_type)
    return set()


def test_it_shows_every_setting_there_is() -> None:
    shown = set(re.findall(r"[a-z_]+", example_text()))
    assert fields_of(kinds.type_info(Config)) - shown - FOR_OTHER_CHANNELS == set()


def test_every_service_area_has_somebody_and_every_answer_fits_its_networks() -> None:
    config = parse(example_text())
    answering = {contact.id for contact in config.contacts if contact.deputy is not None}
    for area in config.areas:
        assert area.contacts, area.id
        assert area.self_serve, area.id
        assert area.needs, area.id
        assert len(area.keywords) >= 6, area.id
        assert len(set(area.keywords)) == len(area.keywords), area.id
    assert len(answering) == len(config.contacts) - 1, "only the last in every chain has no deputy"
    for answer in config.answers:
        # A link takes the place of 23 to 40 characters, a reference of ten.
        assert len(answer.text) < 220, answer.id
        for text in answer.for_.values():
            assert "{ref}" in text, answer.id
        assert answer.text == answer.text.strip()
    assert sum("{link}" in answer.text and "facebook" in answer.for_ for answer in config.answers) >= 6


def test_it_holds_nothing_of_a_real_place() -> None:
    for host in re.findall(r"https?://([a-z.-]+)|@([a-z.-]+\.[a-z]+)", example_text()):
        assert (host[0] or host[1]).endswith("anytown.example")


def test_init_writes_for_this_user_alone_and_makes_folders(tmp_path: Path) -> None:
    file = tmp_path / "new" / "deeper" / "config.toml"
    write_example(file)
    assert load(file).organisation.prefix == "ABC"
    if os.name == "posix":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
        assert stat.S_IMODE(file.parent.parent.stat().st_mode) == 0o700
    assert [each.name for each in file.parent.iterdir()] == ["config.toml"]


def test_init_leaves_a_file_alone_unless_told_otherwise(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("mine")
    with pytest.raises(Refused, match="--force"):
        write_example(file)
    assert file.read_text() == "mine"
    write_example(file, force=True)
    assert file.read_text(encoding="utf-8") == example_text()


def test_init_does_not_write_through_a_dangling_link_or_onto_a_folder(tmp_path: Path) -> None:
    link = tmp_path / "config.toml"
    link.symlink_to(tmp_path / "elsewhere.toml")
    with pytest.raises(Refused):
        write_example(link)
    with pytest.raises(Refused):
        write_example(tmp_path, force=True)
    assert not (tmp_path / "elsewhere.toml").exists()


def test_init_says_when_the_place_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be"):
        write_example(tmp_path / "file" / "config.toml")
