"""Switch points between the statements of the functions that ``switch_in`` names.

For a while such a function runs other code: with a call before each statement, before each test of
a ``while``, and before an assignment writes data that other threads may see. It keeps its identity,
closure, defaults, decorators and line numbers. Its source must be at hand. The body of a class
inside a function stays as it is.

What the statements read and write is not known. So all steps of a thread from its first such point
on conflict with those of every other thread that came to one.
"""

import ast
import gc
import inspect
import linecache
import operator
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import chain
from types import CodeType, FunctionType, ModuleType
from typing import Any

from threadsim.exploration.execution import SchedulePoint
from threadsim.exploration.points import points_here
from threadsim.patching.patch_sites import attributes_of

_NEXT, _WRITE = SchedulePoint("run the next statement"), SchedulePoint("write its result")

_OPERATORS: dict[type[ast.operator], str] = (
    {ast.Add: "iadd", ast.Sub: "isub", ast.Mult: "imul", ast.Div: "itruediv"}
    | {ast.FloorDiv: "ifloordiv", ast.Mod: "imod", ast.Pow: "ipow", ast.MatMult: "imatmul"}
    | {ast.BitAnd: "iand", ast.BitOr: "ior", ast.BitXor: "ixor"}
    | {ast.LShift: "ilshift", ast.RShift: "irshift"}
)

_Definition = ast.FunctionDef | ast.AsyncFunctionDef

# Where pytest keeps its rewriter of asserts in the modules whose asserts it has rewritten.
_PYTEST = "@pytest_ar"

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
        return _with_decorated([_unwrapped(target)])
    module = target.__name__ if isinstance(target, ModuleType) else target.__module__
    return [
        each
        for each in _with_decorated([_unwrapped(member) for member in _members(target, module)])
        # Python 3.14 makes an __annotate__ for annotations, which stands in no file.
        if each.__module__ == module and each.__name__ != "__annotate__"
    ]


def _members(owner: ModuleType | type, module: str) -> Iterator[Any]:
    """Return all that may be a function in a class or module, and in its own classes."""
    for member in vars(owner).values():
        if isinstance(member, type):
            around = "" if isinstance(owner, ModuleType) else f"{owner.__qualname__}."
            if member.__module__ == module and member.__qualname__.startswith(around):
                yield from _members(member, module)
        else:  # A decorator may keep the function in an object, as a property does.
            yield from [member, *gc.get_referents(member), *attributes_of(member).values()]


def _unwrapped(target: Any) -> Any:
    """Return the function behind a method, and behind decorators that say what they wrap."""
    return inspect.unwrap(getattr(target, "__func__", target))


def _with_decorated(found: list[Any]) -> list[FunctionType]:
    """Return the functions in a list, and those that decorators wrap without saying so."""
    functions = [each for each in found if isinstance(each, FunctionType)]
    for function in functions:
        scope = function.__qualname__.rpartition("<locals>")[0]
        for cell in function.__closure__ or ():
            with suppress(ValueError):  # The cell may be empty.
                held = cell.cell_contents
                is_new = isinstance(held, FunctionType) and held not in functions
                if is_new and not held.__qualname__.startswith(scope):
                    functions.append(held)
    return functions


def _with_switch_points(functions: Collection[FunctionType]) -> dict[FunctionType, CodeType]:
    """Return the functions that have a source, each with its code with switch points."""
    codes = {_place_of(each.__code__): each.__code__ for each in functions}
    files = {each.__code__.co_filename: each.__globals__ for each in functions}
    compiled = [each for file, names in files.items() for each in _compiled(file, names, codes)]
    new = {_place_of(code): code for code in compiled}
    places = [(each, _place_of(each.__code__)) for each in functions]
    return {function: new[place] for function, place in places if place in new}


def _compiled(file: str, names: dict[str, Any], codes: dict[_Place, CodeType]) -> list[CodeType]:
    """Return the codes of all functions of a file, in which some have switch points.

    The whole file is compiled, so that each function stands in its class and its outer functions.
    """
    source = "".join(linecache.getlines(file, names))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # They were shown at the import.
        tree = ast.parse(source)
        defined = {_place(node, file) for node in ast.walk(tree) if isinstance(node, _Definition)}
        _Functions(file, codes).visit(tree)
        ast.fix_missing_locations(tree)
        if _PYTEST in names:
            names[_PYTEST].rewrite_asserts(tree, source.encode())
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


def _in_place(operation: str, left: Any, right: Any) -> Any:
    return _before_write(getattr(operator, operation)(left, right))


def _attribute(owner: Any, name: str) -> tuple[Any, ...]:
    return setattr, owner, name, getattr(owner, name)


def _item(owner: Any, index: Any) -> tuple[Any, ...]:
    return operator.setitem, owner, index, owner[index]


def _write_in_place(operation: str, place: tuple[Any, ...], right: Any) -> None:
    write, owner, name, left = place
    write(owner, name, _in_place(operation, left, right))


class _Index:
    def __getitem__(self, index: Any) -> Any:
        return index


# Rewritten code calls these. Constants stand for them in its source, as it must need no names: a
# frame may outlive the exchange of its code.
_CALLED: dict[object, Any] = {
    f"__threadsim{each.__name__}__": each
    for each in (_switch, _before_write, _in_place, _attribute, _item, _write_in_place, _Index)
}


def _call(function: Callable[..., Any], place: ast.AST, *arguments: ast.expr | str) -> ast.Call:
    """Return the source of a call of one of these functions."""
    values = [each if isinstance(each, ast.expr) else ast.Constant(each) for each in arguments]
    name = ast.Constant(f"__threadsim{function.__name__}__")
    return ast.copy_location(ast.Call(func=name, args=values, keywords=[]), place)


def _statement(call: ast.Call) -> ast.Expr:
    return ast.copy_location(ast.Expr(call), call)


class _Functions(ast.NodeTransformer):
    """Finds some functions in a file, and adds the calls to them.

    Args:
        file: The name of the file.
        codes: The codes of the functions as they are.
    """

    def __init__(self, file: str, codes: dict[_Place, CodeType]) -> None:
        self._file = file
        self._codes = codes
        self._class = ""

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        outer, self._class = self._class, node.name
        self.generic_visit(node)
        self._class = outer
        return node

    def visit(self, node: ast.AST) -> Any:
        code = self._codes.get(_place(node, self._file)) if isinstance(node, _Definition) else None
        if code is None:
            return super().visit(node)
        # The functions inside it get the calls, too.
        return _Statements(_shared_names(node, code), self._class).generic_visit(node)


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
        around: The name of the class that the function stands in; "" if it stands in none.
    """

    def __init__(self, shared: set[str], around: str) -> None:
        self._shared = shared
        self._class = around.lstrip("_")

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        for field in ("body", "orelse", "finalbody"):
            statements = getattr(node, field, None)
            if isinstance(statements, list):
                pairs = [
                    [each] if _is_silent(each) else [_statement(_call(_switch, each)), each]
                    for each in statements
                ]
                setattr(node, field, list(chain.from_iterable(pairs)))
        return node

    def visit_While(self, node: ast.While) -> ast.AST:
        self.generic_visit(node)
        test = ast.BoolOp(op=ast.Or(), values=[_call(_switch, node.test), node.test])
        node.test = ast.copy_location(test, node.test)
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        # Only its methods and classes get the calls: the rest is left as it is.
        inside = _Statements(self._shared, node.name)
        node.body = [
            inside.visit(each) if isinstance(each, _Definition | ast.ClassDef) else each
            for each in node.body
        ]
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

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.stmt:
        self.generic_visit(node)
        target, operation = node.target, _OPERATORS[type(node.op)]
        if isinstance(target, ast.Name):
            before = ast.copy_location(ast.Name(id=target.id, ctx=ast.Load()), target)
            value = _call(_in_place, node, operation, before, node.value)
            return ast.copy_location(ast.Assign(targets=[target], value=value), node)
        if isinstance(target, ast.Attribute):
            place = _call(_attribute, target, target.value, self._mangled(target.attr))
        else:  # The index may be a slice, which stands in brackets only.
            index = ast.Subscript(_call(_Index, target), target.slice, ast.Load())
            place = _call(_item, target, target.value, ast.copy_location(index, target))
        return _statement(_call(_write_in_place, node, operation, place, node.value))

    def _mangled(self, name: str) -> str:
        """Return an attribute's name as the compiler writes it: a private one has its class's."""
        is_private = name.startswith("__") and not name.endswith("__") and self._class
        return f"_{self._class}{name}" if is_private else name


def _is_silent(statement: ast.stmt) -> bool:
    """Return whether a statement does nothing, such as a docstring, or has calls of its own."""
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Constant)
    return isinstance(statement, ast.Global | ast.Nonlocal | ast.While)
