"""Photos of messages are fetched after intake and kept, whatever their server does, and never from our own network."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import io
import os
import signal
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from socialtriage.channels import download
from socialtriage.channels.download import Downloads, Got, is_public
from socialtriage.channels.http import Http
from socialtriage.channels.playlist import fetch_playlist
from socialtriage.config.model import Keyring
from socialtriage.domain.errors import Refused, StoreError
from socialtriage.domain.filetypes import file_type
from socialtriage.domain.models import MediaItem, MediaState
from socialtriage.domain.text import clean_line
from socialtriage.domain.views import MediaView, Query
from socialtriage.services import evidence, exhibits, fetching, inbox
from socialtriage.services.desk import Desk
from socialtriage.services.fetching import BACK_OFF, MOST_TRIES, Fetcher
from socialtriage.services.links import ends_at
from socialtriage.services.outbox import Sender
from socialtriage.services.polling import Polling
from socialtriage.services.secrets import SecretStore
from socialtriage.services.sync import Poller
from socialtriage.ui.handlers import evidence as opening
from tests.doubles.desk import CONFIG, FrozenClock, arrive, message, small_desk
from tests.doubles.inside import Inside
from tests.doubles.mastodon import TOKEN, MastodonServer
from tests.doubles.media import MediaServer, photo, png
from tests.doubles.memory_keyring import MemoryKeyring
from tests.doubles.shell import mastodon
from tests.doubles.tls import Authority

PUBLIC = "93.184.215.14"
"""A public address; nothing is ever sent there."""


@pytest.fixture
def files() -> Iterator[MediaServer]:
    with MediaServer() as server:
        yield server


@pytest.fixture
def desk(tmp_path: Path, files: MediaServer) -> Iterator[Desk]:
    config = CONFIG.replace("https://social.example", files.url).replace(
        "[outbox]", "[evidence]\nmax_bytes = 60000\n\n[outbox]"
    )
    desk = small_desk(tmp_path, config=config)
    yield desk
    desk.close()


async def resolve(host: str, port: int) -> Sequence[str]:
    """Names of the story: only `rebound.example` lies inside."""
    del port
    return {"inside.example": ["10.1.2.3"], "mixed.example": [PUBLIC, "127.0.0.1"]}.get(host, [host])


def media(url: str | None, name: str = "photo", **more: object) -> MediaItem:
    return MediaItem(kind="image", name=clean_line(name), url=url, **more)  # type: ignore[arg-type]


def fetch(desk: Desk, case_id: int | None = None) -> int:
    """What is due of every account, or what is missing of one case."""
    backend: Any = MemoryKeyring  # keyring's classes have no types

    async def story() -> int:
        poller = Poller(desk, SecretStore(Keyring(), backend=backend()))
        try:
            fetcher = Fetcher(desk, poller, resolve)
            return await (fetcher.run(desk.config.accounts) if case_id is None else fetcher.case(case_id))
        finally:
            await poller.aclose()

    return asyncio.run(story())


def all_media(desk: Desk) -> dict[str, MediaView]:
    ids = inbox.snapshot(desk, Query(view="all"))
    return {str(x.name): x for i in ids for m in inbox.detail(desk, i).messages for x in m.media}


def test_files_are_kept_once_and_what_a_server_does_badly_is_said(desk: Desk, files: MediaServer) -> None:
    body = photo(9000)
    links = {
        "good": files.put("/good.jpg", body),
        "again": files.put("/again.jpg", body),
        "lying": files.put("/lying.jpg", png(), kind="text/html"),
        "page": files.put("/page.jpg", b"<!DOCTYPE html>" + b" " * 9000),
        "short page": files.put("/short.jpg", b"<html>sign in</html>"),
        "announced": files.put("/large.jpg", photo(61_000)),
        "endless": files.endless("/endless.jpg"),
        "gone": files.status("/gone.jpg", 410),
        "expired": files.status("/expired.jpg", 403),
        "law": files.status("/law.jpg", 451),
        "broken": files.status("/broken.jpg", 500),
        "cut": files.cut("/cut.jpg"),
        "empty": files.put("/empty.jpg", b""),
        "moved": files.redirect("/moved.jpg", "/good.jpg"),
        "round": files.redirect("/round.jpg", "/round.jpg"),
        "metadata": files.redirect("/metadata.jpg", "https://169.254.169.254/latest/meta-data/"),
        "rebound": files.redirect("/rebound.jpg", "https://inside.example/photo.jpg"),
        "other port": files.redirect("/port.jpg", "http://127.0.0.1:9/secret.jpg"),
        "loopback name": "https://localhost/photo.jpg",
        "mixed": "https://mixed.example/photo.jpg",
        "decimal": "https://2130706433/photo.jpg",
        "mapped": "https://[::ffff:10.0.0.1]/photo.jpg",
        "plain": "http://photos.example/photo.jpg",
        "login": "https://user:word@photos.example/photo.jpg",
        "file": "file:///etc/passwd",
    }
    items = [message(f"Look at this {i}", media=(media(url, name),)) for i, (name, url) in enumerate(links.items())]
    arrive(desk, *items, message("still at work on it", media=(media(None, "none"),)))
    assert fetch(desk) == 4
    found = all_media(desk)
    states = {name: view.state.value for name, view in found.items()}
    kept = dict.fromkeys(("good", "again", "lying", "moved"), "kept")
    refused: tuple[str, ...] = (
        "page",
        "short page",
        "round",
        "metadata",
        "rebound",
        "other port",
        "loopback name",
        "mixed",
    )
    refused += ("decimal", "mapped", "plain", "login", "file")
    assert states == {
        **kept,
        **dict.fromkeys(refused, "refused"),
        **dict.fromkeys(("announced", "endless"), "too_large"),
        **dict.fromkeys(("gone", "expired"), "expired"),
        "law": "withheld",
        **dict.fromkeys(("broken", "cut", "empty", "none"), "pending"),
    }
    digest = hashlib.sha256(body).hexdigest()
    assert (found["good"].sha256, found["good"].bytes, found["good"].mime) == (digest, len(body), "image/jpeg")
    assert found["lying"].mime == "image/png"
    assert all((view.sha256 is None) == (view.state is not MediaState.KEPT) for view in found.values())

    stored = [path for path in desk.media_folder.rglob("*") if path.is_file()]
    assert sorted(path.name for path in stored) == sorted([str(found["good"].sha256), str(found["lying"].sha256)])
    assert {stat.S_IMODE(path.stat().st_mode) for path in stored} == {0o600}
    assert evidence.read(desk.media_folder, found["good"].path or "") == body
    assert all("authorization" not in headers for headers in files.headers)
    events = [e for i in inbox.snapshot(desk, Query(view="all")) for e in inbox.detail(desk, i).events]
    assert {"evidence.kept", "evidence.refused", "evidence.expired", "evidence.too_large"} <= {e.kind for e in events}
    assert digest in [e.detail.get("sha256") for e in events]


def test_a_file_that_cannot_be_had_is_tried_a_bounded_number_of_times(desk: Desk, files: MediaServer) -> None:
    files.status("/photo.jpg", 503)
    arrive(desk, message("Look", media=(media(files.url + "/photo.jpg"),)))
    clock = desk.clock
    assert isinstance(clock, FrozenClock)
    for tries in range(MOST_TRIES):
        assert fetch(desk) == 0
        assert fetch(desk) == 0, "not before its time"
        assert files.asked["/photo.jpg"] == tries + 1
        clock.move(seconds=BACK_OFF[min(tries, len(BACK_OFF) - 1)])
    assert fetch(desk) == 0
    assert files.asked["/photo.jpg"] == MOST_TRIES
    case_id = next(iter(inbox.snapshot(desk, Query())))
    assert str(all_media(desk)["photo"].why).startswith(f"Given up after {MOST_TRIES} tries: 127.0.0.1 answered 503.")
    assert [e.kind for e in inbox.detail(desk, case_id).events][-1] == "evidence.given_up"
    files.put("/photo.jpg", photo())
    assert fetch(desk, case_id) == 1


def test_expiring_links_come_first_and_a_slow_file_holds_nobody_up(desk: Desk, files: MediaServer) -> None:
    for name in ("lasting", "signed", "tomorrow", "soon"):
        files.put(f"/{name}.jpg", photo(len(name)))
    ends = {"tomorrow": "?Expires=1900000000", "soon": "?Expires=1800000000", "signed": "?token=abc", "lasting": ""}
    for name, query in ends.items():
        arrive(desk, message(f"Look at {name}", media=(media(f"{files.url}/{name}.jpg{query}", name),)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fetching, "AT_ONCE", 1)
        assert fetch(desk) == 4
    assert [path.strip("/").removesuffix(".jpg") for path in files.asked] == ["signed", "soon", "tomorrow", "lasting"]
    assert ends_at("https://s3.example/a?X-Amz-Date=20261116T100000Z&X-Amz-Expires=60&X-Amz-Signature=a") == 1794823260
    assert ends_at("https://cdn.example/a.jpg?oh=00_a&oe=69200000") == 0x69200000
    assert ends_at("https://blob.example/a?sig=a&se=2026-11-16T10:00:00Z") == 1794823200
    assert ends_at("https://files.example/a.jpg?size=large&expires=never") is None


def test_a_slow_server_is_left_when_the_time_is_over(tmp_path: Path, files: MediaServer) -> None:
    config = CONFIG.replace("https://social.example", files.url).replace(
        'handle = "@anytown"', 'handle = "@anytown"\nbudget = "1s"'
    )
    desk = small_desk(tmp_path, config=config)
    try:
        arrive(desk, message("slow", media=(media(files.slow("/slow.jpg")),)))
        arrive(desk, message("fast", media=(media(files.put("/fast.jpg", photo()), "fast"),)))
        assert fetch(desk) == 1
        assert all_media(desk)["photo"].state is MediaState.PENDING
        assert [p.name for p in (desk.media_folder / "incoming").iterdir()] == []
    finally:
        desk.close()


def test_video_in_pieces_is_put_together(desk: Desk, files: MediaServer) -> None:
    packet = b"\x47" + b"v" * 187
    versions = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=100\nlow.m3u8\n#EXT-X-STREAM-INF:X=1,BANDWIDTH=900\nhd/v.m3u8\n"
    files.put("/watch/playlist.m3u8", versions.encode(), kind="application/vnd.apple.mpegurl")
    files.put("/watch/hd/v.m3u8", b"#EXTM3U\n#EXTINF:4,\n0.ts\n#EXTINF:4,\n1.ts?a=b\n#EXT-X-ENDLIST\n")
    for number in range(2):
        files.put(f"/watch/hd/{number}.ts", packet * 4)
    outside = b"#EXTM3U\n#EXTINF:4,\nhttps://inside.example/0.ts\n#EXT-X-ENDLIST\n"
    files.put("/bad.m3u8", outside)
    files.put("/live.m3u8", b"#EXTM3U\n#EXTINF:4,\n0.ts\n")
    for name in ("watch/playlist", "bad", "live"):
        arrive(desk, message(name, media=(media(f"{files.url}/{name}.m3u8", name),)))
    assert fetch(desk) == 1
    found = all_media(desk)
    assert (found["watch/playlist"].bytes, found["watch/playlist"].mime) == (8 * 188, "video/mp2t")
    assert found["bad"].state is found["live"].state is MediaState.REFUSED


def test_a_video_of_many_pieces_ends_with_its_time(files: MediaServer) -> None:
    pieces = "".join(f"{number}.ts\n" for number in range(1900))
    link = files.put("/long.m3u8", f"#EXTM3U\n{pieces}#EXT-X-ENDLIST\n".encode())

    async def story() -> Got:
        http = Http()
        try:
            downloads = Downloads(http, files.url)
            return await fetch_playlist(downloads, link, io.BytesIO(), limit=9_999, seconds=0)
        finally:
            await http.aclose()

    assert asyncio.run(story()) == Got(MediaState.PENDING, "The video took too long.")
    assert files.asked == {"/long.m3u8": 1}


def test_an_address_is_looked_up_once_and_that_one_is_connected_to_by_the_names_certificate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Loopback stands for a public address here: what is judged is what is connected to."""
    monkeypatch.setattr(download, "is_public", lambda address: address == "127.0.0.1")
    authority = Authority(tmp_path / "ca")
    looked_up: list[tuple[str, int]] = []

    async def resolve_once(host: str, port: int) -> Sequence[str]:
        looked_up.append((host, port))
        return ["127.0.0.1"]

    async def story(url: str) -> tuple[Got, bytes]:
        http = Http(ca_file=str(authority.ca_file))
        file = io.BytesIO()
        try:
            got = await Downloads(http, "https://social.example", resolve_once).fetch(url, file, limit=9_999, seconds=9)
            return got, file.getvalue()
        finally:
            await http.aclose()

    certificate = authority.issue(hosts=("photos.example", "xn--bcher-kva.example"))
    with MediaServer(tls=certificate.server_context()) as files:
        files.put("/a.jpg", photo())
        got, data = asyncio.run(story(f"https://photos.example:{files.port}/a.jpg#part"))
        assert (got.state, data) == (MediaState.KEPT, photo())
        assert looked_up == [("photos.example", files.port)]
        assert files.headers[0]["host"] == f"photos.example:{files.port}"
        written, _ = asyncio.run(story(f"https://b\u00fccher.example:{files.port}/a.jpg"))
        assert (written.state, files.headers[1]["host"]) == (MediaState.KEPT, f"xn--bcher-kva.example:{files.port}")
        other, _ = asyncio.run(story(f"https://impostor.example:{files.port}/a.jpg"))
        assert (other.state, files.asked["/a.jpg"]) == (MediaState.PENDING, 2)


def test_an_open_desk_fetches_files_behind_the_screen(tmp_path: Path, files: MediaServer) -> None:
    config = CONFIG.replace("https://social.example", files.url)
    desk = small_desk(tmp_path, config=config)
    arrive(desk, message("Look", media=(media(files.put("/photo.jpg", photo())),)))
    backend: Any = MemoryKeyring

    async def story() -> None:
        secrets = SecretStore(Keyring(), backend=backend())
        poller = Poller(desk, secrets)
        polling = Polling(desk, poller, Sender(desk, secrets, poller))
        task = asyncio.create_task(polling.forever([desk.account("town-mastodon")], lambda _: None, lambda _: None))
        try:
            async with asyncio.timeout(20):
                while all_media(desk)["photo"].state is not MediaState.KEPT:  # noqa: ASYNC110
                    await asyncio.sleep(0)
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            await poller.aclose()

    try:
        asyncio.run(story())
    finally:
        desk.close()


def test_which_addresses_are_public() -> None:
    assert all(map(is_public, (PUBLIC, "2606:2800:21f:cb07:6820:80da:af6b:8b2c")))
    inside = "127.0.0.1 10.0.0.1 172.16.0.9 192.168.1.1 169.254.169.254 100.64.0.1 0.0.0.0 ::1 fe80::1%eth0 fd00::1 ::"
    inside += " ::ffff:127.0.0.1 64:ff9b::7f00:1 2002:7f00:1:: 224.0.0.1 fec0::1 ::127.0.0.1 2001:0:7f00:1::"
    assert [address for address in inside.split() if is_public(address)] == []
    assert not is_public("photos.example")


@pytest.mark.parametrize(
    ("head", "mime"),
    [
        (b"\0\0\0\x18ftypheic" + bytes(20), "image/heic"),
        (b"\0\0\0\x18ftypisom" + bytes(20), "video/mp4"),
        (b"\0\0\0\x18ftypM4A " + bytes(20), "audio/mp4"),
        (b"\x1aE\xdf\xa3....webm", "video/webm"),
        (b"RIFF\0\0\0\0WAVEfmt ", "audio/wav"),
        (b"OggS" + bytes(30) + b"OpusHead", "audio/ogg"),
        (b"\xff\xfb\x90\x64" + bytes(30), "audio/mpeg"),
        (b"%PDF-1.7", "application/pdf"),
        (b"BM, said the resident, is a letter short", None),
        (b"PK\x03\x04", None),
        (b"\x7fELF", None),
        (b"", None),
    ],
)
def test_files_are_known_by_their_first_bytes(head: bytes, mime: str | None) -> None:
    found = file_type(head)
    assert (found.mime if found else None) == mime


def test_a_poll_that_is_killed_in_the_middle_of_a_download_leaves_nothing_that_counts_as_kept(
    tmp_path: Path, files: MediaServer
) -> None:
    with MastodonServer() as network:
        shell = Inside(tmp_path, accounts=mastodon(network.url))
        shell.login("town", TOKEN)
        attached = {
            "id": "9",
            "type": "image",
            "url": files.slow("/slow.jpg"),
            "remote_url": None,
            "preview_url": None,
            "description": "a pothole",
        }
        network.mention("look at this pothole", media_attachments=[attached])
        running = shell.popen("poll", "--once")
        assert files.begun.wait(30)
        os.kill(running.pid, signal.SIGKILL)
        running.communicate()
        [case] = shell.ok("list", "--json").json

        def state() -> dict[str, object]:
            [found] = shell.ok("show", case["ref"], "--json").json["messages"][0]["media"]
            return dict(found)

        left = state()
        assert (left["state"], left["sha256"], left["bytes"]) == ("pending", None, None)
        body = photo(9000)
        files.put("/slow.jpg", body)
        shell.ok("poll", "--once")
        kept = state()
        assert (kept["state"], kept["sha256"]) == ("kept", hashlib.sha256(body).hexdigest())
        assert kept["bytes"] == len(body)
        assert network.problems == []
        assert all("authorization" not in headers for headers in files.headers)

        shelf = tmp_path / "shelf"
        shelf.mkdir()
        done = shell.ok("evidence", case["ref"], "--save", str(shelf), "--json").json
        assert [each["sha256"] for each in done["evidence"]] == [hashlib.sha256(body).hexdigest()]
        [saved] = done["saved"]
        assert Path(saved).read_bytes() == body
        [clean] = shell.ok("evidence", case["ref"], "--save", str(shelf), "--clean", "--json").json["saved"]
        assert Path(clean) != Path(saved)
        assert b"Secret Camera" not in Path(clean).read_bytes()
        assert {stat.S_IMODE(Path(name).stat().st_mode) for name in (saved, clean)} == {0o600}
        shell.ok("fact", case["ref"], "place", "Mill Lane")
        assert shell.ok("show", case["ref"], "--json").json["facts"] == {"place": "Mill Lane"}


def test_the_limit_holds_for_what_comes_inside_a_message_too(desk: Desk) -> None:
    sizes = {"small": 100, "large": 60_000}
    files = tuple(MediaItem(kind="file", name=clean_line(n), data=photo(size)) for n, size in sizes.items())
    arrive(desk, message("two files", media=files))
    assert {name: view.state.value for name, view in all_media(desk).items()} == {"small": "kept", "large": "too_large"}


def test_names_that_lead_elsewhere_do_not_and_nothing_is_overwritten(desk: Desk, tmp_path: Path) -> None:
    hostile = ("../../etc/passwd", ".bashrc", "C:\\evil.exe", "a/b\x00c", "x" * 500, "", "photo.jpg")
    items = tuple(MediaItem(kind="image", name=clean_line(name), data=photo(i)) for i, name in enumerate(hostile))
    arrive(desk, message("files", media=items))
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    case_id = next(iter(inbox.snapshot(desk, Query())))
    first, _ = exhibits.save(desk, case_id, shelf)
    second, _ = exhibits.save(desk, case_id, shelf, clean=True)
    written = list(shelf.iterdir())
    assert sorted(written) == sorted({*first, *second})
    assert len(written) == 2 * len(hostile)
    assert all(path.parent == shelf and path.suffix == ".jpg" and len(path.name) < 120 for path in written)


def test_a_link_that_ended_is_taken_up_again_when_the_source_gives_a_new_one(desk: Desk, files: MediaServer) -> None:
    def seen(url: str | None) -> Any:
        photo_of = MediaItem(kind="image", name=clean_line("photo"), url=url, remote_id="p1")
        return message("Look", "m1", media=(photo_of,))

    arrive(desk, seen(None))
    assert fetch(desk) == 0
    arrive(desk, seen(files.status("/old.jpg", 404)))
    assert fetch(desk) == 0
    assert all_media(desk)["photo"].state is MediaState.EXPIRED
    arrive(desk, seen(files.put("/new.jpg", photo())))
    assert fetch(desk) == 1
    assert all_media(desk)["photo"].state is MediaState.KEPT
    arrive(desk, seen(files.url + "/other.jpg"))
    assert fetch(desk) == 0
    assert files.asked["/other.jpg"] == 0


def test_a_damaged_file_keeps_no_other_back_and_long_names_fit(desk: Desk, tmp_path: Path) -> None:
    names = ("広" * 200, "𠀀" * 200, "fine")
    items = tuple(MediaItem(kind="image", name=clean_line(name), data=photo(i)) for i, name in enumerate(names))
    arrive(desk, message("files", media=items))
    case_id = next(iter(inbox.snapshot(desk, Query())))
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    broken = all_media(desk)["fine"]
    (desk.media_folder / str(broken.path)).write_bytes(b"something else")
    written, problems = exhibits.save(desk, case_id, shelf)
    assert [len(path.name.encode()) < 200 for path in written] == [True, True]
    assert len(problems) == 1
    assert "is not what was kept" in problems[0]
    with pytest.raises(StoreError, match="not what was kept"):
        exhibits.lay_out(desk, broken)
    assert "was changed" in exhibits.amiss(desk, broken)
    arrive(desk, message("again", media=(items[-1],)))
    assert exhibits.amiss(desk, broken) == "", "the same file came again, and stands where the damaged one was"
    (desk.media_folder / str(broken.path)).unlink()
    assert "not in the media folder" in exhibits.amiss(desk, broken)


@pytest.mark.parametrize(
    ("name", "data", "opens"),
    [
        ("invoice.exe", b"MZ", False),
        ("photo.jpg.lnk", b"L\0\0\0", False),
        ("page.html", b"<script>", False),
        ("drawing.svg", b"<svg>", False),
        ("run.exe.", b"MZ", False),
        ("no ending", b"#!/bin/sh", False),
        ("macros.docm", b"PK\x03\x04", False),
        ("photo.hta", photo(), True),
        ("letter.DOCX", b"PK\x03\x04", True),
        ("scan", b"%PDF-1.7", True),
    ],
)
def test_what_could_be_a_program_is_not_given_to_the_system(desk: Desk, name: str, data: bytes, opens: bool) -> None:
    arrive(desk, message("files", media=(MediaItem(kind="file", name=clean_line(name), data=data),)))
    [media] = all_media(desk).values()
    if not opens:
        with pytest.raises(Refused, match="may be a program"):
            exhibits.lay_out(desk, media)
        return
    path = exhibits.lay_out(desk, media)
    assert path.read_bytes() == data
    assert path.suffix in (".jpg", ".DOCX", ".pdf")


def test_a_viewer_that_is_missing_or_fails_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Refused, match="No viewer"):
        opening.show(tmp_path / "photo.jpg")
    viewer = tmp_path / "xdg-open"
    viewer.write_text("#!/bin/sh\nexit 3\n", encoding="utf-8")
    viewer.chmod(0o755)
    with pytest.raises(Refused, match="could not open it"):
        opening.show(tmp_path / "photo.jpg")
    viewer.write_text('#!/bin/sh\necho "$1" > "$0.seen"\n', encoding="utf-8")
    opening.show(tmp_path / "photo.jpg")
    assert Path(f"{viewer}.seen").read_text(encoding="utf-8").strip() == str(tmp_path / "photo.jpg")
    viewer.write_text("not a program", encoding="utf-8")
    viewer.chmod(0o644)
    with pytest.raises(Refused, match="No viewer"):
        opening.show(tmp_path / "photo.jpg")


def test_wrong_answers_are_no_fault_of_ours_and_a_list_of_pieces_leads_nowhere_inside(
    desk: Desk, files: MediaServer
) -> None:
    with MediaServer() as elsewhere:
        inside = elsewhere.put("/secret.ts", b"\x47" * 400)
        files.put("/inside.m3u8", f"#EXTM3U\n{inside}\n#EXT-X-ENDLIST\n".encode())
        files.put("/version.m3u8", f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{inside}.m3u8\n".encode())
        files.put("/digits.m3u8", b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=" + b"9" * 6000 + b"\n/none.m3u8\n")
        links = {
            "not modified": files.status("/304.jpg", 304),
            "nowhere": files.status("/302.jpg", 302),
            "many": files.status("/300.jpg", 300),
            "inside": files.url + "/inside.m3u8",
            "version": files.url + "/version.m3u8",
            "digits": files.url + "/digits.m3u8",
            "backslash": files.redirect("/b.jpg", "https:\\\\127.0.0.1\\secret"),
        }
        items = [message(f"Look {i}", media=(media(url, name),)) for i, (name, url) in enumerate(links.items())]
        arrive(desk, *items)
        assert fetch(desk) == 0
        found = all_media(desk)
        assert [name for name, view in found.items() if "fault in socialtriage" in (view.why or "")] == []
        refused = {name for name, view in found.items() if view.state is MediaState.REFUSED}
        assert {"not modified", "nowhere", "many", "inside", "version"} <= refused
        assert found["digits"].state is MediaState.EXPIRED
        assert not elsewhere.asked


def test_a_full_disk_is_said_and_costs_no_try(desk: Desk, files: MediaServer, monkeypatch: pytest.MonkeyPatch) -> None:
    arrive(desk, message("Look", media=(media(files.put("/a.jpg", photo())),)))

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(evidence.tempfile, "mkstemp", full)  # type: ignore[attr-defined]
        for _ in range(MOST_TRIES + 2):
            assert fetch(desk) == 0
    waiting = all_media(desk)["photo"]
    assert waiting.state is MediaState.PENDING
    assert "No space left on device" in (waiting.why or "")
    assert fetch(desk) == 1
    assert all_media(desk)["photo"].why is None
