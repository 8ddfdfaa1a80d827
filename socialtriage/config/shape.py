"""From the parsed TOML to the typed configuration: unknown keys, wrong types and missing keys, all of them noted.

A faulty value is replaced by a harmless one, so that everything else can still be looked at; the caller must
not use the result when problems were found.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import msgspec
from msgspec import inspect as kinds

from socialtriage.config.leaks import INSTEAD, is_secret_name
from socialtriage.config.model import Config
from socialtriage.config.problems import Path, Problems, did_you_mean, quoted

_BAD: Any = object()
"""Stands for a value that could not be used."""


def shape(document: Mapping[str, Any], problems: Problems) -> Config:
    """The configuration of a document, with every fault of its shape noted in `problems`."""
    config = _struct(_config_type(), document, (), problems)
    assert isinstance(config, Config)  # noqa: S101 - narrows the type
    return config


@cache
def _config_type() -> kinds.StructType:
    found = kinds.type_info(Config)
    assert isinstance(found, kinds.StructType)  # noqa: S101 - narrows the type
    return found


def _struct(kind: kinds.StructType, data: Mapping[str, Any], path: Path, problems: Problems) -> msgspec.Struct:
    fields = {field.encode_name: field for field in kind.fields}
    for key in data:
        if key not in fields:
            problems.add((*path, key), _unknown(key, () if problems.many else fields))
    values = {}
    for key, field in fields.items():
        value = _BAD
        if key in data:
            value = _value(field.type, data[key], (*path, key), problems)
        elif field.required:
            problems.add((*path, key), _missing(field.type))
        if value is not _BAD:
            values[field.name] = value
        elif field.required:
            values[field.name] = _harmless(field.type)
    made: msgspec.Struct = kind.cls(**values)
    return made


def _unknown(key: str, fields: Iterable[str]) -> str:
    if is_secret_name(key):
        return f"looks like a secret, and secrets do not belong here; {INSTEAD}"
    return f"is no known key{did_you_mean(key, fields)}"


def _missing(kind: kinds.Type) -> str:
    if isinstance(kind, kinds.StructType):
        needed = " and ".join(field.encode_name for field in kind.fields if field.required)
        return f"is missing; it needs {needed}"
    return "is missing"


def _harmless(kind: kinds.Type) -> Any:
    if isinstance(kind, kinds.StructType):
        return kind.cls(**{field.name: _harmless(field.type) for field in kind.fields if field.required})
    return ""


def _value(kind: kinds.Type, value: Any, path: Path, problems: Problems) -> Any:
    """A value as `kind` wants it, or `_BAD` with the fault noted."""
    extra: dict[str, Any] = {}
    if isinstance(kind, kinds.UnionType):
        kind = next(one for one in kind.types if not isinstance(one, kinds.NoneType))
    if isinstance(kind, kinds.Metadata):
        extra, kind = kind.extra or {}, kind.type
    if isinstance(kind, kinds.StructType):
        if isinstance(value, dict):
            return _struct(kind, value, path, problems)
        problems.add(path, f"must be a table, not {_called(value)}")
    elif isinstance(kind, kinds.VarTupleType):
        return _list(kind.item_type, [value] if extra.get("lone") and isinstance(value, str) else value, path, problems)
    elif isinstance(kind, kinds.DictType) and isinstance(kind.value_type, kinds.FloatType):
        return _numbers_by_key(kind.value_type, value, path, problems)
    elif isinstance(kind, kinds.DictType):
        return _texts_by_key(_flat(value) if extra.get("flat") else value, path, problems)
    elif isinstance(kind, kinds.LiteralType):
        return _choice(kind, value, path, problems)
    else:
        return _leaf(kind, value, path, problems)
    return _BAD


def _list(item: kinds.Type, value: Any, path: Path, problems: Problems) -> Any:
    if not isinstance(value, list):
        tables = isinstance(item, kinds.StructType)
        wanted = f"must be a list of tables, each under [[{path[-1]}]]" if tables else 'must be a list such as ["…"]'
        problems.add(path, f"{wanted}, not {_called(value)}")
        return _BAD
    if isinstance(item, kinds.StrType) and all(isinstance(entry, str) for entry in value):
        return tuple(value)
    found = []
    for number, entry in enumerate(value):
        made = _value(item, entry, (*path, number), problems)
        found.append(_harmless(item) if made is _BAD else made)
    return tuple(found)


def _texts_by_key(value: Any, path: Path, problems: Problems) -> Any:
    if not isinstance(value, dict):
        problems.add(path, f"must be a table, not {_called(value)}")
        return _BAD
    for key, text in value.items():
        if is_secret_name(key):
            problems.add((*path, key), f"looks like a secret, and secrets do not belong here; {INSTEAD}")
        elif not isinstance(text, str):
            problems.add((*path, key), f"must be text in quotes, not {_called(text)}")
    return {key: text for key, text in value.items() if isinstance(text, str)}


def _numbers_by_key(kind: kinds.Type, value: Any, path: Path, problems: Problems) -> Any:
    if not isinstance(value, dict):
        problems.add(path, f"must be a table, not {_called(value)}")
        return _BAD
    found = {key: _leaf(kind, number, (*path, key), problems) for key, number in value.items()}
    return {key: number for key, number in found.items() if number is not _BAD}


def _flat(value: Any) -> Any:
    """A table whose nested tables came from dots in keys, as one table with dotted keys."""
    if not isinstance(value, dict):
        return value
    found: dict[str, Any] = {}
    waiting = [("", value)]
    while waiting:
        prefix, table = waiting.pop()
        for key, inner in table.items():
            if isinstance(inner, dict):
                waiting.append((f"{prefix}{key}.", inner))
            else:
                found[f"{prefix}{key}"] = inner
    return found


def _choice(kind: kinds.LiteralType, value: Any, path: Path, problems: Problems) -> Any:
    words = [str(word) for word in kind.values]
    if value in kind.values:
        return value
    near = did_you_mean(value, words) if isinstance(value, str) else ""
    given = quoted(value) if isinstance(value, str) else _called(value)
    problems.add(path, f"must be {' or '.join(quoted(word) for word in words)}, not {given}{near}")
    return _BAD


def _leaf(kind: kinds.Type, value: Any, path: Path, problems: Problems) -> Any:
    if isinstance(kind, kinds.BoolType):
        right, wanted = isinstance(value, bool), "true or false, without quotes"
    elif isinstance(kind, kinds.DateType):
        right = isinstance(value, dt.date) and not isinstance(value, dt.datetime)
        wanted = "a date such as 2027-03-31, without quotes"
    elif isinstance(kind, kinds.IntType):
        right, wanted = isinstance(value, int) and not isinstance(value, bool), "a whole number, without quotes"
    elif isinstance(kind, kinds.FloatType):
        right, wanted = isinstance(value, int | float) and not isinstance(value, bool), "a number, without quotes"
        value = float(value) if right else value
    else:
        right, wanted = isinstance(value, str), "text in quotes"
    if right:
        return value
    problems.add(path, f"must be {wanted}, not {_called(value)}")
    return _BAD


def _called(value: object) -> str:
    """What a value of TOML is, in words."""
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return "a date or time"
    names = {str: "text", int: "a number", float: "a number", list: "a list", dict: "a table"}
    return names.get(type(value), "that")
