"""What Meta's Graph API lets be called: edges, parameters and fields of the nodes that the adapters use.

`test_graph_spec.py` holds this table against the specifications that lie beside the project, where they do.
"""

from __future__ import annotations

import re

ANYWHERE = {"fields", "limit", "after", "before", "access_token", "appsecret_proof", "pretty"}
"""Parameters of every call."""
EDGES: dict[tuple[str, str, str], set[str]] = {
    ("Page", "GET", "feed"): {"include_hidden", "show_expired", "with"},
    ("Page", "GET", "visitor_posts"): {"include_hidden", "show_expired", "with"},
    ("Page", "GET", "tagged"): set(),
    ("Page", "GET", "ads_posts"): {"exclude_dynamic_ads", "include_inline_create", "since", "until"},
    ("Page", "GET", "conversations"): {"folder", "platform", "tags", "user_id"},
    ("Page", "POST", "messages"): {"message", "messaging_type", "recipient", "tag"},
    ("Page", "POST", "feed"): {"message"},
    ("Page", "POST", "photos"): {"alt_text_custom", "published"},
    ("Page", "POST", "message_attachments"): {"message", "platform"},
    ("Page", "POST", "blocked"): {"asid", "psid", "uid", "user"},
    ("Page", "DELETE", "blocked"): {"asid", "psid", "uid", "user"},
    ("Page", "GET", ""): set(),
    ("PagePost", "GET", "comments"): {"filter", "live_filter", "order", "since"},
    ("PagePost", "POST", "comments"): {"attachment_id", "attachment_url", "message"},
    ("PagePost", "GET", ""): set(),
    ("PagePost", "POST", ""): {"is_hidden", "message"},
    ("PagePost", "DELETE", ""): set(),
    ("Comment", "GET", "comments"): {"filter", "live_filter", "order", "since"},
    ("Comment", "POST", "comments"): {"attachment_id", "attachment_url", "message"},
    ("Comment", "GET", ""): set(),
    ("Comment", "POST", ""): {"is_hidden", "message"},
    ("Comment", "DELETE", ""): set(),
    ("UnifiedThread", "GET", ""): set(),
    ("UnifiedThread", "GET", "messages"): {"source"},
    ("IGUser", "GET", ""): set(),
    ("IGUser", "GET", "media"): {"since", "until"},
    ("IGUser", "GET", "tags"): set(),
    ("IGUser", "GET", "conversations"): {"folder", "platform", "tags", "user_id"},
    ("IGUser", "POST", "moderate_conversations"): {"actions", "user_ids"},
    ("IGMedia", "GET", ""): set(),
    ("IGMedia", "GET", "comments"): set(),
    ("IGMedia", "POST", "comments"): {"message"},
    ("IGComment", "GET", ""): set(),
    ("IGComment", "POST", ""): {"hide"},
    ("IGComment", "DELETE", ""): set(),
    ("IGComment", "GET", "replies"): set(),
    ("IGComment", "POST", "replies"): {"message"},
}
"""Parameters by node, method and edge. `messages` of an Instagram account is not in the specification of its node."""
FIELDS: dict[str, set[str]] = {
    "Page": {"id", "name", "access_token", "category", "username", "link"},
    "PagePost": {
        "id", "from", "message", "created_time", "updated_time", "permalink_url", "is_published", "is_hidden",
    },
    "Comment": {
        "id", "message", "created_time", "from", "parent", "attachment", "is_hidden", "can_hide", "can_remove",
        "can_comment", "can_reply_privately", "is_private", "comment_count", "message_tags", "permalink_url",
        "private_reply_conversation",
    },
    "UnifiedThread": {"id", "updated_time", "participants", "can_reply", "unread_count", "snippet"},
    "IGUser": {"id", "username", "name", "user_id"},
    "IGMedia": {
        "id", "timestamp", "comments_count", "permalink", "media_type", "media_url", "caption", "username", "owner",
    },
    "IGComment": {"id", "text", "timestamp", "username", "from", "hidden", "parent_id", "media", "like_count", "user"},
}  # fmt: skip
"""Fields by node."""
OUTSIDE = {
    "PagePost": {"attachments"},
    "UnifiedThread": {"messages"},
    "IGComment": {"replies"},
    "UnifiedMessage": {"id", "created_time", "from", "to", "message", "attachments", "shares", "sticker", "tags"},
}
"""Edges that are asked for as fields, and a node that the specification names without its fields."""

_PART = re.compile(r"([a-z_]+)((?:\.[a-z_]+\(\w+\))*)(\{)?")


def parse_fields(text: str) -> dict[str, tuple[int | None, dict[str, object]]]:
    """`a,b{c},d.limit(20){e}` as names with their limit and their own fields. Raises `ValueError`."""
    found: dict[str, tuple[int | None, dict[str, object]]] = {}
    at = 0
    while at < len(text):
        match = _PART.match(text, at)
        if match is None:
            raise ValueError(text[at:])
        at = match.end()
        inner: dict[str, object] = {}
        if match[3]:
            end, depth = at, 1
            while depth and end < len(text):
                depth += {"{": 1, "}": -1}.get(text[end], 0)
                end += 1
            inner = dict(parse_fields(text[at : end - 1]))
            at = end
        limit = re.search(r"\.limit\((\d+)\)", match[2])
        found[match[1]] = (int(limit[1]) if limit else None, inner)
        if at < len(text) and text[at] != ",":
            raise ValueError(text[at:])
        at += 1
    return found
