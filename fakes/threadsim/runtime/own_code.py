"""Which code belongs to the simulation itself: files by their folder, functions by their code.

Reports leave these files out, and some functions mean something special on a stack. Such a function
is marked here and found by its code object, so it can move and be renamed.
"""

import sysconfig
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, TypeVar

_F = TypeVar("_F", bound=Callable[..., Any])

# The folders of this package and of those that build on it, each with a separator at its end.
_folders: tuple[str, ...] = ()
# The packages that keep real time and real threads: the test runner, its tools, and these packages.
_tools = {"_frozen_importlib_external", "coverage", "execnet", "freezegun", "greenlet", "importlib"}
_tools |= {"_pytest", "pluggy", "xdist"}
# Folders of installed packages, wherever they are.
_INSTALLED = {"site-packages", "dist-packages"}
# Where files are that no program consists of: the libraries, this package, and frozen modules.
_libraries = ("<frozen ", *map(sysconfig.get_path, ("stdlib", "purelib", "platlib")))


def add_package(name: str, init_file: str) -> None:
    """Let the files of a package count as the simulation's own.

    Args:
        name: The package's name.
        init_file: Its ``__file__``.
    """
    global _folders, _libraries  # noqa: PLW0603  # str.startswith takes a tuple.
    folder = str(Path(init_file).parent / "_")[:-1]
    _folders += (folder,)
    _libraries += (folder,)
    _tools.add(name)


def is_tool(module: str) -> bool:
    """Return whether a module, by its name, belongs to the test runner or to the simulation."""
    package = module.partition(".")[0]
    return package in _tools or package.startswith("pytest")  # Its plugins, too.


def is_own(frame: FrameType) -> bool:
    """Return whether a frame is the simulation's own."""
    return frame.f_code.co_filename.startswith(_folders)


def caller(frame: FrameType) -> FrameType:
    """Return the innermost frame that is not the simulation's own, from a frame outwards."""
    while is_own(frame) and frame.f_back is not None:
        frame = frame.f_back
    return frame


def is_of_program(file: str) -> bool:
    """Return whether a file belongs to the user's program: to no library, and not to this one."""
    return not file.startswith(_libraries) and _INSTALLED.isdisjoint(Path(file).parts)


class Mark(set[CodeType]):
    """The code objects of some functions. It is also the decorator that adds them."""

    def __call__(self, function: _F) -> _F:
        """Mark a function."""
        self.add(function.__code__)
        return function


# Entering and leaving a simulation. A signal's handler must not raise in these functions.
critical = Mark()
# Calls the program of an exploration: the frames below it are not the program's.
runs_program = Mark()
# Catches a test's error in order to show it.
shows_errors = Mark()

add_package("threadsim", str(Path(__file__).parent))
