"""Handoffs that go into another system: the same outbox and states, its number on the case, its answer in the case."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from socialtriage.channels.bridges import LONGEST
from socialtriage.config.load import parse
from socialtriage.config.model import Keyring
from socialtriage.domain.errors import ConfigError, Refused
from socialtriage.domain.models import MediaItem, OutboxState, Status, Voice
from socialtriage.domain.text import clean_line
from socialtriage.domain.views import Query
from socialtriage.services import bridging, handoff, inbox, logins, needs, outbox, proof, triage
from socialtriage.services.desk import Desk
from socialtriage.services.outbox import Sender
from socialtriage.services.secrets import SecretStore
from socialtriage.services.sync import Poller
from tests.doubles.crm import KEY, Crm
from tests.doubles.desk import CONFIG, MONDAY, FrozenClock, arrive, message, small_desk, the_case

WAYS = {
    "open311": 'via = "open311"\nurl = "{url}/open311"\nservice_codes = {{ roads = "POT", "*" = "GEN" }}',
    "zammad": 'via = "zammad"\nurl = "{url}"\ngroup = "Highways"',
    "webhook": 'via = "webhook"\nurl = "{url}/hook"',
    "command": 'via = "command"\ncommand = {command}',
}


@pytest.fixture
def crm() -> Iterator[Crm]:
    with Crm() as crm:
        yield crm


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(MONDAY + timedelta(minutes=5))


def desk_with(folder: Path, clock: FrozenClock, way: str, url: str = "", command: str = "[]") -> Desk:
    """A desk whose highways team is reached by a bridge, with a pothole on it."""
    more = WAYS[way].format(url=url, command=command)
    config = CONFIG.replace('email = "roads@anytown.example"\n', f'email = "roads@anytown.example"\n{more}\n')
    desk = small_desk(folder, clock=clock, config=config.replace('smtp = "smtp://127.0.0.1:1"\n', ""))
    desk.mail_folder = None
    arrive(desk, message("There is a pothole as deep as a bath", "1"))
    triage.tag(desk, [the_case(desk)], area="roads")
    needs.note(desk, the_case(desk), "address", "12 High Street")
    return desk


def sending(desk: Desk, story: Callable[[Sender, SecretStore, Poller], Awaitable[None]], secret: str = KEY) -> None:
    async def run() -> None:
        secrets = SecretStore(Keyring())
        secrets.set("bridge.roads-team", secret or "-")
        if not secret:
            secrets.delete("bridge.roads-team")
        poller = Poller(desk, secrets)
        try:
            await story(Sender(desk, secrets, poller), secrets, poller)
        finally:
            await poller.aclose()

    asyncio.run(run())


def queued(desk: Desk) -> int:
    return handoff.queue(desk, handoff.prepare(desk, the_case(desk)), undo_seconds=0).row_id or 0


@pytest.mark.parametrize(("way", "number"), [("open311", "4000"), ("zammad", "771"), ("webhook", "JOB-9")])
def test_a_handoff_leaves_and_its_number_is_shown_and_found(
    tmp_path: Path, clock: FrozenClock, crm: Crm, way: str, number: str
) -> None:
    desk = desk_with(tmp_path, clock, way, crm.url)
    row = queued(desk)
    case = inbox.snapshot(desk, Query(view="waiting"))[0]

    async def story(sender: Sender, secrets: SecretStore, poller: Poller) -> None:
        [outcome] = await sender.run()
        assert outcome.state is OutboxState.SENT, outcome.error
        assert await sender.run() == []

    sending(desk, story)
    detail = inbox.detail(desk, case)
    assert detail.external_reference == number
    assert [h.state for h in detail.handoffs] == [OutboxState.SENT]
    assert list(inbox.snapshot(desk, Query(view="all", text=number))) == [case]
    assert crm.wrong == []
    assert len(crm.requests) + len(crm.tickets) + len(crm.hooks) == 1
    assert outbox.rows(desk)[0].id == row
    desk.close()


def test_what_waited_for_the_login_of_another_system_leaves_when_it_is_there(
    tmp_path: Path, clock: FrozenClock, crm: Crm
) -> None:
    desk = desk_with(tmp_path, clock, "zammad", crm.url)
    queued(desk)

    async def story(sender: Sender, secrets: SecretStore, poller: Poller) -> None:
        [outcome] = await sender.run()
        assert (outcome.state, "no login" in (outcome.error or "")) == (OutboxState.QUEUED, True)
        logins.store_secret(desk, secrets, "bridge.roads-team", KEY)
        [outcome] = await sender.run()
        assert outcome.state is OutboxState.SENT, outcome.error

    sending(desk, story, secret="")
    desk.close()


def test_what_the_other_system_says_becomes_the_contacts_answer_once(
    tmp_path: Path, clock: FrozenClock, crm: Crm
) -> None:
    crm.by_token = True
    desk = desk_with(tmp_path, clock, "open311", crm.url)
    queued(desk)
    case = inbox.snapshot(desk, Query(view="waiting"))[0]

    async def story(sender: Sender, secrets: SecretStore, poller: Poller) -> None:
        await sender.run()
        assert await bridging.watch(desk, secrets, poller.http) == 0
        assert inbox.detail(desk, case).external_reference == "4000"
        crm.requests["4000"] |= {"status": "closed", "status_notes": "Filled on Tuesday."}
        assert await bridging.watch(desk, secrets, poller.http) == 0, "asked again too soon"
        for expected in (1, 0):
            clock.move(minutes=6)
            assert await bridging.watch(desk, secrets, poller.http) == expected

    sending(desk, story)
    detail = inbox.detail(desk, case)
    assert detail.row.status is Status.TELL_RESIDENT
    assert [str(m.text) for m in detail.messages if m.voice is Voice.CONTACT] == ["Filled on Tuesday."]
    assert desk.store.log.verify().fault is None
    desk.close()


@pytest.mark.parametrize("way", ["zammad", "open311"])
def test_files_go_along_where_the_other_system_takes_them_and_the_preview_says_which(
    tmp_path: Path, clock: FrozenClock, crm: Crm, way: str
) -> None:
    desk = desk_with(tmp_path, clock, way, crm.url)
    picture = MediaItem("image", clean_line("hole.txt"), data=b"as deep as a bath")
    arrive(desk, message("Here it is", "2", thread="1", parent="1", at=MONDAY + timedelta(minutes=1), media=(picture,)))
    draft = handoff.prepare(desk, the_case(desk))
    goes = way == "zammad"
    assert [name.partition(" ")[0] for name in draft.mail.attached] == (["hole.txt"] if goes else [])
    assert ("hole.txt" in draft.mail.text, len(draft.attached)) == (goes, int(goes))
    assert ("Highways takes no files by open311: they stay here." in draft.warnings) is not goes
    row = handoff.queue(desk, draft, undo_seconds=0).row_id or 0
    assert len(desk.store.replies.files(row)) == int(goes)

    async def story(sender: Sender, secrets: SecretStore, poller: Poller) -> None:
        [outcome] = await sender.run()
        assert outcome.state is OutboxState.SENT, outcome.error

    sending(desk, story)
    assert crm.files == ({"hole.txt": b"as deep as a bath"} if goes else {})
    assert crm.wrong == []
    assert desk.store.replies.files(row) == (), "their bytes are kept once, with the message"
    desk.close()


def test_zammad_tells_what_an_agent_wrote_for_others_to_see(tmp_path: Path, clock: FrozenClock, crm: Crm) -> None:
    desk = desk_with(tmp_path, clock, "zammad", crm.url)
    queued(desk)
    case = inbox.snapshot(desk, Query(view="waiting"))[0]

    async def story(sender: Sender, secrets: SecretStore, poller: Poller) -> None:
        await sender.run()
        crm.articles["1"] += [
            {"sender": "Agent", "internal": True, "body": "what a nuisance"},
            {
                "sender": "Agent",
                "internal": False,
                "body": "<p>The crew comes <b>today</b>.</p>",
                "content_type": "text/html",
            },
        ]
        clock.move(minutes=6)
        assert await bridging.watch(desk, secrets, poller.http) == 1

    sending(desk, story)
    words = [str(m.text) for m in inbox.detail(desk, case).messages if m.voice is Voice.CONTACT]
    assert words == ["The crew comes today."]
    desk.close()


def test_a_lost_answer_is_looked_for_before_anybody_sends_again(tmp_path: Path, clock: FrozenClock, crm: Crm) -> None:
    crm.faults = ["lost"]
    desk = desk_with(tmp_path, clock, "open311", crm.url)
    row = queued(desk)

    async def story(sender: Sender, secrets: SecretStore, poller: Poller) -> None:
        [outcome] = await sender.run()
        assert outcome.state is OutboxState.UNKNOWN
        assert (await sender.retry(row)).state is OutboxState.SENT

    sending(desk, story)
    assert len(crm.requests) == 1
    desk.close()


def test_refusals_fail_and_are_said_and_a_missing_login_waits(tmp_path: Path, clock: FrozenClock, crm: Crm) -> None:
    desk = desk_with(tmp_path, clock, "open311", crm.url)
    row = queued(desk)

    async def story(sender: Sender, secrets: SecretStore, poller: Poller) -> None:
        [outcome] = await sender.run()
        assert outcome.state is OutboxState.QUEUED
        assert "accounts login bridge.roads-team" in str(outcome.error)
        secrets.set("bridge.roads-team", KEY)
        crm.faults = ["400"]
        assert (await sender.retry(row)).state is OutboxState.FAILED
        assert "not now" in str(outbox.rows(desk)[0].error)
        crm.faults = ["401"]
        assert "accounts login bridge.roads-team" in str((await sender.retry(row)).error)

    sending(desk, story, secret="")
    assert inbox.rows(desk, [the_case(desk)])[0].status is Status.OPEN
    desk.close()


def test_a_report_without_a_place_is_refused_with_what_to_do(tmp_path: Path, clock: FrozenClock, crm: Crm) -> None:
    desk = desk_with(tmp_path, clock, "open311", crm.url)
    needs.note(desk, the_case(desk), "address", "")
    with pytest.raises(Refused, match="with a place only"):
        handoff.prepare(desk, the_case(desk))
    desk.close()


def test_the_description_leads_with_our_reference_and_stays_inside_the_limit(
    tmp_path: Path, clock: FrozenClock, crm: Crm
) -> None:
    desk = desk_with(tmp_path, clock, "open311", crm.url)
    arrive(desk, message("deeper and deeper " * 400, "2", thread="1", parent="1"))
    ref = inbox.rows(desk, [the_case(desk)])[0].ref
    queued(desk)

    async def story(sender: Sender, secrets: SecretStore, poller: Poller) -> None:
        await sender.run()

    sending(desk, story)
    [made] = crm.requests.values()
    assert made["description"].startswith(f"[{ref}]")
    assert len(made["description"]) <= LONGEST
    assert (made["service_code"], made["address_string"]) == ("POT", "12 High Street")
    desk.close()


@pytest.mark.parametrize(
    ("code", "state"),
    [
        ("import sys; sys.stdin.read(); print('JOB-12')", OutboxState.SENT),
        ("import sys; sys.exit('no such team')", OutboxState.FAILED),
        ("import sys; sys.exit(75)", OutboxState.QUEUED),
    ],
)
def test_a_command_takes_the_handoff_on_its_standard_input(
    tmp_path: Path, clock: FrozenClock, code: str, state: OutboxState
) -> None:
    desk = desk_with(tmp_path, clock, "command", command=repr([sys.executable, "-c", code]).replace("'", '"', 4))
    queued(desk)

    async def story(sender: Sender, secrets: SecretStore, poller: Poller) -> None:
        [outcome] = await sender.run()
        assert outcome.state is state, outcome.error

    sending(desk, story)
    desk.close()


def test_how_to_answer_depends_on_where_it_goes_and_the_record_says_where_that_was(
    tmp_path: Path, clock: FrozenClock, crm: Crm
) -> None:
    for way, how in (("zammad", "Answer in this system"), ("webhook", "Answer by mail to")):
        (tmp_path / way).mkdir()
        desk = desk_with(tmp_path / way, clock, way, crm.url)
        case = the_case(desk)
        draft = handoff.prepare(desk, case)
        assert how in draft.mail.text
        assert "Reply to this mail" not in draft.mail.text
        handoff.queue(desk, draft)
        [queued_event] = [e for e in inbox.detail(desk, case).events if e.kind == "handoff.queued"]
        assert queued_event.detail["to"] == outbox.rows(desk)[0].to
        desk.close()


def test_a_command_that_is_not_there_is_found_by_check_and_not_by_the_first_case(
    tmp_path: Path, clock: FrozenClock
) -> None:
    desk = desk_with(tmp_path, clock, "command", command='["/nowhere/new-job"]')
    [found] = [each for each in proof.offline(desk) if each.name == "contact roads-team"]
    assert (found.ok, "/nowhere/new-job" in found.detail) == (False, True)
    desk.close()


def test_what_a_bridge_needs_is_asked_for_in_the_configuration() -> None:
    for way, missing in (("open311", "service_codes"), ("zammad", "url"), ("command", "command")):
        config = CONFIG.replace(
            'email = "roads@anytown.example"\n', f'email = "roads@anytown.example"\nvia = "{way}"\n'
        )
        with pytest.raises(ConfigError) as caught:
            parse(config)
        assert any(f"contacts.roads-team.{missing}" in problem for problem in caught.value.problems)
