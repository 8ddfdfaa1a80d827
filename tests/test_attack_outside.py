"""Everything that answers from outside, at its worst: other systems, commands, files, browsers, vendors."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from socialtriage.channels import graph, graph_errors, x_api
from socialtriage.channels.facebook import Facebook
from socialtriage.channels.http import Http
from socialtriage.channels.oauth_loopback import Listener
from socialtriage.channels.telegram import Telegram
from socialtriage.channels.x import X
from socialtriage.channels.youtube import YouTube
from socialtriage.config.model import AccountConfig
from socialtriage.domain.errors import AnswerLost, BadPayload, Refused, Rejected, Unavailable
from socialtriage.domain.models import OutboxState, Sent, Voice
from socialtriage.services import bridge_command, bridging, import_files, inbox
from socialtriage.services.outbox import Sender
from socialtriage.services.secrets import SecretStore
from socialtriage.services.sync import Poller
from tests.doubles.channel_desk import NOON, FixedSecret, SmallDesk, answer_to
from tests.doubles.desk import MONDAY, FrozenClock
from tests.doubles.google import CHANNEL, SECRET, YouTubeServer
from tests.doubles.graph import PAGE, GraphServer
from tests.doubles.graph import TOKEN as PAGE_TOKEN
from tests.doubles.inside import one_tls_context
from tests.doubles.telegram import TOKEN, TelegramServer, person
from tests.doubles.x import XServer
from tests.test_bridges import desk_with, queued, sending

DEEP = b"[" * 100_000 + b"]" * 100_000


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    one_tls_context(monkeypatch)


class Anything:
    """A server that answers every call with what it is told to, by the method."""

    def __init__(self) -> None:
        self.said: dict[str, bytes] = {}
        self.asked: list[tuple[str, str]] = []

    def __enter__(self) -> Anything:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                server.asked.append((self.command, self.path.partition("?")[0]))
                body = server.said.get(f"{self.command} {self.path}", server.said.get(self.command, b""))
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do

            def log_message(self, *_: object) -> None:
                """Silent."""

        self._httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._httpd.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._httpd.server_address[1]}"
        Thread(target=self._httpd.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._httpd.shutdown()
        self._httpd.server_close()

    def posts(self) -> int:
        return sum(method == "POST" for method, _ in self.asked)


@pytest.fixture
def anything() -> Iterator[Anything]:
    with Anything() as server:
        yield server


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(MONDAY + timedelta(minutes=5))


# --- other systems --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["open311", "zammad"])
def test_a_lost_handoff_is_not_sent_again_because_the_search_for_it_answered_rubbish(
    tmp_path: Path, clock: FrozenClock, anything: Anything, way: str
) -> None:
    desk = desk_with(tmp_path, clock, way, anything.url)
    row = queued(desk)

    async def story(sender: Sender, secrets: SecretStore, poller: Poller) -> None:
        anything.said["POST"] = b"<html>maintenance</html>"
        [outcome] = await sender.run()
        assert outcome.state is OutboxState.UNKNOWN
        for rubbish in (b"{}", b'{"error": "no"}', b"5", b"[1]", b"[null]", b'[{"id": []}]', b'{"assets": [1]}', DEEP):
            if way == "zammad" and rubbish.startswith(b'[{"id"'):
                continue  # a ticket with another title: that is an answer
            anything.said["GET"] = rubbish
            with pytest.raises(Refused, match="could not be asked"):
                await sender.retry(row)
        assert anything.posts() == 1
        # What says that nothing is there is believed.
        anything.said["GET"] = b"[]" if way == "open311" else b'{"tickets": [], "assets": {}}'
        await sender.retry(row)
        assert anything.posts() == 2

    sending(desk, story)
    desk.close()


@pytest.mark.parametrize(
    ("way", "said", "asked", "number"),
    [
        ("open311", b'[{"service_request_id": "../../x?y"}]', "/open311/requests/..%2F..%2Fx%3Fy.json", "../../x?y"),
        ("open311", b'[{"token": "../../x"}]', "/open311/tokens/..%2F..%2Fx.json", None),
        ("zammad", b'{"id": "../../users/1", "number": {"a": 1}}', "", None),
        ("zammad", b'{"id": 7, "number": true}', "/api/v1/tickets/7", "7"),
    ],
)
def test_a_number_of_another_system_leads_to_no_other_place(
    tmp_path: Path, clock: FrozenClock, anything: Anything, way: str, said: bytes, asked: str, number: str | None
) -> None:
    desk = desk_with(tmp_path, clock, way, anything.url)
    queued(desk)

    async def story(sender: Sender, secrets: SecretStore, poller: Poller) -> None:
        anything.said["POST"], anything.said["GET"] = said, b'[{"sender": 1}, 5, null, {"sender": "Agent", "body": 3}]'
        await sender.run()
        clock.move(minutes=6)
        await bridging.watch(desk, secrets, poller.http)

    sending(desk, story)
    assert [path for method, path in anything.asked if method == "GET"][:1] == ([asked] if asked else [])
    detail = inbox.detail(desk, 1)
    assert detail.external_reference == number
    assert [m.voice for m in detail.messages] == [Voice.RESIDENT]
    desk.close()


@pytest.mark.parametrize(
    ("said", "state", "number"),
    [
        (DEEP, OutboxState.SENT, None),
        (b"\xff\xfe", OutboxState.SENT, None),
        (b'{"reference": {"a": 1}, "id": true}', OutboxState.SENT, None),
        (b"\n <!DOCTYPE html><title>Sign in</title>", OutboxState.UNKNOWN, None),
    ],
)
def test_a_webhook_that_answers_strangely(
    tmp_path: Path, clock: FrozenClock, anything: Anything, said: bytes, state: OutboxState, number: str | None
) -> None:
    desk = desk_with(tmp_path, clock, "webhook", anything.url)
    queued(desk)
    anything.said["POST"] = said

    async def story(sender: Sender, secrets: SecretStore, poller: Poller) -> None:
        [outcome] = await sender.run()
        assert (outcome.state, "fault" in (outcome.error or "")) == (state, False)

    sending(desk, story)
    assert inbox.detail(desk, 1).external_reference == number
    desk.close()


# --- commands -------------------------------------------------------------------------------------------------------


def command(code: str, seconds: float = 20.0) -> str:
    return bridge_command.run([sys.executable, "-c", code], b"{}" * 100_000, "Highways", seconds)


def test_what_a_command_leaves_running_holds_nobody_up() -> None:
    begun = time.monotonic()
    child = (
        "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(9)']); print('J2')"
    )
    assert command(child) == "J2"
    assert time.monotonic() - begun < 8


def test_a_command_that_floods_is_heard_to_its_first_line_and_one_that_never_ends_is_killed() -> None:
    flood = "import os\nos.write(1, b'J7\\n')\nfor _ in range(200): os.write(1, b'x' * 65536)"
    assert command(flood) == "J7"
    assert command("import os; os.close(0); print('J3')") == "J3"
    with pytest.raises(AnswerLost, match="did not end"):
        command("while True: print('x' * 10_000)", 0.5)
    with pytest.raises(Rejected, match="cannot be run"):
        bridge_command.run(["a\0b"], b"", "Highways")


# --- files and browsers ---------------------------------------------------------------------------------------------


def test_half_a_character_or_a_line_without_an_end_hides_no_other_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = tmp_path / "chat.jsonl"
    lines.write_text('{"person": "A\\udc00", "text": "\\ud800 bin", "id": "\\ud83d"}\n{"person": "B", "text": "two"}\n')
    found = list(import_files.read(lines))
    assert [row.values["text"] for row in found if isinstance(row, import_files.Row)] == ["\ufffd bin", "two"]
    assert all(value.encode() for row in found if isinstance(row, import_files.Row) for value in row.values.values())
    monkeypatch.setattr(import_files, "MOST_LINE", 200_000)
    table = tmp_path / "chat.csv"
    table.write_bytes(b"person,text\nA," + b"x" * 900_000 + b"\nB,two\nC," + b"y" * 199_998)
    kinds = [(type(row).__name__, row.line) for row in import_files.read(table)]
    assert kinds == [("BadRow", 2), ("Row", 3), ("BadRow", 4)]


def test_who_knocks_with_an_address_that_is_none_is_shown_the_door(
    unused_port: int, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> list[bytes]:
        async with Listener(f"http://127.0.0.1:{unused_port}/cb", "state") as listener:
            assert listener.listening
            heard = []
            for knock in (b"GET http://[ HTTP/1.1\r\n\r\n", b"GET /cb?state=state&code=c HTTP/1.1\r\n\r\n"):
                reader, writer = await asyncio.open_connection("127.0.0.1", unused_port)
                writer.write(knock)
                heard.append((await reader.read())[:12])
                writer.close()
                await writer.wait_closed()
            assert await listener.code() == "c"
            return heard

    with caplog.at_level(logging.ERROR):
        assert asyncio.run(story()) == [b"HTTP/1.1 404", b"HTTP/1.1 200"]
    assert caplog.records == []


@pytest.fixture
def unused_port() -> int:
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


# --- vendors --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("date", [None, "yesterday", 10**30, -(10**15), 1.5])
def test_an_update_whose_time_cannot_be_read_is_no_update_lost(date: Any) -> None:
    with TelegramServer() as server:
        desk = SmallDesk(
            Telegram, AccountConfig(id="chat", network="telegram", server=server.url), FixedSecret(TOKEN), server.now
        )
        server.say(person(42, "Gwen"), "my bin was missed", date=date)
        asyncio.run(desk.poll())
        assert [item.text for item in desk.messages.values()] == ["my bin was missed"]


@pytest.mark.parametrize(("spoilt", "texts"), [({"created_time": "http://["}, ["my bin was missed"]), ("\x00", [])])
def test_a_private_message_whose_time_or_form_cannot_be_read_is_kept_or_told(
    monkeypatch: pytest.MonkeyPatch, spoilt: dict[str, Any] | str, texts: list[str]
) -> None:
    def listing(data: Any) -> graph.Listing:
        rows = [{**row, **spoilt} if isinstance(spoilt, dict) else spoilt for row in data["data"]]
        return graph.listing({**data, "data": rows})

    monkeypatch.setattr("socialtriage.channels.graph_chat.listing", listing)
    with GraphServer() as server:
        server.message("Gus", "my bin was missed")
        account = AccountConfig(id="page", network="facebook", server=server.url, page=PAGE)
        desk = SmallDesk(Facebook, account, FixedSecret(PAGE_TOKEN), datetime.now(UTC))
        asyncio.run(desk.poll())
    assert [str(item.text) for item in desk.messages.values()] == texts
    assert any("could not be read" in notice for notice in desk.notices) is not bool(texts)


@pytest.mark.parametrize("private", [False, True])
def test_an_answer_at_x_is_not_said_to_be_missing_by_what_is_no_list(
    monkeypatch: pytest.MonkeyPatch, private: bool
) -> None:
    said: dict[str, Any] = {}
    for memory in (x_api._spoken, x_api._me):
        memory.clear()

    with XServer(now=NOON - timedelta(minutes=1)) as server:
        if private:
            server.direct("gwen", "a photo in private")
        else:
            server.post("wei", "@council ours too")
        account = AccountConfig(id="town-x", network="x", server=server.url, client_id="app", handle="@council")
        desk = SmallDesk(X, account, FixedSecret("access-0"), NOON)
        asyncio.run(desk.poll())
        [message] = desk.residents.values()

        async def story() -> None:
            http = Http()
            writer = X(desk.context(http))

            async def read(*_: Any, **__: Any) -> dict[str, Any]:
                return said

            monkeypatch.setattr(writer._api, "read", read)
            try:
                rubbish: dict[str, Any]
                for rubbish in ({"data": "x"}, {"data": None, "meta": {}}, {}, {"errors": [{"title": "no"}]}):
                    said.clear()
                    said.update(rubbish)
                    with pytest.raises(BadPayload):
                        await writer.look_up(answer_to(message, "On Thursday."))
                more = {"id": "9", "created_at": "2026-11-22T12:00:00Z", "text": "other"}
                said.update(data=[more], meta={"next_token": "on"})
                with pytest.raises(Unavailable):
                    await writer.look_up(answer_to(message, "On Thursday."))
                said.clear()
                said.update(meta={"result_count": 0})
                assert await writer.look_up(answer_to(message, "On Thursday.")) is None
            finally:
                await http.aclose()

        asyncio.run(story())


@pytest.mark.parametrize("minutes", [10**9, "1e300", float("inf"), -5, None, []])
def test_no_allowance_of_metas_keeps_an_account_silent_for_longer_than_a_day(minutes: Any) -> None:
    usage = graph_errors.Usage()
    entry = {"type": "pages", "call_count": 95, "estimated_time_to_regain_access": minutes}
    usage.read({"x-business-use-case-usage": json.dumps({"1": [entry]})})
    assert timedelta(0) < usage.wait("pages") <= timedelta(days=1)


def test_a_list_of_conversations_that_never_ends_does_not_keep_them_from_being_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = graph.Graph.edge

    async def edge(self: graph.Graph, path: str, params: Any, after: str | None = None, **more: Any) -> graph.Listing:
        page = await whole(self, path, params, None, **more)
        return graph.Listing(page.entries, "after=A") if path.endswith("/conversations") else page

    monkeypatch.setattr(graph.Graph, "edge", edge)
    with GraphServer() as server:
        server.message("Gus", "my bin was missed")
        account = AccountConfig(id="page", network="facebook", server=server.url, page=PAGE)
        desk = SmallDesk(Facebook, account, FixedSecret(PAGE_TOKEN), datetime.now(UTC))
        asyncio.run(desk.poll())
    assert [str(item.text) for item in desk.messages.values()] == ["my bin was missed"]
    assert desk.requests < 50


def test_an_answer_at_youtube_is_not_said_to_be_missing_by_what_is_no_list(monkeypatch: pytest.MonkeyPatch) -> None:
    with YouTubeServer() as server:
        server.say("gwen", "when is the wall built?")
        account = AccountConfig(id="tube", network="youtube", server=server.url, channel=CHANNEL)
        desk = SmallDesk(YouTube, account, FixedSecret(json.dumps(SECRET)), now=server.now)
        asyncio.run(desk.poll())
        [comment] = desk.residents.values()

        async def look_up() -> Sent | None:
            http = Http()
            try:
                return await YouTube(desk.context(http)).look_up(answer_to(comment, "In May."))
            finally:
                await http.aclose()

        assert asyncio.run(look_up()) is None
        monkeypatch.setattr(YouTubeServer, "list_comments", lambda *_: {"warning": "try later"})
        with pytest.raises(BadPayload):
            asyncio.run(look_up())
