"""Pictures for a Page: handed in unseen, with their description where there is a place for one, before what shows them.

Sources: the specification of the Page's edges `photos` (`published`, `alt_text_custom`) and `message_attachments`
(`message`, `platform`), of the edge `comments` (`attachment_id`: an unpublished photo of ours, one for a comment).
A message in Messenger is either words or an attachment, so that a picture is a message of its own. The
names of the fields that hold the bytes (`source`, `filedata`) and the sizes are those of peers' code and are not
confirmed; no live Page has confirmed this module. `pages_manage_posts` is needed for `photos`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from socialtriage.channels.facebook_login import POSTING, PageLogin
from socialtriage.channels.facebook_posts import id_of
from socialtriage.channels.graph_json import text_id
from socialtriage.channels.multipart import form_with
from socialtriage.domain.errors import BadPayload, NotPermitted, Unavailable
from socialtriage.domain.models import OutgoingFile

MOST = 1
"""Pictures of a comment, and of an answer in Messenger: there it is a message without words, told from another of ours
by its time alone.
"""
LARGEST = 4_000_000
KINDS = ("image/jpeg", "image/png", "image/gif")
LIMITS = "The one private answer to a comment is words alone; pictures may follow when they have answered."
_LATER = "Nothing was posted."


async def photo(login: PageLogin, file: OutgoingFile) -> str:
    """The id of a picture on the Page that nobody sees until a comment has it.

    Raises `NotPermitted` without `pages_manage_posts`, `Unavailable` where Meta does not say what it made of it.
    """
    fields = {"published": "false", "alt_text_custom": file.alt}
    try:
        return await _handed_in(login, "photos", fields, "source", file, "pages")
    except NotPermitted as exc:
        hint = f"The permission {POSTING} may be missing; leave the picture out, or sign in again."
        raise NotPermitted(f"{exc.message} {_LATER}", hint=hint) from exc


async def attachment(login: PageLogin, file: OutgoingFile) -> str:
    """The id of a picture that a message can have. Raises `NotPermitted`, `Unavailable`."""
    message = {"attachment": {"type": "image", "payload": {"is_reusable": True}}}
    fields = {"platform": "messenger", "message": json.dumps(message)}
    return await _handed_in(login, "message_attachments", fields, "filedata", file, "messenger")


async def _handed_in(
    login: PageLogin, edge: str, fields: Mapping[str, str], name: str, file: OutgoingFile, use: str
) -> str:
    content, headers = form_with(fields, name, file)
    try:
        made = await login.graph.hand_in(f"{login.page}/{edge}", content, headers, use=use)
    except BadPayload as exc:
        raise Unavailable(f"{exc.message} {_LATER}") from exc
    found = text_id(made.get("attachment_id")) if isinstance(made, dict) else None
    if (key := found or id_of(made)) is None:
        raise Unavailable(f"Meta took {file.name} and did not say under which id. {_LATER}")
    return key
