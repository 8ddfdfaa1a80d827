"""A server of pictures on loopback that misbehaves: endless, slow, cut off, the wrong type, redirecting, expired.

`photo` makes a real JPEG with a place in its EXIF.
"""

from __future__ import annotations

import contextlib
import ssl
import struct
import threading
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Serve = Callable[["Handler"], None]


def tiff(orientation: int = 6) -> bytes:
    """EXIF data with a camera, an orientation and a position north of Anytown."""
    camera = b"Secret Camera\0"
    gps_at = 8 + 2 + 3 * 12 + 4
    text_at = gps_at + 2 + 2 * 12 + 4
    place_at = text_at + len(camera)
    ifd = struct.pack(">HHIHHI", 0x0110, 2, len(camera), 0, 0, 0)[:8] + struct.pack(">I", text_at)
    ifd += struct.pack(">HHIHH", 0x0112, 3, 1, orientation, 0)
    ifd += struct.pack(">HHII", 0x8825, 4, 1, gps_at)
    gps = struct.pack(">HHI4s", 1, 2, 2, b"N\0\0\0") + struct.pack(">HHII", 2, 5, 3, place_at)
    place = struct.pack(">6I", 51, 1, 30, 1, 12345, 100)
    head = b"MM\0*" + struct.pack(">I", 8) + struct.pack(">H", 3) + ifd + bytes(4)
    return head + struct.pack(">H", 2) + gps + bytes(4) + camera + place


def segment(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def photo(filler: int = 0, orientation: int = 6) -> bytes:
    """A JPEG of one grey block, as a phone makes it: EXIF with a place, XMP, a comment, and a second picture behind."""
    quantum = segment(0xDB, b"\0" + bytes([1] * 64))
    frame = segment(0xC0, struct.pack(">BHHB", 8, 8, 8, 1) + b"\x01\x11\x00")
    huffman = segment(0xC4, b"\x00" + bytes([0, 1] + [0] * 14) + b"\x00")
    huffman += segment(0xC4, b"\x10" + bytes([0, 1] + [0] * 14) + b"\x00")
    scan = segment(0xDA, b"\x01\x01\x00\x00\x3f\x00") + b"\x3f\xff\x00\xff\xd0\x3f"
    exif = segment(0xE1, b"Exif\0\0" + tiff(orientation))
    xmp = segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x>51.5074</x>")
    extra = exif + xmp + segment(0xED, b"Photoshop 3.0\0somebody") + segment(0xFE, b"a comment " + b"x" * filler)
    jfif = segment(0xE0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0")
    behind = b"\xff\xd8" + exif + b"\xff\xd9"
    return b"\xff\xd8" + jfif + extra + quantum + frame + huffman + scan + b"\xff\xd9" + behind


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png() -> bytes:
    """A PNG of one pixel with EXIF, text and a time."""
    head = png_chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)) + png_chunk(b"gAMA", b"\0\0\xb1\x8f")
    told = png_chunk(b"eXIf", tiff()) + png_chunk(b"tEXt", b"Author\0Somebody") + png_chunk(b"tIME", bytes(7))
    end = png_chunk(b"IDAT", zlib.compress(b"\0\x80")) + png_chunk(b"IEND", b"") + b"trailer with 51.5074"
    return b"\x89PNG\r\n\x1a\n" + head + told + end


def webp() -> bytes:
    """A WebP container with EXIF and XMP."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)

    body = b"WEBP" + chunk(b"VP8X", bytes([0x2C]) + bytes(9)) + chunk(b"VP8L", b"\x2f" + bytes(6))
    body += chunk(b"EXIF", tiff()) + chunk(b"XMP ", b"<x>51.5074</x>")
    return b"RIFF" + struct.pack("<I", len(body)) + body


@dataclass
class MediaServer:
    """`with MediaServer() as files:`; `files.put("/a.jpg", ...)`. Paths that were asked for are counted."""

    serves: dict[str, Serve] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    headers: list[dict[str, str]] = field(default_factory=list)
    leaving: threading.Event = field(default_factory=threading.Event)
    begun: threading.Event = field(default_factory=threading.Event)
    tls: ssl.SSLContext | None = None

    def __enter__(self) -> MediaServer:
        handler = type("Bound", (Handler,), {"double": self})
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        if self.tls is not None:
            self._http.socket = self.tls.wrap_socket(self._http.socket, server_side=True, do_handshake_on_connect=False)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.leaving.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def port(self) -> int:
        return int(self._http.server_address[1])

    def put(self, path: str, body: bytes, kind: str = "image/jpeg") -> str:
        """Serve `body` as a file of that type."""
        self.serves[path] = lambda handler: handler.answer(200, body, {"Content-Type": kind})
        return self.url + path

    def redirect(self, path: str, to: str) -> str:
        self.serves[path] = lambda handler: handler.answer(302, b"", {"Location": to})
        return self.url + path

    def status(self, path: str, status: int, **headers: str) -> str:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.serves[path] = lambda handler: handler.answer(status, b"no", named)
        return self.url + path

    def endless(self, path: str) -> str:
        """A picture that goes on and on, without a length."""
        self.serves[path] = lambda handler: handler.stream(photo()[:-2], again=b"\xff\xfe\x00\x04ab" * 4000)
        return self.url + path

    def slow(self, path: str) -> str:
        """The beginning of a picture, and then nothing until the server leaves."""
        self.serves[path] = lambda handler: handler.stream(photo(9000), again=None)
        return self.url + path

    def cut(self, path: str) -> str:
        """Half of what was announced."""
        body = photo(9000)
        self.serves[path] = lambda handler: handler.answer(200, body[:5000], {"Content-Length": str(len(body))})
        return self.url + path


class Handler(BaseHTTPRequestHandler):
    """One connection. `double` is set on a subclass."""

    double: MediaServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.double.asked[path] += 1
        self.double.headers.append({k.lower(): v for k, v in self.headers.items()})
        serve = self.double.serves.get(path)
        with contextlib.suppress(OSError):
            if serve is None:
                self.answer(404, b"nothing here", {})
            else:
                serve(self)

    def answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), "Connection": "close", **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def stream(self, first: bytes, *, again: bytes | None) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "image/jpeg")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(first)
        self.wfile.flush()
        self.double.begun.set()
        while again is not None and not self.double.leaving.is_set():
            self.wfile.write(again)
        self.double.leaving.wait(20)
        self.close_connection = True
