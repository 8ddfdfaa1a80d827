"""Pictures for X: handed in with their descriptions before the post that shows them.

Sources: OpenAPI 2.165 and 2.167 (`/2/media/upload` in one call with the bytes in base64, `/2/media/metadata` with
`alt_text`, at most 4 pictures in a post, 1000 characters of description). No document of the vendor's that was read for
this names a price for an upload, so that the meter counts none; 5 MB for a picture is not confirmed.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence

from socialtriage.channels.x_api import Api, text_id
from socialtriage.domain.errors import BadPayload, NotPermitted, Unavailable
from socialtriage.domain.models import OutgoingFile

SCOPE = "media.write"
MOST, MOST_DIRECT = 4, 1
"""Pictures of a post, by the specification, and of a direct message: a list there too, but its length is not said."""
LARGEST = 5_000_000
ALT_LENGTH = 1_000
KINDS = ("image/jpeg", "image/png", "image/webp")
"""What one call takes; a moving GIF needs the upload in parts."""
_LATER = "Nothing was posted."


async def uploaded(api: Api, files: Sequence[OutgoingFile], category: str) -> list[str]:
    """The ids of pictures, each with its description; handed in twice they are still shown once.

    Raises `NotPermitted` for a login without `media.write`, `Unavailable` where X does not say what it made of one.
    """
    return [await _one(api, file, category) for file in files]


async def _one(api: Api, file: OutgoingFile, category: str) -> str:
    body = {"media": base64.b64encode(file.data).decode("ascii"), "media_category": category}
    try:
        made = (await api.call("POST", "/2/media/upload", data=body, safe=True)).get("data")
        key = text_id(made.get("id")) if isinstance(made, dict) else None
        if key is None or not isinstance(made, dict):
            raise Unavailable(f"X took {file.name} and did not say under which id. {_LATER}")
        working = made.get("processing_info")
        if isinstance(working, dict) and working.get("state") not in (None, "succeeded"):
            raise Unavailable(f"X is still working on {file.name}. {_LATER}")
        data = {"id": key, "metadata": {"alt_text": {"text": file.alt}}}
        await api.call("POST", "/2/media/metadata", data=data, safe=True)
    except BadPayload as exc:
        raise Unavailable(f"{exc.message} {_LATER}") from exc
    except NotPermitted as exc:
        hint = f"The login may lack {SCOPE}; sign in again, or leave the picture out."
        raise NotPermitted(f"X did not take {file.name}: {exc.message} {_LATER}", hint=hint) from exc
    return key
