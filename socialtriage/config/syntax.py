"""The syntax of config.toml: what is no TOML is told in an officer's words, with its line and what to do."""

from __future__ import annotations

import re
import tomllib
from typing import Any

from socialtriage.config.lines import Clash, clashes
from socialtriage.config.problems import Problems, dotted

_AT = re.compile(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)$")
_DEEP_KEY = re.compile(
    r"(?:^|[\[{,])[ \t]*(?:(?:[\w-]+|\"[^\"\n]*\"|'[^'\n]*')[ \t]*\.[ \t]*){32}",
    re.MULTILINE,
)
_SAYS_NOTHING_OF_OTHER_LINES = ("Invalid value", "Invalid statement", "Expected '=' after a key", "Expected newline")
_MOST_SYNTAX = 10
_MOST_CLASHES = 20
_BACKSLASH = "a backslash in a text (write it twice, or put the text in single quotes)"
_WORDS = (
    ("Invalid value", "the value is missing or cannot be read (text needs quotes)"),
    ("Invalid statement", "neither a setting (name = value), a table ([name]) nor a comment (# …)"),
    ("Expected '='", "the = after the name is missing"),
    ("Expected newline", "something follows the value (one setting a line; text needs quotes)"),
    ("Expected ']]'", "the name of a list's entry ends with ]]"),
    ("Expected ']'", "the name of a table ends with ]"),
    ("Invalid initial character", "a name is missing, or begins with a character that needs quotes around the name"),
    ("Unclosed array", "a list is not closed; its last value is followed by ]"),
    ("Unclosed inline table", "the braces are not closed on the same line"),
    ("Unterminated string", "a text is not closed with quotes"),
    ("Expected \"'''\"", "a text is not closed with quotes"),
    ("Illegal character '\\n'", "a text is not closed with quotes on its line"),
    ("Illegal character", "a text holds a character that cannot be seen; delete it"),
    ("Found invalid character", "a character that cannot be seen; delete it"),
    ("Unescaped", _BACKSLASH),
    ("Invalid hex value", _BACKSLASH),
    ("Escaped character", _BACKSLASH),
    ("Invalid date", "there is no such date or time"),
    ("Cannot declare", "a table that is there already; put the settings together under one of them"),
    ("Cannot overwrite", "a name that has a value already; keep one of the two"),
    ("Cannot mutate", "nothing can be added to what stands in braces; put it between them"),
    ("Cannot redefine", "a table of its own cannot be given with dots too; write it one way"),
    ("Duplicate inline", "a name is there twice between the braces; keep one of the two"),
)
"""What the standard library's parser says at the beginning of its messages, and what it means to an officer."""
_GIVEN_TWICE = ("Cannot declare", "Cannot overwrite", "Duplicate inline")


def read_toml(text: str, file: str) -> dict[str, Any]:
    """The parsed TOML; `file` is its name in messages. Raises `ConfigError` with the faults of its syntax."""
    problems = Problems(file, text)
    if deep := _DEEP_KEY.search(text):
        problems.add_line(text.count("\n", 0, deep.end()) + 1, "has a key of more than thirty parts")
        raise problems.error()
    lines = text.split("\n")
    for _ in range(_MOST_SYNTAX):
        try:
            document = tomllib.loads("\n".join(lines))
        except tomllib.TOMLDecodeError as exc:
            at = _note(exc, "\n".join(lines), problems)
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


def _note(exc: tomllib.TOMLDecodeError, text: str, problems: Problems) -> int:
    """Note where the syntax is wrong; returns the line, 0 for the end of the file."""
    said = str(exc)
    if said.startswith(_GIVEN_TWICE) and (found := clashes(text)[:_MOST_CLASHES]):
        for clash in found:
            problems.add_line(clash.second_line, _clash(clash))
        return found[0].second_line
    what = next((words for start, words in _WORDS if said.startswith(start)), "it cannot be read")
    match = _AT.search(said)
    if match is None or match[1] is None:
        problems.add_line(0, f"not valid TOML: at the end of the file, {what}")
        return 0
    problems.add_line(int(match[1]), f"column {match[2]}: not valid TOML: {what}")
    return int(match[1])


def _clash(clash: Clash) -> str:
    """What is wrong with a place that is given twice, and what to do."""
    name = dotted(clash.path, {})
    kinds = (clash.first, clash.second)
    if kinds == ("value", "value"):
        return f"{name}: is set twice, first on line {clash.first_line}; keep one of the two"
    if kinds == ("table", "table"):
        return f"[{name}]: is there twice, first on line {clash.first_line}; put the settings under one of them"
    if kinds == ("entry", "table"):
        name = dotted(clash.path[:-1], {})
        return f"[{name}]: line {clash.first_line} has [[{name}]]; every entry of a list has two brackets"
    if kinds == ("table", "entry"):
        return f"[[{name}]]: line {clash.first_line} has [{name}]; every entry of a list has two brackets"
    return f"{name}: is a {_noun(clash.second)} here and a {_noun(clash.first)} on line {clash.first_line}; keep one"


def _noun(kind: str) -> str:
    return "value" if kind == "value" else "table"
