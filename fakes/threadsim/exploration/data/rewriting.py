"""Functions rewritten for a while, so that every statement is a place to switch.

A function keeps its identity, closure, defaults, decorators and line numbers; only its code is
exchanged for one with a call before each statement and before each test of a ``while``, and before
an assignment writes what others may see. What else one statement reads and does is not taken apart,
nor is the body of a class that a function makes. Its source must be at hand.

All steps of a thread from its first such place on conflict with those of every other thread that
came to one: what they read and write is not known.
"""

import ast
import inspect
import linecache
import operator
import sys
import warnings
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from types import CodeType, FunctionType, ModuleType
from typing import Any

from threadsim.exploration.dependence import SHARED
from threadsim.exploration.execution import SchedulePoint
from threadsim.exploration.instrument import points_here
from threadsim.patching.patch_sites import attributes_of

# What rewritten code calls: constants that stand for functions, which need no names then. A frame
# may outlive the exchange of its code.
_SWITCH = "__threadsim_switch__"
_IN_PLACE = "__threadsim_in_place__"
_READ = "__threadsim_read__"

_NEXT, _WRITE = SchedulePoint("run the next statement"), SchedulePoint("write its result")

_OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "iadd",
    ast.BitAnd: "iand",
    ast.BitOr: "ior",
    ast.BitXor: "ixor",
    ast.Div: "itruediv",
    ast.FloorDiv: "ifloordiv",
    ast.LShift: "ilshift",
    ast.MatMult: "imatmul",
    ast.Mod: "imod",
    ast.Mult: "imul",
    ast.Pow: "ipow",
    ast.RShift: "irshift",
    ast.Sub: "isub",
}

# What a class or module may have that stands for a function.
_FUNCTIONS = (FunctionType, staticmethod, classmethod)

_Definition = ast.FunctionDef | ast.AsyncFunctionDef

# Where pytest keeps its rewriter of asserts in the modules whose asserts it has rewritten.
_PYTEST = "@pytest_ar"

# A function's name and first line, which it shares with no other of its file.
_Place = tuple[str, int]


@contextmanager
def rewritten(targets: Iterable[Any]) -> Iterator[None]:
    """Rewrite functions, and all functions of classes and modules, while the block runs.

    Args:
        targets: Functions, methods, classes and modules. Of the last two all functions that stand
            in a file with ``def``; what a library made for them, and a lambda, is left out.

    Raises:
        TypeError: One is something else, a lambda, or has nothing that can be rewritten.
    """
    found = [(target, _functions(target)) for target in targets]
    codes = _with_switches_in({each: None for _, functions in found for each in functions})
    for target, functions in found:
        plain = _plain(target)
        if plain not in codes if plain in functions else codes.keys().isdisjoint(functions):
            raise TypeError(f"switch_in: {_refusal(target)}")
    before = {function: function.__code__ for function in codes}
    try:
        for function, code in codes.items():
            function.__code__ = code
        yield
    finally:
        for function, code in before.items():
            function.__code__ = code


def _stop(op: SchedulePoint) -> None:
    kernel = points_here()
    if kernel is not None:
        kernel.writing.setdefault(kernel.running, set()).add(SHARED)
        kernel.point(op)


def _switch() -> None:
    _stop(_NEXT)


def _in_place(name: str, left: Any, right: Any) -> Any:
    result = getattr(operator, name)(left, right)
    _stop(_WRITE)
    return result


def _read_all(value: Any) -> Any:
    _stop(_WRITE)
    return value


_CALLED = {_SWITCH: _switch, _IN_PLACE: _in_place, _READ: _read_all}


def _functions(target: Any) -> list[FunctionType]:
    """Return the functions that a target stands for."""
    found: list[FunctionType] = []
    if isinstance(target, ModuleType | type):
        module = target.__name__ if isinstance(target, ModuleType) else target.__module__
        for member in _members(target, module):
            if isinstance(function := _plain(member), FunctionType):
                _add(function, found)
        # Python 3.14 makes an __annotate__ for what has annotations, which stands in no file.
        found = [each for each in found if each.__name__ != "__annotate__"]
        return [each for each in found if each.__module__ == module]
    if isinstance(function := _plain(target), FunctionType):
        _add(function, found)
    return found


def _refusal(target: Any) -> str:
    """Return why nothing of a target can be rewritten, and what to name instead."""
    if isinstance(target, ModuleType | type):
        where = " or ".join(_elsewhere(target)) or "a class or module that has some"
        return (
            f"{target.__name__} has no functions of its own that stand in a file with def. Name "
            f"{where}."
        )
    if isinstance(function := _plain(target), FunctionType):
        return (
            f"there is no source of {function.__qualname__} that could be rewritten. Name a "
            "function that stands in a file with def."
        )
    return (
        f"{target!r} is no function, method, class or module written in Python. Name one that "
        "stands in a file with def."
    )


def _elsewhere(target: ModuleType | type) -> list[str]:
    """Return the names of what may have the functions that a class or module has from others."""
    if isinstance(target, type):
        return [each.__qualname__ for each in target.__mro__[1:] if _functions(each)]
    package = target.__name__.partition(".")[0]
    modules = {str(getattr(each, "__module__", "")) for each in vars(target).values()}
    return sorted(each for each in modules if each.startswith(f"{package}."))


def _members(owner: ModuleType | type, module: str) -> Iterator[Any]:
    """Return what a class or module has that may be a function, or a class of its own has."""
    for member in vars(owner).values():
        if isinstance(member, type):
            around = "" if isinstance(owner, ModuleType) else f"{owner.__qualname__}."
            if member.__module__ == module and member.__qualname__.startswith(around):
                yield from _members(member, module)
        elif isinstance(member, property):
            yield from (member.fget, member.fset, member.fdel)
        elif isinstance(member, _FUNCTIONS):
            yield member
        else:  # A decorator may keep it in an object of its own.
            yield from attributes_of(member).values()


def _plain(target: Any) -> Any:
    """Return the function behind a method, and behind decorators that tell what they wrap."""
    return inspect.unwrap(getattr(target, "__func__", target))


def _add(function: FunctionType, found: list[FunctionType]) -> None:
    """Add a function and what it stands for, if a decorator made it that does not tell."""
    if function in found:
        return
    found.append(function)
    for cell in function.__closure__ or ():
        with suppress(ValueError):  # It is still empty.
            held = cell.cell_contents
            if isinstance(held, FunctionType) and _of_this_name(held) is not held:
                _add(held, found)


def _of_this_name(function: FunctionType) -> object:
    """Return what a function's name stands for now."""
    thing: object = sys.modules.get(function.__module__)
    for name in function.__qualname__.split("."):
        thing = getattr(thing, name, None)
    return thing


def _with_switches_in(functions: Collection[FunctionType]) -> dict[FunctionType, CodeType]:
    """Return those that have a source, each with its code with places to switch."""
    files: dict[str, list[FunctionType]] = {}
    for function in functions:
        files.setdefault(function.__code__.co_filename, []).append(function)
    found: dict[FunctionType, CodeType] = {}
    for name, those in files.items():
        codes = _rewrite(name, those)
        places = {function: _place(function.__code__) for function in those}
        found |= {each: codes[place] for each, place in places.items() if place in codes}
    return found


def _rewrite(file: str, functions: list[FunctionType]) -> dict[_Place, CodeType]:
    """Return the codes of a file in which some functions have places to switch, by their places.

    What they stand in is compiled whole, so that each is what it is: in its class, in its outer
    functions. What else the file holds changes nothing in them.
    """
    names = functions[0].__globals__
    lines = sorted(each.__code__.co_firstlineno for each in functions)
    source = "".join(linecache.getlines(file, names))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # They have been heard when it was imported.
        tree = ast.parse(source)
        tree.body = [each for each in tree.body if _is_future(each) or _holds(each, lines)]
        defined = {_place(node) for node in ast.walk(tree) if isinstance(node, _Definition)}
        _Chosen({_place(each.__code__): each.__code__ for each in functions}).visit(tree)
        ast.fix_missing_locations(tree)
        if _PYTEST in names:
            names[_PYTEST].rewrite_asserts(tree, source.encode())
        codes = [compile(tree, file, "exec", dont_inherit=True)]
    for code in codes:
        codes += _codes_in(code)
    return {place: _calling(code) for code in codes if (place := _place(code)) in defined}


def _place(thing: _Definition | CodeType) -> _Place:
    if isinstance(thing, CodeType):
        return thing.co_name, thing.co_firstlineno
    return thing.name, _first_line(thing)


def _first_line(statement: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(each.lineno for each in decorators)])


def _is_future(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.ImportFrom) and statement.module == "__future__"


def _holds(statement: ast.stmt, lines: list[int]) -> bool:
    """Return whether any of some lines, which are sorted, is one of a statement's."""
    index = bisect_left(lines, _first_line(statement))
    return index < len(lines) and lines[index] <= (statement.end_lineno or 0)


def _codes_in(code: CodeType) -> list[CodeType]:
    return [each for each in code.co_consts if isinstance(each, CodeType)]


def _calling(code: CodeType) -> CodeType:
    """Return a code, and those in it, with functions where constants stand for them."""
    consts = [
        _calling(each) if isinstance(each, CodeType) else _CALLED.get(each, each)
        for each in code.co_consts
    ]
    return code.replace(co_consts=tuple(consts))


def _shared_names(definition: ast.AST, code: CodeType) -> set[str]:
    """Return the names of a function's variables that others may read and write."""
    names = {
        name for node in ast.walk(definition) if isinstance(node, ast.Global) for name in node.names
    }
    codes = [code]
    for each in codes:
        names.update(each.co_cellvars, each.co_freevars)
        codes += _codes_in(each)
    return names


class _Chosen(ast.NodeTransformer):
    """Adds the calls to some functions of a file.

    Args:
        codes: Their codes as they are.
    """

    def __init__(self, codes: dict[_Place, CodeType]) -> None:
        self._codes = codes

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._visit(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._visit(node)

    def _visit(self, node: _Definition) -> ast.AST:
        code = self._codes.get(_place(node))
        # What stands in it gets them with it.
        switches = self if code is None else _Switches(_shared_names(node, code))
        return switches.generic_visit(node)


class _Switches(ast.NodeTransformer):
    """Adds the calls.

    Args:
        shared: Names of variables that others may read and write.
    """

    def __init__(self, shared: set[str]) -> None:
        self._shared = shared

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        for field in ("body", "orelse", "finalbody"):
            statements = getattr(node, field, None)
            if isinstance(statements, list):
                setattr(node, field, list(_with_switches(node, statements)))
        return node

    def visit_While(self, node: ast.While) -> ast.AST:
        self.generic_visit(node)
        node.test = ast.copy_location(
            ast.BoolOp(op=ast.Or(), values=[_call(node.test, _SWITCH), node.test]), node.test
        )
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        # Whatever is set in a class's body would be an attribute of it.
        node.body = [
            self.visit(each) if isinstance(each, _Definition | ast.ClassDef) else each
            for each in node.body
        ]
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        self.generic_visit(node)
        node.value = self._read_first(node.value, *node.targets)
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        self.generic_visit(node)
        if node.value is not None:
            node.value = self._read_first(node.value, node.target)
        return node

    def _read_first(self, value: ast.expr, *targets: ast.expr) -> ast.expr:
        """Return a value with a place to switch before it is written where others may see it."""
        if isinstance(value, ast.Constant):
            return value
        shared = any(self._is_shared(part) for target in targets for part in ast.walk(target))
        return _call(value, _READ, value) if shared else value

    def _is_shared(self, part: ast.AST) -> bool:
        if isinstance(part, ast.Name):
            return part.id in self._shared
        return isinstance(part, ast.Attribute | ast.Subscript)

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.stmt:
        self.generic_visit(node)
        target, load, kept = _read(node.target)
        name = ast.copy_location(ast.Constant(_OPERATORS[type(node.op)]), node)
        value = _call(node, _IN_PLACE, name, load, node.value)
        assign: ast.stmt = ast.Assign(targets=[target], value=value)
        if kept:  # The program's own must neither see them nor live longer, whatever it raises.
            begin = ast.Assign(
                targets=[ast.Name(id=each, ctx=ast.Store()) for each in kept],
                value=ast.Constant(None),
            )
            end = ast.Delete(targets=[ast.Name(id=each, ctx=ast.Del()) for each in kept])
            assign = ast.Try(body=[begin, assign], handlers=[], orelse=[], finalbody=[end])
        return ast.fix_missing_locations(ast.copy_location(assign, node))


def _with_switches(node: ast.AST, statements: list[ast.stmt]) -> Iterator[ast.stmt]:
    for index, statement in enumerate(statements):
        docstring = (
            index == 0
            and isinstance(node, _Definition | ast.ClassDef)
            and isinstance(statement, ast.Expr)
            and isinstance(statement.value, ast.Constant)
        )
        if not docstring and not isinstance(statement, ast.Global | ast.Nonlocal | ast.While):
            yield ast.copy_location(ast.Expr(_call(statement, _SWITCH)), statement)
        yield statement


def _call(place: ast.AST, name: str, *arguments: ast.expr) -> ast.Call:
    function = ast.copy_location(ast.Constant(name), place)
    call = ast.Call(func=function, args=list(arguments), keywords=[])
    return ast.copy_location(call, place)


def _read(
    target: ast.Name | ast.Attribute | ast.Subscript,
) -> tuple[ast.expr, ast.expr, list[str]]:
    """Return what is written to and what is read, and the names that keep its parts meanwhile."""
    if isinstance(target, ast.Name):
        return target, ast.copy_location(ast.Name(id=target.id, ctx=ast.Load()), target), []
    names = ["__threadsim_owner__"]
    owner, kept = _keep(target.value, names[0])
    if isinstance(target, ast.Attribute):
        load: ast.expr = ast.Attribute(value=kept, attr=target.attr, ctx=ast.Load())
        target.value = owner
    else:
        names.append("__threadsim_index__")
        index, kept_index = _keep(target.slice, names[1])
        load = ast.Subscript(value=kept, slice=kept_index, ctx=ast.Load())
        target.value, target.slice = owner, index
    return target, ast.copy_location(load, target), names


def _keep(part: ast.expr, name: str) -> tuple[ast.expr, ast.expr]:
    """Return a part as it is used again, and as it is evaluated first."""
    again = ast.copy_location(ast.Name(id=name, ctx=ast.Load()), part)
    store = ast.copy_location(ast.Name(id=name, ctx=ast.Store()), part)
    return again, ast.copy_location(ast.NamedExpr(target=store, value=part), part)
