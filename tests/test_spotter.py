"""The spotter: flags with their statutory date, dismissed with a reason, never twice, and cheap where nothing is."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

import socialtriage.channels.demo_week as week
from socialtriage.config.spotter import rules, shipped
from socialtriage.domain.errors import ConfigError, NotFound, UsageError
from socialtriage.domain.models import Automatic, Outcome
from socialtriage.domain.statutory import due_on, parse_period
from socialtriage.services import inbox, queries, spotting, triage
from socialtriage.services.calendar import holiday_calendar
from socialtriage.services.desk import Desk
from tests.doubles.desk import CONFIG, MONDAY, FrozenClock, arrive, case_ids, kinds, message, small_config, small_desk
from tests.doubles.inside import Inside

OWN = """
[[spotter]]
id = "foi"
contact = "contact-centre"
also = ["open the books"]
[[spotter]]
id = "press"
off = true
[[spotter]]
id = "petition"
name = "Possible petition"
together = [["we the undersigned"], ["council"]]
unless = ["example petition"]
within = "10 days"
"""
SAID = {
    "foi": "Under the Freedom of Information Act, how much was spent on the fountain?",
    "subject_access": "I want a copy of everything you hold on me please",
    "complaint": "This is a formal complaint about the way I was spoken to",
    "councillor": "As ward councillor for Elm I have been asked about this forty times",
    "press": "Hi, reporter on the Courier here, can you send a statement by 4?",
    "safeguarding": "The little girl next door is covered in bruises again",
    "threat_to_life": "I can't do this any more, I'm going to end it all",
    "threat_to_staff": "We know where you live and what time you finish",
}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = small_desk(tmp_path, clock=FrozenClock(MONDAY + timedelta(minutes=5)), config=CONFIG + OWN)
    yield desk
    desk.close()


def test_every_shipped_rule_is_whole_and_finds_its_kind_in_any_spelling() -> None:
    spotter = spotting.spotter_of(small_config())
    assert [rule.id for rule in spotter.rules] == [rule.id for rule in shipped()]
    assert set(SAID) == set(spotter.by_id)
    for rule in spotter.rules:
        assert rule.wording.endswith((".", "shorter."))
        for text in (
            SAID[rule.id],
            SAID[rule.id].upper(),
            f"Hello!\n{SAID[rule.id].replace(' ', '  ')}",
            f"é {SAID[rule.id]}",
        ):
            assert rule.id in [spot.rule.id for spot in spotter.look(text)], (rule.id, text)
        for phrase in rule.any:
            assert rule.id in [spot.rule.id for spot in spotter.look(f"so: {phrase}.")], phrase
    assert spotter.look("#FreedomOfInformation") != []
    for harmless in (
        "my bin was missed",
        "the dog grooming van blocks my drive",
        "who is my councillor for this ward?",
    ):
        assert spotter.look(harmless) == []


def test_hardly_any_message_of_a_week_is_flagged_and_those_that_are_should_be() -> None:
    spotter = spotting.spotter_of(small_config())
    folder = Path(week.__file__).parent
    flagged: dict[str, set[str]] = {}
    for path in sorted(folder.glob("*.toml")):
        for text in _texts(tomllib.loads(path.read_text(encoding="utf-8"))):
            if spots := spotter.look(text):
                flagged.setdefault(path.stem, set()).update(spot.rule.id for spot in spots)
    assert flagged.pop("councillors-press-and-law") >= {"press", "foi", "councillor"}
    assert flagged.pop("worries-about-people") == {"threat_to_life", "safeguarding"}
    assert flagged.pop("abuse") == {"threat_to_staff"}
    assert set().union(*flagged.values()) <= {"complaint", "councillor", "press", "foi"}


def _texts(data: object) -> Iterator[str]:
    if isinstance(data, dict):
        if isinstance(data.get("text"), str):
            yield f"{data.get('subject') or ''}\n{data['text']}"
        for value in data.values():
            yield from _texts(value)
    elif isinstance(data, list):
        for value in data:
            yield from _texts(value)


@pytest.mark.parametrize(
    ("received", "period", "due"),
    [
        # FOIA 2000 s.10: the twentieth working day following receipt; both of these Christmases have two bank holidays.
        (date(2026, 11, 16), "20 working days", date(2026, 12, 14)),
        (date(2026, 11, 21), "20 working days", date(2026, 12, 18)),
        (date(2026, 12, 18), "20 working days", date(2027, 1, 20)),
        # Subject access: the corresponding date, the month's last day, the next working day.
        (date(2026, 9, 3), "1 month", date(2026, 10, 5)),
        (date(2027, 1, 31), "1 month", date(2027, 3, 1)),
        (date(2026, 11, 25), "1 month", date(2026, 12, 29)),
        (date(2026, 11, 16), "10 days", date(2026, 11, 26)),
        (date(2026, 11, 19), "10 days", date(2026, 11, 30)),
    ],
)
def test_statutory_dates_are_those_worked_out_by_hand(received: date, period: str, due: date) -> None:
    assert due_on(received, parse_period(period), holiday_calendar("GB-ENG")) == due


def test_a_flag_has_its_date_contact_and_words_and_is_dismissed_with_a_reason(desk: Desk) -> None:
    arrive(desk, message(SAID["foi"], "1"), message("bin", "2", author="Bob"))
    case, plain = sorted(case_ids(desk))
    assert [row.flags for row in inbox.rows(desk, [case, plain])] == [("foi",), ()]
    assert kinds(desk, case) == ["case.opened", "case.spotted"]
    banner = inbox.detail(desk, case).spots[0]
    assert (banner.due_on, banner.contact) == (date(2026, 12, 14), "Contact centre")
    assert banner.wording
    assert banner.phrase == "freedom of information"
    with pytest.raises(UsageError, match="why"):
        spotting.dismiss(desk, case, "foi", "  ")
    with pytest.raises(NotFound, match="It has: foi"):
        spotting.dismiss(desk, case, "press", "no")
    spotting.dismiss(desk, case, "foi", "answered in the post before")
    assert inbox.rows(desk, [case])[0].flags == ()
    arrive(
        desk, message("I said freedom of information!", "3", thread="1", parent="1", at=MONDAY + timedelta(minutes=2))
    )
    assert inbox.rows(desk, [case])[0].flags == ()
    triage.undo(desk)
    assert [spot.flag for spot in inbox.detail(desk, case).spots] == ["foi"]


def test_precision_follows_from_what_officers_decided(desk: Desk) -> None:
    arrive(desk, *(message(SAID["complaint"], str(n), author=f"P{n}") for n in range(4)))
    ids = sorted(case_ids(desk))
    spotting.dismiss(desk, ids[0], "complaint", "a joke")
    triage.close(desk, ids[:3], Outcome.ANSWERED)
    for words, count in (("flag:complaint", 3), ("is:flagged", 3), ("flag:foi", 0)):
        assert len(inbox.snapshot(desk, queries.parse_query(words, desk, "all"))) == count
    with pytest.raises(UsageError, match="flag"):
        queries.parse_query("flag:complant", desk)
    found = {each.rule.id: each for each in spotting.judged(desk)}
    assert found["complaint"].precision == pytest.approx(2 / 3)
    assert found["complaint"].counts.flagged == 4
    assert found["foi"].precision is None
    assert "press" not in found


def test_a_later_message_flags_its_case_and_automatic_mail_does_not(desk: Desk) -> None:
    arrive(desk, message("Pothole", "1"))
    arrive(desk, message(SAID["safeguarding"], "2", thread="1", parent="1", at=MONDAY + timedelta(minutes=1)))
    arrive(desk, message(SAID["foi"], "3", author="Robot", automatic=Automatic.AUTO_REPLY), account="mailbox")
    arrive(desk, message("We the undersigned ask the council to act", "4", author="Pat"))
    flags = {row.name: row.flags for row in inbox.rows(desk, case_ids(desk))}
    assert flags == {"A Resident": ("safeguarding",), "Robot": ("automatic:auto_reply",), "Pat": ("petition",)}
    assert spotting.tried(desk, "please open the books")[0][0].id == "foi"
    arrive(desk, message("Pothole again", "5", at=MONDAY + timedelta(minutes=4)))
    assert sorted(row.repeat_count for row in inbox.rows(desk, case_ids(desk))) == [1, 1, 1, 2]


@pytest.mark.parametrize("phrase", ["żądanie skłonne", "доступ к данным", "łł", "Prośba o dostęp"])
def test_rules_in_other_languages_and_scripts_are_found(phrase: str) -> None:
    own = f'[[spotter]]\nid = "own"\nname = "Own"\nany = ["{phrase}"]\n'
    spotter = spotting.spotter_of(small_config(CONFIG + own))
    assert [spot.rule.id for spot in spotter.look(f"Hello. {phrase.upper()}! 😡")] == ["own"]
    assert spotter.look("hello there") == []


def test_wrong_rules_are_named() -> None:
    wrong = '[[spotter]]\nid = "own"\nwithin = "soon"\ncontact = "waste-tem"\n'
    wrong += '[[spotter]]\nid = "restricted"\nname = "x"\nany = ["x"]\n'
    with pytest.raises(ConfigError) as caught:
        small_config(CONFIG + wrong)
    said = "\n".join(caught.value.problems)
    for words in ("spotter.own.within", "did you mean waste-team?", "spotter.own.name", "spotter.own.any", "is taken"):
        assert words in said
    assert [r.contact for r in rules(small_config())] == [None] * len(shipped())


def test_the_commands_show_flags_dates_and_rules(tmp_path: Path) -> None:
    shell = Inside(tmp_path)
    shown = shell.ok("new", "--person", "Ms Q", "--text", SAID["foi"], "--json").json
    assert shown["flags"] == ["foi"]
    today = datetime.now(UTC).date()
    assert date.fromisoformat(shown["spots"][0]["due_on"]) >= today + timedelta(days=26)
    ref = shown["ref"]
    assert "freedom of information request" in shell.ok("show", ref).out.lower()
    assert "foi?" in shell.ok("list").out
    assert shell.run("dismiss", ref, "foi").status == 2
    shell.ok("dismiss", ref, "foi", "--reason", "it was a quote")
    listed = {each["id"]: each for each in shell.ok("spotter", "--json").json}
    assert (listed["foi"]["dismissed"], listed["foi"]["precision"], listed["foi"]["within"]) == (
        1,
        0.0,
        "20 working days",
    )
    assert shell.ok("show", ref, "--json").json["flags"] == []
