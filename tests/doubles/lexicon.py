"""Checking of JSON against AT Protocol lexicons, as far as the double of Bluesky needs it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from socialtriage.channels.lengths import graphemes

SHARED = Path(__file__).resolve().parents[3] / "shared"
LEXICONS = SHARED / "specs" / "bluesky" / "lexicons"

FORMATS = {
    "datetime": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"),
    "did": re.compile(r"did:[a-z]+:[a-zA-Z0-9._:%-]*[a-zA-Z0-9._-]"),
    "handle": re.compile(r"([a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?\.)+[a-zA-Z]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"),
    "at-uri": re.compile(r"at://[a-zA-Z0-9._:%-]+(/[a-zA-Z0-9.-]+(/[A-Za-z0-9._~:-]+)?)?"),
    "cid": re.compile(r"baf[a-z2-7]{50,}"),
    "tid": re.compile(r"[2-7a-j][2-7a-z]{12}"),
    "record-key": re.compile(r"[A-Za-z0-9._~:-]{1,512}"),
    "language": re.compile(r"[a-zA-Z]{2,8}(-[a-zA-Z0-9]{1,8})*"),
    "uri": re.compile(r"[a-z][a-z0-9+.-]*:\S+"),
}


class Wrong(Exception):
    """What does not fit, and where."""


class Lexicons:
    """The lexicons of the specification; `None` from `find` where the folder is absent."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[str, dict[str, Any]] = {}

    @classmethod
    def find(cls) -> Lexicons | None:
        return cls(LEXICONS) if LEXICONS.is_dir() else None

    def definition(self, ref: str, base: str) -> tuple[dict[str, Any], str]:
        nsid, _, name = ref.partition("#")
        nsid = nsid or base
        if nsid not in self._read:
            path = self._folder.joinpath(*nsid.split(".")).with_suffix(".json")
            self._read[nsid] = json.loads(path.read_text()) if path.is_file() else {"defs": {}}
        return self._read[nsid]["defs"].get(name or "main", {"type": "unknown"}), nsid

    def check_params(self, method: str, params: dict[str, Any]) -> None:
        main, nsid = self.definition(method, method)
        schema = main.get("parameters", {"properties": {}})
        given = {name: self._typed(schema["properties"].get(name), values) for name, values in params.items()}
        self.check(given, {**schema, "type": "object"}, nsid, "params")

    def _typed(self, schema: dict[str, Any] | None, values: list[str]) -> Any:
        if schema is None:
            return values
        if schema["type"] == "array":
            return values
        if schema["type"] == "integer":
            if not re.fullmatch(r"-?\d+", values[-1]):
                raise Wrong(f'Expected integer value type (got "{values[-1]}")')
            return int(values[-1])
        if schema["type"] == "boolean":
            if values[-1] not in ("true", "false"):
                raise Wrong(f'Expected boolean value type (got "{values[-1]}")')
            return values[-1] == "true"
        return values[-1]

    def check_input(self, method: str, body: Any) -> None:
        main, nsid = self.definition(method, method)
        if "input" in main:
            self.check(body, main["input"]["schema"], nsid, "$")

    def check_output(self, method: str, body: Any) -> None:
        main, nsid = self.definition(method, method)
        if "schema" in main.get("output", {}):
            self.check(body, main["output"]["schema"], nsid, "$")

    def check_record(self, collection: str, record: Any) -> None:
        main, nsid = self.definition(collection, collection)
        self.check(record, main["record"], nsid, "$.record")

    def check(self, value: Any, schema: dict[str, Any], base: str, at: str) -> None:
        kind = schema["type"]
        if kind == "ref":
            target, nsid = self.definition(schema["ref"], base)
            self.check(value, target, nsid, at)
        elif kind == "union":
            self._union(value, schema, base, at)
        elif kind == "object":
            self._object(value, schema, base, at)
        elif kind == "array":
            if not isinstance(value, list):
                raise Wrong(f"Expected array at {at}")
            if len(value) > schema.get("maxLength", len(value)):
                raise Wrong(f"array too big (maximum {schema['maxLength']}, got {len(value)}) at {at}")
            for i, item in enumerate(value):
                self.check(item, schema["items"], base, f"{at}[{i}]")
        elif kind == "string":
            self._string(value, schema, at)
        elif kind == "integer":
            if not isinstance(value, int) or isinstance(value, bool):
                raise Wrong(f"Expected integer value type at {at}")
            if value < schema.get("minimum", value):
                raise Wrong(f"integer too small (minimum {schema['minimum']}, got {value}) at {at}")
            if value > schema.get("maximum", value):
                raise Wrong(f"integer too big (maximum {schema['maximum']}, got {value}) at {at}")
        elif kind == "boolean" and not isinstance(value, bool):
            raise Wrong(f"Expected boolean value type at {at}")

    def _object(self, value: Any, schema: dict[str, Any], base: str, at: str) -> None:
        if not isinstance(value, dict):
            raise Wrong(f"Expected object at {at}")
        for name in schema.get("required", ()):
            if name not in value:
                raise Wrong(f'Missing required key "{name}" at {at}')
        for name, inner in schema.get("properties", {}).items():
            if name in value and not (value[name] is None and name in schema.get("nullable", ())):
                self.check(value[name], inner, base, f"{at}.{name}")

    def _union(self, value: Any, schema: dict[str, Any], base: str, at: str) -> None:
        if not isinstance(value, dict) or not isinstance(value.get("$type"), str):
            raise Wrong(f"Expected an object with $type at {at}")
        given = value["$type"].removesuffix("#main")
        for ref in schema["refs"]:
            full = ref if not ref.startswith("#") else f"{base}{ref}"
            if full.removesuffix("#main") == given:
                target, nsid = self.definition(full, base)
                self.check(value, target, nsid, at)
                return
        if schema.get("closed"):
            raise Wrong(f"Unknown $type {given} at {at}")

    def _string(self, value: Any, schema: dict[str, Any], at: str) -> None:
        if not isinstance(value, str):
            raise Wrong(f"Expected string value type at {at}")
        size = len(value.encode("utf-8", "surrogatepass"))
        if size > schema.get("maxLength", size):
            raise Wrong(f"string too big (maximum {schema['maxLength']}, got {size}) at {at}")
        if "maxGraphemes" in schema and graphemes(value) > schema["maxGraphemes"]:
            raise Wrong(f"grapheme too big (maximum {schema['maxGraphemes']}, got {graphemes(value)}) at {at}")
        pattern = FORMATS.get(schema.get("format", ""))
        if pattern and not pattern.fullmatch(value) and value != "handle.invalid":
            raise Wrong(f"Invalid {schema['format']} (got {value!r}) at {at}")
