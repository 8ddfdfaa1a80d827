"""The program changes config.toml as a careful person would: one line, and nothing else."""

from __future__ import annotations

import difflib
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from socialtriage.config import edit
from socialtriage.config.contacts_csv import import_contacts, read_rows
from socialtriage.config.example import example_text, write_example
from socialtriage.config.load import load
from socialtriage.domain.errors import ConfigError, UsageError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The example configuration in a folder of its own."""
    path = tmp_path / "config.toml"
    write_example(path)
    return path


def changed(file: Path, before: str | None = None) -> list[str]:
    """The lines that are gone (-) and new (+) compared with the example."""
    lines = difflib.ndiff((before or example_text()).splitlines(), file.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line[:1] in "+-"]


@pytest.mark.parametrize(
    ("key", "value", "lines"),
    [
        (
            "contacts.waste-team.email",
            "bins@anytown.example",
            ['- email = "waste@anytown.example"', '+ email = "bins@anytown.example"'],
        ),
        ("officer.initials", "JS", ['+ initials = "JS"']),
        ("contacts.waste-team.phone", "01632 960 199", ['+ phone = "01632 960 199"']),
        ("contacts.waste-team.hours", None, ['- hours = "mon-sat 06:00-15:00"']),
        ("mail.redact", True, ["+ redact = true"]),
        (
            "areas.street-lights.needs",
            ["place"],
            ['- needs = ["place", "number on the column"]', '+ needs = ["place"]'],
        ),
        ("contacts[0].name", 'Quote " me', ['- name = "Contact centre"', '+ name = "Quote \\" me"']),
        ("answers.done.for.x", "Done {ref}", ["+ [answers.for]", '+ x = "Done {ref}"']),
    ],
)
def test_one_setting_changes_one_line(file: Path, key: str, value: Any, lines: list[str]) -> None:
    edit.set_value(file, key, value)
    assert [line for line in changed(file) if line.strip("+- ")] == lines
    load(file)


def test_a_comment_behind_a_changed_setting_stays(file: Path) -> None:
    edit.set_value(file, "organisation.prefix", "XYZ")
    assert '+ prefix = "XYZ"                  # two or three letters' in "\n".join(changed(file))


def test_new_entries_stand_with_their_kind_and_before_what_follows(file: Path) -> None:
    edit.add_entry(
        file,
        "contacts",
        {"id": "museum", "name": "Museum", "email": "museum@anytown.example", "deputy": "leisure-team"},
    )
    edit.add_entry(file, "accounts", {"id": "desk", "network": "mastodon", "server": "https://social.example"})
    edit.set_value(file, "accounts.desk.paused", True)
    config = load(file)
    assert config.contacts[-1].id == "museum"
    assert config.accounts[0].paused
    text = file.read_text(encoding="utf-8")
    assert text.index('id = "museum"') < text.index("# --- Saved answers")
    assert all(line.startswith("+") for line in changed(file))


def test_a_second_new_key_goes_below_the_first(file: Path) -> None:
    edit.set_value(file, "mail.smtp", "smtps://social@mail.example")
    edit.set_value(file, "mail.imap", "imaps://social@mail.example")
    assert changed(file) == ['+ smtp = "smtps://social@mail.example"', '+ imap = "imaps://social@mail.example"']
    assert load(file).mail.imap is not None


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("contacts.waste-team.email", "no address", "contacts.waste-team.email: "),
        ("contacts.waste-team.emial", "a@b.example", "did you mean email?"),
        ("contacts.contact-centre.deputy", "contact-centre", "nobody stands in for themselves"),
        ("organisation.name", None, "organisation.name: is missing"),
        ("accounts.desk.token", "hunter2", ""),
    ],
)
def test_a_faulty_change_leaves_the_file_untouched(file: Path, key: str, value: str | None, says: str) -> None:
    with pytest.raises((ConfigError, UsageError)) as caught:
        edit.set_value(file, key, value)
    assert says in "\n".join(getattr(caught.value, "problems", ()))
    assert "hunter2" not in str(caught.value)
    assert changed(file) == []


@pytest.mark.parametrize(
    "key", ["contacts.waste-tem.email", "contacts[99].email", "mail.from.x", "contacts", "areas.x"]
)
def test_a_place_that_does_not_exist_is_wrong_usage_or_a_problem(file: Path, key: str) -> None:
    with pytest.raises((UsageError, ConfigError)):
        edit.set_value(file, key, "x")
    assert changed(file) == []


def test_the_nearest_id_is_offered(file: Path) -> None:
    with pytest.raises(UsageError, match="did you mean waste-team"):
        edit.set_value(file, "contacts.waste-tem.email", "a@b.example")


def test_ids_with_dots_are_found(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text(
        '[organisation]\nname = "A"\nprefix = "ABC"\n[[contacts]]\nid = "a.b"\nname = "N"\nemail = "a@b.example"\n'
    )
    edit.set_value(file, "contacts.a.b.name", "M")
    assert load(file).contacts[0].name == "M"


def test_lists_of_tables_in_one_line_grow_too(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text(
        'contacts = [{id = "a", name = "A", email = "a@b.example"}]\n[organisation]\nname = "A"\nprefix = "ABC"\n'
    )
    edit.add_entry(file, "contacts", {"id": "b", "name": "B", "email": "b@b.example"})
    assert [contact.id for contact in load(file).contacts] == ["a", "b"]


def test_windows_lines_stay_windows_lines(file: Path) -> None:
    file.write_bytes(example_text().replace("\n", "\r\n").encode())
    edit.set_value(file, "officer.initials", "JS")
    data = file.read_bytes()
    assert data.count(b"\r\n") == data.count(b"\n") == example_text().count("\n") + 1


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX's")
def test_the_mode_and_a_link_stay(file: Path, tmp_path: Path) -> None:
    file.chmod(0o640)
    link = tmp_path / "link.toml"
    link.symlink_to(file)
    edit.set_value(link, "officer.initials", "JS")
    assert link.is_symlink()
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert load(file).officer.initials == "JS"


def test_somebody_else_changing_the_file_meanwhile_wins(file: Path) -> None:
    def change(document: Any) -> None:
        document["officer"]["initials"] = "JS"
        file.write_text(example_text() + "\n# theirs\n", encoding="utf-8")

    with pytest.raises(ConfigError, match="somebody else"):
        edit.rewrite(file, change)
    assert changed(file) == ["+ ", "+ # theirs"]


def test_a_full_disk_leaves_the_old_file_and_no_litter(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ConfigError, match="No space left"):
        edit.set_value(file, "officer.initials", "JS")
    assert changed(file) == []
    assert [each.name for each in file.parent.iterdir()] == ["config.toml"]


# --- contacts from a spreadsheet ----------------------------------------------------------------------------


@pytest.fixture
def sheet(tmp_path: Path) -> Callable[[str], Path]:
    """Writes a spreadsheet."""

    def write(text: str, encoding: str = "utf-8") -> Path:
        path = tmp_path / "contacts.csv"
        path.write_bytes(text.encode(encoding))
        return path

    return write


def test_contacts_are_added_changed_and_refused_row_by_row(file: Path, sheet: Callable[[str], Path]) -> None:
    rows = read_rows(
        sheet(
            "id,name,email,deputy,answers_within,areas\r\n"
            "museum,Museum & archive,museum@anytown.example,library,2d,leisure\r\n"
            "library,Libraries,library@anytown.example,,,leisure schools\r\n"
            "waste-team,,bins@anytown.example,,,\r\n"
            "highways,Highways,highways@anytown.example,contact-centre,1d,roads\r\n"
            "bad,Bad,not an address,,,\r\n"
            "lost,Lost,lost@anytown.example,nobody,,\r\n"
            "follows,Follows,follows@anytown.example,lost,,\r\n"
            "contact-centre,,,contact-centre,,\r\n"
            "odd,Odd,odd@anytown.example,,,wast\r\n"
            "museum,Again,again@anytown.example,,,\r\n"
            ",,,,,\r\n"
            "no-mail,No mail,,,,\r\n"
            "Museum-2,x,x@anytown.example,,soon,\r\n"
        )
    )
    done = import_contacts(file, rows)
    assert [(line.line, line.id) for line in done.added] == [(2, "museum"), (3, "library")]
    assert [(line.line, line.id, line.words) for line in done.changed] == [(4, "waste-team", "email")]
    assert [(line.line, line.id) for line in done.unchanged] == [(5, "highways")]
    assert {line.line: line.words for line in done.refused} == {
        6: '"not an address" is no mail address such as waste@anytown.example',
        7: 'there is no contact "nobody" for a deputy',
        8: 'there is no contact "lost" for a deputy',
        9: "nobody stands in for themselves",
        10: 'there is no area "wast" (did you mean waste?)',
        11: '"museum" is on line 2 already',
        13: "email is missing",
        14: "“soon” is not a length of working time such as 15m, 4h or 1d",
    }
    config = load(file)
    areas = {area.id: area.contacts for area in config.areas}
    assert areas["leisure"] == ("leisure-team", "museum", "library")
    assert areas["schools"] == ("schools-team", "library")
    assert next(each for each in config.contacts if each.id == "museum").deputy == "library"
    assert next(each for each in config.contacts if each.id == "waste-team").name == "Waste services"


def test_reading_the_same_sheet_again_changes_nothing(file: Path, sheet: Callable[[str], Path]) -> None:
    path = sheet("id;name;email;areas\nmuseum;Museum;museum@anytown.example;leisure, parks\n")
    assert import_contacts(file, read_rows(path)).added
    before = file.stat().st_ino
    done = import_contacts(file, read_rows(path))
    assert (done.added, done.changed) == ([], [])
    assert len(done.unchanged) == 1
    assert file.stat().st_ino == before


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_sheets_come_as_office_programs_write_them(
    file: Path, sheet: Callable[[str, str], Path], encoding: str, delimiter: str
) -> None:
    text = 'Id,Name,"E-mail"\ncafe,"Café, museum",cafe@anytown.example\n'.replace('"E-mail"', "email")
    quoted = text.replace('"Café, museum"', "CAFE").replace(",", delimiter).replace("CAFE", '"Café, museum"')
    import_contacts(file, read_rows(sheet(quoted, encoding)))
    assert load(file).contacts[-1].name == "Café, museum"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("id,nmae\n", "did you mean name?"),
        ("name,email\n", "there is no column id"),
        ("id,name,name\n", "twice"),
        ("", "there is no column id"),
        ('id,name\na,"b\n', "cannot be read as CSV"),
        ("\x00\x01\x02", "unknown columns"),
    ],
)
def test_a_sheet_without_the_columns_is_wrong_usage(sheet: Callable[[str], Path], text: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_rows(sheet(text))
    assert says in str(caught.value)
    assert str(caught.value).isprintable()


def test_a_sheet_that_is_not_there_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read_rows(tmp_path / "none.csv")


def test_hostile_cells_do_not_reach_the_file(file: Path, sheet: Callable[[str], Path]) -> None:
    rows = read_rows(
        sheet('id,name,email\n"a"" = 1\n[x]","n",a@b.example\nb,"x\ny",a@b.example\nc,"\x1b[2J",a@b.example\n')
    )
    done = import_contacts(file, rows)
    assert len(done.refused) == 3
    assert changed(file) == []
    assert all(line.words.isprintable() for line in done.refused)


def test_a_faulty_configuration_takes_no_contacts(file: Path, sheet: Callable[[str], Path]) -> None:
    file.write_text("nonsense = 1\n")
    with pytest.raises(ConfigError):
        import_contacts(file, read_rows(sheet("id,name,email\na,A,a@b.example\n")))
