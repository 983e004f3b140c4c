"""The pages made of the specification, with Jinja2.

What happens to the two programs, and how a job of a group can end, come from ``tests/spec.toml``
and ``tests/rows.toml``; what is said of the difference, from ``docs/differences.toml``.
"""

import ast
import difflib
import re
import tomllib
from itertools import groupby
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from spec.promises import Spec

PUBLISHED = Path("docs/specification/paths.md")
ENDINGS = Path("docs/jobgroup/all_endings.md")
CORRECTED = Path("docs/corrected.md")
README = Path("README.md")
DIFFERENCES = Path("docs/differences.toml")
ROWS = Path("tests/rows.toml")
PROGRAMS = Path("reference/jobs_synchronizer")
NAMES = ("documented", "corrected")

Entry = dict[str, Any]


class Unexplained(Exception):  # Not an error of this script: the explanations are behind.
    """The explanations of the difference do not fit it."""


def made_of(spec: Spec) -> dict[Path, str]:
    """Return each page as it should be.

    Raises:
        Unexplained: A hunk of the difference has no explanation, or an explanation no hunk.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=False,  # noqa: S701  # Markdown; cells are escaped.
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(words=words, cell=cell, said_first=said_first)
    programs = (list(code(PROGRAMS / f"{name}.py").values()) for name in NAMES)
    explanations = tomllib.loads(DIFFERENCES.read_text(encoding="utf-8"))["hunk"]
    paths: Spec = {test: seen for test, seen in spec.items() if "documented" in seen}
    known: dict[str, Any] = {
        "rows": tomllib.loads(ROWS.read_text(encoding="utf-8")),
        "paths": paths,
        "files": {
            file: list(tests)
            for file, tests in groupby(paths, lambda test: test.partition("::")[0])
        },
        "endings": {test: seen for test, seen in spec.items() if "/group/" in test},
        "titles": [each["title"] for each in explanations],
        "hunks": explained(hunks(*programs), explanations),
    }
    pages = {
        page: environment.get_template(f"{page.name}.jinja").render(known)
        for page in (PUBLISHED, ENDINGS, CORRECTED)
    }
    return {**pages, README: with_paths(README.read_text(encoding="utf-8"), paths)}


def write(spec: Spec) -> None:
    """Write each page."""
    for page, text in made_of(spec).items():
        page.write_text(text, encoding="utf-8")


def block(text: str, name: str) -> str:
    """Return the fenced block below the comment ``<!-- name -->``, which has to be there."""
    _, _, rest = text.partition(f"<!-- {name} -->\n```")
    return rest.partition("\n")[2].partition("```")[0]


def with_paths(readme: str, paths: Spec) -> str:
    """Return the README, the rows of whose table of paths say what the programs did."""
    head, begin, rest = readme.partition("<!-- paths -->\n")
    table, end, tail = rest.partition("<!-- /paths -->")
    seen = {words(test): entry for test, entry in paths.items()}
    lines = table.splitlines()[:2]
    for line in table.splitlines()[2:]:
        name = line.split("|")[1].strip()
        cells = (cell(seen[name][program]) for program in NAMES)
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return head + begin + "\n".join([*lines, ""]) + end + tail


def code(program: Path) -> dict[int, str]:
    """Return a program's lines, by their numbers, without docstrings and comments of a line."""
    text = program.read_text(encoding="utf-8")
    said: set[int] = set()
    nodes = (ast.Module, ast.ClassDef, ast.FunctionDef)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, nodes) and ast.get_docstring(node):
            said.update(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    return {
        number: line
        for number, line in enumerate(text.splitlines(), 1)
        if number not in said and not line.strip().startswith("#")
    }


def hunks(before: list[str], after: list[str]) -> list[list[str]]:
    """Return what changes, hunk by hunk, as lines that begin with ``-`` or ``+``."""
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    changes = [
        [f"-{line}" for line in before[b0:b1]] + [f"+{line}" for line in after[a0:a1]]
        for tag, b0, b1, a0, a1 in matcher.get_opcodes()
        if tag != "equal"
    ]
    # An empty line is no change.
    full = [[line for line in change if line not in {"-", "+"}] for change in changes]
    return [change for change in full if change]


def explained(changes: list[list[str]], explanations: list[Entry]) -> list[str]:
    """Put what is said of each hunk above it.

    Args:
        changes: The hunks.
        explanations: In the hunks' order, ``first`` (the hunk's first line, as in the difference),
            ``lines`` (how many it has), ``why`` and ``known_bad``, or ``no_known_bad``.

    Raises:
        Unexplained: They do not fit together, or one has neither a known-bad program nor a reason.
    """
    programs = [f"{change[0]} … {len(change)} lines" for change in changes]
    explained = [f"{each['first']} … {each['lines']} lines" for each in explanations]
    if programs != explained:
        lines = difflib.unified_diff(explained, programs, "differences.toml", "the programs")
        raise Unexplained(
            f"{DIFFERENCES}: the hunks are not those of the difference between documented.py and "
            "corrected.py. Explain what is new, take out what is gone:\n"
            + "\n".join(line.rstrip("\n") for line in lines)
        )
    for each in explanations:
        if bool(each["known_bad"]) == bool(each.get("no_known_bad")):
            raise Unexplained(
                f"{DIFFERENCES}: {each['first']!r} needs an entry of tests/known_bad.toml, "
                "or a sentence in no_known_bad that says why it has none."
            )
    return [
        f"{each['why']}{_known_bad(each)}\n\n```diff\n" + "\n".join(change) + "\n```"
        for change, each in zip(changes, explanations, strict=True)
    ]


def said_first(file: str) -> str:
    """Return a test file's docstring as a heading and a text that ends with a link to the file."""
    text = ast.get_docstring(ast.parse(Path(file).read_text(encoding="utf-8"))) or file
    heading, _, rest = text.replace("``", "`").partition("\n\n")
    return f"{heading.rstrip('.')}\n\n{rest} ([{Path(file).name}](../../{file}))"


def words(test: str) -> str:
    """Return a test's name in words."""
    name, _, variant = test.partition("::test_")[2].rstrip("]").partition("[")
    return name.replace("_", " ") + (f": {variant}" if variant else "").replace("-", ", ")


def cell(outcomes: list[str]) -> str:
    """Return what was seen as a table's cell."""
    # Or a browser takes it for a tag.
    text = "<br>".join(each.replace("<", "&lt;").replace("|", "\\|") for each in outcomes)
    return re.sub(r"hangs in (\w+) at [\d.]+ s", r"**hangs** in `\1`", text)


def _known_bad(explanation: Entry) -> str:
    names = ", ".join(f"`{name}`" for name in explanation["known_bad"])
    return f" Known bad: {names}." if names else ""
