"""A page in headless Chromium, as it stands when its scripts have run."""

import html
import re
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

# What a page is like for a test: of a known width, without a profile, a sandbox or a network.
_OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"),
    *("--hide-scrollbars", "--virtual-time-budget=2000"),
)


def look(page: Path, script: str, width: int = 1280) -> str:
    """Return what a script says of a page.

    Args:
        page: The file.
        script: JavaScript that returns a text; it runs when the page has been loaded.
        width: How wide the window is, in pixels.
    """
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("needs Chromium: apt install chromium")
    # Chromium's window is 500 pixels wide at least: a phone is a frame in it.
    asked = (
        f"<script>frame.onload = () => {{ said.textContent = (() => {{ {script} }})(); }}</script>"
    )
    frame = f"<iframe id=frame width={width} height=900 src='{page.as_uri()}'></iframe>"
    with TemporaryDirectory() as folder:
        outer = Path(folder, "outer.html")
        outer.write_text(f"<pre id=said></pre>{frame}{asked}", encoding="utf-8")
        done = subprocess.run(
            [
                *(chromium, *_OPTIONS, f"--user-data-dir={folder}/profile"),
                *("--allow-file-access-from-files", "--window-size=1400,1000", "--dump-dom"),
                outer.as_uri(),
            ],
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        )
    said = re.search(r'<pre id="said">(.*?)</pre>', done.stdout, re.DOTALL)
    assert said is not None, done.stdout
    return html.unescape(said[1])
