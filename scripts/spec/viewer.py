"""The page of the mutants: the viewer of mutation-testing.org, which comes from npm."""

import shutil
import subprocess
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory

from jinja2 import Environment

MUTANTS = Path("build/mutants.json")
VIEWER = "mutation-testing-elements@3.9.0"
_PAGE = """\
<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Mutants</title><script>{{ viewer }}</script></head>
<body>
<mutation-test-report-app title-postfix="jobs-synchronizer"></mutation-test-report-app>
<script>document.querySelector("mutation-test-report-app").report = {{ report }};</script>
</body>
</html>
"""


def write(page: Path) -> bool:
    """Write the page of the last run of the mutants; return whether it could be made."""
    npm = shutil.which("npm")
    if not (npm and MUTANTS.exists()):
        return False
    with TemporaryDirectory() as folder:
        command = [npm, "pack", "--silent", f"--pack-destination={folder}", VIEWER]
        if subprocess.run(command, check=False, stdout=subprocess.DEVNULL, timeout=120).returncode:  # noqa: S603
            return False
        (package,) = Path(folder).glob("*.tgz")
        with tarfile.open(package) as archive:
            archive.extract("package/dist/mutation-test-elements.js", folder, filter="data")
        viewer = Path(folder, "package/dist/mutation-test-elements.js").read_text(encoding="utf-8")
    # No text of the report can end the script.
    report = MUTANTS.read_text(encoding="utf-8").replace("<", "\\u003c")
    template = Environment(autoescape=False).from_string(_PAGE)  # noqa: S701  # Both are scripts.
    page.write_text(template.render(viewer=viewer, report=report), encoding="utf-8")
    return True
