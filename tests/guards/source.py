"""Our own source as the guards read it: modules, and every function and class in them."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("hub", "schemas", "connectors")
Function = ast.FunctionDef | ast.AsyncFunctionDef
Definition = Function | ast.ClassDef


@dataclass(frozen=True, slots=True)
class Module:
    """One file of ours."""

    path: Path
    text: str
    tree: ast.Module

    @property
    def name(self) -> str:
        """As messages show it."""
        return self.path.relative_to(ROOT).as_posix()


@cache
def modules(*packages: str) -> tuple[Module, ...]:
    """Every module of these packages."""
    paths = [path for package in packages for path in sorted((ROOT / package).rglob("*.py"))]
    texts = [(path, path.read_text("utf-8")) for path in paths]
    return tuple(Module(path, text, ast.parse(text)) for path, text in texts)


def definitions(node: ast.AST, prefix: str = "") -> Iterator[tuple[str, Definition]]:
    """Functions, classes and methods with their dotted names; what is inside a function is its own business."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Definition):
            yield f"{prefix}{child.name}", child
        if isinstance(child, ast.ClassDef):
            yield from definitions(child, f"{prefix}{child.name}.")
        elif not isinstance(child, Function):
            yield from definitions(child, prefix)


def functions(node: ast.AST) -> Iterator[Function]:
    """Every function, however deep."""
    return (child for child in ast.walk(node) if isinstance(child, Function))


@cache
def tracked() -> tuple[Path, ...]:
    """Every file in version control."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout  # noqa: S607
    return tuple(path for name in listed.decode().split("\0") if name and (path := ROOT / name).is_file())
