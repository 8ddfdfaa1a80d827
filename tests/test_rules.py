"""Suggestions of area and urgency, and the shipped list of service areas."""

from __future__ import annotations

import csv
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socialtriage.domain.council_areas import COUNCIL_AREAS, EMERGENCY_WORDS, URGENT_WORDS
from socialtriage.domain.models import Urgency
from socialtriage.domain.rules import KeywordSuggester, Suggester, Suggestion
from tests.doubles import unhurried  # noqa: F401 - sets the profile

REPORTS = Path(__file__).resolve().parents[2] / "shared" / "data" / "reports.csv"


@dataclass
class Area:
    id: str
    name: str
    keywords: tuple[str, ...] = ()
    urgent_keywords: tuple[str, ...] = ()


AREAS = (
    Area("waste", "Bins and recycling", ("bin", "recycling", "missed collection", "waste"), ("rats",)),
    Area("flytipping", "Fly-tipping", ("fly-tipping", "dumped", "waste"), ("asbestos",)),
    Area("parking", "Parking", ("car park", "permits"), ()),
    Area("parks", "Parks", ("park", "tŷ bach"), ("fallen tree",)),
    Area("schools", "Schools", ("children's centre",)),
)
SUGGESTER: Suggester = KeywordSuggester(AREAS, emergency=("gas leak",), urgent=("dangerous", "needles"))
SHIPPED = KeywordSuggester(COUNCIL_AREAS, EMERGENCY_WORDS, URGENT_WORDS)


def area_of(text: str, suggester: Suggester = SUGGESTER) -> str | None:
    suggestion = suggester.suggest(text)
    return suggestion.area if suggestion else None


@pytest.mark.parametrize(
    ("text", "area"),
    [
        ("My BIN was missed", "waste"),
        ("bins bins bins", "waste"),
        ("a missed-collection again", "waste"),
        ("missed\ncollections", "waste"),
        ("#FlyTipping on Mill Lane", "flytipping"),
        ("fly tipping", "flytipping"),
        ("the carpark is full", "parking"),
        ("no permit for me", "parking"),
        ("Tŷ  Bach", "parks"),
        ("TY BACH", "parks"),
        ("the childrens centre", "schools"),
        ("the children’s centre", "schools"),
        ("binary cabinet", None),
        ("I missed. Collection of stamps", None),
        ("waste", None),
        ("a bin in the park", None),
        ("a bin in the park; the bins again, no recycling", "waste"),
        ("The bin is full. I went to the park", "waste"),
        ("dumped waste", "flytipping"),
        ("", None),
    ],
)
def test_areas(text: str, area: str | None) -> None:
    assert area_of(text) == area


def test_the_reason_names_the_words() -> None:
    assert SUGGESTER.suggest("A missed collection, and my bin is full") == Suggestion(
        "waste", None, ("'missed collection' and 'bin' point to Bins and recycling",)
    )
    assert SUGGESTER.suggest("permit") == Suggestion("parking", None, ("'permits' points to Parking",))


def test_urgency_has_its_own_words_and_reasons() -> None:
    assert SUGGESTER.suggest("There is a gas leak! dangerous") == Suggestion(
        None, Urgency.EMERGENCY, ("'gas leak' sounds like an emergency",)
    )
    assert SUGGESTER.suggest("dangerous: needles by the bin") == Suggestion(
        "waste",
        Urgency.URGENT,
        ("'bin' points to Bins and recycling", "'dangerous' and 'needles' sound like an urgent case"),
    )


def test_an_areas_urgent_words_count_in_that_area_alone() -> None:
    assert SUGGESTER.suggest("rats in my bin") == Suggestion(
        "waste", Urgency.URGENT, ("'bin' points to Bins and recycling", "'rats' is urgent for Bins and recycling")
    )
    assert SUGGESTER.suggest("rats in the park") == Suggestion("parks", None, ("'park' points to Parks",))
    assert SUGGESTER.suggest("rats") is None


def test_no_words_no_suggestion() -> None:
    assert SUGGESTER.suggest("Good morning") is None
    assert KeywordSuggester([]).suggest("bin") is None
    assert KeywordSuggester([Area("x", "X", ("", " - "))]).suggest("bin -") is None


@given(st.text(max_size=200))
def test_any_text_is_no_failure(text: str) -> None:
    SHIPPED.suggest(text)


@given(st.lists(st.sampled_from(["bin", "park", "dumped", "waste", "hello", "gas leak", "."]), max_size=12))
def test_a_suggestion_always_has_its_reason(words: list[str]) -> None:
    suggestion = SUGGESTER.suggest(" ".join(words))
    if suggestion is not None:
        assert len(suggestion.because) == (suggestion.area is not None) + (suggestion.urgency is not None) > 0


def test_it_costs_next_to_nothing() -> None:
    text = "The streetlight on Mill Lane has been out since Tuesday, and our bins were missed again. Please help!"
    begin = time.perf_counter()
    for _ in range(5_000):
        SHIPPED.suggest(text)
    assert time.perf_counter() - begin < 5, "about 0.15 s on a quiet machine"
    SHIPPED.suggest("fly " * 1_000_000)


# --- the shipped list -------------------------------------------------------------------------------------


def test_the_list_is_whole() -> None:
    ids = [area.id for area in COUNCIL_AREAS]
    assert len(set(ids)) == len(ids) >= 14
    for area in COUNCIL_AREAS:
        assert len(set(area.keywords)) == len(area.keywords) >= 20, area.id
        assert area.urgent_keywords
        assert len(area.topics) >= 3
        assert all(phrase == phrase.strip() for phrase in area.keywords + area.urgent_keywords)
        assert sum(area_of(phrase, SHIPPED) == area.id for phrase in area.keywords) > 0.9 * len(area.keywords)


@pytest.mark.parametrize(
    ("text", "area", "urgency"),
    [
        ("Our brown bin wasn't emptied again, third week running!", "waste", None),
        ("Someone has dumped a mattress and two fridges by the allotments", "flytipping", None),
        ("Massive pothole outside the Co-op, burst tyre this morning", "roads", Urgency.URGENT),
        ("All the street lights are out on Weir Lane, pitch black", "street-lights", None),
        ("Car parked across my drive on double yellow lines", "parking", None),
        ("I've had a summons for council tax I already paid", "council-tax", Urgency.URGENT),
        ("When is my housing benefit claim going to be decided? We have no food", "benefits", Urgency.URGENT),
        ("No heating and black mould, the repairs team never came", "housing", Urgency.URGENT),
        ("How do I object to a planning application?", "planning", None),
        ("Loud music till 4am, how do I report noise?", "environmental-health", None),
        ("The swings in the play area are broken", "parks", None),
        ("What are the opening times of the library?", "leisure", None),
        ("When do school admissions open?", "schools", None),
        ("My mum needs a care assessment, who is her social worker?", "social-care", None),
        ("My postal vote has not arrived", "elections", Urgency.URGENT),
        ("How do I renew a taxi licence?", "licensing", None),
        ("This is a freedom of information request", "democracy", Urgency.URGENT),
        ("I can smell gas on Mill Lane", "environmental-health", Urgency.EMERGENCY),
        ("Lovely fireworks last night, thank you", "leisure", None),
        ("Happy Friday everyone", None, None),
    ],
)
def test_what_residents_write(text: str, area: str | None, urgency: Urgency | None) -> None:
    suggestion = SHIPPED.suggest(text)
    assert (suggestion.area if suggestion else None, suggestion.urgency if suggestion else None) == (area, urgency)


LABELS = {
    "flytipping": "Fly-Tipping|Shopping Trolley|Street Cleaning|Graffiti|Graffiti (Offensive)|Fly-Posting|Dog Mess",
    "roads": "Roads/Highways|Potholes|Pavement Jetting|Road Traffic Signs|Street Nameplates",
    "parking": "Abandoned vehicles|Car Parking",
    "street-lights": "Street Lighting",
    "parks": "Tree|Parks & Green Spaces|Parks/Landscapes",
    "waste": "Missed Collection|Missed Collection (Green Waste)|Missed Food Waste Collection|Bin Repair",
}


def test_the_list_knows_real_reports_of_street_services() -> None:
    """Report-form English of one borough with residents' own noisy labels: a floor against decay, not a promise."""
    if not REPORTS.exists():
        pytest.skip("the reports are not here")
    areas = {label: area for area, labels in LABELS.items() for label in labels.split("|")}
    with REPORTS.open(newline="", encoding="utf-8") as file:
        texts = {row["text"]: areas[row["label"]] for row in csv.DictReader(file) if row["label"] in areas}
    guesses = [(wanted, area_of(text, SHIPPED)) for text, wanted in texts.items()]
    made = [(wanted, guess) for wanted, guess in guesses if guess is not None]
    right = sum(wanted == guess for wanted, guess in made)
    assert right / len(guesses) > 0.72
    assert right / len(made) > 0.80
    for area in LABELS:
        of_area = [guess for wanted, guess in guesses if wanted == area]
        assert sum(guess == area for guess in of_area) / len(of_area) > 0.55, area
