"""Reading config.toml: everything that is wrong is found in one go, and nothing in a file can cause a traceback."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from socialtriage.config.checks import check_tables
from socialtriage.config.checks_lists import check_lists
from socialtriage.config.keys import check_keys
from socialtriage.config.leaks import note_leaks
from socialtriage.config.model import Config
from socialtriage.config.problems import Problems
from socialtriage.config.shape import shape
from socialtriage.domain.errors import ConfigError

MAX_BYTES = 1024 * 1024
"""A configuration is a few kilobytes; what is larger is another file."""

_AT = re.compile(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)$")
_DEEP_KEY = re.compile(
    r"(?:^|[\[{,])[ \t]*(?:(?:[\w-]+|\"[^\"\n]*\"|'[^'\n]*')[ \t]*\.[ \t]*){32}",
    re.MULTILINE,
)
_SAYS_NOTHING_OF_OTHER_LINES = ("Invalid value", "Invalid statement", "Expected '=' after a key", "Expected newline")
_MOST_SYNTAX = 10
_ALSO = {
    "Invalid value": " (text needs quotes)",
    "Cannot overwrite a value": " (the key is there twice)",
    "Expected newline or end of document after a statement": " (one setting a line; text needs quotes)",
}


def load(path: Path, networks: Sequence[str] | None = None, actions: Collection[str] | None = None) -> Config:
    """The configuration in a file.

    `networks` are the names an account may use (`channels.registry.names()`), `actions` the ids that `[keys]` may
    name; None takes any. Raises `ConfigError` with a sentence for every problem.
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
    actions: Collection[str] | None = None,
) -> Config:
    """The configuration in a text; `file` is its name in messages. Raises `ConfigError` with every problem."""
    text = text.replace("\r\n", "\n")
    document = _document(text, file)
    problems = Problems(shown_path(Path(file)), text, document)
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


def _document(text: str, file: str) -> dict[str, Any]:
    """The parsed TOML. Raises `ConfigError` with the faults of its syntax."""
    problems = Problems(shown_path(Path(file)), text)
    if deep := _DEEP_KEY.search(text):
        problems.add_line(text.count("\n", 0, deep.end()) + 1, "has a key of more than thirty parts")
        raise problems.error()
    lines = text.split("\n")
    for _ in range(_MOST_SYNTAX):
        try:
            document = tomllib.loads("\n".join(lines))
        except tomllib.TOMLDecodeError as exc:
            at = _note_syntax(exc, problems)
            if not str(exc).startswith(_SAYS_NOTHING_OF_OTHER_LINES) or not 0 < at <= len(lines):
                break
            lines[at - 1] = ""
        except RecursionError:
            problems.add_line(0, "nests lists or tables too deeply")
            break
        except ValueError:
            problems.add_line(0, "holds a number or a date that cannot exist")
            break
        else:
            if not problems:
                return document
            break
    raise problems.error()


def _note_syntax(exc: tomllib.TOMLDecodeError, problems: Problems) -> int:
    """Note where the syntax is wrong; returns the line, 0 for the end of the file."""
    text = str(exc)
    match = _AT.search(text)
    what = _AT.sub("", text)
    what = (what[:1].lower() + what[1:] if what else "cannot be read") + _ALSO.get(what, "")
    if match is None or match[1] is None:
        problems.add_line(0, f"not valid TOML: at the end of the file, {what}")
        return 0
    problems.add_line(int(match[1]), f"column {match[2]}: not valid TOML: {what}")
    return int(match[1])


def shown_path(path: Path) -> str:
    """A path as it can be shown: nothing in it that could drive a terminal."""
    return "".join(char if char.isprintable() else "�" for char in str(path))
