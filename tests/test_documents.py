"""What the documents say is so: every command and key, every example, every link and picture."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import click
import pytest

from socialtriage import __version__
from socialtriage.channels import registry
from socialtriage.cli.main import COMMANDS, cli
from socialtriage.config.load import parse
from socialtriage.ui.actions import table
from socialtriage.ui.keymaps import keymap, markdown_table

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = {
    name: (ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "ARCHITECTURE.md", "CHANGELOG.md")
}
PICTURES = sorted((ROOT / "docs").rglob("*.svg"))
FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[([^\]]*)\]\(([^)\s]+)\)")


def part(begin: str, end: str) -> str:
    """The README between two markers, without the blank lines at its ends."""
    assert README.count(begin) == README.count(end) == 1, f"the markers {begin} {end} must stand there once"
    return README.partition(begin)[2].partition(end)[0].strip()


def section(heading: str) -> str:
    """The README under a heading of the second level."""
    assert f"\n## {heading}\n" in README
    return README.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


# --- keys and commands ----------------------------------------------------------------------------------------------


def test_the_table_of_keys_is_that_of_the_program() -> None:
    assert part("<!-- keys -->", "<!-- /keys -->") == markdown_table().strip(), "run: python docs/tables.py"


def test_the_first_hour_names_keys_that_exist() -> None:
    hour = re.sub(r"```.*?```", "", section("A first hour for an officer"), flags=re.DOTALL)
    keys = {key.lower() for action in table().values() for key in keymap({}).keys_of(action)}
    named = {word.lower() for word in re.findall(r"`([^`\s]{1,2}|[a-z]+\+[a-z]|[A-Z]\d|enter|space|tab)`", hour)}
    urgencies, typed, marks = {"e", "u", "n", "l"}, {"wa", "2d"}, {"3×"}
    assert len(named) > 30
    assert named - keys - urgencies - typed - marks == set()


def test_every_command_stands_in_the_table_of_commands() -> None:
    rows = [line for line in section("Commands").splitlines() if line.startswith("| ")]
    named = {
        name for row in rows for cell in re.findall(r"`([^`]+)`", row.split(" | ")[0]) for name in cell.split()[:1]
    }
    assert set(COMMANDS) - named == set()
    assert named - set(COMMANDS) - {"socialtriage"} == set()


def test_every_subcommand_is_named() -> None:
    text = section("Commands")
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        for under in command.commands if isinstance(command, click.Group) else ():
            assert f"`{name} {under}" in text, f"{name} {under}"


def examples() -> Iterator[list[str]]:
    """The commands of the README that start with `socialtriage`, in blocks and in running text."""
    blocks = [
        line.strip() for language, body in FENCE.findall(README) if language == "sh" for line in body.splitlines()
    ]
    inline = [" ".join(code.split()) for code in re.findall(r"`(socialtriage [^`]+)`", FENCE.sub("", README))]
    for line in (*blocks, *inline):
        line = re.sub(r"^ssh -t \S+ [A-Z_]+=\S+ ", "", line)
        if line.startswith("socialtriage ") and "COMMAND" not in line:
            yield shlex.split(re.split(r"\s[<>|#]\s", line)[0].replace("ID", "1"))[1:]


def parsed(command: click.Command, name: str, args: list[str], parent: click.Context | None = None) -> None:
    """Parse as click would, without running anything. Raises `click.UsageError`."""
    with command.make_context(name, list(args), parent=parent) as context:
        rest = [*context._protected_args, *context.args]
        if isinstance(command, click.Group) and rest:
            under, found, left = command.resolve_command(context, rest)
            assert found is not None
            parsed(found, under or "", left, context)


@pytest.mark.parametrize("args", list(examples()), ids=" ".join)
def test_every_example_is_a_command_with_options_that_exist(
    args: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "contacts.csv").touch()
    if len(args) == 1:  # a command that is only named
        assert args[0] in {*COMMANDS, "--help", "--version"}
    else:
        parsed(cli, "socialtriage", args)


def test_a_wrong_example_would_be_found() -> None:
    with pytest.raises(click.UsageError):
        parsed(cli, "socialtriage", ["list", "--veiw", "all"])
    with pytest.raises(click.UsageError):
        parsed(cli, "socialtriage", ["contacts", "awya", "1"])


# --- configuration --------------------------------------------------------------------------------------------------


def test_the_example_is_what_init_writes_and_loads(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    from socialtriage.cli.start import run

    assert run(["init", "--stdout"]) == 0
    written = capsysbinary.readouterr().out
    assert (ROOT / "config.example.toml").read_bytes().splitlines() == written.splitlines()
    assert parse(written.decode(), "config.example.toml", registry.names()).areas


def test_the_settings_in_the_readme_are_right() -> None:
    needed = '[organisation]\nname = "A"\nprefix = "ABC"\n'
    blocks = [body for language, body in FENCE.findall(README) if language == "toml"]
    config = parse(needed + "\n".join(blocks), "README.md", registry.names())
    assert {account.network for account in config.accounts} | {"demo"} == set(registry.BUILT_IN)
    assert config.mail.smtp
    assert "[keys]" in README
    assert keymap({"preset": "aerc", "case.handoff": "f,f6"}).problems == ()


# --- links, pictures, words -----------------------------------------------------------------------------------------


def anchor(heading: str) -> str:
    """The anchor that a heading gets on the usual sites."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_link_leads_somewhere(name: str) -> None:
    text = DOCUMENTS[name]
    anchors = {anchor(heading) for heading in re.findall(r"^#+ (.*)$", FENCE.sub("", text), re.MULTILINE)}
    for words, target in LINK.findall(FENCE.sub("", text)):
        assert words.strip(), f"{target} has no words: nobody hears what it is"
        if target.startswith("#"):
            assert target[1:] in anchors, target
        elif not target.startswith("https://"):
            assert (ROOT / unquote(target.partition("#")[0])).is_file(), target


def test_pictures_are_shown_small_and_bring_nothing_from_elsewhere() -> None:
    assert 1 <= len(PICTURES) <= 4
    for path in PICTURES:
        svg = path.read_text(encoding="utf-8")
        assert f"({path.relative_to(ROOT).as_posix()})" in README
        assert len(svg.encode()) < 150_000
        assert set(re.findall(r"https?://[^\s\"'<)]*", svg)) <= {"http://www.w3.org/2000/svg"}
        assert not re.search(r"@font-face|@import|<script|<image|<foreignObject|url\((?!#)", svg)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_no_place_of_one_machine_and_no_registry(name: str) -> None:
    text = DOCUMENTS[name]
    places = r"(?<![\w.~}/])/(?:home|root|tmp|usr|opt|etc|var|work|mnt|srv|Users)/|[A-Z]:\\"
    assert re.findall(places, text) == []
    assert re.findall(r"py" + r"pi\.org|python" + r"hosted|registry\.npm", text) == []


def test_the_readme_has_every_part() -> None:
    for heading in (
        "Try it",
        "A first hour for an officer",
        "Setting up",
        "Keys",
        "Commands",
        "Files and privacy",
        "What it was tested against",
        "What is not there yet",
        "When something does not work",
        "Speed",
        "Licence",
    ):
        assert section(heading).strip()
    assert part("<!-- speed -->", "<!-- /speed -->")
    for target in ("demo", "test"):
        assert f"\nmake {target}\n" in README
        assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


def test_the_changelog_has_this_version() -> None:
    assert re.search(rf"^## \[{re.escape(__version__)}\]", DOCUMENTS["CHANGELOG.md"], re.MULTILINE)


def test_the_architecture_names_files_that_exist() -> None:
    text = DOCUMENTS["ARCHITECTURE.md"]
    named: set[Any] = set(re.findall(r"`(test_\w+\.py)`", text))
    assert len(named) > 15
    assert {name for name in named if not (ROOT / "tests" / name).is_file()} == set()
    for name in re.findall(r"`((?:cli|ui|services|channels|store|mail|config|domain)/\w+\.py)`", text):
        assert (ROOT / "socialtriage" / name).is_file(), name
    for package in (path.name for path in (ROOT / "socialtriage").iterdir() if (path / "__init__.py").is_file()):
        assert f"`{package}/`" in text, package


def test_the_keyring_of_a_server_is_made_as_the_program_says() -> None:
    from socialtriage.services.keyring_words import BUS, KEYRING

    lines = [line.strip() for line in README.splitlines()]
    at = lines.index(KEYRING[0])
    assert BUS in lines
    assert tuple(lines[at : at + len(KEYRING)]) == KEYRING
