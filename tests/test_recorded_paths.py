"""All paths end as recorded in ``tests/recorded/paths.json``, on each Python.

To write the file anew on purpose: ``RECORD=1 pytest tests/test_recorded_paths.py``.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from recording import compare


@pytest.mark.e2e
def test_all_paths_end_as_recorded(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    """What each program does in each path, in words, and how many asserts hold of it."""
    file = tmp_path / "paths.json"
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/paths"],
        cwd=pytestconfig.rootpath,
        env=os.environ | {"PATHS_FILE": str(file)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr

    paths: dict[str, dict[str, Any]] = {}
    for result in json.loads(file.read_text(encoding="utf-8")).values():
        paths.setdefault(result["test"], {})[result["program"]] = {
            "outcome": result["outcome"],
            "brief": result["brief"],
            "asserts": len(result["asserts"]),
        }
    compare("paths.json", "paths", paths)
