"""A node's hard limits may be stricter than the floor that ships with the hub; laxer in anything, it does not start."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from hub import main
from hub.directory import Kind
from hub.limits import Ceiling, Limits, Requirement, laxer, load_limits
from hub.settings import Settings, SettingsError, load_settings
from schemas.sensitivity import Sensitivity
from tests.support.cast import LIMITS

RAW = main.FLOOR.read_bytes()
FLOOR = load_limits(tomllib.loads(RAW.decode()), RAW)
NDA = Requirement(kind=Kind.NGO, types=("case.*",), attestation="nda", basis="34 USC 12291(b)(2)")


def ceiling(kind: Kind, clearance: str, *types: str, addressed: bool = False) -> Ceiling:
    """One row."""
    return Ceiling(
        kind=kind,
        types=types or ("*",),
        clearance=Sensitivity[clearance.upper()],
        is_for_addressed=addressed,
        basis="28 CFR 23.20",
    )


def edited(change: Callable[[Ceiling], Ceiling | None]) -> Limits:
    """The floor with some of its rows changed, or left out."""
    return replace(FLOOR, ceilings=tuple(row for row in map(change, FLOOR.ceilings) if row is not None))


def first(*rows: Ceiling) -> Limits:
    """The floor with rows put before its own, so that they count."""
    return replace(FLOOR, ceilings=(*rows, *FLOOR.ceilings))


def test_the_shipped_limits_keep_to_the_floor() -> None:
    assert laxer(LIMITS, FLOOR) == []


def test_the_floor_states_the_legal_source_of_every_row() -> None:
    assert [row.kind for row in FLOOR.ceilings if len(row.basis) < 10] == []


def test_nothing_at_all_is_stricter_than_anything() -> None:
    assert laxer(Limits((), ""), FLOOR) == []


STRICTER = {
    "a lower ceiling": first(ceiling(Kind.NGO, "public")),
    "fewer types": edited(lambda row: replace(row, types=("alert.missing_child.issued",))),
    "a kind left out": edited(lambda row: None if row.kind is Kind.SCHOOL else row),
    "only when addressed": edited(lambda row: replace(row, is_for_addressed=True)),
    "another requirement": replace(FLOOR, requirements=(NDA,)),
    "the floor written in another order": replace(
        FLOOR, ceilings=tuple(sorted(FLOOR.ceilings, key=lambda row: row.kind.value))
    ),
}


@pytest.mark.parametrize("limits", STRICTER.values(), ids=STRICTER.keys())
def test_a_stricter_file_is_taken(limits: Limits) -> None:
    assert laxer(limits, FLOOR) == []


LAXER = {
    "a higher ceiling": (first(ceiling(Kind.NGO, "enforcement")), Kind.NGO),
    "a higher ceiling for one type": (first(ceiling(Kind.CONSULAR, "enforcement", "alert.warning.*")), Kind.CONSULAR),
    "a kind that has none": (first(ceiling(Kind.OPERATOR, "public")), Kind.OPERATOR),
    "for everybody what is for the addressed": (
        edited(lambda row: replace(row, is_for_addressed=False) if row.kind is Kind.HEALTH else row),
        Kind.HEALTH,
    ),
    "a higher ceiling for the addressed": (first(ceiling(Kind.SCHOOL, "enforcement", addressed=True)), Kind.SCHOOL),
    "more types for the higher of two": (
        edited(lambda row: replace(row, types=("*",)) if row.kind is Kind.SEARCH_COMMISSION else row),
        Kind.SEARCH_COMMISSION,
    ),
    "a row behind all the others": (
        replace(FLOOR, ceilings=(*FLOOR.ceilings, ceiling(Kind.OPERATOR, "public"))),
        Kind.OPERATOR,
    ),
}


@pytest.mark.parametrize(("limits", "kind"), LAXER.values(), ids=LAXER.keys())
def test_a_laxer_ceiling_is_named_with_its_row_and_the_law(limits: Limits, kind: Kind) -> None:
    problems = laxer(limits, FLOOR)

    assert any(f"({kind}) opens more than the floor" in problem for problem in problems)
    assert all(problem.es not in ("", str(problem)) for problem in problems)


def test_it_says_which_row_opens_what_and_how_much_the_law_leaves() -> None:
    strict = ceiling(Kind.NGO, "public", "alert.missing_child.*")

    (problem,) = laxer(first(strict, ceiling(Kind.NGO, "enforcement", "alert.*")), FLOOR)

    assert problem == (
        "ceiling 1 (ngo) opens more than the floor: enforcement for alert.warning.cancelled, alert.warning.issued, "
        "alert.warning.updated, at most partner (28 CFR 23.20(e)-(f): assessments, never the record; 34 USC "
        "12291(b)(2))"
    )
    assert problem.es.startswith("ceiling 1 (ngo) abre más que el mínimo legal: enforcement para alert.warning")


def test_what_has_no_row_in_the_floor_is_at_most_nothing() -> None:
    (problem,) = laxer(first(ceiling(Kind.OPERATOR, "public", "alert.warning.issued")), FLOOR)

    assert problem.endswith("public for alert.warning.issued, at most nothing (no row for this kind)")
    assert problem.es.endswith("public para alert.warning.issued, a lo sumo nada (ninguna fila para este tipo)")


def test_all_laxer_rows_are_named_together() -> None:
    problems = laxer(first(ceiling(Kind.OPERATOR, "public"), ceiling(Kind.PUBLIC, "partner")), FLOOR)

    assert [problem.partition(" opens")[0] for problem in problems] == ["ceiling 1 (public)", "ceiling 0 (operator)"]


@pytest.mark.parametrize(
    "kept",
    [
        (),
        (replace(NDA, attestation="28-cfr-23"),),
        (replace(NDA, kind=Kind.HEALTH),),
        (replace(NDA, types=("alert.*",)),),
        (replace(NDA, types=("case.trafficking.opened",)),),
    ],
)
def test_a_requirement_of_the_floor_is_not_dropped_or_narrowed(kept: tuple[Requirement, ...]) -> None:
    (problem,) = laxer(replace(FLOOR, requirements=kept), replace(FLOOR, requirements=(NDA,)))

    assert problem.startswith("no requirement asks ngo for nda before it reads case.trafficking.")
    assert problem.es.startswith("ningún requirement pide nda a ngo antes de leer case.trafficking.")


def test_a_requirement_may_be_split_widened_and_joined_by_others() -> None:
    narrow = tuple(replace(NDA, types=(f"case.trafficking.{verb}",)) for verb in ("opened", "updated", "closed"))
    floor = replace(FLOOR, requirements=(NDA,))

    assert laxer(replace(FLOOR, requirements=narrow), floor) == []
    assert laxer(replace(FLOOR, requirements=(replace(NDA, types=("*",)), replace(NDA, attestation="x"))), floor) == []


def test_what_is_not_read_at_all_needs_no_requirement() -> None:
    without = edited(lambda row: None if row.kind is Kind.NGO else row)

    assert laxer(without, replace(FLOOR, requirements=(NDA,))) == []


def node(folder: Path, limits: str) -> Settings:
    """The settings of a node with this limits file."""
    config = folder / "hub.toml"
    config.write_text(f'[node]\nstate_dir = "{folder}"\n')
    (folder / "limits.toml").write_text(limits)
    return load_settings(config, {})


def test_a_node_whose_limits_are_laxer_does_not_start(tmp_path: Path) -> None:
    row = '[[ceiling]]\nkind = "{}"\ntypes = ["*"]\nclearance = "enforcement"\nbasis = "none"\n'
    told = node(tmp_path, row.format("ngo") + row.format("prosecutor") + row.format("public"))

    with pytest.raises(SettingsError) as refused:
        main.limits(told)

    assert [str(text).partition(" opens")[0] for text in refused.value.problems] == [
        f"{tmp_path / 'limits.toml'}: ceiling 0 (ngo)",
        f"{tmp_path / 'limits.toml'}: ceiling 2 (public)",
    ]


def test_a_node_with_the_shipped_limits_starts(tmp_path: Path) -> None:
    shipped = Path(__file__).parents[2] / "config" / "limits.toml"

    assert main.limits(node(tmp_path, shipped.read_text())) == LIMITS
