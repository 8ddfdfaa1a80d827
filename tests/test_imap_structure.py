"""BODYSTRUCTURE: the text and the files of a mail that is too large to fetch."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from socialtriage.mail.structure import outline

TEXT = (b"text", b"plain", (b"charset", b"koi8-r", b"format", b"flowed"), None, None, b"base64", 10, 2, None, None)
HTML = (b"TEXT", b"HTML", None, None, None, b"quoted-printable", 10, 2)
FILM = (
    b"video", b"mp4", (b"name", b"old.mp4"), None, None, b"base64", 4000, None,
    (b"attachment", (b"filename*", b"utf-8''llif%C5%B5.mp4")), None,
)  # fmt: skip
MAIL = (b"message", b"rfc822", None, None, None, b"7bit", 500, (b"envelope",), TEXT, 20, None, (b"inline", None))


def test_one_part_alone() -> None:
    part, files = outline(TEXT)
    assert part is not None
    assert (part.section, part.encoding) == ("1", "base64")
    assert part.content_type == 'text/plain; charset="koi8-r"; format="flowed"'
    assert files == ()


def test_text_is_found_deep_and_files_are_named() -> None:
    part, files = outline(([([HTML, TEXT], b"alternative"), FILM, MAIL], b"mixed"))
    assert part is not None
    assert (part.section, part.content_type[:10]) == ("1.2", "text/plain")
    assert [(file.name, file.mime, file.size, file.too_large) for file in files] == [
        ("llifŵ.mp4", "video/mp4", 3000, True),
        ("file-3.eml", "message/rfc822", 500, True),
    ]
    assert files[1].inline


def test_html_alone_and_no_text_at_all() -> None:
    part, _ = outline(([HTML, FILM], b"mixed"))
    assert part is not None
    assert (part.section, part.content_type) == ("1", "text/html")
    part, files = outline(FILM)
    assert part is None
    assert len(files) == 1


def test_a_text_file_is_a_file() -> None:
    log = (*TEXT[:9], (b"attachment", (b"filename", b"log.txt")))
    part, files = outline(([HTML, log], b"mixed"))
    assert part is not None
    assert part.content_type == "text/html"
    assert [file.name for file in files] == ["log.txt"]


ATOMS: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.integers(-5, 9), st.binary(max_size=6), st.sampled_from([b"text", b"plain"])
)


@given(
    st.recursive(
        ATOMS,
        lambda inner: st.one_of(st.lists(inner, max_size=4), st.lists(inner, max_size=11).map(tuple)),
        max_leaves=30,
    )
)
def test_any_structure(structure: Any) -> None:
    outline(structure)


def test_a_structure_without_bottom() -> None:
    deep: Any = TEXT
    for _ in range(5000):
        deep = ([deep], b"mixed")
    assert outline(deep) == (None, ())
