"""The rooms keep their rules: imports go one way, and private names stay in their file.

The rules are read from the syntax trees, imports for type checkers included. Each rule is also
tried on a small tree that breaks it.
"""

import ast
import collections
import concurrent.futures.thread
import inspect
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

import pytest
from apscheduler.executors import base as executors
from apscheduler.schedulers import base as schedulers

ROOT = Path(__file__).parent.parent
FAKES = ROOT / "fakes"

# Lower rooms first: a room imports from itself and from rooms before it.
LAYERS = (
    "threadsim.runtime",
    "threadsim.reporting",
    "threadsim.primitives",
    "threadsim.patching",
    "threadsim.simulation",
    "threadsim.exploration",
    "threadsim.pytest_plugin",
    "apscheduler_fakes",
)
# What a folder of the project must not import at all.
FORBIDDEN = {
    "jobs_synchronizer": {"apscheduler_fakes", "threadsim", "tests", "freezegun", "greenlet"},
    "threadsim": {"jobs_synchronizer", "tests", "apscheduler", "flask_apscheduler"},
    "apscheduler_fakes": {"jobs_synchronizer", "tests"},
}
MOST_MODULES = 12

# Whose private attributes the fakes read.
LIBRARIES = (threading, logging, collections, concurrent.futures.thread, schedulers, executors)


@dataclass
class Module:
    """One file: its dotted name, and what its syntax tree says."""

    name: str
    path: Path
    tree: ast.Module
    imports: set[str] = field(default_factory=set)

    @property
    def layer(self) -> int:
        """Return the place of its room among the layers; -1 for the package's own file."""
        rooms = [at for at, room in enumerate(LAYERS) if f"{self.name}.".startswith(f"{room}.")]
        return rooms[0] if rooms else -1


def read(root: Path) -> dict[str, Module]:
    """Return the modules below a folder by their dotted names, with their imports resolved."""
    modules = {}
    for path in sorted(root.rglob("*.py")):
        name = ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
        modules[name] = Module(name, path, ast.parse(path.read_text(encoding="utf-8")))
    for module in modules.values():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Import):
                module.imports |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                of_module = {f"{node.module}.{alias.name}" for alias in node.names}
                module.imports |= (of_module & set(modules)) or {node.module}
    return modules


def upward_imports(modules: dict[str, Module]) -> list[str]:
    """Return the imports that go to a higher room."""
    return [
        f"{module.name} imports {other}"
        for module in modules.values()
        for other in sorted(module.imports & set(modules))
        if 0 <= module.layer < modules[other].layer
    ]


def cycles(modules: dict[str, Module]) -> list[str]:
    """Return the modules that import each other, directly or not."""

    def reached(name: str) -> set[str]:
        found: set[str] = set()
        left = [name]
        while left:
            new = modules[left.pop()].imports & set(modules) - found
            found |= new
            left += new
        return found

    return [name for name in modules if name in reached(name)]


def private_names(modules: dict[str, Module]) -> list[str]:
    """Return the private names of one file that another file uses.

    A name that a library has as well is taken for the library's.
    """
    owned = {name: set(_private_definitions(module.tree)) for name, module in modules.items()}
    theirs = {name for library in LIBRARIES for name in _private_definitions(_source(library))}
    found = set()
    for module in modules.values():
        libraries = {
            alias.asname or alias.name
            for node in ast.walk(module.tree)
            if isinstance(node, ast.Import)
            for alias in node.names
            if alias.name not in modules
        }
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ImportFrom) and node.module in modules:
                names = [alias.name for alias in node.names if _is_private(alias.name)]
                found |= {f"{module.name} imports {node.module}.{name}" for name in names}
            elif isinstance(node, ast.Attribute) and ast.unparse(node.value) not in libraries:
                name = node.attr
                owners = [each for each, names in owned.items() if name in names - theirs]
                if owners and name not in owned[module.name]:
                    found.add(f"{module.name} uses {name} of {', '.join(owners)}")
    return sorted(found)


def _source(library: ModuleType) -> ast.Module:
    return ast.parse(inspect.getsource(library))


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("__")


def _private_definitions(tree: ast.Module) -> Iterator[str]:
    """Yield the private names that a file defines: functions, classes, variables, attributes."""
    for node in ast.walk(tree):
        name = ""
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            name = node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            name = node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            name = node.attr if isinstance(node.value, ast.Name) and node.value.id == "self" else ""
        if _is_private(name):
            yield name


def forbidden_imports(modules: dict[str, Module]) -> list[str]:
    """Return the imports that a package must not have."""
    return [
        f"{module.name} imports {other}"
        for module in modules.values()
        for other in sorted(module.imports)
        if other.partition(".")[0] in FORBIDDEN[module.name.partition(".")[0]]
    ]


def module_strings(modules: dict[str, Module]) -> list[str]:
    """Return the strings that name a module of the fakes."""
    return [
        f"{module.name} has the string {node.value!r}"
        for module in modules.values()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Constant) and node.value in modules and "." in str(node.value)
    ]


def frame_depths(modules: dict[str, Module]) -> list[str]:
    """Return the calls that look a fixed number of frames up."""
    return [
        f"{module.name}:{node.lineno}"
        for module in modules.values()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "_getframe"
        and node.args
    ]


def full_folders(root: Path) -> list[str]:
    """Return the folders that hold too many modules beside their ``__init__``."""
    folders = {path.parent for path in root.rglob("*.py")}
    counts = {each: len(set(each.glob("*.py")) - {each / "__init__.py"}) for each in folders}
    return [f"{each.name}: {count}" for each, count in counts.items() if count > MOST_MODULES]


RULES = (upward_imports, cycles, private_names, forbidden_imports, module_strings, frame_depths)


@pytest.mark.parametrize("rule", RULES)
def test_the_fakes_keep_their_rules(rule: object) -> None:
    """Nothing in fakes/ breaks one."""
    assert callable(rule)
    modules = read(FAKES)
    assert len(modules) > len(LAYERS)
    assert rule(modules) == []


def test_the_reference_keeps_its_rules() -> None:
    """What one ships knows nothing of its tests, and has no cycle at run time."""
    assert forbidden_imports(read(ROOT / "reference")) == []


@pytest.mark.parametrize("room", ["fakes", "reference"])
def test_a_folder_is_small(room: str) -> None:
    """A reader takes it in at a glance."""
    assert full_folders(ROOT / room) == []


BROKEN = {
    upward_imports: {
        "threadsim/runtime/kernel.py": "if TYPE_CHECKING:\n    import threadsim.reporting.text",
        "threadsim/reporting/text.py": "",
    },
    cycles: {
        "threadsim/runtime/one.py": "def late():\n    from threadsim.runtime import two",
        "threadsim/runtime/two.py": "import threadsim.runtime.one",
    },
    private_names: {
        "threadsim/runtime/one.py": "class C:\n    def __init__(self): self._x = 1",
        "threadsim/runtime/two.py": "def use(c): return c._x",
    },
    forbidden_imports: {"threadsim/runtime/one.py": "import apscheduler.events"},
    module_strings: {"threadsim/runtime/one.py": "NAME = 'threadsim.runtime.one'"},
    frame_depths: {"threadsim/runtime/one.py": "import sys\nf = sys._getframe(1)"},
}


@pytest.mark.parametrize("rule", RULES)
def test_a_broken_rule_is_found(rule: object, tmp_path: Path) -> None:
    """Each of these trees breaks one rule, and keeps the others."""
    for name, text in BROKEN[rule].items():  # type: ignore[index]
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    modules = read(tmp_path)
    assert [each for each in RULES if each(modules)] == [rule]


def test_a_private_name_that_is_imported_is_found(tmp_path: Path) -> None:
    """Importing is one way to use it."""
    (tmp_path / "one.py").write_text("_x = 1")
    (tmp_path / "two.py").write_text("from one import _x")
    assert private_names(read(tmp_path)) == ["two imports one._x"]


def test_a_full_folder_is_found(tmp_path: Path) -> None:
    """Thirteen modules are one too many, and ``__init__`` is not counted."""
    for number in range(MOST_MODULES):
        (tmp_path / f"m{number}.py").touch()
    (tmp_path / "__init__.py").touch()
    assert full_folders(tmp_path) == []
    (tmp_path / "more.py").touch()
    assert full_folders(tmp_path) == [f"{tmp_path.name}: {MOST_MODULES + 1}"]


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("from apscheduler_fakes import FakeScheduler", {"greenlet", "freezegun", "pytest"}),
        ("from threadsim import Clock", {"greenlet", "freezegun", "pytest", "apscheduler"}),
        ("import threadsim.pytest_plugin.plugin", {"greenlet", "freezegun", "apscheduler"}),
        ("import apscheduler_fakes.pytest_plugin", {"greenlet", "freezegun", "apscheduler"}),
        ("import jobs_synchronizer", {"greenlet", "freezegun", "pytest", "threadsim"}),
    ],
)
def test_an_import_brings_only_what_it_needs(statement: str, absent: set[str]) -> None:
    """The plugins never stop a pytest run, and FakeScheduler works without the extra."""
    code = f"{statement}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert absent.isdisjoint(done.stdout.split())
