"""At the screen: photos are drawn when a key asks for them, in words first, and not where the terminal cannot."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import cast

import pytest
from PIL import Image
from rich.segment import Segment

from socialtriage.domain.models import MediaItem, MediaState
from socialtriage.domain.text import clean_line
from socialtriage.services import people, pictures, pixels, restricting
from socialtriage.services.desk import Desk
from socialtriage.ui.flow import Para, lay_out
from socialtriage.ui.handlers import evidence
from socialtriage.ui.pictures import BLOCK
from socialtriage.ui.screens.case import CaseScreen
from socialtriage.ui.screens.dialogs import Confirm
from socialtriage.ui.screens.picture import PictureScreen
from socialtriage.ui.widgets.case_view import CaseView
from tests.doubles.desk import CONFIG, arrive, message, small_desk, the_case
from tests.doubles.ui_desk import SMALL, WIDE, Officer, at_the_desk
from tests.doubles.ui_pilot import strips

RED, BLUE = (255, 0, 0), (0, 0, 255)


def photo(kind: str = "PNG") -> bytes:
    """Red, and blue on the right."""
    image = Image.new("RGB", (800, 600), RED)
    image.paste(BLUE, (400, 0, 800, 600))
    out = io.BytesIO()
    image.save(out, kind)
    return out.getvalue()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A message with two photos, a file that is withheld, and one that is cut short; and one without any."""
    return pictured(tmp_path)


def pictured(folder: Path, config: str = CONFIG, alt: str = "") -> Desk:
    desk = small_desk(folder, config=config)
    files = (
        MediaItem(
            kind="image",
            name=clean_line("[b]crater[/b]"),
            data=photo(),
            mime="image/png",
            alt=clean_line(f"A hole{alt}"),
        ),
        MediaItem(kind="image", name=clean_line("again"), data=photo("WEBP"), mime="image/webp"),
        MediaItem(kind="file", name=clean_line("clip"), state=MediaState.WITHHELD),
        MediaItem(kind="image", name=clean_line("cut"), data=photo()[:300], mime="image/png"),
    )
    arrive(desk, message("My bin was missed", "m1", media=files))
    return desk


def cells(officer: Officer) -> list[Segment]:
    """What is drawn of photos on the screen."""
    return [segment for strip in strips(officer.app) for segment in strip if BLOCK in segment.text]


def colours(officer: Officer) -> set[object]:
    found = {each.style.color for each in cells(officer) if each.style}
    return {tuple(each.triplet) if each and each.triplet else each.number if each else None for each in found}


def front(officer: Officer) -> PictureScreen:
    return cast(PictureScreen, officer.app.screen)


@pytest.mark.parametrize("size", [SMALL, WIDE])
def test_photos_stand_in_the_thread_for_as_long_as_they_are_wanted(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    monkeypatch.setenv("COLORTERM", "truecolor")

    async def story(officer: Officer) -> None:
        await officer.press("enter")
        await officer.on(CaseScreen)
        await officer.reads("[b]crater[/b]", "“A hole”", "P looks at it", "withheld by the network")
        assert officer.app.session.album is None, "nothing is decoded unasked"
        view = officer.app.screen.query_one(CaseView)
        await officer.press("W")
        await officer.until(lambda: cells(officer), "a photo in the thread")
        assert {RED, BLUE} <= colours(officer)
        await officer.until(lambda: "2 photos in the thread" in officer.said, "how many there are")
        await officer.reads("cut short or damaged")
        before = next(iter(view.photos.values()))
        place = view.scroll_offset.y
        await officer.press("j")
        assert view.scroll_offset.y == place + 1
        await officer.pilot.resize_terminal(60 if size == SMALL else 80, size[1])
        await officer.until(lambda: next(iter(view.photos.values())) is not before, "the photo at the new width")
        await officer.settle()
        await officer.press("W")
        await officer.until(lambda: not cells(officer), "no photo any more")
        await officer.press("W")
        await officer.until(lambda: view.photos, "photos again")
        await officer.press("escape")
        await officer.home()
        assert not cells(officer)

    at_the_desk(desk, story, size=size)


def test_a_photo_is_looked_at_closely_words_first(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLORTERM", "truecolor")
    opened: list[Path] = []
    monkeypatch.setattr(evidence, "show", opened.append)

    async def story(officer: Officer) -> None:
        await officer.press("P")
        await officer.on(PictureScreen)
        lines = officer.text.splitlines()
        assert "“A hole”" in lines[1], "words come first"
        await officer.sees("1 of 4", "image [b]crater[/b]", "kept", "800 × 600 pixels")
        await officer.until(lambda: {RED, BLUE} <= colours(officer), "the photo")
        await officer.press("plus")
        await officer.press("plus", "h", "h", "h", "h", "h", "h", "h")
        await officer.sees("4× as large")
        await officer.until(lambda: colours(officer) == {RED}, "only its left side")
        await officer.press("l", "l", "l", "l", "l", "l", "l")
        await officer.until(lambda: colours(officer) == {BLUE}, "only its right side")
        for _ in range(8):
            await officer.press("plus")
        assert "nothing more to see" in officer.said
        await officer.pilot.resize_terminal(*SMALL)
        await officer.until(lambda: front(officer).canvas.size.width == 80 and colours(officer) == {BLUE}, "small")
        await officer.press("n")
        await officer.sees("2 of 4", "image again")
        await officer.until(lambda: {RED, BLUE} <= colours(officer) or cells(officer), "the second photo, whole")
        await officer.press("O")
        await officer.on(Confirm)
        await officer.press("y")
        await officer.until(lambda: opened, "the viewer")
        await officer.press("n")
        await officer.sees("3 of 4", "withheld by the network", "nothing to draw")
        assert not cells(officer)
        await officer.press("n", "n")
        await officer.sees("4 of 4", "cut short or damaged", "O opens it")
        assert "no other file" in officer.said
        await officer.press("escape")
        await officer.home()

    at_the_desk(desk, story)


@pytest.mark.parametrize(
    ("environment", "config", "said"),
    [
        ({"NO_COLOR": "1", "COLORTERM": "truecolor"}, CONFIG, "not drawn without colours"),
        ({"TERM": "xterm-16color"}, CONFIG, "too few colours"),
        ({"TERM": "dumb"}, CONFIG, "too few colours"),
        ({}, CONFIG.replace("[outbox]", "[evidence]\ndraw = false\n\n[outbox]"), "draw is false"),
    ],
    ids=["no colours", "16 colours", "dumb", "never"],
)
def test_where_no_photo_can_be_drawn_the_words_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], config: str, said: str
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    async def story(officer: Officer) -> None:
        await officer.press("P")
        await officer.on(PictureScreen)
        await officer.sees("“A hole”", "image/png", said, "O opens it")
        await officer.press("escape", "enter")
        await officer.on(CaseScreen)
        await officer.press("W")
        await officer.until(lambda: said in officer.said or said in officer.running_text, said)
        assert not cells(officer)
        assert officer.app.session.album is None or environment == {}

    at_the_desk(pictured(tmp_path, config), story)


def test_beside_the_list_photos_stand_in_the_pane_and_go_with_it(desk: Desk) -> None:
    arrive(desk, message("Another matter", "m2", author="bob"))

    async def story(officer: Officer) -> None:
        pane = officer.app.home.pane
        await officer.until(lambda: pane.view and pane.view.detail, "the case beside the list")
        assert pane.view is not None
        if "My bin" not in pane.view.text:
            await officer.press("j")
            await officer.until(lambda: pane.view and "My bin" in pane.view.text, "the case with photos")
        await officer.press("W")
        await officer.until(lambda: cells(officer), "a photo in the pane")
        await officer.press("j", "k", "j", "k")
        await officer.until(lambda: not cells(officer), "another case was looked at, so nothing is drawn")
        await officer.press("W")
        await officer.until(lambda: cells(officer) or isinstance(officer.app.screen, PictureScreen), "asked again")
        await officer.pilot.resize_terminal(*SMALL)
        await officer.until(lambda: not cells(officer), "one pane at a time")
        await officer.press("W")
        await officer.on(PictureScreen)
        await officer.until(lambda: cells(officer), "the whole screen, where there is no pane")

    at_the_desk(desk, story, size=(140, 40))


def test_256_colours_are_those_of_the_terminal(desk: Desk) -> None:
    async def story(officer: Officer) -> None:
        await officer.press("P")
        await officer.until(lambda: cells(officer), "the photo")
        assert {RED, BLUE} <= colours(officer)
        picture = front(officer)._picture
        assert picture is not None
        assert picture.depth == 1

    at_the_desk(desk, story, size=SMALL)


def test_a_restricted_case_shows_no_photo_until_it_is_unmasked(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLORTERM", "truecolor")
    case_id = the_case(desk)
    restricting.restrict(desk, [case_id])

    async def story(officer: Officer) -> None:
        await officer.press("P")
        await officer.until(lambda: "its files are masked" in officer.said, "a refusal")
        await officer.press("enter")
        await officer.on(CaseScreen)
        await officer.press("W")
        await officer.until(lambda: "No file of this case is kept" in officer.said, "no photo in the thread")
        officer.app.perform("case.unmask")
        await officer.reads("[b]crater[/b]")
        await officer.press("W")
        await officer.until(lambda: cells(officer), "the photo")
        officer.app.perform("case.unmask")
        await officer.until(lambda: not cells(officer), "masked again")
        assert not officer.app.screen.query_one(CaseView).photos
        officer.app.perform("case.unmask")
        await officer.reads("[b]crater[/b]")
        await officer.press("P")
        await officer.on(PictureScreen)
        officer.app.session.unmasked.clear()
        officer.app.renew()
        await officer.on(CaseScreen)

    at_the_desk(desk, story)


def test_a_photo_that_is_erased_elsewhere_leaves_the_screen(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLORTERM", "truecolor")
    case_id = the_case(desk)

    async def story(officer: Officer) -> None:
        await officer.press("enter", "W")
        await officer.until(lambda: cells(officer), "a photo in the thread")
        await officer.press("P")
        await officer.on(PictureScreen)
        await officer.until(lambda: cells(officer), "the photo")
        await officer.press("O")
        await officer.on(Confirm)
        colleague = small_desk(desk.media_folder.parent)
        people.erase(colleague, colleague.store.cases.person(case_id)[1], anyway=True)
        colleague.close()
        officer.app.renew()
        await officer.until(lambda: not cells(officer), "no photo behind the question")
        assert "A hole" not in officer.text
        assert "800 × 600" not in officer.text
        await officer.press("y")
        await officer.sees("is not kept, so there is nothing")
        await officer.press("escape")
        await officer.on(CaseScreen)
        await officer.until(lambda: not cells(officer), "no photo in the thread either")

    at_the_desk(desk, story)


def test_a_decoder_that_hangs_holds_up_neither_keys_nor_the_end(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "decoder.py"
    script.write_text("import sys, time; sys.stdin.buffer.read(); time.sleep(20)", encoding="utf-8")
    monkeypatch.setattr(pixels, "__file__", str(script))
    monkeypatch.setattr(pictures, "PATIENCE", 20.0)
    begun = time.monotonic()

    async def story(officer: Officer) -> None:
        await officer.press("enter", "W")
        await officer.reads("drawing …")
        view = officer.app.screen.query_one(CaseView)
        await officer.press("j", "W")
        assert not view.photos
        await officer.press("P")
        await officer.on(PictureScreen)
        await officer.sees("“A hole”", "Drawing …")
        await officer.press("n")
        await officer.sees("2 of 4")
        await officer.press("escape", "escape")
        await officer.home()

    at_the_desk(desk, story)
    assert time.monotonic() - begun < 15


def test_a_long_description_leaves_room_for_the_facts_and_the_photo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLORTERM", "truecolor")

    async def story(officer: Officer) -> None:
        await officer.press("P")
        await officer.on(PictureScreen)
        await officer.sees("“A hole", "…”", "1 of 4", "kept", "PUBLIC")
        await officer.until(lambda: cells(officer), "the photo")

    at_the_desk(pictured(tmp_path, alt=" in the road" * 60), story, size=(60, 16))


def test_a_video_is_told_in_words(tmp_path: Path) -> None:
    def box(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body) + 8) + kind + body

    head = box(b"mvhd", struct.pack(">B3xIIII", 0, 0, 0, 1000, 3_725_000) + bytes(80))
    clip = box(b"ftyp", b"isom" + bytes(4)) + box(b"mdat", bytes(2000)) + box(b"moov", head)
    desk = small_desk(tmp_path)
    file = MediaItem(kind="video", name=clean_line("bus lane"), data=clip, mime="video/mp4")
    arrive(desk, message("Look at this", "m1", media=(file,)))

    async def story(officer: Officer) -> None:
        await officer.press("P")
        await officer.on(PictureScreen)
        await officer.sees("video bus lane", "video/mp4", "2 kB", "lasts 1:02:05", "It is a video", "O opens it")

    at_the_desk(desk, story, size=SMALL)


def test_a_line_does_not_begin_with_the_blank_it_was_broken_at() -> None:
    lines, _ = lay_out([Para((("one two three ", ""), ("P", "key"), (" looks at it", "dim")))], 16)
    assert ["".join(text for text, _ in line) for line in lines] == ["one two three P", "looks at it"]


def test_what_draws_photos_is_loaded_by_no_first_frame() -> None:
    code = "import sys, socialtriage.ui.app, socialtriage.ui.screens.inbox\n"
    code += "print(*[name for name in sys.modules if name.startswith('PIL') or 'pictures' in name or 'pixels' in name])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
