"""Switch points between the statements of the functions that ``switch_in`` names.

For a while such a function runs other code: with a call before each statement, before each test of
a ``while``, and before an assignment writes data that other threads may see. It keeps its identity,
closure, defaults, decorators and line numbers. Its source must be at hand.

What the statements read and write is not known. So all steps of a thread from its first such point
on conflict with those of every other thread that came to one.
"""

import ast
import inspect
import linecache
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from types import CodeType, FunctionType, ModuleType
from typing import Any

from threadsim.exploration.execution import SchedulePoint
from threadsim.exploration.points import points_here

_NEXT, _WRITE = SchedulePoint("run the next statement"), SchedulePoint("write its result")

_Definition = ast.FunctionDef | ast.AsyncFunctionDef

# A function's file, name and first line, which no other function has.
_Place = tuple[str, str, int]


@contextmanager
def switching_in(targets: Iterable[Any]) -> Iterator[None]:
    """Add switch points to some functions while the block runs.

    Args:
        targets: Functions, methods, classes and modules. A class or module stands for all its
            functions that stand in its file with ``def``.

    Raises:
        TypeError: A target has no such function.
    """
    found = [(target, functions_of(target)) for target in targets]
    codes = _with_switch_points({each: None for _, functions in found for each in functions})
    for target, functions in found:
        if codes.keys().isdisjoint(functions):
            name = getattr(target, "__qualname__", getattr(target, "__name__", repr(target)))
            raise TypeError(
                f"switch_in: {name} has no function of its own that stands in a file with def. "
                "Name the function, class or module where it stands."
            )
    before = {function: function.__code__ for function in codes}
    try:
        for function, code in codes.items():
            function.__code__ = code
        yield
    finally:
        for function, code in before.items():
            function.__code__ = code


def functions_of(target: Any) -> list[FunctionType]:
    """Return the functions that a target of ``switch_in`` stands for."""
    if not isinstance(target, ModuleType | type):
        return _functions([target])
    module = target.__name__ if isinstance(target, ModuleType) else target.__module__
    return [
        each
        for each in _functions(_members(target, module))
        # Python 3.14 makes an __annotate__ for annotations, which stands in no file.
        if each.__module__ == module and each.__name__ != "__annotate__"
    ]


def _functions(members: Iterable[Any]) -> list[FunctionType]:
    """Return the functions behind methods, and behind decorators that have ``__wrapped__``."""
    found = [inspect.unwrap(getattr(each, "__func__", each)) for each in members]
    return [each for each in found if isinstance(each, FunctionType)]


def _members(owner: ModuleType | type, module: str) -> Iterator[Any]:
    """Return all that may be a function in a class or module, and in its own classes."""
    for member in vars(owner).values():
        if isinstance(member, type):
            around = "" if isinstance(owner, ModuleType) else f"{owner.__qualname__}."
            if member.__module__ == module and member.__qualname__.startswith(around):
                yield from _members(member, module)
        else:  # A property and a cached_property keep their functions.
            yield member
            yield from (getattr(member, name, None) for name in ("fget", "fset", "func"))


def _with_switch_points(functions: Collection[FunctionType]) -> dict[FunctionType, CodeType]:
    """Return the functions that stand in a file with ``def``, each with its new code."""
    codes = {_place_of(each.__code__): each.__code__ for each in functions}
    files = {each.__code__.co_filename: each.__globals__ for each in functions}
    new = {
        _place_of(code): code
        for file, names in files.items()
        for code in _compiled(file, names, codes)
    }
    places = [(each, _place_of(each.__code__)) for each in functions]
    return {function: new[place] for function, place in places if place in new}


def _compiled(file: str, names: dict[str, Any], codes: dict[_Place, CodeType]) -> list[CodeType]:
    """Return the codes of all functions of a file, in which some have switch points.

    The whole file is compiled, so that each function stands in its class and its outer functions.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # They were shown at the import.
        tree = ast.parse("".join(linecache.getlines(file, names)))
        nodes = [node for node in ast.walk(tree) if isinstance(node, _Definition)]
        defined = {_place(node, file) for node in nodes}
        tree = ast.fix_missing_locations(_Functions(file, codes).visit(tree))
        found = [compile(tree, file, "exec", dont_inherit=True)]
    for code in found:
        found += _codes_in(code)
    return [_with_calls(code) for code in found if _place_of(code) in defined]


def _place_of(code: CodeType) -> _Place:
    return code.co_filename, code.co_name, code.co_firstlineno


def _place(node: _Definition, file: str) -> _Place:
    return file, node.name, min([node.lineno, *(each.lineno for each in node.decorator_list)])


def _codes_in(code: CodeType) -> list[CodeType]:
    return [each for each in code.co_consts if isinstance(each, CodeType)]


def _with_calls(code: CodeType) -> CodeType:
    """Return a code, and the codes in it, with functions in place of the constants for them."""
    consts = [
        _with_calls(each) if isinstance(each, CodeType) else _CALLED.get(each, each)
        for each in code.co_consts
    ]
    return code.replace(co_consts=tuple(consts))


def _stop(point: SchedulePoint) -> None:
    points = points_here()
    if points is not None:
        points.shares_data.add(points.kernel.running)
        points.point(point)


def _switch() -> None:
    _stop(_NEXT)


def _before_write(value: Any) -> Any:
    _stop(_WRITE)
    return value


# Rewritten code calls these. Constants stand for them in its source, as it must need no names: a
# frame may outlive the exchange of its code.
_CALLED: dict[object, Any] = {
    f"__threadsim{each.__name__}__": each for each in (_switch, _before_write)
}


def _call(function: Callable[..., Any], place: ast.AST, *arguments: ast.expr) -> ast.Call:
    """Return the source of a call of one of these functions."""
    name = ast.Constant(f"__threadsim{function.__name__}__")
    return ast.copy_location(ast.Call(func=name, args=[*arguments], keywords=[]), place)


class _Functions(ast.NodeTransformer):
    """Finds some functions in a file, and adds the calls to them.

    Args:
        file: The name of the file.
        codes: The codes of the functions as they are.
    """

    def __init__(self, file: str, codes: dict[_Place, CodeType]) -> None:
        self._file = file
        self._codes = codes

    def visit_FunctionDef(self, node: _Definition) -> ast.AST:
        code = self._codes.get(_place(node, self._file))
        if code is None:
            return self.generic_visit(node)
        # The functions inside it get the calls, too.
        return _Statements(_shared_names(node, code)).generic_visit(node)

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815  # The base class's name.


def _shared_names(definition: ast.AST, code: CodeType) -> set[str]:
    """Return the names of a function's variables that other threads may read and write."""
    nodes = [node for node in ast.walk(definition) if isinstance(node, ast.Global)]
    names = {name for node in nodes for name in node.names}
    codes = [code]
    for each in codes:
        names.update(each.co_cellvars, each.co_freevars)
        codes += _codes_in(each)
    return names


class _Statements(ast.NodeTransformer):
    """Adds the calls to a function.

    Args:
        shared: Names of variables that other threads may read and write.
    """

    def __init__(self, shared: set[str]) -> None:
        self._shared = shared

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        for field in ("body", "orelse", "finalbody"):
            statements = getattr(node, field, None)
            if isinstance(statements, list):
                pairs = [
                    [each] if _is_silent(each) else [ast.Expr(_call(_switch, each)), each]
                    for each in statements
                ]
                setattr(node, field, list(chain.from_iterable(pairs)))
        return node

    def visit_While(self, node: ast.While) -> ast.AST:
        self.generic_visit(node)
        test = ast.BoolOp(op=ast.Or(), values=[_call(_switch, node.test), node.test])
        node.test = ast.copy_location(test, node.test)
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        self.generic_visit(node)
        node.value = self._before_write(node.value, *node.targets)
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        self.generic_visit(node)
        if node.value is not None:
            node.value = self._before_write(node.value, node.target)
        return node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        self.generic_visit(node)
        # Python reads the target before it evaluates the value, and writes it after that.
        node.value = _call(_before_write, node.value, node.value)
        return node

    def _before_write(self, value: ast.expr, *targets: ast.expr) -> ast.expr:
        """Return a value with a switch point behind it, if other threads may see the write."""
        parts = [part for target in targets for part in ast.walk(target)]
        if isinstance(value, ast.Constant) or not any(map(self._is_shared, parts)):
            return value
        return _call(_before_write, value, value)

    def _is_shared(self, part: ast.AST) -> bool:
        if isinstance(part, ast.Name):
            return part.id in self._shared
        return isinstance(part, ast.Attribute | ast.Subscript)


def _is_silent(statement: ast.stmt) -> bool:
    """Return whether a statement does nothing, such as a docstring, or has calls of its own."""
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Constant)
    return isinstance(statement, ast.Global | ast.Nonlocal | ast.While)
