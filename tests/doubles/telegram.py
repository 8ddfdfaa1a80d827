"""A Telegram Bot API on loopback: the queue that is confirmed by its offset, webhooks, files, and strict parameters.

Methods, parameters and required ones are those of the specification where it is present, else a short list of them.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from tests.doubles.forms import File
from tests.doubles.vendor import Asked, Said, Vendor

SPECIFICATION = Path(__file__).resolve().parents[3] / "shared/specs/telegram/bot-api-10.1.json"
TOKEN = "7001:AAE-secret_of_the_bot"
FALLBACK = {
    "getMe": {},
    "getUpdates": {"offset": False, "limit": False, "timeout": False, "allowed_updates": False},
    "getWebhookInfo": {},
    "deleteWebhook": {"drop_pending_updates": False},
    "getFile": {"file_id": True},
    "sendMessage": {"chat_id": True, "text": True, "reply_parameters": False},
    "sendPhoto": {"chat_id": True, "photo": True, "caption": False, "reply_parameters": False},
}


@cache
def methods() -> dict[str, dict[str, bool]]:
    """Parameters by method, and whether each is required."""
    if not SPECIFICATION.exists():
        return FALLBACK
    data = json.loads(SPECIFICATION.read_text(encoding="utf-8"))["methods"]
    return {name: {f["name"]: f["required"] for f in method.get("fields", ())} for name, method in data.items()}


def person(number: int, name: str, username: str | None = None) -> dict[str, Any]:
    return {"id": number, "is_bot": False, "first_name": name, "language_code": "en"} | (
        {"username": username} if username else {}
    )


class TelegramServer(Vendor):
    """One bot. `now` is the server's clock; what waits for longer than a day is thrown away."""

    def __init__(self) -> None:
        super().__init__()
        self.now = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
        self.me = {"id": 7001, "is_bot": True, "first_name": "Anytown", "username": "anytown_bot"}
        self.token = TOKEN
        self.webhook = ""
        self.rivals = 0
        """How many times another program is found polling."""
        self.queue: list[dict[str, Any]] = []
        self.files: dict[str, bytes] = {}
        self.sent: list[dict[str, Any]] = []
        self.blocked: set[int] = set()
        self.channels: dict[str, int] = {}
        """Channels that the bot may write in, by name."""
        self.update_id = 500
        self.number = 10
        self.confirmed: list[int] = []

    # --- what people do -----------------------------------------------------------------------------------

    def say(
        self, who: dict[str, Any], text: str | None = None, *, chat: dict[str, Any] | None = None, **more: Any
    ) -> int:
        """Someone writes; without `chat` in private to the bot."""
        self.number += 1
        message = {
            "message_id": self.number,
            "from": who,
            "chat": chat or {"id": who["id"], "type": "private", "first_name": who["first_name"]},
            "date": int(self.now.timestamp()),
        }
        message |= ({"text": text} if text is not None else {}) | more
        self.update(message=message)
        return self.number

    def edit(self, who: dict[str, Any], number: int, text: str, **more: Any) -> None:
        stamp = int(self.now.timestamp())
        chat = more.pop("chat", None) or {"id": who["id"], "type": "private"}
        base = {"message_id": number, "from": who, "chat": chat, "date": stamp - 60, "edit_date": stamp, "text": text}
        self.update(edited_message=base | more)

    def update(self, **content: Any) -> None:
        self.update_id += 1
        self.queue.append({"update_id": self.update_id, "at": self.now, **content})

    # --- the interface ------------------------------------------------------------------------------------

    def answer(self, asked: Asked) -> Any:
        if asked.path.startswith(f"/file/bot{self.token}/"):
            return self._file(asked.path.removeprefix(f"/file/bot{self.token}/"))
        prefix, _, method = asked.path.removeprefix("/bot").partition("/")
        if prefix != self.token:
            raise Said(401, {"ok": False, "error_code": 401, "description": "Unauthorized"})
        allowed = methods().get(method)
        if allowed is None:
            self.problems.append(f"no method {method}")
            raise Said(404, {"ok": False, "error_code": 404, "description": "Not Found"})
        params = {name: _value(values[0]) for name, values in asked.query.items()}
        form = "multipart" in asked.headers.get("content-type", "")
        for name, value in (asked.body or {}).items():
            params[name] = _value(value) if form and isinstance(value, str) and name != "caption" else value
        for name in params.keys() - allowed.keys():
            raise self.wrong(f"{method} has no parameter {name}")
        for name, required in allowed.items():
            if required and name not in params:
                raise self.wrong(f"{method} needs {name}")
        return {"ok": True, "result": getattr(self, f"do_{method}")(params)}

    def do_getMe(self, params: dict[str, Any]) -> Any:
        return self.me

    def do_getWebhookInfo(self, params: dict[str, Any]) -> Any:
        return {"url": self.webhook, "has_custom_certificate": False, "pending_update_count": len(self.queue)}

    def do_deleteWebhook(self, params: dict[str, Any]) -> Any:
        if params.get("drop_pending_updates"):
            self.problems.append("updates were dropped")
        self.webhook = ""
        return True

    def do_getUpdates(self, params: dict[str, Any]) -> Any:
        if self.webhook:
            raise _conflict("can't use getUpdates method while webhook is active; use deleteWebhook to delete it first")
        if self.rivals:
            self.rivals -= 1
            raise _conflict("terminated by other getUpdates request; make sure that only one bot instance is running")
        if params.get("timeout"):
            raise self.wrong("a pass waited on a long poll")
        if not 1 <= params.get("limit", 100) <= 100:
            raise self.wrong("limit is from 1 to 100")
        self.queue = [u for u in self.queue if self.now - u["at"] < timedelta(hours=24)]
        offset = params.get("offset", 0)
        self.confirmed += [u["update_id"] for u in self.queue if u["update_id"] < offset]
        self.queue = [u for u in self.queue if u["update_id"] >= offset]
        kinds = params.get("allowed_updates", [])
        shown = [u for u in self.queue if not kinds or any(kind in u for kind in kinds)]
        return [{k: v for k, v in u.items() if k != "at"} for u in shown[: params.get("limit", 100)]]

    def do_getFile(self, params: dict[str, Any]) -> Any:
        if params["file_id"] not in self.files:
            raise Said(400, {"ok": False, "error_code": 400, "description": "Bad Request: invalid file_id"})
        return {"file_id": params["file_id"], "file_unique_id": "u", "file_path": f"photos/{params['file_id']}.jpg"}

    def _file(self, path: str) -> bytes:
        return self.files[path.removeprefix("photos/").removesuffix(".jpg")]

    def do_sendMessage(self, params: dict[str, Any]) -> Any:
        if not 1 <= len(params["text"].encode("utf-16-le")) // 2 <= 4096:
            raise Said(400, {"ok": False, "error_code": 400, "description": "Bad Request: message is too long"})
        return self._say(params, {"text": params["text"]})

    def do_sendPhoto(self, params: dict[str, Any]) -> Any:
        if not isinstance(params["photo"], File):
            raise self.wrong("the photo is no file")
        if len(params["caption"].encode("utf-16-le")) // 2 > 1024:
            raise Said(400, {"ok": False, "error_code": 400, "description": "Bad Request: message caption is too long"})
        return self._say(params, {"caption": params["caption"], "photo": [{"file_id": "p", "width": 8}]})

    def _say(self, params: dict[str, Any], content: dict[str, Any]) -> Any:
        if isinstance(params["chat_id"], str):
            if params["chat_id"] not in self.channels:
                said = {"ok": False, "error_code": 403, "description": "Forbidden: bot is not a member of the channel"}
                raise Said(403, said)
            params["chat_id"] = self.channels[params["chat_id"]]
        if params["chat_id"] in self.blocked:
            said = {"ok": False, "error_code": 403, "description": "Forbidden: bot was blocked by the user"}
            raise Said(403, said)
        self.number += 1
        message = {
            "message_id": self.number,
            "from": self.me,
            "chat": {"id": params["chat_id"], "type": "private"},
            "date": int(self.now.timestamp()),
        } | content
        beside = {"reply_parameters": params.get("reply_parameters"), "file": params.get("photo")}
        self.sent.append(message | beside)
        return message


def _conflict(words: str) -> Said:
    return Said(409, {"ok": False, "error_code": 409, "description": f"Conflict: {words}"})


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
