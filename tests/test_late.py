"""Late data classes are the standard ones, only later."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from dataclasses import field

import pytest

from socialtriage.domain.late import dataclass, replace


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is."""

    name: str
    number: int = 1
    marks: tuple[str, ...] = field(default=(), compare=False)


@dataclass(slots=True)
class Tally:
    """What can be counted on."""

    counts: dict[str, int] = field(default_factory=dict)


def test_instances_compare_hash_and_print_before_anything_else_was_asked() -> None:
    assert {Place("here"), Place("here", 1, ("x",))} == {Place("here")}
    assert Place("here") != Place("there")
    assert repr(Place("here", 2)) == "Place(name='here', number=2, marks=())"
    assert Tally({"a": 1}) == Tally({"a": 1})
    assert repr(Tally()) == "Tally(counts={})"


def test_what_is_frozen_stays_so_and_is_copied_whole() -> None:
    here = Place("here", 2, ("x",))
    with pytest.raises(dataclasses.FrozenInstanceError):
        here.number = 3  # type: ignore[misc]
    assert dataclasses.replace(here, number=3) == Place("here", 3)
    assert copy.deepcopy(here) == pickle.loads(pickle.dumps(here)) == here  # noqa: S301
    match here:
        case Place(name, number):
            assert (name, number) == ("here", 2)


def test_what_is_not_frozen_can_be_changed_and_has_no_hash() -> None:
    tally = Tally()
    tally.counts["a"] = 1
    assert tally != Tally()
    with pytest.raises(TypeError):
        hash(tally)


def test_replacing_changes_fields_of_a_copy_and_nothing_else() -> None:
    here = Place("here", 2, ("x",))
    assert replace(here, number=3, name="there") == Place("there", 3)
    assert replace(here, number=3).marks == ("x",)
    assert (here.name, here.number) == ("here", 2)
    with pytest.raises(TypeError, match="Place has no field 'colour'"):
        replace(here, colour="red")  # type: ignore[call-arg]
