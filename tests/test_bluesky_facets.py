"""Facets: what is found in a text, and that its place is right in bytes in every script."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socialtriage.channels.bluesky_answers import is_did, is_handle, make_tid, parse_time, split_uri, tid_time
from socialtriage.channels.bluesky_facets import facets_of

SYNTAX = Path(__file__).resolve().parents[2] / "shared" / "specs" / "bluesky" / "interop-test-files" / "syntax"


async def everybody(handle: str) -> str | None:
    return None if handle.startswith("nobody.") else f"did:plc:{handle.partition('.')[0]}"


def found(text: str) -> list[tuple[str, str]]:
    """The marked words, and what they lead to."""
    raw, pairs = text.encode("utf-8", "surrogatepass"), []
    for facet in asyncio.run(facets_of(text, everybody)):
        (feature,) = facet["features"]
        words = raw[facet["index"]["byteStart"] : facet["index"]["byteEnd"]].decode("utf-8", "surrogatepass")
        pairs.append((words, str(feature.get("did") or feature.get("uri") or feature.get("tag"))))
    return pairs


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("no mention", []),
        ("@gwen.example first", [("@gwen.example", "did:plc:gwen")]),
        ("last @gwen.example", [("@gwen.example", "did:plc:gwen")]),
        ("in (@gwen.example) brackets.", [("@gwen.example", "did:plc:gwen")]),
        ("to @gwen.example, please.", [("@gwen.example", "did:plc:gwen")]),
        ("a stop @gwen.example.", [("@gwen.example", "did:plc:gwen")]),
        ("@Gwen.Example", [("@Gwen.Example", "did:plc:gwen")]),
        ("@wei.example\n@gwen.example", [("@wei.example", "did:plc:wei"), ("@gwen.example", "did:plc:gwen")]),
        ("not@gwen.example", []),
        ("@nobody.example", []),
        ("@gwen", []),
        ("👨‍👩‍👧‍👦 @gwen.example 🗑️", [("@gwen.example", "did:plc:gwen")]),
        ("مرحبا @gwen.example", [("@gwen.example", "did:plc:gwen")]),
        ("see https://anytown.example/bins?w=3#thu.", [("https://anytown.example/bins?w=3#thu",) * 2]),
        ("(https://anytown.example)", [("https://anytown.example",) * 2]),
        ("https://anytown.example/a_(b)", [("https://anytown.example/a_(b)",) * 2]),
        ("https://a.example, https://b.example; https://c.example!", [(f"https://{x}.example",) * 2 for x in "abc"]),
        ("www.anytown.gov.uk/bins", [("www.anytown.gov.uk/bins", "https://www.anytown.gov.uk/bins")]),
        ("our-town.gov.au: here", [("our-town.gov.au", "https://our-town.gov.au")]),
        ("e.g. file.jpg, not.. a..url 10.30 or 3.5", []),
        ("https://", []),
        ("#bins #1 #Biniau! #a#b", [("#bins", "bins"), ("#Biniau", "Biniau"), ("#a#b", "a#b")]),
        ("＃bins and #🗑 too", [("＃bins", "bins"), ("#🗑", "🗑")]),
        ("#️⃣keycap", []),
        ("# #? #!! no#tag", []),
        (f"#{'a' * 64} #{'b' * 65}", [(f"#{'a' * 64}", "a" * 64)]),
        ("#https://a.example", [("#https://a.example", "https://a.example")]),
    ],
)
def test_what_is_found(text: str, pairs: list[tuple[str, str]]) -> None:
    assert found(text) == pairs


pieces = st.sampled_from(
    [
        "@gwen.example",
        "https://anytown.example/x",
        "#bins",
        "é",
        "🗑️",
        "👩🏽‍🚒",
        "漢字",
        "ب",
        "\n",
        " ",
        "(",
        ")",
        ".",
        "#",
        "@",
    ]
)


@given(st.lists(pieces | st.text(max_size=5), max_size=30))
def test_places_are_right_in_order_and_never_overlap(parts: list[str]) -> None:
    text = "".join(parts)
    raw, end = text.encode("utf-8", "surrogatepass"), 0
    for facet in asyncio.run(facets_of(text, everybody)):
        start, stop = facet["index"]["byteStart"], facet["index"]["byteEnd"]
        assert end <= start < stop <= len(raw)
        words = raw[start:stop].decode("utf-8", "surrogatepass")
        (feature,) = facet["features"]
        if feature["$type"].endswith("#mention"):
            assert words[0] == "@"
            assert is_did(feature["did"])
        elif feature["$type"].endswith("#tag"):
            assert words[1:] == feature["tag"]
        else:
            assert feature["uri"].endswith(words)
        end = stop


def vectors(name: str) -> list[str]:
    path = SYNTAX / name
    if not path.is_file():
        pytest.skip("the specification's folder is absent")
    return [line for line in path.read_text().split("\n") if line and not line.startswith("#")]


def test_handles_of_the_specification() -> None:
    assert [text for text in vectors("handle_syntax_valid.txt") if not is_handle(text)] == []
    assert [text for text in vectors("handle_syntax_invalid.txt") if is_handle(text)] == []


def test_identifiers_of_the_specification() -> None:
    assert [text for text in vectors("did_syntax_valid.txt") if not is_did(text)] == []
    assert [text for text in vectors("did_syntax_invalid.txt") if is_did(text)] == []


def test_record_keys_of_the_specification() -> None:
    assert [text for text in vectors("tid_syntax_valid.txt") if tid_time(text) is None] == []
    assert [text for text in vectors("tid_syntax_invalid.txt") if tid_time(text)] == []
    known = parse_time("2026-11-22T09:00:00Z")
    assert known is not None
    assert make_tid(known, "a")[:9] == make_tid(known, "b")[:9]


def test_times_of_the_specification() -> None:
    valid = vectors("datetime_syntax_valid.txt")
    assert [text for text in valid if parse_time(text) is None] == []
    assert [text for text in vectors("datetime_parse_invalid.txt") if parse_time(text)] == []
    for text in vectors("datetime_syntax_invalid.txt"):
        parse_time(text)


def test_addresses_of_the_specification() -> None:
    for text in vectors("aturi_syntax_valid.txt"):
        parts = split_uri(text)
        if text.startswith("at://did:") and text.count("/") == 4:
            assert parts is not None, text
            assert "/".join(["at:/", *parts]) == text
        else:
            assert parts is None, text
