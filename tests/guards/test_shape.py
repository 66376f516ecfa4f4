"""The shape of the code: small modules, small functions, few parameters, and each says what it is for."""

from __future__ import annotations

import ast
import re

import pytest

from tests.guards.source import PACKAGES, Definition, Function, Module, definitions, functions, modules

Public = list[tuple[Module, str, Definition]]

LOOSE_END = re.compile(r"Regexp\(.*\$['\"]")
MOST_LINES, MOST_FUNCTION_LINES, MOST_POSITIONAL = 300, 40, 5


@pytest.fixture(scope="module")
def ours() -> tuple[Module, ...]:
    """Read when a guard asks: each test process collects this file, and one runs it."""
    return modules(*PACKAGES)


@pytest.fixture(scope="module")
def public(ours: tuple[Module, ...]) -> Public:
    """What others may use."""
    return [
        (module, name, node)
        for module in ours
        for name, node in definitions(module.tree)
        if not any(step.startswith("_") for step in name.split("."))
    ]


def test_the_guards_see_the_code(ours: tuple[Module, ...], public: Public) -> None:
    assert {module.name for module in ours} > {"hub/policy.py", "schemas/label.py", "connectors/cli.py"}
    assert len(public) > 500


def test_modules_stay_small(ours: tuple[Module, ...]) -> None:
    assert [module.name for module in ours if module.text.count("\n") > MOST_LINES] == []


def test_what_is_public_says_what_it_is_for(public: Public) -> None:
    # A method that another class's documents may stay silent where it answers the same question.
    documented = {name.rpartition(".")[2] for _, name, node in public if "." in name and ast.get_docstring(node)}
    silent = [
        f"{module.name}: {name}"
        for module, name, node in public
        if not (ast.get_docstring(node) or speaks_for_itself(name, documented))
    ]

    assert silent == []


def test_functions_stay_small(ours: tuple[Module, ...]) -> None:
    everywhere = [(module.name, each) for module in ours for each in functions(module.tree)]

    assert [f"{name}: {each.name}" for name, each in everywhere if lines(each) > MOST_FUNCTION_LINES] == []


def test_more_than_five_parameters_are_named_by_the_caller(public: Public) -> None:
    callable_ = [(f"{module.name}: {name}", node) for module, name, node in public if isinstance(node, Function)]

    assert [name for name, node in callable_ if len(positional(node)) > MOST_POSITIONAL] == []


def test_nothing_is_called_manager_service_helper_or_utils(ours: tuple[Module, ...], public: Public) -> None:
    vague = ("manager", "service", "helper", "helpers", "util", "utils")
    names = [*(name.rpartition(".")[2] for _, name, _ in public), *(module.path.stem for module in ours)]

    assert [name for name in names if name.lower().endswith(vague)] == []


def speaks_for_itself(name: str, documented: set[str]) -> bool:
    """A method known from elsewhere, or marshmallow's `Meta`."""
    owner, _, last = name.rpartition(".")
    return bool(owner) and (last == "Meta" or last in documented)


def lines(function: Function) -> int:
    """Lines from `def` to its last one, the docstring apart: what is well explained is not long for that."""
    first = function.body[0]
    said = (first.end_lineno or first.lineno) - first.lineno + 1 if ast.get_docstring(function) else 0
    return (function.end_lineno or function.lineno) - function.lineno + 1 - said


def positional(function: Function) -> list[ast.arg]:
    """Parameters that can be given by position, `self` and `cls` apart."""
    given = [*function.args.posonlyargs, *function.args.args]
    return [arg for arg in given if arg.arg not in ("self", "cls")]


def test_a_pattern_of_a_shape_ends_where_the_text_ends(ours: tuple[Module, ...]) -> None:
    """In Python `$` also matches before a last line break, so a value could smuggle one in."""
    loose = [f"{module.name}: {line}" for module in ours for line in module.text.splitlines() if LOOSE_END.search(line)]

    assert loose == []
