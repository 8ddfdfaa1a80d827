"""What `check` and the configuration find before anything is polled."""

from __future__ import annotations

from pathlib import Path

import pytest

from socialtriage.cli.start import run
from socialtriage.config.load import parse
from socialtriage.domain.errors import ConfigError

HEAD = '[organisation]\nname = "Anytown"\nprefix = "ABC"\nholidays = "{}"\n'


@pytest.mark.parametrize(
    ("code", "says"),
    [("GB-XXX", "GB-ENG"), ("QQ", "there is no calendar of"), ("FR-ABC", "there is no calendar"), ("gb-eng", "GB-ENG")],
)
def test_a_calendar_that_is_none_is_a_problem_of_the_configuration(code: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(HEAD.format(code), "c.toml")
    (line,) = caught.value.problems
    assert line.startswith("c.toml:4: organisation.holidays: ")
    assert says in line


@pytest.mark.parametrize("code", ["GB-NIR", "AU-NT", "DE-BY", "FR"])
def test_calendars_that_there_are(code: str) -> None:
    assert parse(HEAD.format(code)).organisation.holidays == code


@pytest.mark.parametrize("command", [["check", "--offline"], ["list"], ["outbox"], ["report"]])
def test_keys_are_held_against_the_actions_there_are_by_every_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    file = tmp_path / "config.toml"
    file.write_text(HEAD.format("GB-ENG") + '[keys]\n"case.replyy" = "r"\n')
    assert run(["--config", str(file), "--store", str(tmp_path / "desk.db"), *command]) == 2
    assert 'there is no action "case.replyy" (did you mean case.reply?)' in capsys.readouterr().err


def test_certificates_that_are_missing_are_found_offline_and_fail_one_account_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "config.toml"
    file.write_text(
        HEAD.format("GB-ENG")
        + '[mail]\nca_file = "nope.pem"\n'
        + '[[accounts]]\nid = "town"\nnetwork = "bluesky"\nhandle = "anytown.example"\n'
        + '[[accounts]]\nid = "box"\nnetwork = "imap"\nserver = "imap://127.0.0.1:1"\nuser = "a@anytown.example"\n'
    )
    command = ["--config", str(file), "--store", str(tmp_path / "desk.db")]
    assert run([*command, "check", "--offline"]) == 1
    assert "nope.pem: No such file" in capsys.readouterr().out

    assert run([*command, "poll", "--once"]) == 1
    out = capsys.readouterr().out
    assert "town: " in out
    assert "box: " in out
