"""References: what the check character proves, and in how many spellings people write them."""

from __future__ import annotations

import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socialtriage.domain.reference import ALPHABET, LENGTH, find, new_reference, parse, suggest
from tests.doubles import unhurried  # noqa: F401 - sets the profile

PREFIX = "ABC"
references = st.integers(0, 2**32).map(lambda seed: new_reference(PREFIX, random.Random(seed)))
ENGLISH = """
The streetlight outside number forty two has been broken since Friday and nobody came. Please advise: my ABC report,
abc report number 123456, went unanswered; ABC parent council, ABC-street, ABC planet, abc winter better.
ABC 234567.
Garden bins were missed again. Should I phone? Ref: ABC. Reference ABC-2026. Case ABC 24/7. The A B C of recycling;
Abc-member meeting, abc.number, @abc_helper, https://abc.example/abcdef2 and AB12 3CD, tel 01632 960001.
"""


def _body(reference: str) -> str:
    return reference.removeprefix(f"{PREFIX}-")


def test_the_alphabet_has_nothing_that_is_misread() -> None:
    assert not set(ALPHABET) & set("0O1ILU")
    assert len(set(ALPHABET)) == len(ALPHABET) == 29


@pytest.mark.parametrize("position", range(LENGTH))
def test_every_single_wrong_character_is_caught(position: int) -> None:
    """Every pair of right and wrong character at every place, in several references."""
    seen = set()
    source = random.Random(position)
    for _ in range(400):
        body = _body(new_reference(PREFIX, source))
        seen.add(body[position])
        for wrong in set(string.ascii_uppercase + string.digits) - {body[position]}:
            assert parse(f"{PREFIX}-{body[:position]}{wrong}{body[position + 1 :]}", PREFIX) is None
    assert seen == set(ALPHABET)


@pytest.mark.parametrize("position", range(LENGTH - 1))
def test_every_swap_of_neighbours_is_caught(position: int) -> None:
    pairs: set[tuple[str, str]] = set()
    source = random.Random(position)
    while len(pairs) < len(ALPHABET) ** 2:
        body = _body(new_reference(PREFIX, source))
        one, other = body[position], body[position + 1]
        pairs.add((one, other))
        if one != other:
            assert parse(f"{PREFIX}-{body[:position]}{other}{one}{body[position + 2 :]}", PREFIX) is None


def test_the_proof_for_all_references_at_once() -> None:
    """Of the characters that may stand at one place beside any five others, at most one makes a valid reference.

    Checked over every pair of neighbouring places with every filling of the two, the others drawn at random: no two of
    the valid fillings differ in one character only, or are each other's swap.
    """
    source = random.Random(1)
    for place in range(LENGTH - 1):
        rest = [source.choice("2345") for _ in range(LENGTH - 3)] + ["A"]
        valid = set()
        for one in ALPHABET:
            for other in ALPHABET:
                if parse("".join([*rest[:place], one, other, *rest[place:]]), PREFIX):
                    valid.add((one, other))
        assert len({one for one, _ in valid}) == len({other for _, other in valid}) == len(valid)
        assert not any((other, one) in valid for one, other in valid if one != other)


@given(references)
def test_a_reference_reads_like_one(reference: str) -> None:
    body = _body(reference)
    assert len(body) == LENGTH
    assert set(body) <= set(ALPHABET)
    assert not body.isdigit()
    assert not any(body[i : i + 3].isalpha() for i in range(LENGTH - 2))


def test_the_one_in_the_documents_is_valid() -> None:
    assert parse("ABC-7Q4K2M", PREFIX) == "ABC-7Q4K2M"


def test_references_do_not_follow_from_each_other() -> None:
    drawn = [new_reference(PREFIX) for _ in range(2_000)]
    assert len(set(drawn)) > 1_990
    assert drawn != sorted(drawn)
    for place in range(len(PREFIX) + 1, len(drawn[0])):
        assert len({reference[place] for reference in drawn}) > 20


@given(references)
def test_any_spelling_is_understood(reference: str) -> None:
    body = _body(reference)
    for typed in (
        reference.lower(),
        reference.replace("-", ""),
        f" {PREFIX} {body[:3]} {body[3:]} ",
        f"[{reference}]",
        f"#{reference}.",
        f"Ref: abc {body.lower()}",
        f"reference {reference}",
        f"{PREFIX}–{body}",
        body,
        f"{body[:3]} {body[3:]}".lower(),
    ):
        assert parse(typed, PREFIX) == reference


@given(references, st.sampled_from(["", " ", "\n", "> ", "(", "“", "RE: [", "ref:", "http://x.example/", "…"]))
def test_references_are_found_in_running_text(reference: str, before: str) -> None:
    body = _body(reference)
    for written in (
        reference,
        reference.lower(),
        f"abc {body}",
        f"{PREFIX}{body}",
        f"ABC-\n{body}",
        f"ABC {body[:3]} {body[3:]}",
    ):
        assert find(f"Dear all,{before}{written}, thank you", PREFIX) == [reference]
    assert find(f"{before}{body}", PREFIX) == []


def test_each_is_found_once_and_in_order() -> None:
    text = "ABC ABC-7Q4 K2M, then XYZ-7Q4K2M and ABC-7Q4K2N; again abc7q4k2m"
    assert find(text, PREFIX) == ["ABC-7Q4K2M"]


def test_ordinary_english_holds_no_reference() -> None:
    assert find(ENGLISH, PREFIX) == []
    for word in ENGLISH.split():
        assert find(f"ABC {word}", PREFIX) == []
        assert parse(word, PREFIX) is None


@given(st.lists(st.text(string.ascii_lowercase, min_size=1, max_size=9), max_size=20))
def test_words_are_never_references(words: list[str]) -> None:
    assert find("abc " + " abc ".join(words), PREFIX) == []
    assert all(parse(word, PREFIX) is None for word in words)


@given(st.text(max_size=80), st.sampled_from(["ab", "XYZ"]))
def test_any_text_is_no_failure(text: str, prefix: str) -> None:
    parse(text, prefix)
    find(text, prefix)
    assert all(parse(reference, prefix) == reference for reference in suggest(text, prefix))


def test_a_hostile_text_is_read_in_passing() -> None:
    assert find("abc - " * 200_000 + "ABC-7Q4K2M", PREFIX) == ["ABC-7Q4K2M"]
    assert parse("7Q4K2M" * 200_000, PREFIX) is None


@given(references, st.integers(0, LENGTH - 1), st.sampled_from(string.ascii_uppercase + string.digits))
def test_one_wrong_character_brings_the_right_reference_as_a_suggestion(reference: str, place: int, wrong: str) -> None:
    body = _body(reference)
    assert reference in suggest(f"abc {body[:place]}{wrong}{body[place + 1 :]}", PREFIX)
    assert reference in suggest(f"{body[:place]}{wrong}{body[place + 1 :]}", PREFIX)


def test_a_slip_that_makes_the_characters_begin_like_the_prefix_brings_it_too() -> None:
    assert "ABC-5BC2V2" in suggest("ABC2V2", PREFIX)


@given(references, st.integers(0, LENGTH - 2))
def test_other_slips_bring_it_too(reference: str, place: int) -> None:
    body = _body(reference)
    swapped = body[:place] + body[place + 1] + body[place] + body[place + 2 :]
    for typed in (swapped, body[:place] + body[place + 1 :], body[:place] + body[place] + body[place:]):
        suggestions = suggest(f"{PREFIX}-{typed}", PREFIX)
        assert reference in suggestions
        assert len(suggestions) <= 20
    for wrong_prefix in ("ABD", "AB", "ABCC", "BAC"):
        assert reference in suggest(f"{wrong_prefix}-{body}", PREFIX)


def test_swaps_and_look_alikes_come_first() -> None:
    assert suggest("ABC-Q74K2M", PREFIX)[0] == "ABC-7Q4K2M"
    assert suggest("ABC-1Q4K2M", PREFIX)[0] == "ABC-7Q4K2M"
    assert suggest("ABC-7Q4K2M", PREFIX)[0] == "ABC-7Q4K2M"
    assert suggest("hello there", PREFIX) == []


@pytest.mark.parametrize("prefix", ["", "A", "ABCD", "A1", "ÄB"])
def test_a_wrong_prefix_is_refused(prefix: str) -> None:
    with pytest.raises(ValueError, match="two or three letters"):
        new_reference(prefix)
