"""The mutants of a module: each changes one expression or statement of it."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from pathlib import Path

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.BitOr: ast.BitAnd,
}


@dataclass(frozen=True)
class Mutant:
    """One change of one module.

    Attributes:
        start, end: the bytes of the module that `after` replaces.
        where: the function around it.
    """

    file: Path
    line: int
    where: str
    start: int
    end: int
    before: str
    after: str

    @property
    def rank(self) -> str:
        """Its place in the sample: the same as long as the function around it says the same."""
        text = f"{self.file}\0{self.where}\0{self.before}\0{self.after}"
        return hashlib.sha256(text.encode()).hexdigest()

    def apply(self, source: bytes) -> bytes:
        """The text of the module with the change."""
        return source[: self.start] + self.after.encode() + source[self.end :]


def mutants(root: Path, file: Path) -> Iterator[Mutant]:
    """Every mutant of a module.

    Args:
        file: relative to `root`.
    """
    source = (root / file).read_bytes()
    begins = [0]
    for text in source.splitlines(keepends=True):
        begins.append(begins[-1] + len(text))
    for node, where in _nodes(ast.parse(source), ""):
        for place, after in _changed(node):
            assert place.end_lineno is not None
            assert place.end_col_offset is not None
            start = begins[place.lineno - 1] + place.col_offset
            end = begins[place.end_lineno - 1] + place.end_col_offset
            before = source[start:end].decode()
            yield Mutant(file, place.lineno, where, start, end, before, after)


def _nodes(tree: ast.AST, where: str) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    """Every expression and statement, with the function or class that it stands in.

    What only types or documents is left out.
    """
    for name, value in ast.iter_fields(tree):
        if name in ("annotation", "returns", "decorator_list", "type_params"):
            continue
        for node in value if isinstance(value, list) else [value]:
            if not isinstance(node, ast.AST) or _is_no_code(node):
                continue
            inner = where
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                inner = f"{where}.{node.name}".lstrip(".")
            if isinstance(node, ast.expr | ast.stmt):
                yield node, inner
            yield from _nodes(node, inner)


def _is_no_code(node: ast.AST) -> bool:
    is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    is_typing = isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    return is_text or is_typing or isinstance(node, ast.JoinedStr | ast.Assert)


def _changed(node: ast.expr | ast.stmt) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    """What is replaced for a node, and by what."""
    if isinstance(node, ast.Expr | ast.Raise | ast.AugAssign):
        yield node, "pass"
    elif isinstance(node, ast.Return) and not isinstance(node.value, ast.Constant | None):
        yield node, "return None"
    elif isinstance(node, ast.Break | ast.Continue):
        yield node, "continue" if isinstance(node, ast.Break) else "break"
    elif isinstance(node, ast.If):
        yield from ((node.test, "True"), (node.test, "False"))
    elif isinstance(node, ast.Constant) and isinstance(node.value, int):
        yield node, str(not node.value if isinstance(node.value, bool) else node.value + 1)
    elif isinstance(node, ast.expr):
        yield from ((node, f"({ast.unparse(each)})") for each in _other_expressions(node))


def _other_expressions(node: ast.expr) -> Iterator[ast.expr]:
    other = copy(node)
    if isinstance(other, ast.Compare):
        for number, operator in enumerate(other.ops):
            swapped = [*other.ops]
            swapped[number] = COMPARISONS[type(operator)]()
            yield ast.Compare(other.left, swapped, other.comparators)
    elif isinstance(other, ast.BoolOp):
        yield ast.BoolOp(ast.Or() if isinstance(other.op, ast.And) else ast.And(), other.values)
        yield from (_without(other, number) for number in range(len(other.values)))
    elif isinstance(other, ast.UnaryOp) and isinstance(other.op, ast.Not):
        yield other.operand
    elif isinstance(other, ast.BinOp) and type(other.op) in OPERATORS:
        yield ast.BinOp(other.left, OPERATORS[type(other.op)](), other.right)
    elif isinstance(other, ast.IfExp):
        yield from (other.body, other.orelse)
    elif isinstance(other, ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp):
        yield from _without_conditions(other)


def _without(node: ast.BoolOp, number: int) -> ast.expr:
    """The operation without one of its operands."""
    left = [value for place, value in enumerate(node.values) if place != number]
    return left[0] if len(left) == 1 else ast.BoolOp(node.op, left)


def _without_conditions(
    node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp,
) -> Iterator[ast.expr]:
    """The comprehension with all that it goes through."""
    if any(part.ifs for part in node.generators):
        all_of_it = [ast.comprehension(p.target, p.iter, [], p.is_async) for p in node.generators]
        node.generators = all_of_it
        yield node
