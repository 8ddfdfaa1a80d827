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


async def toggle(app: TriageApp, view: CaseView) -> None:
    """Draw the photos of the case that is shown, or take them out again."""
    if view.photos:
        view.show_photos({})
        app.say("The photos are put away.")
        return
    kept = _kept(view)
    refused = why_not(app)
    if refused or not kept:
        app.say(refused or "No file of this case is kept.", "$warn")
        return
    await _draw(app, view, [media.id for media in kept][-MOST:])
    drawn = sum(bool(photo.lines) for photo in view.photos.values())
    more = f" The newest {MOST} files are looked at; P shows them all." if len(kept) > MOST else ""
    app.say(f"{words.many(drawn, 'photo')} in the thread; the same key puts them away.{more}")


def _kept(view: CaseView) -> list[MediaView]:
    messages = view.detail.messages if view.detail else ()
    return [media for each in messages for media in each.media if media.state is MediaState.KEPT]


async def _draw(app: TriageApp, view: CaseView, wanted: list[int]) -> None:
    """Draw those files at the width there is now."""
    case_id = view.detail.row.id if view.detail else None
    rows = min(MOST_ROWS, max(6, view.size.height - 6))
    photos: dict[int, Photo] = {}
    for media in _kept(view):
        if media.id not in wanted:
            continue
        try:
            picture, lines = await paint(app, media, view.room - len(PHOTO_MARGIN), rows)
        except (Refused, StoreError) as exc:
            photos[media.id] = Photo(words=clean_line(str(exc), 300))
        else:
            photos[media.id] = Photo(lines, "the first picture of a moving one" if picture.moving else "")
    if not view.is_attached or view.detail is None or view.detail.row.id != case_id:
        return
    again = partial(_draw, app, view, wanted)
    view.show_photos(photos, lambda: app.in_background(again, "photos", "drawing photos"))
