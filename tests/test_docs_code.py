"""The code of the docs does what its page says.

A block that begins with ``# name.py`` is a part of that file; all files of a page are run by
pytest, and the page says in a comment what comes of it: ``<!-- pytest: 2 passed, 1 failed -->``.
Below ``<!-- output -->`` stand lines that pytest prints, in their order. A block below
``<!-- program: documented -->`` and every ``diff`` quote the two programs. Other blocks have a name
in a comment, and a test of their own.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
# Made by ``scripts/spec``.
GENERATED = {"corrected", "paths", "all_endings"}
PAGES = [each for each in sorted(DOCS.rglob("*.md")) if each.stem not in GENERATED]


@dataclass(frozen=True)
class Block:
    """A block of code, with the comment above it."""

    comment: str
    language: str
    text: str

    @property
    def file(self) -> str:
        """The file that it is a part of, or ""."""
        found = re.match(r"# (\w+\.py)\n", self.text)
        return found[1] if found else ""


def blocks(page: Path) -> Iterator[Block]:
    """Yield a page's blocks of code."""
    form = r"(?:^<!-- ([^>]*) -->\n)?^```(\w+)\n(.*?)^```$"
    for found in re.finditer(form, page.read_text("utf-8"), re.DOTALL | re.MULTILINE):
        yield Block(found[1] or "", found[2], found[3])


def files(page: Path) -> dict[str, str]:
    """Return the files that a page shows, by name."""
    parts: dict[str, list[str]] = {}
    for each in blocks(page):
        if each.language == "python" and each.file:
            parts.setdefault(each.file, []).append(each.text)
    return {name.removesuffix(".py"): "\n\n".join(texts) for name, texts in parts.items()}


WITH_FILES = [page for page in PAGES if files(page)]


@pytest.mark.parametrize("page", WITH_FILES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_files_of_a_page_do_what_it_says(page: Path, pytester: pytest.Pytester) -> None:
    """So many tests pass and fail, also with the corrected program where the page says so."""
    said = re.findall(r"<!-- pytest( with \w+)?: (.*?) -->", page.read_text("utf-8"))
    assert said
    for program, outcomes in said:
        shown = files(page)
        if program:
            documented = "from jobs_synchronizer.documented"
            assert documented in "".join(shown.values())
            shown = {
                name: text.replace(documented, program.replace(" with", "from"))
                for name, text in shown.items()
            }
        pytester.makepyfile(**shown)
        result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:randomly")
        numbers = {kind: int(number) for number, kind in map(str.split, outcomes.split(", "))}
        result.assert_outcomes(**numbers)
        printed = [" ".join(line.split()) for line in result.outlines]
        for output in blocks(page):
            if output.comment == "output" and not program:
                for line in output.text.splitlines():
                    assert " ".join(line.split()) in printed
                    del printed[: printed.index(" ".join(line.split())) + 1]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_block_of_python_is_run_or_quoted(page: Path) -> None:
    """It is a part of a file, or has a comment with the name by which a test finds it."""
    loose = [each for each in blocks(page) if each.language == "python" and not each.file]
    assert [each.text for each in loose if not each.comment] == []


def test_what_is_quoted_stands_in_the_programs() -> None:
    """Each line of a quotation, and each line that a ``diff`` takes out or puts in."""
    programs = {
        name: {
            line.strip()
            for line in (ROOT / "reference" / "jobs_synchronizer" / f"{name}.py")
            .read_text("utf-8")
            .splitlines()
        }
        for name in ("documented", "corrected")
    }
    quoted = 0
    for each in (block for page in PAGES for block in blocks(page)):
        for line in each.text.splitlines():
            if each.language == "diff":
                program = programs["documented" if line[0] == "-" else "corrected"]
                assert line[1:].strip() in program
                quoted += 1
            elif each.comment.startswith("program: ") and "def " not in line and line:
                assert line.strip() in programs[each.comment.removeprefix("program: ")]
                quoted += 1
    assert quoted > 20
