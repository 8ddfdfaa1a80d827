"""One post followed live: its account read fast, what is asked below it as a board, taken along in a file."""

from __future__ import annotations

import asyncio
import csv
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from socialtriage.cli.main import run_command
from socialtriage.domain.errors import NotFound, UsageError
from socialtriage.services import inbox, live
from socialtriage.services import polling as polling_module
from socialtriage.services.live import Place
from socialtriage.services.outbox import Sender
from socialtriage.services.polling import Polling
from socialtriage.services.sync import Poller, PollResult
from tests.doubles.desk import arrive, message, person
from tests.doubles.reply_desk import ReplyDesk, reply_desk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[ReplyDesk]:
    with reply_desk(tmp_path) as desk:
        yield desk


def asked(desk: ReplyDesk) -> tuple[str, int, int]:
    """A post of ours, and two questions below it; the ids of their cases."""
    post = desk.server.own("Ask us anything about the new bins, until six.")
    return (
        post,
        desk.ask("When do they come?", "ada", reply_to=post),
        desk.ask("What about cats?", "bob", reply_to=post),
    )


def places(desk: ReplyDesk, post: str) -> list[tuple[str, Place]]:
    return [
        (str(each.asked.text).removeprefix("@council "), each.place)
        for each in live.board(desk.desk, live.find(desk.desk, post))
    ]


def test_answered_follows_from_our_replies_and_an_officer_moves_the_rest(desk: ReplyDesk) -> None:
    post, ada, bob = asked(desk)
    assert places(desk, post) == [("When do they come?", Place.TO_ANSWER), ("What about cats?", Place.TO_ANSWER)]
    desk.clock.move(minutes=1)
    desk.reply(ada, "In March.")
    desk.send()
    found = live.board(desk.desk, live.find(desk.desk, post))
    cats = next(each.asked for each in found if each.asked.case_id == bob)
    assert live.move(desk.desk, cats, Place.OFF_TOPIC).said.endswith("off topic.")
    assert places(desk, post) == [("When do they come?", Place.ANSWERED), ("What about cats?", Place.OFF_TOPIC)]
    bins = next(each.asked for each in found if each.asked.case_id == ada)
    desk.clock.move(minutes=1)
    live.move(desk.desk, bins, Place.TO_ANSWER)
    assert places(desk, post)[0] == ("When do they come?", Place.TO_ANSWER)
    desk.clock.move(minutes=1)
    desk.reply(ada, "In the first week of March, street by street.")
    desk.send()
    assert places(desk, post)[0][1] is Place.ANSWERED, "a new answer counts more than the word before it"


def test_a_post_is_found_by_address_id_or_case_and_a_comment_means_its_post(desk: ReplyDesk) -> None:
    post, ada, _ = asked(desk)
    url = desk.server.status(post)["url"]
    ref = inbox.rows(desk.desk, [ada])[0].ref
    [theirs] = [m for m in inbox.detail(desk.desk, ada).messages if m.voice == "resident"]
    for name in (post, url, ref, ref.lower().replace("-", " "), theirs.url or ""):
        assert live.find(desk.desk, name).key == post
    with pytest.raises(NotFound, match="Nothing is known"):
        live.find(desk.desk, "https://social.example/@anytown/999")
    assert live.find(desk.desk, "https://social.example/@anytown/999", "town-mastodon").key == "999"
    arrive(
        desk.desk,
        replace(message("Below a video", "c1", author=person("Cy")), reply_data={"video": "vid-7", "top": "c1"}),
        replace(message("Below it too", "c2", author=person("Dee")), reply_data={"video": "vid-7", "top": "c2"}),
        account="leisure",
    )
    assert [text for text, _ in places(desk, "https://video.example/watch/vid-7")] == ["Below a video", "Below it too"]


def test_the_account_is_read_fast_within_safe_bounds_and_never_against_the_servers_word(desk: ReplyDesk) -> None:
    account = desk.desk.account("town-mastodon")
    paces = [live.pace(desk.desk, account, each).total_seconds() for each in ("1s", "20s", "1h")]
    assert paces == [10, 20, 300]
    x = type(account)(id="x", network="x")
    assert live.pace(desk.desk, x, "20s") == timedelta(seconds=60)
    with pytest.raises(UsageError, match="no interval"):
        live.pace(desk.desk, account, "soon")
    asked(desk)

    async def story(poller: Poller, sender: Sender) -> list[float]:
        polling = Polling(desk.desk, poller, sender)
        before = polling._pause(account)
        live.hurry(desk.desk, account.id, timedelta(seconds=20))
        fast = polling._pause(account)
        desk.server.fail(429, times=20)
        [result] = await poller.once([account])
        assert result.state == "rate_limited"
        slow = polling._pause(account)
        live.rest(desk.desk, account.id)
        return [before, fast, slow]

    before, fast, slow = desk.with_network(story)
    assert before > 60
    assert fast == 20
    assert slow > 60, "what the server asked for holds"


def test_the_command_prints_the_board_and_writes_it_for_spreadsheets(
    desk: ReplyDesk, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    post, ada, _ = asked(desk)
    desk.server.mention("=HYPERLINK(1) and where?", "cy", reply_to=post)
    desk.reply(ada, "In March.")
    desk.send()
    common = ["--config", str(tmp_path / "config.toml"), "--store", str(desk.desk.store.path)]
    assert run_command([*common, "live", post, "--passes", "1", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["to_answer"], shown["answered"], shown["off_topic"]) == (2, 1, 0)
    assert {"ref", "state", "text", "answer"} <= set(shown["questions"][0])
    target = tmp_path / "questions.csv"
    assert run_command([*common, "live", post, "--export", str(target)]) == 0
    with target.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["answer"] for row in rows if row["state"] == "answered"] == ["@ada In March."] or rows
    assert not any(cell.startswith("=") for row in rows for cell in row.values())
    assert run_command([*common, "live", post, "--export", str(tmp_path / "x.pdf")]) == 2


def test_a_poller_that_rests_hears_that_somebody_follows_a_post(
    desk: ReplyDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling_module, "LOOK_AT_LIVE", 0.02)
    post, _, _ = asked(desk)
    account = desk.desk.account("town-mastodon")
    polled = asyncio.Event()

    def report(result: PollResult) -> None:
        polled.set()

    async def story(poller: Poller, sender: Sender) -> None:
        polling = Polling(desk.desk, poller, sender)
        work = asyncio.create_task(polling.forever([account], report, lambda outcome: None))
        await polled.wait()
        polled.clear()
        await asyncio.to_thread(live.hurry, desk.desk, account.id, timedelta(seconds=10))
        await polled.wait()
        assert polling._pause(account) == 10
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work

    desk.with_network(story)
    assert live.find(desk.desk, post).title.startswith("Ask us anything")
