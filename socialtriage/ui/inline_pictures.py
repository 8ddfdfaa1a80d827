"""Photos within the thread of a case: drawn when a key asks for them, and only for as long as the case is shown."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from socialtriage.domain.errors import Refused, StoreError
from socialtriage.domain.models import MediaState
from socialtriage.domain.text import clean_line
from socialtriage.domain.views import MediaView
from socialtriage.ui import words
from socialtriage.ui.pictures import paint, why_not
from socialtriage.ui.widgets.case_view import PHOTO_MARGIN, CaseView, Photo

if TYPE_CHECKING:
    from socialtriage.ui.app import TriageApp

MOST = 12
"""Photos that are drawn within one thread, the newest; the screen of one photo has them all."""
MOST_ROWS = 20
"""Rows of one photo: of the text beside it enough must stay in view."""


def toggle(app: TriageApp, view: CaseView) -> None:
    """Draw the photos of the case that is shown, one after the other behind the keys; or take them out again."""
    if view.photos:
        view.show_photos({})
        app.say("The photos are put away.")
        return
    kept = _kept(view)
    refused = why_not(app)
    if refused or not kept:
        app.say(refused or "No file of this case is kept.", "$warn")
        return
    view.show_photos({media.id: Photo(words="drawing …") for media in kept[-MOST:]}, partial(_begin, app, view))
    _begin(app, view, len(kept))


def _kept(view: CaseView) -> list[MediaView]:
    messages = view.detail.messages if view.detail else ()
    return [media for each in messages for media in each.media if media.state is MediaState.KEPT]


def _begin(app: TriageApp, view: CaseView, count: int = 0) -> None:
    app.in_background(partial(_draw, app, view, count), "photos", "drawing photos")


async def _draw(app: TriageApp, view: CaseView, count: int) -> None:
    """Draw what is wanted at the width there is now; of `count` files, it is said how many were photos."""
    for media in _kept(view):
        if media.id in view.photos:
            photo = await _photo(app, view, media)
            if not view.is_attached or media.id not in view.photos:
                return  # put away, or another case, meanwhile
            view.show_photos({**view.photos, media.id: photo}, partial(_begin, app, view))
    if count:
        drawn = words.many(sum(bool(photo.lines) for photo in view.photos.values()), "photo")
        more = f" The newest {MOST} files are looked at; P shows them all." if count > MOST else ""
        app.say(f"{drawn} in the thread; the same key puts them away.{more}")


async def _photo(app: TriageApp, view: CaseView, media: MediaView) -> Photo:
    rows = min(MOST_ROWS, max(6, view.size.height - 6))
    try:
        picture, lines = await paint(app, media, view.room - len(PHOTO_MARGIN), rows)
    except (Refused, StoreError) as exc:
        return Photo(words=clean_line(str(exc), 300))
    return Photo(lines, "the first picture of a moving one" if picture.moving else "")
