"""A picture with an answer on X, a Page, Messenger and Telegram: its copy, its words, losses; where there is none."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import stamina

from socialtriage.channels import registry
from socialtriage.domain.errors import Refused
from socialtriage.domain.models import Capabilities, Visibility
from socialtriage.services import reply_files
from socialtriage.ui.screens.compose import Compose
from socialtriage.ui.screens.reply import ReplyScreen
from tests.doubles.desk import CONFIG, arrive, message, small_desk
from tests.doubles.graph import PAGE, GraphServer
from tests.doubles.graph import TOKEN as PAGE_TOKEN
from tests.doubles.inside import Inside, one_tls_context
from tests.doubles.media import photo
from tests.doubles.shell import Shell
from tests.doubles.telegram import TOKEN as BOT_TOKEN
from tests.doubles.telegram import TelegramServer, person
from tests.doubles.ui_desk import Officer, at_the_desk
from tests.doubles.x import CLIENT, ME, SCOPES, XServer
from tests.test_ui_leaving import FakeEngine

ALT = "A map of the collection rounds"
SECRET = b"Secret Camera"


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A photo that says where it was made."""
    path = tmp_path / "map.jpg"
    path.write_bytes(photo())
    assert SECRET in path.read_bytes()
    return path


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    one_tls_context(monkeypatch)
    with stamina.set_testing(True, attempts=3):
        yield


def case(shell: Shell, words: str) -> dict[str, Any]:
    shell.run("poll", "--once", "--json")
    [found] = [c for c in shell.ok("list", "--view", "all", "--json").json if words in c["snippet"]]
    whole: dict[str, Any] = shell.ok("show", found["ref"], "--json").json
    return whole


def answer(shell: Shell, ref: str, text: str, picture: Path, *more: str, status: int = 0, alt: str = ALT) -> str:
    """Answer with a picture; what was said of it."""
    ran = shell.run("reply", ref, text, "--attach", str(picture), "--alt", alt, *more)
    assert ran.status == status, ran.out + ran.err
    return ran.out + ran.err


def row(shell: Shell, number: int = 0) -> dict[str, Any]:
    """A row of the outbox, the newest first."""
    found: dict[str, Any] = sorted(shell.ok("outbox", "--json").json, key=lambda each: -each["id"])[number]
    return found


# --- X ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def x(tmp_path: Path) -> Iterator[tuple[Shell, XServer]]:
    with XServer(now=datetime.now(UTC) - timedelta(minutes=1)) as server:
        shell = Inside(
            tmp_path,
            accounts=f'\n[[accounts]]\nid = "x"\nnetwork = "x"\nserver = "{server.url}"\nhandle = "@council"\n'
            f'client_id = "{CLIENT}"\n',
        )
        shell.login("x", json.dumps({"access_token": "access-0", "client_id": CLIENT, "scope": SCOPES}))
        yield shell, server
    assert server.problems == []


def test_at_x_it_is_handed_in_with_its_words_and_a_lost_answer_is_found_by_what_x_made_of_it(
    x: tuple[Shell, XServer], picture: Path
) -> None:
    shell, server = x
    server.mention("when are the bins collected?")
    server.direct("gwen", "and mine?")
    ref = case(shell, "when are")["ref"]
    server.fail("/2/media/upload", "lost")
    server.fail("/2/tweets", "lost")
    assert "unknown" in answer(shell, ref, "On Thursday, see www.anytown.gov.uk/bins", picture, status=1)
    # The picture went up twice, which nobody sees; the post did not.
    assert [each["data"] == server.handed_in["7701"]["data"] for each in server.handed_in.values()] == [True, True]
    assert "sent" in shell.ok("outbox", "retry", str(row(shell)["id"])).out
    [ours] = [post for post in server.posts.values() if post.author == ME]
    assert (ours.pictures, server.handed_in["7701"]["alt"]) == (["7701"], ALT)
    assert ours.text == "On Thursday, see https://t.co/abc123 https://t.co/pic"
    assert SECRET not in server.handed_in["7701"]["data"]
    answer(shell, case(shell, "and mine")["ref"], "Friday.", picture)
    assert [each["category"] for each in server.handed_in.values()] == ["tweet_image", "tweet_image", "dm_image"]
    spent = shell.ok("accounts", "--json").json[0]["budget"]["spent"]["by_kind"]
    assert (spent["post_with_link"], spent["dm_send"]) == (0.2, 0.015)


def test_at_x_a_login_without_the_permission_posts_nothing_and_says_which_it_lacks(
    x: tuple[Shell, XServer], picture: Path
) -> None:
    shell, server = x
    server.access["access-0"] = SCOPES.replace(" media.write", "")
    server.mention("when?")
    ref = case(shell, "when?")["ref"]
    assert "media.write" in answer(shell, ref, "On Thursday.", picture, status=1)
    assert row(shell)["state"] == "failed"
    assert not [post for post in server.posts.values() if post.author == ME]
    gif = picture.with_name("map.gif")
    gif.write_bytes(b"GIF89a\x01\x00\x01\x00\x00\x00\x00;")
    assert "It takes JPEG, PNG, WEBP" in answer(shell, ref, "On Thursday.", gif, status=1)
    assert "longer than 1000" in answer(shell, ref, "On Thursday.", picture, status=1, alt="x" * 1_001)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no kill -9")
@pytest.mark.parametrize("at", ["/2/media/upload", "/2/tweets"])
def test_killed_while_the_picture_or_the_post_is_on_its_way_it_is_posted_once(
    x: tuple[Shell, XServer], picture: Path, at: str
) -> None:
    shell, server = x
    server.mention("when?")
    ref = case(shell, "when?")["ref"]
    server.fail(at, "hang")
    running = shell.popen("reply", ref, "On Thursday.", "--attach", str(picture), "--alt", ALT)
    assert server.hanging.wait(20)
    running.kill()
    running.communicate()
    server.release.set()
    shell.run("outbox", "send")
    assert row(shell)["state"] == "unknown"
    assert "sent" in shell.ok("outbox", "retry", str(row(shell)["id"])).out
    [ours] = [post for post in server.posts.values() if post.author == ME]
    assert (len(ours.pictures), server.handed_in[ours.pictures[0]]["alt"]) == (1, ALT)


# --- a Page -----------------------------------------------------------------------------------------------------


@pytest.fixture
def page(tmp_path: Path) -> Iterator[tuple[Shell, GraphServer]]:
    with GraphServer() as server:
        account = f'\n[[accounts]]\nid = "page"\nnetwork = "facebook"\nserver = "{server.url}"\npage = "{PAGE}"\n'
        shell = Inside(tmp_path, accounts=account)
        shell.login("page", PAGE_TOKEN)
        yield shell, server
    assert server.problems == []


def test_below_a_comment_it_is_one_that_nobody_saw_before(page: tuple[Shell, GraphServer], picture: Path) -> None:
    shell, server = page
    server.comment(server.post("The park opens"), "where is the gate?", "Ada")
    ref = case(shell, "where is")["ref"]
    server.fail("lost", path="/photos", method="POST")
    server.fail("lost", path="/comments", method="POST")
    assert "unknown" in answer(shell, ref, "Here.", picture, status=1)
    assert "sent" in shell.ok("outbox", "retry", str(row(shell)["id"])).out
    [ours] = server.sent()
    edge, form, file = server.pictures[ours.values["picture"]]
    assert (edge, form["published"], form["alt_text_custom"], file.mime) == ("photos", "false", ALT, "image/jpeg")
    assert (SECRET in file.data, len(server.pictures)) == (False, 2)
    # An upload that fails posts nothing, and waits; a permission that lacks is told.
    server.tokens[PAGE_TOKEN].scopes.discard("pages_manage_posts")
    assert "pages_manage_posts" in answer(shell, ref, "And this way.", picture, status=1)
    assert (row(shell)["state"], len(server.sent())) == ("failed", 1)


def test_in_messenger_it_is_a_message_of_its_own_after_the_words(
    page: tuple[Shell, GraphServer], picture: Path
) -> None:
    shell, server = page
    server.comment(server.post("The park opens"), "where is the gate?", "Ada")
    server.message("Gus", "my bin was missed")
    begins = answer(shell, case(shell, "where is")["ref"], "Here.", picture, "--private", status=1)
    assert "words alone" in begins
    gus = case(shell, "my bin")
    told = shell.run("reply", gus["ref"], "Here is the map.", "--attach", str(picture), "--alt", ALT, "--preview")
    assert ("message of its own" in told.out, "no place for the description" in told.err) == (True, True)
    shell.run("reply", gus["ref"], "Here is the map.", "--attach", str(picture), "--alt", ALT, "--queue")
    first, second = row(shell, 1), row(shell)
    assert [first["state"], second["state"]] == ["queued", "queued"]
    server.fail("lost", path="message_attachments", method="POST")
    shell.run("outbox", "send")
    assert [each["state"] for each in shell.ok("outbox", "--json").json] == ["sent", "sent"]
    ours = server.sent("UnifiedMessage")
    assert [(m.values["message"], bool(m.values["picture"])) for m in ours] == [("Here is the map.", False), ("", True)]
    assert SECRET not in server.pictures[ours[1].values["picture"]][2].data
    said = [m["text"] for m in case(shell, "my bin")["messages"] if m["voice"] == "officer"]
    assert said == ["Here is the map.", f"Picture: {ALT}"]
    assert case(shell, "my bin")["answered_at"] is not None


def test_a_lost_picture_in_messenger_is_found_and_not_the_one_before_it(
    page: tuple[Shell, GraphServer], picture: Path
) -> None:
    shell, server = page
    server.message("Gus", "my bin was missed")
    ref = case(shell, "my bin")["ref"]
    answer(shell, ref, "Here is the map.", picture)
    shell.run("reply", ref, "And one more.", "--attach", str(picture), "--alt", "The way", "--queue")
    shell.run("outbox", "send")
    assert len(server.sent("UnifiedMessage")) == 4
    again = shell.run("reply", ref, "And the last.", "--attach", str(picture), "--alt", "The end", "--queue")
    assert again.status == 0
    words, drawn = row(shell, 1)["id"], row(shell)["id"]

    def cut(asked: Any) -> None:
        if "attachment" in asked.form.get("message", "") and asked.path.endswith("/messages"):
            server.on_request = None
            server.fail("500", path="/messages", method="POST")

    server.on_request = cut
    shell.run("outbox", "send")
    assert (row(shell, 1)["id"], row(shell, 1)["state"], row(shell)["state"]) == (words, "sent", "unknown")
    assert len(server.sent("UnifiedMessage")) == 5  # its words, and no picture
    assert "sent" in shell.ok("outbox", "retry", str(drawn)).out
    assert [bool(m.values["picture"]) for m in server.sent("UnifiedMessage")][-2:] == [False, True]


# --- Telegram ---------------------------------------------------------------------------------------------------


def test_at_telegram_it_is_the_message_and_its_description_has_no_place(tmp_path: Path, picture: Path) -> None:
    with TelegramServer() as server:
        server.now = datetime.now(UTC)
        shell = Inside(
            tmp_path, accounts=f'\n[[accounts]]\nid = "chat"\nnetwork = "telegram"\nserver = "{server.url}"\n'
        )
        shell.login("chat", BOT_TOKEN)
        number = server.say(person(42, "Gwen", "gwen"), "when are the bins collected?")
        ref = case(shell, "when are")["ref"]
        assert "of 1024" in answer(shell, ref, "x" * 1_025, picture, status=1)
        assert "no place for the description" in answer(shell, ref, "On Thursday.", picture)
        [sent] = server.sent
        assert (sent["caption"], sent["reply_parameters"]["message_id"]) == ("On Thursday.", number)
        assert (sent["file"].mime, SECRET in sent["file"].data) == ("image/jpeg", False)
        # Nobody can say whether a lost one arrived: it is never sent again by itself.
        server.fail("lost", "sendPhoto")
        answer(shell, ref, "And on Friday.", picture, status=1)
        assert (row(shell)["state"], len(server.sent)) == ("unknown", 2)
        assert shell.run("outbox", "retry", str(row(shell)["id"])).status == 1
        assert len(server.sent) == 2
    assert server.problems == []


# --- where there is none ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("network", "visibility", "why"),
    [
        ("threads", Visibility.PUBLIC, "public address"),
        ("youtube", Visibility.PUBLIC, "no pictures with comments"),
        ("google", Visibility.PUBLIC, "words alone"),
        ("instagram", Visibility.PUBLIC, "none with comments"),
        ("instagram", Visibility.PRIVATE, "only from a public address"),
        ("bluesky", Visibility.PRIVATE, "private messages carry none"),
    ],
)
def test_a_network_that_takes_none_says_why_and_nothing_is_read(network: str, visibility: Visibility, why: str) -> None:
    able = registry.factory(network).capabilities  # type: ignore[attr-defined]
    assert isinstance(able, Capabilities)
    with pytest.raises(Refused, match=why):
        reply_files.check_allowed(able, visibility, (("/nowhere.jpg", "x"),), network)
    reply_files.check_allowed(able, visibility, (), network)


def test_a_review_offers_no_key_for_what_the_network_does_not_take(tmp_path: Path) -> None:
    video = '\n[[accounts]]\nid = "video"\nnetwork = "youtube"\nchannel = "UC1"\nclient_id = "c"\n'
    desk = small_desk(tmp_path, config=CONFIG + video)
    arrive(desk, message("When is the next meeting?", "m1"), account="video")

    async def story(officer: Officer) -> None:
        await officer.press("r")
        await officer.on(Compose)
        await officer.write("On Thursday.")
        await officer.press("escape")
        await officer.on(ReplyScreen)
        await officer.reads("On Thursday.")
        assert "a picture" not in officer.text
        await officer.press("a")
        await officer.sees("YouTube's interface takes no pictures with comments.")

    at_the_desk(desk, story, engine=lambda: FakeEngine(desk))
