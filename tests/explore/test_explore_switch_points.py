"""A function of any shape does what it did while its data is watched, and is itself again later."""

import importlib.util
import sys
import warnings
from collections.abc import Iterator
from operator import is_
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import pytest
from searching import world_of

from threadsim.exploration.data.functions import functions_of
from threadsim.exploration.data.instrumented import instrumented
from threadsim.exploration.execution import NECESSARY
from threadsim.exploration.schedule_string import Replay

# Each with a function call(), which is given nothing and tells what happened.
SHAPES = {
    "names itself": """
        def call(n=2):
            return [n, *call(n - 1)] if n else []
    """,
    "names itself in a closure": """
        def make():
            def again(n):
                return [n, *again(n - 1)] if n else []
            return again
        call = make()
        call.__defaults__ = (3,)
    """,
    "names its class": """
        class Counter:
            total = 0
            def add(self):
                Counter.total += 1
                return Counter.total
        def call():
            Counter.total = 0
            return Counter().add()
    """,
    "asks for its locals": """
        class Box:
            number = 0
        def call():
            box, numbers = Box(), [1]
            box.number += 1
            numbers[0] += 1
            try:
                numbers[1] += 1
            except IndexError:
                return sorted(locals())
    """,
    "lets go of what it has added to": """
        class Connection:
            sent = living = 0
            def __init__(self):
                Connection.living += 1
            def __del__(self):
                Connection.living -= 1
        def call():
            Connection().sent += 1
            try:
                Connection().received += 1
            except AttributeError:
                pass
            return Connection.living
    """,
    "super with arguments": """
        class Base:
            def __init__(self):
                self.one = 1
        class Child(Base):
            def __init__(self):
                super(Child, self).__init__()
                self.two = 2
        def call():
            return vars(Child())
    """,
    "super and __class__": """
        class Base:
            def name(self):
                return "base"
        class Child(Base):
            def name(self):
                def inner():
                    return super(Child, self).name(), super(__class__, self).name()
                return super().name(), __class__.__name__, inner()
        def call():
            return Child().name()
    """,
    "class in a function, with its variables": """
        def make(base, Child="shadowed"):
            class Child(base):
                seen = []
                def name(self):
                    Child.seen.append(base.__name__)
                    return super().name() + Child.__name__
            return Child
        class Base:
            def name(self):
                return "base"
        Made = make(Base)
        def call():
            return Made().name()
    """,
    "defaults": """
        def call(f=lambda x: x, xs=tuple(i for i in range(3)), ys=[i for i in "ab"],
                 *, zs={i: i for i in range(2)}, g=lambda: (lambda: 4)):
            return f(1), xs, ys, zs, g()()
    """,
    "method with its class's name": """
        class f:
            def f(self):
                self.x = 1
                return self.x
        def call():
            return f().f()
    """,
    "functions of one name": """
        if True:
            def f():
                return 1
        first = f
        def f():
            def f():
                return 2
            return f
        def call():
            return first(), f()()
    """,
    "decorators": """
        import functools
        def keep(function):
            @functools.wraps(function)
            def instead(*args):
                return function(*args), instead.__name__
            return instead
        def named(name, by=lambda x: x):
            def decorate(function):
                function.label = by(name)
                return function
            return decorate
        @keep
        @named(
            "label",
        )
        def call():
            total = 1
            total += 1
            return total
    """,
    "properties and private names": """
        class Thing:
            __made = 0
            def __init__(self):
                self.__value = [0]
            @property
            def value(self):
                return self.__value[0]
            @value.setter
            def value(self, value):
                self.__value[0] += value
                Thing.__made += 1
            def __private(self):
                return lambda: self.__value
            @classmethod
            def count(cls):
                return cls.__made
            def both(self):
                return self.__private()()
        def call():
            thing = Thing()
            thing.value = 2
            return thing.value, thing.both(), Thing.count() > 0
    """,
    "generators and coroutines": """
        import asyncio, contextlib
        def numbers(n):
            got = yield n
            while n:
                n -= 1
                yield from (n, got)
        @contextlib.contextmanager
        def around(seen):
            seen.append("in")
            try:
                yield seen
            finally:
                seen.append("out")
        async def items():
            for i in range(2):
                yield i
        async def waits():
            return [i async for i in items()]
        def call():
            with around([]) as seen:
                seen += numbers(2)
            try:
                waits().send(None)
            except StopIteration as stopped:
                seen.append(stopped.value)
            return seen
    """,
    "all statements": '''
        import sys
        one: int = 1
        values = {"a": [0, 0, 0], "n": 1}
        def call(x: "int" = 3, /, *rest, y: int = 4, **named) -> "str":
            """Document it."""
            global made
            made = x
            made += 1
            z: int
            z, *others = 1, 2, 3
            values["a"][1:2] = [1]
            values["a"][0] = z = 5
            values["n"]: int = 2
            for values["n"] in range(2):
                continue
            else:
                others.append("else")
            while z:
                z -= 1
                if z == 2:
                    break
            else:
                raise AssertionError
            match x:
                case 3 if (w := x):
                    others.append(w)
                case _:
                    pass
            try:
                raise ExceptionGroup("", [ValueError()])
            except* ValueError:
                others.append("star")
            try:
                del values["none"]
            except KeyError as error:
                others.append(str(error))
            finally:
                def last():
                    nonlocal z
                    z **= 2
                    return z
            with open(__file__) as file:
                first = file.readline()
            assert first == "\\n", first
            return others, last(), call.__doc__, sys._getframe().f_lineno
    ''',
    "annotations that come from the future": """
        from __future__ import annotations
        def call():
            def inner(x: unknown) -> unknown:
                return inner.__annotations__
            return inner(1)
    """,
    "what the compiler warns of": r"""
        def call():
            return "\d", 1 is 1
    """,
}
if sys.version_info >= (3, 12):
    SHAPES["generic"] = """
        def first[X](x: X = 3) -> X:
            type Both = tuple[X, X]
            return x, Both.__name__
        class Box[X]:
            def set(self, x: X = 1) -> X:
                self.x = x
                return Box, X
            def other[Y](self, y: Y = 1) -> Y:
                self.x = y
                return Y.__name__
        def call():
            return first(), str(Box().set()), Box().other(), Box().set()[0] is Box
    """

MODULES = [
    "argparse",
    "asyncio.locks",
    "collections",
    "concurrent.futures._base",
    "concurrent.futures.thread",
    "contextlib",
    "dataclasses",
    "enum",
    "functools",
    "inspect",
    "logging",
    "queue",
    "threading",
    "typing",
]

# These take longer than all the others together.
LARGE = {"argparse", "collections", "enum", "inspect", "logging", "typing"}

# What a function keeps beside what it does.
KEPT = [
    "co_argcount",
    "co_cellvars",
    "co_filename",
    "co_firstlineno",
    "co_flags",
    "co_freevars",
    "co_kwonlyargcount",
    "co_name",
    "co_posonlyargcount",
    "co_qualname",
]


def kept(code: CodeType) -> list[Any]:
    return [getattr(code, name) for name in KEPT]


@pytest.fixture
def shape(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ModuleType]:
    """A module with functions of some shape."""
    lines = request.param.splitlines()
    file = tmp_path / "shape.py"
    file.write_text("\n".join(line[8:] for line in lines) + "\n")
    spec = importlib.util.spec_from_file_location("shape", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        spec.loader.exec_module(module)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "shape", module)
        yield module


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES, indirect=True)
def test_a_function_of_any_shape_does_what_it_did(shape: ModuleType) -> None:
    """What it calls, keeps, and is given by default stays the same."""
    functions = functions_of(shape)
    before = [(each, each.__code__, shape.call()) for each in functions]

    with instrumented({}, targets=[shape]):
        for function, code, result in before:
            assert function.__code__ is not code
            assert kept(function.__code__) == kept(code)
            assert shape.call() == result
    assert all(function.__code__ is code for function, code, _ in before)
    with world_of(shape.call, switch_in=[shape]) as runner:
        run = runner.run(Replay([]), switch_points=NECESSARY)
        assert (run.value, run.errors) == (before[0][2], [])


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.soundness if name in LARGE else ()) for name in MODULES],
)
def test_every_function_of_a_module_can_be_rewritten(name: str) -> None:
    """Each that stands in the file of a module keeps what it is, in use or not meanwhile."""
    module = importlib.import_module(name)
    functions = [each for each in functions_of(module) if stands_in_file(each, module)]
    before = [each.__code__ for each in functions]

    with instrumented({}, targets=[module]):
        after = [each.__code__ for each in functions]
    assert [kept(code) for code in before] == [kept(code) for code in after]
    assert not any(map(is_, before, after))
    assert all(map(is_, before, [each.__code__ for each in functions]))


def stands_in_file(function: FunctionType, module: ModuleType) -> bool:
    code = function.__code__
    return code.co_filename == module.__file__ and code.co_name != "<lambda>"
