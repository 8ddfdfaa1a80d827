"""At the screen: a post followed live, an incident begun with one look at every account, a surge told once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from socialtriage.channels.base import Price
from socialtriage.domain.models import LengthRule
from socialtriage.services import inbox, incidents, outbox, triage
from socialtriage.services.desk import Desk
from socialtriage.services.incidents import Statement
from socialtriage.services.outbox import Outcome
from socialtriage.services.sync import PollResult
from socialtriage.ui.background import Engine
from socialtriage.ui.screens.ask import Ask, Write
from socialtriage.ui.screens.dialogs import Confirm
from socialtriage.ui.screens.incidents import IncidentsScreen
from socialtriage.ui.screens.live import LiveScreen
from socialtriage.ui.screens.statement import StatementScreen
from tests.doubles.desk import CONFIG, MONDAY, FrozenClock, arrive, case_ids, message, person, small_desk
from tests.doubles.ui_desk import SMALL, WIDE, Officer, at_the_desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return small_desk(tmp_path)


class Speaker:
    """An engine that neither polls nor sends, and knows two accounts: one that speaks, one that is done by hand."""

    async def run(
        self, report: Callable[[PollResult], None], sent: Callable[[Outcome], None], state: Callable[[str], None]
    ) -> None:
        state("")

    def poll_now(self) -> bool:
        return True

    async def statements(self, text: str, variants: Mapping[str, str], accounts: Sequence[str] = ()) -> list[Statement]:
        def said(account: str, network: str, limit: int, page: str | None) -> Statement:
            fault = "It is too long." if len(text) > limit else ""
            length = LengthRule(len(text), limit, "characters")
            price = Price(0.2, "USD", "Sending this costs US$0.20.", dear=True) if network == "bluesky" else None
            why = "No interface for it." if page else ""
            return Statement(
                account=account, network=network, text=text, length=length, page=page, why=why, fault=fault, price=price
            )

        found = [
            said("town-mastodon", "mastodon", 500, None),
            said("leisure", "bluesky", 30, None),
            said("page", "facebook", 8000, "https://www.facebook.com/1"),
        ]
        return [each for each in found if not accounts or each.account in accounts]


def engine() -> Engine:
    return Speaker()  # type: ignore[return-value]


@pytest.mark.parametrize("size", [WIDE, SMALL])
def test_an_incidents_name_has_the_room_that_nothing_else_needs(desk: Desk, size: tuple[int, int]) -> None:
    name = "water-main-in-saddlers-walk"
    incidents.begin(desk, incidents.plan(desk, name, "A water main has burst.", until="+7d"), [])
    incidents.begin(desk, incidents.plan(desk, "flood", "The river is high."), [])

    async def story(officer: Officer) -> None:
        officer.app.perform("desk.incidents")
        await officer.on(IncidentsScreen)
        await officer.sees(f"{name} ", "flood ", "0 cases", "0 of 0 posted")

    at_the_desk(desk, story, size=size)


def test_an_incident_is_begun_with_one_look_and_its_cases_are_taken_in_by_a_key(desk: Desk) -> None:
    arrive(
        desk,
        message("No water in High Street", "a", author=person("Ada")),
        message("My bin was missed", "b", author=person("Bob")),
    )
    water = next(row.id for row in inbox.rows(desk, case_ids(desk)) if "water" in row.snippet)

    async def story(officer: Officer) -> None:
        officer.app.perform("desk.incidents", "water-main")
        await officer.on(Write)
        await officer.write("A water main has burst in High Street.")
        await officer.press("escape")
        await officer.on(Ask)
        await officer.write("water, burst")
        await officer.press("enter")
        await officer.sees("Its last day")
        await officer.write("tomorrow")
        await officer.press("enter")
        await officer.on(StatementScreen)
        await officer.sees("water-main: said on 1 of 3 accounts", "too long", "by hand", ":pause stops everything")
        assert outbox.rows(desk) == []
        await officer.press("j", "e")
        await officer.on(Write)
        for _ in range(12):
            await officer.press("backspace")
        await officer.press("escape")
        await officer.on(StatementScreen)
        await officer.sees("said on 2 of 3 accounts", "Posting it costs 0.20 USD.")
        await officer.press("j")
        await officer.sees("No interface for it.")
        await officer.press("y")
        await officer.on(IncidentsScreen)
        await officer.sees("water-main", "1 case", "0 of 2 posted")
        assert [row.text for row in outbox.rows(desk)] == [
            "A water main has burst in ",
            "A water main has burst in High Street.",
        ]
        await officer.press("enter")
        await officer.home()
        await officer.until(lambda: officer.listed == [water], "its case in the list")
        await officer.press("I")
        await officer.until(lambda: "belongs to water-main" in officer.said)
        await officer.press("I")
        await officer.until(lambda: officer.listed == [], "left out")
        assert [case.state for case in desk.store.incidents.cases(1)] == ["out"]
        officer.app.perform("desk.incidents")
        await officer.on(IncidentsScreen)
        await officer.press("d")
        await officer.on(Confirm)
        await officer.press("y")
        await officer.until(lambda: incidents.running(desk) == [], "the end")
        await officer.press("escape")
        triage.undo(desk)
        assert outbox.rows(desk) == []

    at_the_desk(desk, story, engine=engine)


def test_questions_of_a_post_are_moved_by_a_key_and_saved_while_its_account_hurries(desk: Desk, tmp_path: Path) -> None:
    arrive(desk, message("Ask us until six", "post", own=True, at=MONDAY - timedelta(minutes=30)))
    for number, words in enumerate(("When do they come?", "What about cats?")):
        at = MONDAY - timedelta(minutes=20 - number)
        arrive(desk, message(words, f"q{number}", author=person(f"P{number}"), thread="post", parent="post", at=at))

    async def story(officer: Officer) -> None:
        officer.app.perform("desk.live", "post")
        await officer.on(LiveScreen)
        await officer.sees("2 to answer, 0 answered, 0 off topic", "Ask us until six", "cats?")
        await officer.until(lambda: _hurried(desk), "the account in a hurry")
        await officer.press("o")
        await officer.sees("1 to answer, 0 answered, 1 off topic")
        await officer.press("space")
        await officer.sees("0 to answer, 1 answered, 1 off topic")
        arrive(desk, message("And where?", "q3", author=person("P3"), thread="post", parent="post"))
        await officer.sees("1 to answer, 1 answered, 1 off topic")
        await officer.press("x")
        await officer.on(Ask)
        await officer.press(*["backspace"] * len("questions.csv"))
        await officer.write(str(tmp_path / "board.json"))
        await officer.press("enter")
        await officer.until(lambda: (tmp_path / "board.json").exists(), "the file")
        await officer.press("escape")
        await officer.home()
        await officer.until(lambda: not _hurried(desk), "its own pace again")
        officer.app.perform("desk.live", "post")
        await officer.on(LiveScreen)
        await officer.sees("1 to answer")

    at_the_desk(desk, story)


def _hurried(desk: Desk) -> float | None:
    return desk.store.live.hurried("town-mastodon", MONDAY)


def test_a_surge_is_one_banner_until_somebody_takes_note(desk: Desk) -> None:
    assert isinstance(desk.clock, FrozenClock)
    for day in range(1, 10):
        arrive(desk, message(f"day {day}", f"d{day}", author=person(f"D{day}"), at=MONDAY - timedelta(days=day)))
    many = [
        message(f"What is that noise {i}", f"n{i}", author=person(f"N{i}"), thread="post", at=MONDAY) for i in range(20)
    ]
    arrive(desk, *many)

    async def story(officer: Officer) -> None:
        await officer.sees("SURGE: 20 new in an hour")
        assert officer.text.count("SURGE") == 1
        officer.app.perform("desk.surge")
        await officer.on(Confirm)
        await officer.sees("20 of them on town-mastodon")
        await officer.press("y")
        await officer.until(lambda: "SURGE" not in officer.text, "the banner gone")

    at_the_desk(desk, story)


def test_contacts_names_have_the_room_that_areas_do_not_need(tmp_path: Path) -> None:
    name = "Waste, recycling and cleansing"
    desk = small_desk(tmp_path, config=CONFIG.replace('name = "Waste services"', f'name = "{name}"'))

    async def story(officer: Officer) -> None:
        officer.app.perform("desk.contacts")
        await officer.sees(f"{name} here ", "0 open")

    at_the_desk(desk, story, size=SMALL)
