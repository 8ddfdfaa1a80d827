"""When a link to a file ends, as far as its own address says so."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import parse_qsl, urlsplit

SOON = 0.0
"""For a link that is signed, but does not say until when: it may end at any moment."""
_SIGNED = frozenset({"signature", "sig", "token", "hmac", "_nc_ohc", "x-amz-signature", "x-goog-signature", "oh"})


def ends_at(url: str) -> float | None:
    """Seconds since 1970 at which the link ends; `SOON` when it is signed without saying; None for a lasting one.

    Sources: AWS Signature 4 and CloudFront, Google Cloud Storage (`Expires`, `X-…-Date` with `X-…-Expires`), Azure SAS
    (`se`). `oe` with hexadecimal seconds in Meta's addresses is what they look like; no document confirms it.
    """
    try:
        query = {name.lower(): value for name, value in parse_qsl(urlsplit(url).query)}
    except ValueError:
        return None
    for read in (_expires, _meta, _dated, _azure):
        try:
            if (found := read(query)) is not None:
                return found
        except (ValueError, OverflowError):
            continue
    return SOON if _SIGNED & query.keys() else None


def _expires(query: Mapping[str, str]) -> float | None:
    value = query.get("expires") or query.get("exp")
    return float(int(value)) if value and value.isdigit() else None


def _meta(query: Mapping[str, str]) -> float | None:
    return float(int(query["oe"], 16)) if "oe" in query and "oh" in query else None


def _dated(query: Mapping[str, str]) -> float | None:
    for vendor in ("amz", "goog"):
        begun, lasts = query.get(f"x-{vendor}-date"), query.get(f"x-{vendor}-expires")
        if begun and lasts:
            return datetime.strptime(f"{begun}+0000", "%Y%m%dT%H%M%SZ%z").timestamp() + int(lasts)
    return None


def _azure(query: Mapping[str, str]) -> float | None:
    if "se" not in query or "sig" not in query:
        return None
    end = datetime.fromisoformat(query["se"])
    return end.timestamp() if end.tzinfo else None
