"""Lets the program's own functions call the hooks before they read and write data.

A file is compiled anew from its source, once per process. Its functions run the new code while an
exploration runs. pytest's rewriting of ``assert`` comes first: what asserts read is seen, too.

Left alone are class bodies, and what runs when a module is imported.
"""

import ast
import builtins
import gc
import linecache
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from itertools import chain
from pathlib import Path
from sys import getrefcount
from traceback import walk_stack
from types import CodeType, FunctionType
from typing import Any

from threadsim.exploration.data import hooks
from threadsim.exploration.data.accesses import Site
from threadsim.exploration.data.function_code import (
    Constants,
    Definition,
    Place,
    all_codes,
    codes_in,
    exchanged,
    place_of,
    place_of_node,
)
from threadsim.exploration.data.functions import functions_of
from threadsim.runtime.hooks import READ, WRITE

# Where pytest keeps its own functions in a module whose asserts it has rewritten.
_PYTEST = "@pytest_ar"

# Functions whose frame is looked at, or that read no data of the program.
_LEFT_ALONE = {
    *("breakpoint", "callable", "dir", "eval", "exec", "globals", "id", "isinstance", "issubclass"),
    *("locals", "super", "type", "vars"),
}

# Decorators that keep what a function returns.
_KEEPERS = {"cache", "cached_property", "lru_cache"}

# Of each file that has been compiled: when it was changed, and the new codes of its functions.
_files: dict[str, tuple[object, dict[Place, CodeType]]] = {}


@contextmanager
def instrumented(
    modules: Mapping[str, dict[str, Any]],
    reached: Iterable[FunctionType] = (),
    targets: Iterable[Any] = (),
) -> Iterator[None]:
    """Let functions of a program call the hooks while the block runs.

    Args:
        modules: The names of the user's modules by their files, as ``own_modules`` returns them.
            All their functions are instrumented.
        reached: Functions that the program was seen to reach.
        targets: Other functions, classes and modules whose functions are.

    Raises:
        TypeError: A target has no function that stands in a file.
    """
    for file in [file for file, (changed, _) in _files.items() if changed != _changed(file)]:
        del _files[file]
        linecache.checkcache(file)
    in_modules = (functions_of(sys.modules[names["__name__"]]) for names in modules.values())
    functions = _of_files(modules, chain(reached, *in_modules))
    functions |= _of_files(modules, _others(functions, modules))
    for target in targets:
        found = functions_of(target)
        if not any(map(_new_code, found)):
            name = getattr(target, "__qualname__", getattr(target, "__name__", repr(target)))
            raise TypeError(
                f"switch_in: {name} has no function of its own that stands in a file with def. "
                "Name the function, class or module where it stands."
            )
        functions.update(found)
    codes = {each: code for each in functions if (code := _new_code(each)) is not None}
    with exchanged(codes):
        yield


def _of_files(files: Container[str], things: Iterable[Any]) -> set[FunctionType]:
    """Return the functions among some objects that stand in some files."""
    return {
        each for each in things if type(each) is FunctionType and each.__code__.co_filename in files
    }


def _others(functions: set[FunctionType], modules: Mapping[str, dict[str, Any]]) -> list[Any]:
    """Return objects with the other functions of some modules that may be alive.

    These are closures, and what objects keep. A function has a reference to its code, and so have
    its frames and the function around it.
    """
    every = (code for each in functions for code in all_codes(each.__code__))
    codes = [*{id(each): each for each in every}.values()]
    known = Counter(id(each.__code__) for each in functions)
    known.update(id(inner) for each in codes for inner in codes_in(each))
    known.update(id(frame.f_code) for frame, _ in walk_stack(None))
    counts = [*map(getrefcount, codes)]
    written = {place for each in modules.items() for place in _new_codes(*each)}
    if not written.issubset(map(place_of, codes)):  # An object keeps one.
        return gc.get_objects()
    pairs = zip(codes, counts, strict=True)
    shared = [code for code, count in pairs if count > _ALONE + known[id(code)]]
    return shared and gc.get_referrers(*shared)


# The references of a code that is in a list, and nowhere else.
_ALONE = next(map(getrefcount, [compile("", "", "exec")]))


def _new_code(function: FunctionType) -> CodeType | None:
    """Return the instrumented code of a function; ``None`` if it stands in no file."""
    code = function.__code__
    new = _new_codes(code.co_filename, function.__globals__).get(place_of(code))
    return new if new is not None and new.co_freevars == code.co_freevars else None


def _new_codes(file: str, names: dict[str, Any]) -> dict[Place, CodeType]:
    """Return the instrumented codes of a file's functions, by their places."""
    if file not in _files:
        _files[file] = _changed(file), _compiled(file, names)
    return _files[file][1]


def _changed(file: str) -> object:
    """Return when a file was changed last; ``None`` if it is none."""
    with suppress(OSError):
        return Path(file).stat().st_mtime_ns
    return None


def _compiled(file: str, names: dict[str, Any]) -> dict[Place, CodeType]:
    """Return the new codes of a file's functions, by their places."""
    limit = sys.getrecursionlimit()
    with warnings.catch_warnings(), ExitStack() as undo:
        undo.callback(sys.setrecursionlimit, limit)
        sys.setrecursionlimit(10 * limit)  # A long chain of elif is deep.
        warnings.simplefilter("ignore")  # They were shown at the import.
        source = "".join(linecache.getlines(file, names))
        tree = ast.parse(source)
        places = {
            place_of_node(node, file) for node in ast.walk(tree) if isinstance(node, Definition)
        }
        if _PYTEST in names:
            names[_PYTEST].rewrite_asserts(tree, source.encode())
        codes = {place_of(each): each for each in _codes_of(tree, file)}
        visitor = _Instrument(file, names, codes)
        visitor.find_variables(tree)
        after = _codes_of(visitor.visit(tree), file)
    put = visitor.constants.put_into
    return {place_of(each): put(each) for each in after if place_of(each) in places}


def _codes_of(tree: ast.AST, file: str) -> list[CodeType]:
    """Compile a file whose tree was changed; return all codes in it."""
    for node in ast.walk(ast.fix_missing_locations(tree)):
        if isinstance(node, ast.expr | ast.stmt) and (node.end_lineno or 0) < node.lineno:
            node.end_lineno, node.end_col_offset = node.lineno, node.col_offset
    return all_codes(compile(tree, file, "exec", dont_inherit=True))  # type: ignore[call-overload]


def _alternatives(pattern: ast.pattern) -> list[ast.pattern]:
    return pattern.patterns if isinstance(pattern, ast.MatchOr) else [pattern]


class _Instrument(ast.NodeTransformer):
    """Adds the calls of the hooks to all functions of a file.

    Args:
        file: The file.
        names: The variables of its module.
        codes: The codes of its functions as they are, by their places.

    Attributes:
        constants: The hooks and sites.
    """

    def __init__(self, file: str, names: dict[str, Any], codes: dict[Place, CodeType]) -> None:
        self.constants = Constants()
        self._call = self.constants.call
        self._file = file
        self._names = names
        self._codes = codes
        self._stored: set[str] = set()
        self._declared: set[str] = set()
        # Of the function that is being visited.
        self._code: CodeType | None = None
        self._self = ""
        self._keeps = ""
        self._class = ""
        self._hidden: list[set[str]] = []  # Variables of lambdas and comprehensions in it.

    def find_variables(self, tree: ast.AST) -> None:
        """Find the variables that are assigned to, and those that are declared global."""
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                self._stored.add(node.id)
            elif isinstance(node, ast.Global):
                self._declared.update(node.names)

    # Helpers.

    def _site(self, node: Any, name: str = "", mode: int = READ, of: Any = None) -> ast.Constant:
        if self._class and name.startswith("__") and not name.endswith("__"):
            name = f"_{self._class.lstrip('_')}{name}"
        of_self = isinstance(of, ast.Name) and of.id == self._self != ""
        site = Site(name, self._file, getattr(node, "lineno", 0), mode, of_self)
        return self.constants.add(site, node)

    def _scope(self, name: str) -> str:
        """Return "cell" or "global" for a variable that threads may share."""
        if self._code is None or name[:1] == "@" or any(name in each for each in self._hidden):
            return ""
        if name in self._code.co_cellvars or name in self._code.co_freevars:
            return "cell" if name in self._stored and name != "__class__" else ""
        if name in self._code.co_varnames:
            return ""
        if name in self._declared:
            return "global"
        is_constant = isinstance(self._names.get(name), hooks.CONSTANT)
        return "" if is_constant or hasattr(builtins, name) else "global"

    def _variable(self, node: ast.Name, mode: int) -> ast.Call:
        """Return the hook for a variable, with a function that has it, or with its module."""
        owner: ast.expr = ast.Constant(self._names["__name__"])
        if self._scope(node.id) == "cell":
            no_arguments = ast.arguments([], [], None, [], [], None, [])
            owner = ast.Lambda(no_arguments, ast.copy_location(ast.Name(node.id, ast.Load()), node))
        site = self._site(node, node.id, mode)
        return self._call(hooks.variable, node, ast.copy_location(owner, node), site)

    @staticmethod
    def _then(value: ast.expr, noted: ast.Call) -> ast.expr:
        """Return a value after which a hook is called."""
        both = ast.copy_location(ast.Tuple([value, noted], ast.Load()), value)
        return ast.copy_location(ast.Subscript(both, ast.Constant(0), ast.Load()), value)

    def _stores(self, value: ast.expr, *targets: ast.expr) -> ast.expr:
        """Return a value with the hooks for the variables that it is assigned to."""
        for part in (part for target in targets for part in ast.walk(target)):
            if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
                scope = self._scope(part.id)
                if scope == "cell" or (scope and part.id in self._declared):
                    value = self._then(value, self._variable(part, WRITE))
        return value

    def _read(self, node: ast.expr, hook: Callable[..., Any] = hooks.read_whole) -> ast.expr:
        """Return an expression whose value is read as a whole, if it is a container."""
        plain = (ast.BinOp, ast.BoolOp, ast.Compare, ast.Constant, ast.UnaryOp)
        if isinstance(node, plain):
            return node
        return self._call(hook, node, node, self._site(node))

    # Scopes.

    def visit_FunctionDef(self, node: Definition) -> ast.AST:
        outer = self._code, self._self, self._keeps, self._hidden
        decorators = [ast.unparse(each) for each in node.decorator_list]
        names = [each.partition("(")[0].rpartition(".")[2] for each in decorators]
        self._keeps = next((each for each in names if each in _KEEPERS), "")
        node.decorator_list = [self.visit(each) for each in node.decorator_list]
        node.args.defaults = [self.visit(each) for each in node.args.defaults]
        first = [*node.args.posonlyargs, *node.args.args][:1]
        self._code = self._codes.get(place_of_node(node, self._file))
        self._self = first[0].arg if node.name == "__init__" and first else ""
        self._hidden = []
        inner = ast.Module(node.body, [])
        self.generic_visit(inner)
        node.body = inner.body
        self._code, self._self, self._keeps, self._hidden = outer
        return node

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815  # The base class's name.

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        outer, self._class = self._class, node.name
        inner = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        node.body = [self.visit(each) if isinstance(each, inner) else each for each in node.body]
        self._class = outer
        return node

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        self._hidden.append({each.arg for each in ast.walk(node.args) if isinstance(each, ast.arg)})
        node.body = self.visit(node.body)
        self._hidden.pop()
        return node

    def visit_ListComp(self, node: Any) -> ast.AST:
        targets = [part for each in node.generators for part in ast.walk(each.target)]
        self._hidden.append({part.id for part in targets if isinstance(part, ast.Name)})
        self.generic_visit(node)
        self._hidden.pop()
        is_made = not isinstance(node, ast.GeneratorExp)
        return self._call(hooks.made, node, node, self._site(node)) if is_made else node

    visit_DictComp = visit_GeneratorExp = visit_SetComp = visit_ListComp  # noqa: N815

    def visit_comprehension(self, node: ast.comprehension) -> ast.AST:
        self.generic_visit(node)
        if not node.is_async:
            node.iter = self._call(hooks.each_of, node.iter, node.iter, self._site(node.iter))
        node.ifs = [self._read(each, hooks.read_length) for each in node.ifs]
        return node

    def visit_match_case(self, node: ast.match_case) -> ast.AST:
        self.generic_visit(node)
        if node.guard is not None:
            node.guard = self._read(node.guard, hooks.read_length)
        return node

    def visit(self, node: ast.AST) -> Any:
        at_import = self._code is None and isinstance(node, ast.expr)
        return node if at_import or isinstance(node, ast.pattern) else super().visit(node)

    def visit_Return(self, node: ast.Return) -> ast.AST:
        """Note that a value is about to be kept by ``cached_property`` or ``lru_cache``."""
        self.generic_visit(node)
        if node.value is not None and self._code is not None and self._keeps:
            hook: Callable[..., Any] = hooks.variable
            if self._keeps == "cached_property":
                hook, name = hooks.attribute, self._code.co_name
                owner: ast.expr = ast.Name(self._code.co_varnames[0], ast.Load())
            else:
                name = f"{self._code.co_qualname}()"
                owner = ast.Constant(self._names["__name__"])
            noted = self._call(hook, node, owner, self._site(node, name, WRITE))
            node.value = self._then(node.value, noted)
        return node

    # Reads and writes.

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if isinstance(node.value, ast.Name) and node.value.id.startswith("@"):
            return node
        mode = READ if isinstance(node.ctx, ast.Load) else WRITE
        site = self._site(node, node.attr, mode, node.value)
        node.value = self._call(hooks.attribute, node, self.visit(node.value), site)
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        is_sliced = any(isinstance(each, ast.Slice) for each in ast.walk(node.slice))
        self.generic_visit(node)
        site = self._site(node)
        is_read = isinstance(node.ctx, ast.Load)
        if is_read and not is_sliced:
            return self._call(hooks.read_item, node, node.value, node.slice, site)
        hook = hooks.read_whole if is_read else hooks.Items
        node.value = self._call(hook, node, node.value, site)
        return node

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if not self._scope(node.id) or not isinstance(node.ctx, ast.Load):
            return node
        noted = self._variable(node, READ)
        again = ast.copy_location(ast.Name(node.id, ast.Load()), node)
        return ast.copy_location(ast.IfExp(noted, node, again), node)

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        value = self.visit(node.value)
        if any(isinstance(each, ast.List | ast.Tuple) for each in node.targets):
            value = self._read(value)
        node.value = self._stores(value, *node.targets)
        node.targets = [self.visit(each) for each in node.targets]
        return node

    def visit_AnnAssign(self, node: Any) -> Any:
        if node.value is not None:
            node.value = self._stores(self.visit(node.value), node.target)
            node.target = self.visit(node.target)
        return node

    visit_NamedExpr = visit_AnnAssign  # noqa: N815  # The base class's name.

    def visit_AugAssign(self, node: ast.AugAssign) -> Any:
        """Note the read; note the write when the value has been computed."""
        target, value = node.target, self.visit(node.value)
        if isinstance(target, ast.Name):
            old = ast.copy_location(ast.Name(target.id, ast.Load()), node)
            value = self._call(hooks.in_place, node, value, old, self._site(node))
            node.value = self._stores(value, target)
            is_shared = self._scope(target.id) != ""
            return [ast.copy_location(ast.Expr(self.visit(old)), node), node] if is_shared else node
        node.value = value
        if isinstance(target, ast.Attribute):
            site = self._site(node, target.attr, of=target.value)
            target.value = self._call(hooks.Attribute, node, self.visit(target.value), site)
            target.attr = "value"
        else:
            node.target = self.visit(target)
        return node

    # Calls, and what looks into containers.

    def visit_Call(self, node: ast.Call) -> ast.AST:
        root = node.func
        while isinstance(root, ast.Attribute):
            root = root.value
        if isinstance(root, ast.Name) and root.id.startswith("@"):
            return node  # pytest's.
        self.generic_visit(node)
        if not (isinstance(node.func, ast.Name) and node.func.id in _LEFT_ALONE):
            node.func = self._call(hooks.called, node.func, node.func, self._site(node))
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        if len(node.ops) == 1 and isinstance(node.ops[0], ast.In | ast.NotIn):
            found = self._call(hooks.is_in, node, node.left, node.comparators[0], self._site(node))
            if isinstance(node.ops[0], ast.In):
                return found
            return ast.copy_location(ast.UnaryOp(ast.Not(), found), node)
        if not any(isinstance(each, ast.Is | ast.IsNot) for each in node.ops):
            node.left = self._read(node.left)
            node.comparators = [self._read(each) for each in node.comparators]
        return node

    def visit_If(self, node: Any) -> Any:
        self.generic_visit(node)
        node.test = self._read(node.test, hooks.read_length)
        return node

    visit_Assert = visit_IfExp = visit_While = visit_If  # noqa: N815  # The base class's names.

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.op, ast.Not):
            node.operand = self._read(node.operand, hooks.read_length)
        return node

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        self.generic_visit(node)
        node.values = [self._read(each, hooks.read_length) for each in node.values]
        return node

    def visit_FormattedValue(self, node: Any) -> Any:
        """Note that a value is shown, or unpacked with ``*`` or ``**``."""
        self.generic_visit(node)
        is_named = getattr(node, "arg", None) is not None
        if not is_named and isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
            node.value = self._read(node.value)
        return node

    visit_Starred = visit_keyword = visit_FormattedValue  # noqa: N815  # The base class's names.

    def visit_For(self, node: ast.For) -> ast.AST:
        self.generic_visit(node)
        node.iter = self._call(hooks.each_of, node.iter, node.iter, self._site(node.iter))
        return node

    def visit_List(self, node: Any) -> ast.AST:
        self.generic_visit(node)
        is_made = isinstance(getattr(node, "ctx", ast.Load()), ast.Load)
        return self._call(hooks.made, node, node, self._site(node)) if is_made else node

    visit_Set = visit_List  # noqa: N815  # The base class's name.

    def visit_Dict(self, node: ast.Dict) -> ast.AST:
        self.generic_visit(node)
        pairs = zip(node.keys, node.values, strict=True)
        node.values = [value if key else self._read(value) for key, value in pairs]
        return self._call(hooks.made, node, node, self._site(node))

    def visit_Match(self, node: ast.Match) -> ast.AST:
        """Note the attributes that class patterns look at."""
        self.generic_visit(node)
        subject = self._read(node.subject)
        for each in (part for case in node.cases for part in _alternatives(case.pattern)):
            for name in getattr(each, "kwd_attrs", ()):
                site = self._site(node.subject, name)
                subject = self._call(hooks.attribute, node.subject, subject, site)
        node.subject = subject
        return node

    def visit_Yield(self, node: ast.Yield) -> ast.AST:
        self.generic_visit(node)
        value = node.value or ast.copy_location(ast.Constant(None), node)
        node.value = self._call(hooks.before_yield, node, value, self._site(node))
        return node
