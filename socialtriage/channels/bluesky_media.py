"""Pictures and videos of Bluesky posts and direct messages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from socialtriage.domain.models import MediaItem
from socialtriage.domain.text import clean, clean_line

CDN = "https://cdn.bsky.app/img/feed_fullsize/plain"
"""Where the AppView of Bluesky serves pictures; used when the view of a post was not read."""
MOST = 20
"""More items than a gallery may have are not looked at."""


def embeds(embed: object) -> Iterator[dict[str, Any]]:
    """The parts of a post's embed: the media and the quoted record where it has both."""
    if not isinstance(embed, dict):
        return
    if str(embed.get("$type", "")).startswith("app.bsky.embed.recordWithMedia"):
        for part in (embed.get("media"), embed.get("record")):
            if isinstance(part, dict):
                yield part
    else:
        yield embed


def has_media(record: Mapping[str, Any]) -> bool:
    """Whether a post shows pictures or a video."""
    return any(_kind(embed) in ("images", "gallery", "video") for embed in embeds(record.get("embed")))


def media_of(did: str, record: Mapping[str, Any], view: object = None) -> tuple[MediaItem, ...]:
    """Media of a post by `did`. Addresses come from the AppView's `view`, which alone knows where it serves them."""
    shown = {_kind(part): part for part in embeds(view)}
    found: list[MediaItem] = []
    for embed in embeds(record.get("embed")):
        kind = _kind(embed)
        if kind in ("images", "gallery"):
            key = "images" if kind == "images" else "items"
            served = _list(shown.get(kind), key)
            for place, image in enumerate(_list(embed, key)[:MOST]):
                found.append(_image(did, image, served[place] if place < len(served) else {}, place))
        elif kind == "video":
            found.append(_video(embed, shown.get(kind, {})))
    return tuple(found)


def _kind(embed: Mapping[str, Any]) -> str:
    return str(embed.get("$type", "")).removeprefix("app.bsky.embed.").partition("#")[0]


def _list(embed: Mapping[str, Any] | None, key: str) -> list[Any]:
    value = embed.get(key) if embed else None
    return value if isinstance(value, list) else []


def _image(did: str, image: object, served: object, place: int) -> MediaItem:
    image = image if isinstance(image, dict) else {}
    served = served if isinstance(served, dict) else {}
    cid, mime = _blob(image.get("image"))
    address = _web(served.get("fullsize"))
    if not address and cid:
        address = f"{CDN}/{quote(did, safe=':')}/{quote(cid, safe='')}@jpeg"
    return MediaItem(
        kind="image", name=clean_line(f"image {place + 1}"), url=address, mime=mime, alt=_alt(image), remote_id=cid
    )


def _video(embed: Mapping[str, Any], served: Mapping[str, Any]) -> MediaItem:
    cid, mime = _blob(embed.get("video"))
    playlist = _web(served.get("playlist"))
    return MediaItem(
        kind="video",
        name=clean_line("video"),
        url=playlist,
        mime="application/vnd.apple.mpegurl" if playlist else mime,
        alt=_alt(embed),
        remote_id=cid,
    )


def _alt(embed: Mapping[str, Any]) -> Any:
    alt = embed.get("alt")
    return clean(alt, 5_000) if isinstance(alt, str) and alt.strip() else None


def _blob(blob: object) -> tuple[str | None, str | None]:
    """Cid and media type of a blob reference, in today's form and in the first one (`{cid, mimeType}`)."""
    if not isinstance(blob, dict):
        return None, None
    ref, mime = blob.get("ref"), blob.get("mimeType")
    cid = ref.get("$link") if isinstance(ref, dict) else blob.get("cid")
    return (cid if isinstance(cid, str) and cid.isalnum() else None), (mime if isinstance(mime, str) else None)


def _web(address: object) -> str | None:
    if isinstance(address, str) and address.startswith(("https://", "http://")) and len(address) < 2_000:
        return address
    return None
