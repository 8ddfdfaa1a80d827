"""Reading config.toml: everything that is wrong is found in one go, and nothing in a file can cause a traceback."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from socialtriage.config.checks import check_tables
from socialtriage.config.checks_lists import check_lists
from socialtriage.config.keys import Names, check_keys
from socialtriage.config.leaks import note_leaks
from socialtriage.config.model import Config
from socialtriage.config.problems import Problems
from socialtriage.config.shape import shape
from socialtriage.config.syntax import read_toml
from socialtriage.domain.errors import ConfigError

MAX_BYTES = 1024 * 1024
"""A configuration is a few kilobytes; what is larger is another file."""


def load(path: Path, networks: Sequence[str] | None = None, actions: Names | None = None) -> Config:
    """The configuration in a file.

    `networks` are the names an account may use (`channels.registry.names()`), `actions` gives the ids that
    `[keys]` may name, when it names any; None takes any. Raises `ConfigError` with a sentence for every problem.
    """
    return parse(read(path), str(path), networks, actions)


def read(path: Path) -> str:
    """The text of a configuration file. Raises `ConfigError` when there is none that can be read."""
    problems = Problems(shown_path(path))
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise ConfigError(
            f"There is no configuration at {problems.file}.",
            problems=[f"{problems.file}: there is no such file"],
            hint="Write one with `socialtriage init`, or try `socialtriage demo`.",
        ) from None
    except IsADirectoryError:
        problems.add_line(0, "is a folder, not a file")
    except PermissionError:
        problems.add_line(0, "cannot be read: the system does not allow it to you")
    except (OSError, ValueError) as exc:
        problems.add_line(0, f"cannot be read: {getattr(exc, 'strerror', None) or 'the name cannot be used'}")
    problems.raise_if_any()
    return _decode(data, problems)


def _decode(data: bytes, problems: Problems) -> str:
    if len(data) > MAX_BYTES:
        problems.add_line(0, "is larger than one megabyte, so it is no configuration")
    elif data.startswith((b"\xff\xfe", b"\xfe\xff")):
        problems.add_line(0, "is written in UTF-16; save it as UTF-8")
    problems.raise_if_any()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        line = data.count(b"\n", 0, exc.start) + 1
        problems.add_line(line, "holds a byte that is not UTF-8; save the file as UTF-8")
        raise problems.error() from None


def parse(
    text: str,
    file: str = "config.toml",
    networks: Sequence[str] | None = None,
    actions: Names | None = None,
) -> Config:
    """The configuration in a text; `file` is its name in messages. Raises `ConfigError` with every problem."""
    text = text.replace("\r\n", "\n")
    shown = shown_path(Path(file))
    document = read_toml(text, shown)
    problems = Problems(shown, text, document)
    note_leaks(document, problems)
    config = shape(document, problems)
    check_tables(config, problems)
    check_lists(config, problems, networks)
    check_keys(config.keys, problems, actions)
    if config.spotter:
        from socialtriage.config.spotter import check_spotter

        check_spotter(config, problems)
    problems.raise_if_any()
    return config


def shown_path(path: Path) -> str:
    """A path as it can be shown: nothing in it that could drive a terminal."""
    return "".join(char if char.isprintable() else "�" for char in str(path))
