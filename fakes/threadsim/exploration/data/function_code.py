"""Gives functions other code for a while. They keep identity, closure and line numbers."""

import ast
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import CodeType, FunctionType
from typing import Any

Definition = ast.FunctionDef | ast.AsyncFunctionDef

Place = tuple[str, str, int]
"""A function's file, name and first line, which no other function has."""


def place_of(code: CodeType) -> Place:
    """Return the place of a function's code."""
    return code.co_filename, code.co_name, code.co_firstlineno


def place_of_node(node: Definition, file: str) -> Place:
    """Return the place of a function in a syntax tree."""
    return file, node.name, min([node.lineno, *(each.lineno for each in node.decorator_list)])


def codes_in(code: CodeType) -> list[CodeType]:
    """Return the codes of the functions that stand in a code."""
    return [each for each in code.co_consts if isinstance(each, CodeType)]


def all_codes(code: CodeType) -> list[CodeType]:
    """Return a code and all codes in it."""
    found = [code]
    for each in found:
        found += codes_in(each)
    return found


class Constants:
    """Objects that code has as constants, so that it needs no names for them.

    A frame may outlive the exchange of its code.
    """

    def __init__(self) -> None:
        self._objects: dict[object, Any] = {}

    def add(self, thing: object, place: ast.AST) -> ast.Constant:
        """Return the source of an object, as it is to be compiled."""
        name = f"__threadsim_{id(thing)}__"
        self._objects[name] = thing
        return ast.copy_location(ast.Constant(name), place)

    def call(self, function: Callable[..., Any], place: ast.AST, *args: ast.expr) -> ast.Call:
        """Return the source of a call of a function."""
        return ast.copy_location(ast.Call(self.add(function, place), [*args], []), place)

    def put_into(self, code: CodeType) -> CodeType:
        """Return a compiled code, and the codes in it, with the objects in their places."""
        consts = [
            self.put_into(each) if isinstance(each, CodeType) else self._objects.get(each, each)
            for each in code.co_consts
        ]
        return code.replace(co_consts=tuple(consts))


@contextmanager
def exchanged(codes: Mapping[FunctionType, CodeType]) -> Iterator[None]:
    """Let functions run other code while the block runs."""
    before = {function: function.__code__ for function in codes}
    try:
        for function, code in codes.items():
            function.__code__ = code
        yield
    finally:
        for function, code in before.items():
            function.__code__ = code
