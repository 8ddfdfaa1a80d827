"""The practice week reads like a week of a real council, holds every story, and names nobody and nothing real."""

from __future__ import annotations

import re
from collections import Counter
from importlib.resources import files
from pathlib import Path

import pytest

from socialtriage.channels.demo_week.rules import NETWORKS, measure
from socialtriage.channels.demo_week.week import Entry, Week, load, minute_of, spoken
from socialtriage.config.demo import away_contacts, demo_config, demo_text
from socialtriage.config.load import parse
from socialtriage.domain import reference
from socialtriage.domain.models import Automatic, MediaState, Urgency, Visibility
from socialtriage.domain.rules import KeywordSuggester

PLAYED = {account.id: account for account in demo_config(Path("demo")).accounts}


@pytest.fixture(scope="module")
def week() -> Week:
    return load()


@pytest.fixture(scope="module")
def residents(week: Week) -> list[Entry]:
    return [entry for entry in week.entries if not entry.own]


def told(week: Week, story: str) -> list[Entry]:
    return [entry for entry in week.entries if entry.story == story]


def every_text(week: Week) -> list[str]:
    """Everything a reader could see, the configuration included."""
    found = [demo_text()]
    for entry in week.entries:
        found += [entry.text, entry.subject or "", entry.quoted or "", entry.edit.text if entry.edit else ""]
        found += [item.alt or "" for item in entry.media] + list(entry.also_to)
    found += [value for person in week.people.values() for value in person.values()]
    found += [post.title for post in week.posts.values()]
    return [*found, *(f"{a.name} {a.handle}" for a in week.accounts.values())]


# --- size and shape ---------------------------------------------------------------------------------------


def test_a_week_of_hundreds_of_messages_by_many_people_over_every_network(week: Week, residents: list[Entry]) -> None:
    networks = Counter(week.accounts[entry.on].network for entry in residents)
    assert len(residents) >= 300
    assert len({(week.accounts[entry.on].network, entry.by) for entry in residents}) >= 150
    assert len({entry.by for entry in residents}) >= 150
    assert len(networks) >= 8
    assert set(networks) == set(NETWORKS)
    assert min(networks.values()) >= 10


def test_everything_in_the_week_refers_to_something_that_is_there(week: Week) -> None:
    assert len(week.by_id) == len(week.entries)
    for entry in week.entries:
        assert entry.on in week.accounts, entry.id
        assert entry.text.strip(), entry.id
        assert entry.own or entry.by in week.people, entry.id
        network = week.accounts[entry.on].network
        assert entry.own or network == "facebook" or network in week.people[entry.by], f"{entry.id} lacks a handle"
        if entry.under is not None:
            assert week.posts[entry.under].on == entry.on, entry.id
    assert {entry.by for entry in week.entries} - {"council"} == set(week.people)


def test_an_answer_comes_after_what_it_answers_and_in_the_same_place(week: Week) -> None:
    for entry in week.entries:
        if entry.re is not None:
            parent = week.by_id[entry.re]
            assert parent.on == entry.on, entry.id
            assert minute_of(parent.at) <= minute_of(entry.at), entry.id
        for later in (entry.edit.at if entry.edit else None, entry.deleted):
            assert later is None or minute_of(later) > minute_of(entry.at), entry.id


def test_the_accounts_of_the_configuration_are_those_of_the_week(week: Week) -> None:
    assert set(PLAYED) == set(week.accounts)
    for id_, presence in week.accounts.items():
        assert PLAYED[id_].options["as"] == presence.network
        assert PLAYED[id_].handle == presence.handle


def test_the_files_are_in_the_package() -> None:
    names = {file.name for file in files("socialtriage.channels.demo_week").iterdir() if file.name.endswith(".toml")}
    assert {"people.toml", "posts.toml", "accounts.toml", "storm-evening.toml"} <= names
    assert len(names) >= 25


def test_a_misspelt_key_is_an_error() -> None:
    texts = {f"{name}.toml": "" for name in ("accounts", "people", "posts")}
    text = '[[message]]\nid = "a"\nat = "Mon 07:00"\non = "x"\nby = "b"\ntext = "t"\nprivat = true'
    with pytest.raises(ValueError, match="privat"):
        Week({**texts, "story.toml": f'story = "s"\n{text}'})


@pytest.mark.parametrize("at", ["Mon 24:00", "Mon 7:00", "Lun 07:00", "Mon", "Mon 07:60", "Mon 0x:10"])
def test_a_wrong_time_is_an_error(at: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        minute_of(at)


# --- how it reads -----------------------------------------------------------------------------------------


def test_no_two_messages_are_alike_except_the_pasted_one(week: Week) -> None:
    def words(text: str) -> frozenset[str]:
        return frozenset(re.findall(r"\w+", text.casefold()))

    plain = [(e, words(e.text)) for e in week.entries if e.story != "pasted-to-three-accounts"]
    assert len({e.text for e, _ in plain}) == len(plain)
    long = [(e.id, w) for e, w in plain if len(w) > 6]
    alike = [(a, b) for n, (a, x) in enumerate(long) for b, y in long[n + 1 :] if len(x & y) / len(x | y) > 0.6]
    assert alike == []


def test_lengths_and_voices_vary(residents: list[Entry]) -> None:
    lengths = [len(entry.text) for entry in residents]
    assert min(lengths) == 1
    assert max(lengths) > 1000
    assert sum(length <= 20 for length in lengths) >= 10
    assert sum(length >= 250 for length in lengths) >= 40
    assert sum(entry.text == entry.text.lower() for entry in residents) >= 60
    assert sum(bool(re.search(r"\b[A-Z]{4,}\b", entry.text)) for entry in residents) >= 20
    assert sum(any(ord(char) > 0x2600 for char in entry.text) for entry in residents) >= 25
    assert sum("?" in entry.text for entry in residents) >= 90


def test_the_days_have_the_rhythm_of_days(week: Week) -> None:
    times = [minute_of(entry.at) for entry in week.entries if entry.story not in ("spam", "hostile-text")]
    assert min(minute_of(entry.at) for entry in week.entries) < 7 * 60 + 30
    assert 6 * 1440 + 21 * 60 <= max(times) < 6 * 1440 + 22 * 60
    night = [minute for minute in times if minute % 1440 < 5 * 60]
    assert len(night) <= 5
    days = Counter(minute // 1440 for minute in times)
    assert min(days[day] for day in range(5)) > max(days[5], days[6])


def test_the_councils_own_answers_fit_their_networks(week: Week) -> None:
    for entry in week.entries:
        if entry.own:
            network = week.accounts[entry.on].network
            private = entry.private or NETWORKS[network].public == 0
            visibility = Visibility.PRIVATE if private else Visibility.PUBLIC
            handle = week.people.get(week.root(entry).by, {}).get(network, "")
            rule = measure(network, entry.text, visibility, handle)
            assert rule.limit is None or rule.used <= rule.limit, entry.id


# --- the stories ------------------------------------------------------------------------------------------

STORIES = {
    "missed-bins": 25, "potholes": 20, "council-tax": 18, "fly-tipping": 15, "street-lights": 8, "parking": 15,
    "housing-repairs": 18, "planning": 10, "libraries-and-leisure": 20, "footage-by-message": 8,
    "repeat-complainer": 8, "storm-evening": 50, "live-questions": 35, "abuse": 4, "councillor": 3, "journalist": 2,
    "freedom-of-information": 2, "subject-access": 1, "safeguarding": 2, "neighbour-not-seen": 3,
    "tenant-at-risk": 1, "cymraeg": 9, "other-languages": 3, "assisted-collection": 12, "cycle-route-thread": 12,
    "praise": 8, "spam": 5, "hostile-text": 2, "chatter": 12, "wrong-reference": 2, "pasted-to-three-accounts": 3,
    "auto-reply": 1, "bounce": 1, "access": 5, "everything-else": 20, "storm-aftermath": 10, "early-answers": 40,
}  # fmt: skip


@pytest.mark.parametrize(("story", "least"), STORIES.items())
def test_the_story_is_told(week: Week, story: str, least: int) -> None:
    assert len(told(week, story)) >= least


def test_the_storm_is_a_burst(week: Week) -> None:
    times = sorted(minute_of(entry.at) for entry in told(week, "storm-evening"))
    assert max(sum(start <= minute < start + 120 for minute in times) for start in times) >= 40
    assert len({week.accounts[entry.on].network for entry in told(week, "storm-evening")}) >= 8


def test_the_live_session_is_a_burst(week: Week) -> None:
    times = sorted(minute_of(entry.at) for entry in told(week, "live-questions"))
    assert max(sum(start <= minute < start + 60 for minute in times) for start in times) >= 25
    assert {week.accounts[entry.on].network for entry in told(week, "live-questions")} == {"youtube", "facebook"}


def test_the_repeat_complainer_is_one_identity_in_several_places_over_days(week: Week) -> None:
    mine = [entry for entry in told(week, "repeat-complainer") if not entry.own]
    assert {entry.by for entry in mine} == {"gary"}
    assert {week.accounts[entry.on].network for entry in mine} == {"facebook"}
    assert len({(entry.on, entry.private) for entry in mine}) >= 3
    assert len({entry.at[:3] for entry in mine}) >= 4


def test_the_footage_came_by_private_message_and_is_withheld(week: Week) -> None:
    videos = [(e, m) for e in told(week, "footage-by-message") for m in e.media if m.kind == "video"]
    assert all(entry.private for entry, _ in videos)
    assert {media.state for _, media in videos} >= {MediaState.WITHHELD}


@pytest.mark.parametrize("story", ["assisted-collection", "cycle-route-thread"])
def test_a_long_thread_goes_back_and_forth(week: Week, story: str) -> None:
    entries = told(week, story)
    assert len(entries) >= 12
    assert sum(entry.own for entry in entries) >= 5
    assert len({entry.by for entry in entries}) == 2
    assert len({week.root(entry).id for entry in entries}) == 1


def test_a_wrong_reference_is_wrong(week: Week) -> None:
    for entry in told(week, "wrong-reference"):
        assert "MBC" in entry.text + (entry.subject or "")
        assert reference.find(f"{entry.subject} {entry.text}", "MBC") == []
    assert not any(reference.find(entry.text, "MBC") for entry in week.entries)


def test_other_languages_are_marked(week: Week) -> None:
    assert Counter(entry.language for entry in week.entries if entry.language)["cy"] >= 10
    assert {entry.language for entry in week.entries} >= {None, "cy", "pl", "ur"}
    answer = next(entry for entry in told(week, "cymraeg") if entry.own)
    assert " / " in answer.text, "answered in both languages"


def test_the_same_text_went_to_three_accounts(week: Week) -> None:
    pasted = told(week, "pasted-to-three-accounts")
    assert len({entry.text for entry in pasted}) == 1
    assert len({entry.on for entry in pasted}) == 3
    assert len({entry.by for entry in pasted}) == 1


def test_mail_has_its_oddities(week: Week) -> None:
    mails = [entry for entry in week.entries if week.accounts[entry.on].network == "imap"]
    assert {entry.automatic for entry in mails} == {None, *Automatic}
    assert any(entry.quoted for entry in mails)
    assert all(entry.subject for entry in mails)
    assert not any(entry.subject for entry in week.entries if entry not in mails)


def test_some_messages_are_edited_and_some_deleted(week: Week) -> None:
    assert sum(entry.edit is not None for entry in week.entries) >= 2
    assert sum(entry.deleted is not None for entry in week.entries) >= 2


def test_hostile_text_is_hostile(week: Week) -> None:
    text = "".join(entry.text for entry in told(week, "hostile-text"))
    for needle in ("\x1b[", "\x07", "\u202e", "\u2066", "[/nope]", "\x9b", "[@click"):
        assert needle in text


# --- nothing real -----------------------------------------------------------------------------------------


def test_telephone_numbers_are_those_reserved_for_drama(week: Week) -> None:
    text = "\n".join(every_text(week))
    numbers = [re.sub(r"\D", "", found) for found in re.findall(r"(?<![\w/.-])\+?0[\d ]{8,13}\d", text)]
    assert len(numbers) > 20
    assert all(re.fullmatch(r"01632960\d{3}|07700900\d{3}", number) for number in numbers), numbers


def test_postcodes_are_in_an_area_that_does_not_exist(week: Week) -> None:
    text = "\n".join(every_text(week)).upper()
    postcodes = re.findall(r"\b([A-Z]{1,2}\d[A-Z\d]?) ?\d[ABD-HJLNP-UW-Z]{2}\b", text)
    assert len(postcodes) > 5
    assert {code[:2] for code in postcodes} == {"MX"}
    outcodes = Path(__file__).resolve().parents[2] / "shared/data/uk_postcodes/outcodes.csv"
    if outcodes.exists():
        assert not re.search(r"^MX\d", outcodes.read_text(encoding="utf-8"), re.MULTILINE)


def test_domains_are_examples(week: Week) -> None:
    text = "\n".join(every_text(week))
    addresses = re.findall(
        r"[\w.-]+@[\w-]+(?:\.[\w-]+)+|https?://[^\s/\"]+|\b[\w-]+\.(?:com|org|net|uk|gov|co)\b", text
    )
    assert len(addresses) > 50
    assert [found for found in addresses if not found.rstrip(".").endswith(".example")] == []


def test_nothing_else_that_exists_is_named(week: Week) -> None:
    text = "\n".join(every_text(week)).casefold()
    for name in (
        "tesco",
        "ford",
        "transit",
        "amazon",
        "bbc",
        "rightmove",
        "ring doorbell",
        "serco",
        "capita",
        "veolia",
    ):
        assert not re.search(rf"\b{name}\b", text), name


# --- weekdays ---------------------------------------------------------------------------------------------


def test_weekdays_are_named_as_they_fall() -> None:
    assert spoken("{Monday} {monday} {MONDAY} {Llun}", 0) == "Monday monday MONDAY Llun"
    assert spoken("{Saturday} to {Sunday}, ddydd {Gwener}", 3) == "Tuesday to Wednesday, ddydd Llun"
    assert spoken("{nothing} {} {Mon} [/nope]", 3) == "{nothing} {} {Mon} [/nope]"


def test_no_text_names_a_weekday_that_would_not_move(week: Week) -> None:
    for text in every_text(week)[1:]:
        for found in re.finditer(r"(.?)\b(?:mon|tues|wednes|thurs|fri|satur|sun)day\b", text, re.IGNORECASE):
            assert found[1] == "{", text


# --- the configuration ------------------------------------------------------------------------------------


def test_the_demo_configuration_has_no_problem(tmp_path: Path) -> None:
    parse(demo_text(), "demo.toml", networks=("demo",))
    config = demo_config(tmp_path, 120, 7, limit=30)
    assert config.store.path == str(tmp_path / "desk.db")
    assert config.mail.from_
    assert config.mail.smtp is None
    assert config.mail.imap is None
    assert len(config.areas) >= 14
    assert all(area.keywords and area.contacts and area.needs for area in config.areas)
    assert len(config.contacts) >= 14
    assert len({account.options["as"] for account in config.accounts}) >= 8
    for account in config.accounts:
        assert account.network == "demo"
        assert (float(account.options["speed"]), account.options["seed"], account.options["limit"]) == (120, "7", "30")


def test_the_configured_words_find_an_area_for_most_first_messages(week: Week) -> None:
    config = demo_config(Path("demo"))
    words = KeywordSuggester(config.areas, config.suggest.emergency, config.suggest.urgent)
    first = [entry for entry in week.entries if not entry.own and entry.re is None]
    found = {entry.id: words.suggest(f"{entry.subject or ''}\n{entry.text}") for entry in first}
    known = [suggestion for suggestion in found.values() if suggestion is not None and suggestion.area]
    assert len(known) / len(first) > 0.65
    assert {suggestion.area for suggestion in known} == {area.id for area in config.areas}
    for id_, area, urgency in [
        ("larkfield-1", "waste", None),
        ("toll-3", "roads", None),
        ("alley-1", "street-lights", None),
        ("heat-1", "housing", Urgency.URGENT),
        ("arthur-1", "social-care", Urgency.EMERGENCY),
        ("storm-40", "emergencies", Urgency.EMERGENCY),
        ("mill-4", "planning", None),
        ("cy-3", "council-tax", None),
        ("foi-2", "information", Urgency.URGENT),
    ]:
        suggestion = found[id_]
        assert suggestion is not None
        assert (suggestion.area, suggestion.urgency) == (area, urgency), id_


def test_who_is_away_has_a_deputy(tmp_path: Path) -> None:
    from datetime import date

    contacts = {contact.id: contact for contact in demo_config(tmp_path).contacts}
    away = away_contacts(date(2026, 11, 22))
    assert away
    for id_, until in away.items():
        assert until > date(2026, 11, 22)
        assert contacts[id_].deputy in contacts
