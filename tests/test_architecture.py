"""The house budgets, the import directions at run time, and words that must not stand in the code."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import REMEMBERED

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "socialtriage"
MODULE_LINES, CLASS_METHODS, FUNCTION_LINES = 400, 25, 40
HEAVY = ["textual", "rich", "httpx", "keyring", "sqlite_utils", "authlib"]
HEAVY += ["imapclient", "holidays", "stamina", "tomlkit", "PIL"]


def sources() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function's body without its docstring: words are not what makes it long."""
    body = node.body[1:] if ast.get_docstring(node) else node.body
    return (node.end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_modules_classes_and_functions_stay_inside_the_budget() -> None:
    over = []
    for path in sources():
        text = path.read_text(encoding="utf-8")
        name = path.relative_to(ROOT)
        if len(text.splitlines()) > MODULE_LINES:
            over.append(f"{name}: {len(text.splitlines())} lines")
        tree = ast.parse(text)
        over += [
            f"{name}:{f.lineno} {f.name}: {length(f)} lines" for f in functions(tree) if length(f) > FUNCTION_LINES
        ]
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                methods = [n for n in node.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
                if len(methods) > CLASS_METHODS:
                    over.append(f"{name}:{node.lineno} {node.name}: {len(methods)} methods")
    assert over == []


def test_every_public_thing_says_what_it_is_for() -> None:
    bare = []
    for path in sources():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if path.read_text(encoding="utf-8").strip() and not ast.get_docstring(tree):
            bare.append(str(path.relative_to(ROOT)))
        for node in tree.body:
            if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) or node.name.startswith("_"):
                continue
            if not ast.get_docstring(node):
                bare.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}")
    assert bare == []


def loaded_by(code: str) -> set[str]:
    """Which heavy packages a fresh interpreter has loaded after running `code`."""
    script = f"import sys\n{code}\nprint(*[m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(done.stdout.splitlines()[-1].split())


def test_help_loads_nothing_heavy() -> None:
    code = "from socialtriage.cli.start import run\nassert run(['--help']) == 0"
    assert loaded_by(code) == set()


def test_every_commands_help_loads_nothing_heavy() -> None:
    from socialtriage.cli.main import COMMANDS

    calls = "\n".join(f"assert run([{name!r}, '--help']) == 0" for name in COMMANDS)
    assert loaded_by(f"from socialtriage.cli.start import run\n{calls}") == set()


def test_list_loads_neither_screen_nor_network_nor_keyring(tmp_path: Path) -> None:
    from socialtriage.config.example import example_text

    config = tmp_path / "config.toml"
    # Keys of one's own are held against the actions of the screens; the screens stay unloaded all the same.
    config.write_text(
        example_text().replace('preset = "default"', 'preset = "default"\ncase.claim = "C"'), encoding="utf-8"
    )
    run = f"run(['--config', {str(config)!r}, '--store', {str(tmp_path / 'desk.db')!r}, 'list'])"
    first = f"from socialtriage.cli.start import run\nassert {run} == 0"
    loaded_by(first)  # the first run makes the store, for which it needs the migrations
    assert loaded_by(first) == set()


@pytest.mark.parametrize("layer", ["services", "channels", "store", "mail", "config", "domain"])
def test_below_the_screen_nothing_knows_the_screen(layer: str) -> None:
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in sorted((PACKAGE / layer).rglob("*.py"))
        if path.name != "__init__.py"
    ]
    loaded = loaded_by("\n".join(f"import {name}" for name in names))
    # httpx brings its own command line along, and with it rich, where rich is installed.
    assert loaded & ({"textual"} if "httpx" in loaded else {"textual", "rich"}) == set()
    if layer == "domain":
        assert loaded == set()


MARKUP = re.compile(r"from_markup\(f[\"']|markup\.escape|rich\.markup import escape|\.notify\((?!.*markup=False)")


def test_no_markup_is_built_out_of_data() -> None:
    found = []
    for path in sources():
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if MARKUP.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()}")
    assert found == []


def test_the_project_names_no_machine_and_no_registry() -> None:
    tracked = subprocess.run(["git", "ls-files"], capture_output=True, text=True, cwd=ROOT, check=False).stdout.split()
    words = ["/" + "work/", "/" + "root/", "python" + "hosted", "py" + r"pi\.org", r"deb\.deb" + "ian"]
    pattern = re.compile("|".join(words))
    found = []
    for name in tracked:
        path = ROOT / name
        if path.suffix in {".svg", ".png"} or not path.is_file():
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        found += [f"{name}: {match[0]}" for match in pattern.finditer(text)]
    assert found == []


def test_what_channels_keep_in_memory_is_forgotten_between_tests() -> None:
    """An empty container at the top of a module outlives a test; conftest must know it."""
    kept = {
        (path.stem, node.target.id)
        for path in (PACKAGE / "channels").rglob("*.py")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
        if (isinstance(node.value, ast.Dict | ast.List) and not ast.unparse(node.value).strip("{}[]"))
        or (isinstance(node.value, ast.Call) and ast.unparse(node.value.func) in {"dict", "list", "set"})
    }
    assert kept == {(module, name) for module, names in REMEMBERED.items() for name in names}
