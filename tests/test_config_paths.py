"""Where the desk keeps its files, and what may be changed of that."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from socialtriage.config import keys, paths


def test_the_option_beats_the_environment_which_beats_the_default() -> None:
    env = {"SOCIALTRIAGE_CONFIG": "/env/c.toml", "SOCIALTRIAGE_STORE": "/env/d.db"}
    assert paths.find_config("/option/c.toml", env) == Path("/option/c.toml")
    assert paths.find_config(None, env) == Path("/env/c.toml")
    assert paths.find_config(None, {"SOCIALTRIAGE_CONFIG": ""}) == paths.default_config()
    assert paths.find_store("/option/d.db", env, "/config/d.db") == Path("/option/d.db")
    assert paths.find_store(None, env, "/config/d.db") == Path("/env/d.db")
    assert paths.find_store(None, {}, "/config/d.db") == Path("/config/d.db")
    assert paths.find_store(None, {}) == paths.default_store()


def test_a_tilde_is_the_home_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert paths.find_config("~/c.toml", {}) == tmp_path / "c.toml"
    assert paths.find_store(None, {}, "~/anytown/desk.db", Path("/etc/c.toml")) == tmp_path / "anytown" / "desk.db"
    assert paths.find_config("~nobody-at-all-here/c.toml", {}) == Path("~nobody-at-all-here/c.toml")


def test_a_relative_path_in_the_configuration_counts_from_its_folder(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    assert paths.find_store(None, {}, "desk.db", config) == tmp_path / "desk.db"
    assert paths.relative_to_config("certs/ca.pem", config) == tmp_path / "certs" / "ca.pem"
    assert paths.find_store("desk.db", {}, None, config) == Path("desk.db")


@pytest.mark.skipif(sys.platform != "linux", reason="XDG folders are Linux's")
def test_the_defaults_are_the_platforms_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("CONFIG", "DATA", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    assert paths.default_config() == tmp_path / "config" / "socialtriage" / "config.toml"
    assert paths.default_store() == tmp_path / "data" / "socialtriage" / "desk.db"
    assert paths.log_folder() == tmp_path / "state" / "socialtriage" / "log"


def test_each_store_has_its_own_media_and_drafts_beside_it() -> None:
    one, other = Path("/a/desk.db"), Path("/a/archive.db")
    assert paths.media_folder(one) == Path("/a/desk-media")
    assert len({paths.media_folder(one), paths.media_folder(other), paths.drafts_folder(one)}) == 3


def test_a_list_of_keys_is_split_at_commas() -> None:
    assert keys.split_keys("F, f6") == ("F", "f6")
    assert keys.split_keys(",") == ("comma",)
    assert keys.split_keys("") == ()
