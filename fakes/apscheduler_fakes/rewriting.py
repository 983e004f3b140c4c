"""Functions rewritten for a while, so that every statement is a place to switch.

A function keeps its identity, closure, defaults, decorators and line numbers; only its code is
exchanged for one with a call before each statement and before each test of a ``while``, and before
an assignment writes what others may see. What else one statement reads and does is not taken apart,
nor is the body of a class that a function makes. Its source must be at hand.

All steps of a thread from its first such place on conflict with those of every other thread that
came to one: what they read and write is not known.
"""

import __future__

import ast
import builtins
import inspect
import linecache
import operator
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property, lru_cache
from types import CodeType, FunctionType, ModuleType
from typing import Any

from apscheduler_fakes.footprints import SHARED
from apscheduler_fakes.kernel import explored
from apscheduler_fakes.stepping import Op

# What rewritten code calls. These names are built-in ones while it exists.
_SWITCH = "__apscheduler_fakes_switch__"
_IN_PLACE = "__apscheduler_fakes_in_place__"
_READ = "__apscheduler_fakes_read__"

_FUTURE = 0
for _name in __future__.all_feature_names:
    _FUTURE |= getattr(__future__, _name).compiler_flag

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
_FUNCTIONS = (FunctionType, staticmethod, classmethod, type(lru_cache(len)))

_Definition = ast.FunctionDef | ast.AsyncFunctionDef


@contextmanager
def rewritten(targets: Iterable[Any]) -> Iterator[None]:
    """Rewrite functions, and all functions of classes and modules, while the block runs.

    Args:
        targets: Functions, methods, classes and modules. Of the last two all functions that stand
            in a file with ``def``; what a library made for them, and a lambda, is left out.

    Raises:
        TypeError: One is something else, a lambda, or has no source.
    """
    codes = []
    functions = {id(each): each for target in targets for each in _functions(target)}
    for function in functions.values():
        code = _rewrite(function)
        if code is not None:
            codes.append((function, function.__code__, code))
        elif any(_plain(target) is function for target in targets):
            raise TypeError(
                f"switch_in: there is no source of {function.__qualname__} that could be "
                "rewritten. Name a function that stands in a file with def."
            )
    if not codes:
        yield
        return
    called = {_SWITCH: _switch, _IN_PLACE: _in_place, _READ: _read_all}
    vars(builtins).update(called)
    try:
        for function, _, code in codes:
            function.__code__ = code
        yield
    finally:
        for function, code, _ in codes:
            function.__code__ = code
        for name in called:
            delattr(builtins, name)


def _switch() -> None:
    kernel = explored()
    if kernel is not None:
        kernel.writing.setdefault(kernel.running, set()).add(SHARED)
        kernel.point(Op("run the next statement"))


def _in_place(name: str, left: Any, right: Any) -> Any:
    result = getattr(operator, name)(left, right)
    _switch()
    return result


def _read_all(value: Any) -> Any:
    _switch()
    return value


def _functions(target: Any) -> list[FunctionType]:
    """Return the functions that a target stands for."""
    found: list[FunctionType] = []
    if isinstance(target, ModuleType | type):
        module = target.__name__ if isinstance(target, ModuleType) else target.__module__
        for member in _members(target, module):
            if isinstance(function := _plain(member), FunctionType):
                _add(function, found)
        return [each for each in found if each.__module__ == module]
    function = _plain(target)
    if not isinstance(function, FunctionType):
        raise TypeError(
            f"switch_in: {target!r} is no function, method, class or module written in Python. "
            "Name one that stands in a file with def."
        )
    _add(function, found)
    return found


def _members(owner: ModuleType | type, module: str) -> Iterator[Any]:
    """Return what a class or module has that may be a function, or a class of its own has."""
    for member in vars(owner).values():
        if isinstance(member, type):
            around = "" if isinstance(owner, ModuleType) else f"{owner.__qualname__}."
            if member.__module__ == module and member.__qualname__.startswith(around):
                yield from _members(member, module)
        elif isinstance(member, property):
            yield from (member.fget, member.fset, member.fdel)
        elif isinstance(member, cached_property):
            yield member.func
        elif isinstance(member, _FUNCTIONS):
            yield member


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


def _rewrite(function: FunctionType) -> CodeType | None:
    """Return a function's code with places to switch; ``None`` if there is no source of it."""
    code = function.__code__
    lines = linecache.getlines(code.co_filename, function.__globals__)
    definition = _definition(ast.parse("".join(lines)), code)
    if definition is None:
        return None
    definition.decorator_list = []
    body: ast.stmt = _Switches(_shared_names(definition, code)).visit(definition)
    owner = function.__qualname__.split(".")[:-1]
    if owner and owner[-1] != "<locals>":  # For names like __this, and for super().
        around = ast.parse("class Owner: pass").body[0]
        assert isinstance(around, ast.ClassDef)
        around.name, around.body = owner[-1], [body]
        body = around
    free = [ast.arg(arg=name) for name in code.co_freevars if name != "__class__"]
    empty = ast.parse("def factory(): pass").body[0]
    assert isinstance(empty, ast.FunctionDef)
    empty.args.args, empty.body = free, [body]
    tree = ast.fix_missing_locations(ast.Module(body=[empty], type_ignores=[]))
    compiled = compile(
        tree, code.co_filename, "exec", flags=code.co_flags & _FUTURE, dont_inherit=True
    )
    return _find(compiled, definition.name).replace(co_qualname=code.co_qualname)


def _definition(tree: ast.Module, code: CodeType) -> _Definition | None:
    for node in ast.walk(tree):
        if isinstance(node, _Definition) and node.name == code.co_name:
            first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
            if first == code.co_firstlineno:
                return node
    return None


def _find(code: CodeType, name: str) -> CodeType:
    """Return the code of a function that stands alone in a factory, perhaps in a class."""
    inner = next(each for each in code.co_consts if isinstance(each, CodeType))
    return inner if inner.co_name == name and code.co_name != "<module>" else _find(inner, name)


def _shared_names(definition: ast.AST, code: CodeType) -> set[str]:
    """Return the names of a function's variables that others may read and write."""
    names = {
        name for node in ast.walk(definition) if isinstance(node, ast.Global) for name in node.names
    }
    codes = [code]
    for each in codes:
        names.update(each.co_cellvars, each.co_freevars)
        codes += [const for const in each.co_consts if isinstance(const, CodeType)]
    return names


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

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        self.generic_visit(node)
        target, load = _read(node.target)
        name = ast.copy_location(ast.Constant(_OPERATORS[type(node.op)]), node)
        value = _call(node, _IN_PLACE, name, load, node.value)
        return ast.copy_location(ast.Assign(targets=[target], value=value), node)


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
    function = ast.copy_location(ast.Name(id=name, ctx=ast.Load()), place)
    call = ast.Call(func=function, args=list(arguments), keywords=[])
    return ast.copy_location(call, place)


def _read(target: ast.Name | ast.Attribute | ast.Subscript) -> tuple[ast.expr, ast.expr]:
    """Return what is written to and what is read, evaluating each part once."""
    if isinstance(target, ast.Name):
        return target, ast.copy_location(ast.Name(id=target.id, ctx=ast.Load()), target)
    owner, kept = _keep(target.value, "__apscheduler_fakes_owner__")
    if isinstance(target, ast.Attribute):
        load: ast.expr = ast.Attribute(value=kept, attr=target.attr, ctx=ast.Load())
        target.value = owner
    else:
        index, kept_index = _keep(target.slice, "__apscheduler_fakes_index__")
        load = ast.Subscript(value=kept, slice=kept_index, ctx=ast.Load())
        target.value, target.slice = owner, index
    return target, ast.copy_location(load, target)


def _keep(part: ast.expr, name: str) -> tuple[ast.expr, ast.expr]:
    """Return a part as it is used again, and as it is evaluated first."""
    again = ast.copy_location(ast.Name(id=name, ctx=ast.Load()), part)
    store = ast.copy_location(ast.Name(id=name, ctx=ast.Store()), part)
    return again, ast.copy_location(ast.NamedExpr(target=store, value=part), part)
