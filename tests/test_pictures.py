"""The pictures of the docs show what the programs do."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from pictures import __main__ as pictures
from pictures import rooms
from test_rooms import LAYERS

ROOT = Path(__file__).parent.parent
PICTURES = sorted((ROOT / "docs" / "pictures").glob("*.svg"))


def test_the_pictures_are_up_to_date(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """They are drawn from runs; ``nox -s pictures`` draws them anew, and an old one is named."""
    monkeypatch.chdir(ROOT)
    assert pictures.main(["--check"]) == 0
    monkeypatch.setattr(pictures, "FOLDER", tmp_path / "pictures")
    monkeypatch.setattr(pictures, "drawn", lambda: {"new": "<svg/>"})
    assert pictures.main(["--check"]) == 1
    assert pictures.main([]) == 0
    assert pictures.main(["--check"]) == 0
    (tmp_path / "pictures" / "old.svg").touch()
    assert pictures.main(["--check"]) == 1
    assert pictures.main([]) == 0
    assert [each.name for each in (tmp_path / "pictures").iterdir()] == ["new.svg"]
    said = capsys.readouterr().out
    assert f"{tmp_path / 'pictures' / 'old.svg'} is not up to date. Run nox -s pictures." in said


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.stem)
def test_a_picture_has_a_title_and_fits(picture: Path) -> None:
    """Each has a title for screen readers, colours for a dark ground, and a phone's width or so."""
    text = picture.read_text(encoding="utf-8")
    root = ET.fromstring(text)  # noqa: S314  # Our own file.
    assert root.get("aria-label")
    assert "prefers-color-scheme: dark" in text
    assert int(root.attrib["width"]) <= 500


def test_every_picture_is_shown_with_a_text_for_who_cannot_see_it() -> None:
    """Each stands on a page or in the README, with words in its place."""
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    shown = {
        Path(path).stem: words
        for page in pages
        for words, path in re.findall(r"!\[(.*?)\]\((\S+\.svg)\)", page.read_text("utf-8"))
    }
    assert sorted(shown) == [each.stem for each in PICTURES]
    assert [name for name, words in shown.items() if len(words.split()) < 5] == []


def test_the_rooms_are_those_of_the_rules() -> None:
    """The picture has each room, in the order in which they may import."""
    assert tuple(reversed(rooms.ROOMS)) == LAYERS
    order = list(rooms.ROOMS)
    assert [pair for pair in rooms.imports() if order.index(pair[0]) > order.index(pair[1])] == []
