"""A package of somebody else's adds a network by its entry point: configured, polled, answered, read again."""

from __future__ import annotations

import json
import os
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.doubles.shell import ROOT, Shell

PACKAGE = ROOT / "tests" / "example_channel"


def install(target: Path) -> Path:
    """What an installer leaves behind: the module, and metadata with the entry points of its pyproject.toml."""
    project = tomllib.loads((PACKAGE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    info = target / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir(parents=True)
    head = f"Metadata-Version: 2.4\nName: {project['name']}\nVersion: {project['version']}\n"
    (info / "METADATA").write_text(head, encoding="utf-8")
    points = [
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in entries.items())
        for group, entries in project["entry-points"].items()
    ]
    (info / "entry_points.txt").write_text("\n".join(points), encoding="utf-8")
    for module in PACKAGE.glob("*.py"):
        (target / module.name).write_bytes(module.read_bytes())
    return target


def pin(board: Path, **notice: Any) -> None:
    with board.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"at": datetime.now(UTC).isoformat(), **notice}) + "\n")


def test_a_network_of_somebody_elses_is_used_like_any_other(tmp_path: Path) -> None:
    board = tmp_path / "board.jsonl"
    account = f'\n[[accounts]]\nid = "board"\nnetwork = "noticeboard"\nhandle = "council"\noptions.file = "{board}"\n'
    packages = install(tmp_path / "packages")
    shell = Shell(tmp_path, accounts=account, env={"PYTHONPATH": f"{ROOT}{os.pathsep}{packages}"})
    pin(board, id="n1", by="Gwen", text="My bin was missed")
    polled = shell.ok("poll", "--once", "--json").json
    assert (polled["network"], polled["state"], polled["new"]) == ("noticeboard", "ok", 1)
    (case,) = shell.ok("list", "--json").json
    shell.ok("reply", case["ref"], "We come back tomorrow.")
    pin(board, id="n2", by="Gwen", text="Thank you", below="n1")
    assert shell.ok("poll", "--once", "--json").json["new"] == 1
    messages = shell.ok("show", case["ref"], "--json").json["messages"]
    assert [(m["voice"], m["text"]) for m in messages] == [
        ("resident", "My bin was missed"),
        ("officer", "We come back tomorrow."),
        ("resident", "Thank you"),
    ]


def test_without_the_package_the_configuration_says_that_there_is_no_such_network(tmp_path: Path) -> None:
    shell = Shell(tmp_path, accounts='\n[[accounts]]\nid = "board"\nnetwork = "noticeboard"\n')
    refused = shell.run("list")
    assert refused.status == 2
    assert "there is no network" in refused.err


@pytest.mark.parametrize("target", ["socialtriage_noticeboard:Absent", "not_installed:Channel"])
def test_a_broken_package_is_that_accounts_fault_alone(tmp_path: Path, target: str) -> None:
    packages = install(tmp_path / "packages")
    points = next(packages.glob("*.dist-info")) / "entry_points.txt"
    points.write_text(f"[socialtriage.channels]\nnoticeboard = {target}\n", encoding="utf-8")
    shell = Shell(
        tmp_path,
        accounts='\n[[accounts]]\nid = "board"\nnetwork = "noticeboard"\n',
        env={"PYTHONPATH": f"{ROOT}{os.pathsep}{packages}"},
    )
    polled = shell.run("poll", "--once", "--json")
    assert (polled.status, polled.json["state"]) == (1, "misconfigured")
    assert "cannot be loaded" in polled.json["error"]
