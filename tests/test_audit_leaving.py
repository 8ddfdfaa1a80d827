"""A handoff that is tried again takes its case along; the log as a page; lists by account."""

from __future__ import annotations

import asyncio
import io
import json
from datetime import timedelta
from pathlib import Path

import pytest

from socialtriage.cli import output
from socialtriage.domain.errors import MailDeferred, MailRefused, NotFound, Refused
from socialtriage.domain.models import OutboxState, Status
from socialtriage.mail.mime import Composed
from socialtriage.services import handoff, manual, page, queries, record, replies, triage
from socialtriage.services.outbox import Sender
from socialtriage.services.secrets import SecretStore
from socialtriage.services.sync import Poller
from socialtriage.services.verdict import judged
from tests.doubles.desk import CONFIG, MONDAY, arrive, message, person, small_desk, the_case
from tests.doubles.mastodon import TOKEN, MastodonServer


class NextTime:
    """A mail server that refuses the first mail and takes the second."""

    def __init__(self) -> None:
        self.asked = 0

    def send(self, mail: Composed) -> str:
        self.asked += 1
        if self.asked == 1:
            raise MailRefused("mail.anytown.example refuses waste@anytown.example: 550 5.1.1 no such user")
        return "250 queued"


def test_a_refused_handoff_that_is_tried_again_takes_its_case_to_the_contact(tmp_path: Path) -> None:
    desk = small_desk(tmp_path)
    arrive(desk, message("My bin was missed."))
    case_id = the_case(desk)
    triage.tag(desk, [case_id], area="waste")
    row_id = handoff.queue(desk, handoff.prepare(desk, case_id), undo_seconds=0).row_id or 0
    statuses = []

    async def story() -> OutboxState:
        secrets = SecretStore(desk.config.keyring)
        poller = Poller(desk, secrets)
        try:
            sender = Sender(desk, secrets, poller, NextTime())
            await sender.run([row_id])
            statuses.append(desk.store.cases.get(case_id).status)
            return (await sender.retry(row_id)).state
        finally:
            await poller.aclose()

    assert asyncio.run(story()) is OutboxState.SENT
    statuses.append(desk.store.cases.get(case_id).status)
    assert statuses == [Status.OPEN, Status.WAITING_CONTACT]
    desk.close()


def test_the_log_as_a_page_escapes_what_residents_call_themselves(tmp_path: Path) -> None:
    desk = small_desk(tmp_path)
    arrive(desk, message("Hello", author=person("<script>alert(1)</script>", "eve")))
    rows = record.case_rows(desk, None, None)
    html = "".join(page.as_html(desk, rows, record.COLUMNS, None, None))

    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; (@eve@social.example)" in html
    assert html.count("<tr>") == 2
    assert '<th scope="col">external reference</th>' in html
    assert "http" not in html.replace("http-equiv", "")
    desk.close()


def test_cases_are_listed_by_any_account_that_they_came_by(tmp_path: Path) -> None:
    desk = small_desk(tmp_path)
    manual.new(desk, "Mrs Smith", "rang about bins", "phone")
    assert queries.parse_query("account:phone", desk).account == "phone"
    assert queries.account_id(desk, "leisure") == "leisure"
    with pytest.raises(NotFound, match="leisure"):
        queries.account_id(desk, "liesure")
    desk.close()


def test_an_answer_is_held_against_the_limit_of_a_server_never_spoken_to(tmp_path: Path) -> None:
    with MastodonServer() as server:
        config = CONFIG.replace("https://social.example", server.url)
        desk = small_desk(tmp_path, config=config)
        arrive(desk, message("My bin was missed."))
        case_id = the_case(desk)

        async def story() -> None:
            secrets = SecretStore(desk.config.keyring)
            secrets.set("town-mastodon", TOKEN)
            poller = Poller(desk, secrets)
            try:
                draft = await replies.draft(desk, poller, case_id, "Thank you.")
                assert draft.length.limit == 500
                with pytest.raises(Refused, match="of 500 characters"):
                    await replies.draft(desk, poller, case_id, "x" * 500)
            finally:
                await poller.aclose()

        asyncio.run(story())
        desk.close()


def test_a_case_from_the_telephone_is_not_answered_from_here(tmp_path: Path) -> None:
    desk = small_desk(tmp_path)
    case_id = manual.new(desk, "Mrs Smith", "rang about bins", "phone").case_ids[0]
    with pytest.raises(Refused, match="came by phone"):
        replies.prepare(desk, None, case_id, "Hello")
    desk.close()


def test_the_first_pause_after_a_deferred_mail_is_the_shortest() -> None:
    pauses = [judged(MailDeferred("not now"), tries, MONDAY).retry_at for tries in (1, 2, 99)]
    assert [at - MONDAY for at in pauses if at] == [timedelta(minutes=1), timedelta(minutes=5), timedelta(hours=4)]


def test_json_is_json_on_an_output_that_cannot_hold_every_character(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    with io.TextIOWrapper(raw, "cp1252", errors="backslashreplace") as stream:
        monkeypatch.setattr("sys.stdout", stream)
        output.emit({"name": "Siân 😀"})
        stream.flush()
        assert json.loads(raw.getvalue()) == {"name": "Siân 😀"}
