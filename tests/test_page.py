"""The living specification: what the page of ``nox -s spec`` shows, and that it works."""

import json
import re
import shutil
import subprocess
import tarfile
import tomllib
from collections import Counter
from pathlib import Path

import pytest
from markupsafe import escape

from page_run import Elements, Ran, run_and_write
from spec import page, timelines, viewer
from spec.pages import DIFFERENCES, NAMES, PROGRAMS, code
from test_rows import ROWS


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """Some tests, as ``nox -s spec`` runs all that it shows, and the page of them."""
    return run_and_write(tmp_path_factory.mktemp("spec"))


def row_of(html: str, title: str) -> str:
    """Return the row of a behaviour."""
    (row,) = re.findall(
        rf"<article[^>]*>\s*<div class=\"say\"><h4>{title}<.*?</article>", html, re.DOTALL
    )
    return str(row)


def test_a_behaviour_has_its_sentence_its_outcomes_and_its_command(ran: Ran) -> None:
    """A row shows a sentence, what each program does, the answer, the lines and the command."""
    row = row_of(ran.html, "no jobs")
    assert "A request that adds no jobs is answered at once, with an empty list." in row
    assert '<b class="chip khangs">hangs</b> at 0 s' in row
    assert '<b class="chip k200">200</b> after 0 s: 0 statuses' in row
    assert '<pre class="answer">[]</pre>' in row
    assert "documented=Hang(WAIT, at=0.0), corrected=Answer(200, [], after=0.0)" in row
    assert "nox -s tests -- 'tests/paths/test_01_no_jobs.py::test_no_jobs'" in row
    (wait,) = (n for n, line in code(PROGRAMS / "documented.py").items() if "n.wait()" in line)
    (lines,) = re.findall(r'<span class="d">(.*?)</span>', row)
    assert str(wait) in page_numbers(lines.replace("\u2011", "-"))


def page_numbers(ranges: str) -> list[str]:
    """Return the numbers in ranges such as ``1-3 7``."""
    ends = [each.split("-") for each in ranges.split()]
    return [str(number) for end in ends for number in range(int(end[0]), int(end[-1]) + 1)]


def test_ranges_hold_the_numbers_that_they_were_made_of() -> None:
    """Neighbours are joined, and nothing is added or lost."""
    assert page.ranges([1, 2, 3, 7, 9, 10]) == "1-3 7 9-10"
    assert page_numbers("1-3 7 9-10") == ["1", "2", "3", "7", "9", "10"]
    assert page.ranges([]) == ""


def test_a_lost_notification_is_marked(ran: Ran) -> None:
    """The published program loses the last notification, and the corrected one loses none."""
    published, corrected = row_of(ran.html, "a notification before the wait").split(
        "<h5>Corrected program</h5>"
    )
    assert ">lost</text>" in published
    assert 'class="ever"' in published
    assert ">lost</text>" not in corrected
    assert 'class="ever"' not in corrected


def test_a_missed_job_is_marked(ran: Ran) -> None:
    """The eleventh job is missed in the published program, and runs in the corrected one."""
    published, corrected = row_of(ran.html, "more jobs than workers").split(
        "<h5>Corrected program</h5>"
    )
    assert ">missed</text>" in published
    assert ">missed</text>" not in corrected
    assert published.count(">20 s</text>") == corrected.count(">20 s</text>") == 1


def test_a_run_without_duration_shows_its_order() -> None:
    """What happens at one instant is drawn in its order; else seconds are drawn."""
    request: timelines.Event = {"what": "request", "at": (0.0, 0), "until": (0.0, 3)}
    wait = {"what": "wait", "at": (0.0, 1), "until": (0.0, 2), "request": 0}
    at_once = timelines.Picture([request, wait], 20.0)
    assert at_once.paths == {"request": "M58 7h18", "wait": "M64 7h6"}
    assert at_once.end == 0
    hangs = timelines.Picture(
        [{**request, "until": None}, {**wait, "until": None, "at": (5.0, 1)}], 20.0
    )
    assert hangs.paths == {"request": "M58 7h62", "ever": "M120 7h216", "wait": "M120 7h2"}
    assert hangs.end == 20


def test_a_defect_quotes_one_line_of_each_program() -> None:
    """The line that causes a defect stands in the published program once, its cure in the other."""
    defects = [row for row in ROWS if row.startswith("D")]
    assert len(defects) == 8
    for name in NAMES:
        lines = code(PROGRAMS / f"{name}.py").values()
        found = [sum(ROWS[row][name] in line for line in lines) for row in defects]
        assert found == [1] * 8


def test_the_source_has_each_change_with_its_reason(ran: Ran) -> None:
    """The changes are numbered as in the docs, and a line counts the behaviours that run it."""
    (source,) = re.findall(r'<section id="source">.*?</section>', ran.html, re.DOTALL)
    titles = [each["title"] for each in tomllib.loads(DIFFERENCES.read_text())["hunk"]]
    numbered = [f"{number}. {title}" for number, title in enumerate(titles, 1)]
    assert re.findall("<h3>(.*?)</h3>", source) == numbered
    for name in NAMES:
        for number, line in code(PROGRAMS / f"{name}.py").items():
            cell = f'<td id="{name[0]}{number}"><i>{number}</i>{escape(line)}</td>'
            assert cell in source
    held = Counter(
        f"{program} {number}"
        for program, lines in re.findall(r'<span class="([dc])">(.*?)</span>', ran.html)
        for number in page_numbers(lines.replace("\u2011", "-"))
    )
    counts = re.findall(r'data-at="(.*?)" title="(\d+) behaviours', source)
    assert {at: int(count) for at, count in counts} == held


def test_the_page_needs_no_other_file(ran: Ran) -> None:
    """Links lead to places in the page, ids are unique, and nothing is loaded."""
    elements = Elements(ran.html)
    ids = elements.all_of("id")
    assert len(ids) == len(set(ids))
    assert {link.removeprefix("#") for link in elements.all_of("href")} <= set(ids)
    assert elements.all_of("src") == []
    assert "url(" not in ran.html
    # Without JavaScript all rows are there, and the filters are not.
    assert [
        attributes["id"]
        for tag, attributes in elements.found
        if tag == "form" and "hidden" in attributes
    ] == ["filters"]
    assert not any("hidden" in attributes for tag, attributes in elements.found if tag == "article")


def test_endings_contract_and_explorations(ran: Ran) -> None:
    """What a caller of a group gets, what both schedulers do, and what each order shows."""
    (endings,) = re.findall(r'<section id="endings">.*?</section>', ran.html, re.DOTALL)
    assert endings.count("<article") == 34
    assert '<b class="chip k200">&#39;hello&#39;</b> after 0.5 s' in endings
    assert '<b class="chip k500">ValueError</b> after 0 s: boom' in endings
    assert "Events in their order, log lines, what the store keeps" in ran.html
    assert "no schedule fails" in ran.html


def test_a_difference_from_the_committed_promises_is_listed(ran: Ran, tmp_path: Path) -> None:
    """A test that fails, and what a program does otherwise, stand below the last heading."""
    cases = json.loads(ran.run.read_text())
    assert re.findall("<li>(?:failed|changed): ", ran.html) == []
    name = "tests/paths/test_01_no_jobs.py::test_no_jobs[documented]"
    cases[name]["failed"], cases[name]["results"] = True, {"documented": ["FAILED"]}
    (changed := tmp_path / "run.json").write_text(json.dumps(cases))
    html = page.written(changed, ran.held)
    assert f"<li>failed: {name}</li>" in html
    assert "documented was [&#39;hangs in wait_for_tasks_to_be_completed at 0 s&#39;]" in html
    assert '<b class="chip kFAILED">FAILED</b>' in row_of(html, "no jobs")


def test_the_mutants_have_a_page_of_their_own(
    ran: Ran, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It holds the last run's report and the viewer from npm; the page counts and links them."""
    assert "After it, <code>nox -s spec</code> shows the mutants here." in ran.html
    (report := tmp_path / "mutants.json").write_text(
        '{"files": {"a.py": {"mutants": [{"status": "Killed"}, {"status": "Survived<"}]}}}'
    )
    for module in (viewer, page):
        monkeypatch.setattr(module, "MUTANTS", report)

    def pack(command: list[str], **_options: object) -> subprocess.CompletedProcess[str]:
        _, folder = command[3].split("=")
        (tmp_path / "viewer.js").write_text("'the viewer'")
        with tarfile.open(Path(folder, "viewer.tgz"), "w:gz") as archive:
            archive.add(tmp_path / "viewer.js", "package/dist/mutation-test-elements.js")
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(shutil, "which", lambda _name: "npm")
    monkeypatch.setattr(subprocess, "run", pack)
    assert viewer.write(tmp_path / "mutants.html")
    html = (tmp_path / "mutants.html").read_text()
    assert "<script>'the viewer'</script>" in html
    assert '"status": "Survived\\u003c"' in html
    section = page.written(ran.run, ran.held, has_viewer=True).partition('id="mutants"')[2]
    assert "1 killed, 1 survived&lt;" in section
    assert '<a href="mutants.html">' in section


def test_without_npm_the_page_says_how_to_get_the_viewer(
    ran: Ran, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without npm, or without its registry, there is no second page, and the first one says so."""
    (report := tmp_path / "mutants.json").write_text('{"files": {}}')
    monkeypatch.setattr(viewer, "MUTANTS", report)
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    assert not viewer.write(tmp_path / "mutants.html")
    monkeypatch.setattr(shutil, "which", lambda _name: "false")
    assert not viewer.write(tmp_path / "mutants.html")
    assert not (tmp_path / "mutants.html").exists()
    report.write_text('{"files": {"a.py": {"mutants": [{"status": "Killed"}]}}}')
    monkeypatch.setattr(page, "MUTANTS", report)
    section = page.written(ran.run, ran.held).partition('id="mutants"')[2]
    assert "1 killed" in section
    assert "npm package <code>mutation-testing-elements</code>: install npm" in section
