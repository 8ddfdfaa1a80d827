"""Whatever is in a configuration file: it loads, or every problem is a line that a terminal can show."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import tomlkit
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from socialtriage.config.example import example_text
from socialtriage.config.lines import key_lines
from socialtriage.config.load import load, parse
from socialtriage.domain.errors import ConfigError

EXAMPLE = example_text()
LINES = EXAMPLE.split("\n")
SNIPPETS = [
    "[",
    "]",
    "[[",
    '"',
    "'''",
    '"""',
    "=",
    "{",
    "}",
    "#",
    "\n",
    "\x00",
    "\x1b[2J",
    "é",
    "\u202e",
    "nan",
    "inf",
    ".",
    ",",
]

slow = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def judge(text: str) -> None:
    """Load a text, or look at what is said of it."""
    try:
        parse(text, "c.toml", ("mastodon",))
    except ConfigError as exc:
        told = exc.problems
    else:
        return
    assert told
    assert all(line.startswith("c.toml") and line.isprintable() for line in told)


@slow
@given(st.data())
def test_the_example_with_pieces_cut_doubled_and_put_in_anywhere(data: st.DataObject) -> None:
    text = EXAMPLE
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = min(len(text), start + data.draw(st.integers(0, 200)))
        put = data.draw(st.sampled_from(SNIPPETS) | st.text(max_size=8) | st.just(text[start:end] * 2))
        text = text[:start] + put + text[end:]
    judge(text)


@slow
@given(st.lists(st.integers(0, len(LINES) - 1), max_size=30), st.randoms(use_true_random=False))
def test_the_example_with_lines_left_out_and_moved(dropped: list[int], random: Any) -> None:
    lines = [line for number, line in enumerate(LINES) if number not in dropped]
    for _ in range(len(dropped) // 3):
        lines.insert(random.randrange(len(lines)), lines.pop(random.randrange(len(lines))))
    judge("\n".join(lines))


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=12)
    | st.dates()
    | st.datetimes()
    | st.times(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


@slow
@given(st.data())
def test_the_example_with_values_of_any_type(data: st.DataObject) -> None:
    document = tomllib.loads(EXAMPLE)
    for _ in range(data.draw(st.integers(1, 5))):
        here: Any = document
        while True:
            steps = list(here) if isinstance(here, dict) else list(range(len(here)))
            if not steps:
                break
            step = data.draw(st.sampled_from(steps))
            if isinstance(here[step], dict | list) and data.draw(st.integers(0, 4)):
                here = here[step]
            else:
                here[step] = data.draw(values.filter(lambda value: value is not None))
                break
    try:
        text = tomlkit.dumps(document)
        tomllib.loads(text)
    except Exception:  # tomlkit cannot write every value; the file would not exist
        return
    judge(text)


@slow
@given(st.binary(max_size=400))
def test_random_bytes(tmp_path_factory: Any, data: bytes) -> None:
    file: Path = tmp_path_factory.mktemp("bytes") / "c.toml"
    file.write_bytes(data)
    try:
        load(file)
    except ConfigError as exc:
        told = exc.problems
    assert told  # no random bytes name an organisation


@slow
@given(st.dictionaries(st.text(max_size=5), values.filter(lambda value: value is not None), max_size=4))
def test_the_line_finder_knows_every_key_or_stops_quietly(document: dict[str, Any]) -> None:
    try:
        text = tomlkit.dumps(document)
        parsed = tomllib.loads(text)
    except Exception:  # tomlkit cannot write every value
        return
    lines = key_lines(text)
    for key in parsed:
        assert (key,) in lines
    assert all(1 <= line <= text.count("\n") + 1 for line in lines.values())


@given(st.text(max_size=200))
def test_the_line_finder_never_fails(text: str) -> None:
    key_lines(text)
