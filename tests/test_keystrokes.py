"""How many keys the usual work takes, pressed for real at the screen; `-s` prints the table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from socialtriage.config.model import Config
from socialtriage.domain.models import OutboxKind, Urgency
from socialtriage.domain.views import OutboxView
from socialtriage.services import outbox
from socialtriage.services.desk import Desk
from tests.doubles.answer_desk import AnswerDesk
from tests.doubles.desk import MONDAY, arrive, message, person, small_desk
from tests.doubles.imap import ImapDouble
from tests.doubles.ui_desk import Officer, at_the_desk
from tests.test_ui_leaving import FakeEngine


@dataclass(frozen=True)
class Way:
    """A piece of work: its keys, how many there may be, and what must be in the outbox and the store after them."""

    work: str
    keys: Sequence[str]
    most: int
    kind: OutboxKind
    to: str
    holds: Callable[[Desk, OutboxView], bool] = lambda desk, row: True


def _tagged(desk: Desk, row: OutboxView) -> bool:
    case = desk.store.cases.get(row.case_id or 0)
    return (case.area, case.urgency) == ("roads", Urgency.URGENT)


WAYS = [
    Way(
        "accept the suggestion and hand off",
        ["tab", "f", "y"],
        4,
        OutboxKind.HANDOFF,
        "waste@anytown.example",
        lambda desk, row: desk.store.cases.get(row.case_id or 0).area == "waste",
    ),
    Way(
        "tag area and urgency, hand off to the default contact",
        ["t", "r", "enter", "exclamation_mark", "u", "f", "y"],
        8,
        OutboxKind.HANDOFF,
        "roads@anytown.example",
        _tagged,
    ),
    Way(
        "answer with a saved reply",
        ["S", "a", "y"],
        6,
        OutboxKind.REPLY,
        "@pat@social.example",
        lambda desk, row: desk.store.cases.get(row.case_id or 0).ref in row.text,
    ),
    Way("acknowledge", ["h"], 1, OutboxKind.REPLY, "@pat@social.example", lambda desk, row: "Thank you" in row.text),
]


@pytest.fixture(scope="module")
def table() -> Iterator[list[str]]:
    """What was measured, printed at the end."""
    lines = ["", f"{'work':55} {'keys':>4} {'most':>4}  pressed"]
    yield lines
    print("\n".join(lines))


async def press(officer: Officer, keys: Sequence[str]) -> None:
    """Press keys, each when the one before has had its effect; the last one ends in the inbox."""
    for key in keys:
        await officer.until(lambda: not officer.app.gate._closed, "keys are taken")
        if key == "y":
            await officer.until(lambda: getattr(officer.app.screen, "draft", None), "the review shows what leaves")
        await officer.press(key)
    await officer.home()


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.work.replace(" ", "-"))
def test_from_the_inbox(tmp_path: Path, way: Way, table: list[str]) -> None:
    desk = small_desk(tmp_path)
    # Short enough for the sixty characters of the network of these tests.
    [answer] = desk.config.answers
    desk.config = _with_short_texts(desk, answer.id)
    arrive(desk, message("My bin was missed", author=person("Pat"), at=MONDAY - timedelta(hours=1)))

    async def story(officer: Officer) -> None:
        await press(officer, way.keys)
        await officer.until(lambda: outbox.rows(desk), "something is queued")
        [row] = outbox.rows(desk)
        assert (row.kind, row.to) == (way.kind, way.to)
        assert way.holds(desk, row)

    at_the_desk(desk, story, engine=lambda: FakeEngine(desk))
    table.append(f"{way.work:55} {len(way.keys):4} {way.most:4}  {' '.join(way.keys)}")
    assert len(way.keys) <= way.most


def _with_short_texts(desk: Desk, answer_id: str) -> Config:
    from msgspec.structs import replace

    from socialtriage.config.model import Acknowledge, SavedAnswer

    short = SavedAnswer(id=answer_id, area="waste", text="Sorry. Your reference is {ref}.")
    return replace(desk.config, answers=(short,), acknowledge=Acknowledge(text="Thank you, we have it: {ref}."))


def test_the_contacts_answer_reaches_the_resident(tmp_path: Path, table: list[str]) -> None:
    keys = ["p", "escape", "y"]
    with ImapDouble() as server:
        desk = AnswerDesk(tmp_path, server)
        case_id, handed = desk.handed()
        desk.answer(handed, "Collected at ten.")

        async def story(officer: Officer) -> None:
            await officer.press("4")
            await officer.until(lambda: officer.selected == case_id, "the answered case is selected")
            await press(officer, keys)
            await officer.until(lambda: outbox.rows(desk.desk)[0].kind is OutboxKind.REPLY, "the reply is queued")
            assert outbox.rows(desk.desk)[0].text == "Collected at ten."

        at_the_desk(desk.desk, story, engine=lambda: FakeEngine(desk.desk))
    table.append(f"{'contact’s answer to the resident (after 4, its view)':55} {len(keys):4} {5:4}  {' '.join(keys)}")
    assert len(keys) + 1 <= 5
