"""The names that a Python source has at its top: by parsing it, never by running it. Pure."""

import ast
from collections.abc import Iterable, Iterator

from pipeline.config.findings import Findings, Place
from pipeline.config.loaded import Module


def parsed(text: str, file: str, findings: Findings) -> Module:
    """The module that `text` is. What no Python can parse is an error; `wrong` is what this one cannot."""
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        wrong = (f"Python syntax: {error.msg}", Place(file, error.lineno or 1, error.offset or 1))
        return Module(file, open=True, wrong=wrong)
    except (ValueError, RecursionError, MemoryError):  # NUL characters, or nested too deep for the parser
        findings.error("this is no Python source that can be parsed", Place(file))
        return Module(file, open=True)
    names = frozenset(_names(tree.body))
    return Module(file, names, open="*" in names or "__getattr__" in names)


def _names(body: Iterable[ast.stmt]) -> Iterator[str]:
    """The names that statements bind, in blocks (`if`, `try`, `with`, loops), too."""
    for statement in body:
        match statement:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.Import(names=aliases):
                yield from (alias.asname or alias.name.partition(".")[0] for alias in aliases)
            case ast.ImportFrom(names=aliases):
                yield from (alias.asname or alias.name for alias in aliases)
            case ast.AnnAssign(value=None):
                pass
            case _:
                yield from _bound(statement)
        for block in ("body", "orelse", "finalbody", "handlers", "cases"):
            inner = getattr(statement, block, None)
            if isinstance(inner, list) and not isinstance(
                statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
            ):
                yield from _names(_statements(inner))


def _statements(block: Iterable[ast.AST]) -> Iterator[ast.stmt]:
    for part in block:
        if isinstance(part, ast.stmt):
            yield part
        else:  # an except clause, or a case of a match statement
            yield from getattr(part, "body", ())


def _bound(statement: ast.stmt) -> Iterator[str]:
    """Names that are stored to outside of nested blocks: targets of assignments, loops, with and :=."""
    waiting: list[ast.AST] = [statement]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        waiting += [
            child
            for child in ast.iter_child_nodes(node)
            if not isinstance(child, (ast.stmt, ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp))
        ]
