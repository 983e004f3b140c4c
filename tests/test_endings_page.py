"""The page on how a job of a group can end is what the tests and the table of rows say."""

import ast
import re
from contextlib import nullcontext
from pathlib import Path

import pytest

import endings
from caller import Comparison
from test_rows import ROWS


def test_the_page_is_up_to_date() -> None:
    """The page says what the tests say; ``python scripts/endings.py`` writes it."""
    assert endings.PAGE.read_text(encoding="utf-8") == endings.page()


def test_all_34_rows_have_a_test_and_a_source() -> None:
    """Every way to end that the table has is shown by a test of a group."""
    ways = [f"E{number}" for number in range(1, 35)]
    assert [row for row in ROWS if row.startswith("E")] == ways
    assert [row for row in ways if not ROWS[row].get("source")] == []
    named = {row for ending in endings.endings(endings.TESTS) for row in ending.rows}
    assert named == set(ways)


def test_what_stands_under_a_row_is_of_that_row() -> None:
    """A test of several rows has one answer at most: nobody has to guess which is whose."""
    shared = [each for each in endings.endings(endings.TESTS) if len(each.rows) > 1]
    assert [each.test for each in shared if len(each.told) > 1] == []


def test_a_row_without_a_test_is_named() -> None:
    """A new way to end stops the page until a test shows it."""
    row = {"what": "The moon falls.", "source": "moon.py:1"}
    shown = [endings.Ending("test_sky.py::test_moon", ["E35"], "It is dark.", ["Dark | cold", "x"])]
    assert endings.table({"E35": row}, shown).splitlines()[2] == (
        r"| **35** | The moon falls. | `Dark \| cold`<br>`x` | "
        "[`test_sky.py::test_moon`](../test_sky.py) | `moon.py:1` |"
    )
    with pytest.raises(endings.RowWithoutTest, match=r"names row E35 \(The moon falls.\)"):
        endings.table({"E35": row}, [])


def test_what_a_test_compares_is_found(tmp_path: Path) -> None:
    """The texts of ``gets`` and ``refused`` are read, in their order, and nothing else is."""
    test = '''
TEXT = "two"

@pytest.mark.rows("E1", "E2")
@mark
def test_it(gets):
    """It  is
    told."""
    for _ in gets(future, "one"):
        refused(lambda: gets.then("no"), TEXT)

def test_other():
    gets(future, "of no row")
'''
    (tmp_path / "test_it.py").write_text(test, encoding="utf-8")
    assert ast.parse(test)
    (found,) = endings.endings(tmp_path)
    assert found == endings.Ending(
        f"{tmp_path.as_posix()}/test_it.py::test_it", ["E1", "E2"], "It is told.", ["one", "two"]
    )


@pytest.mark.parametrize(
    ("mark", "first"),
    [("@pytest.mark.skip", "pass"), ("@pytest.mark.xfail", "pass"), ("@mark", "pytest.skip('')")],
)
def test_a_test_that_is_skipped_shows_nothing(tmp_path: Path, mark: str, first: str) -> None:
    """A row whose only test does not run, or may fail, has none."""
    test = f"{mark}\n@pytest.mark.rows('E1')\ndef test_it(gets):\n    {first}\n    gets(1, 'x')\n"
    (tmp_path / "test_it.py").write_text(test, encoding="utf-8")
    assert list(endings.endings(tmp_path)) == []


@pytest.mark.parametrize(
    ("seen", "shown", "problem"),
    [
        (["one"], ["one"], None),
        (["one", "two"], ["two"], None),
        (["three"], [], "'three' is not what the test expects: 'one'"),
        ([], [], "has compared nothing"),
        (["one"], ["one", "two"], "shows what was not compared: ['two']"),
    ],
)
def test_a_text_that_no_test_has_compared(
    seen: list[str], shown: list[str], problem: str | None
) -> None:
    """A test fails that sees another text, or not all that the page shows of it."""
    comparison = Comparison(shown)
    with pytest.raises(AssertionError, match=re.escape(problem)) if problem else nullcontext():
        for text, expected in zip(seen, ["one", "two"], strict=False):
            comparison.add(text, expected)
        comparison.end()


def test_the_script_writes_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Running it writes what the test above compares with."""
    monkeypatch.setattr(endings, "PAGE", tmp_path / "page.md")
    assert endings.main() == 0
    assert (tmp_path / "page.md").read_text(encoding="utf-8") == endings.page()
