"""The shape of the code: small modules, small functions, few parameters, and each says what it is for."""

from __future__ import annotations

import ast

import pytest

from tests.guards.source import PACKAGES, Function, Module, definitions, functions, modules

MOST_LINES, MOST_FUNCTION_LINES, MOST_POSITIONAL = 300, 40, 5
ours = pytest.mark.parametrize("module", modules(*PACKAGES), ids=lambda module: module.name)
# A method that another class's documents may stay silent where it answers the same question.
DOCUMENTED = {
    name.rpartition(".")[2]
    for module in modules(*PACKAGES)
    for name, node in definitions(module.tree)
    if "." in name and ast.get_docstring(node)
}


def test_the_guards_see_the_code() -> None:
    assert {module.name for module in modules(*PACKAGES)} > {"hub/policy.py", "schemas/label.py", "connectors/cli.py"}


@ours
def test_a_module_says_what_it_is_for_and_stays_small(module: Module) -> None:
    assert ast.get_docstring(module.tree), "no docstring"
    assert module.text.count("\n") <= MOST_LINES


@ours
def test_what_is_public_says_what_it_is_for(module: Module) -> None:
    silent = [
        name
        for name, node in definitions(module.tree)
        if not any(step.startswith("_") for step in name.split("."))
        and not (ast.get_docstring(node) or speaks_for_itself(name))
    ]

    assert silent == []


@ours
def test_functions_stay_small(module: Module) -> None:
    long = [each.name for each in functions(module.tree) if lines(each) > MOST_FUNCTION_LINES]

    assert long == []


@ours
def test_more_than_five_parameters_are_named_by_the_caller(module: Module) -> None:
    public = [node for name, node in definitions(module.tree) if "_" not in (name[0], name.rpartition(".")[2][0])]
    wide = [node.name for node in public if isinstance(node, Function) and len(positional(node)) > MOST_POSITIONAL]

    assert wide == []


@ours
def test_nothing_is_called_manager_service_helper_or_utils(module: Module) -> None:
    words = ("manager", "service", "helper", "util")
    names = [module.path.stem, *(name.rpartition(".")[2] for name, _ in definitions(module.tree))]

    assert [name for name in names if name.lower().endswith((*words, "utils", "helpers"))] == []


def speaks_for_itself(name: str) -> bool:
    """A method known from elsewhere, or marshmallow's `Meta`."""
    owner, _, last = name.rpartition(".")
    return bool(owner) and (last == "Meta" or last in DOCUMENTED)


def lines(function: Function) -> int:
    """Lines from `def` to its last one, the docstring apart: what is well explained is not long for that."""
    first = function.body[0]
    said = (first.end_lineno or first.lineno) - first.lineno + 1 if ast.get_docstring(function) else 0
    return (function.end_lineno or function.lineno) - function.lineno + 1 - said


def positional(function: Function) -> list[ast.arg]:
    """Parameters that can be given by position, `self` and `cls` apart."""
    given = [*function.args.posonlyargs, *function.args.args]
    return [arg for arg in given if arg.arg not in ("self", "cls")]
