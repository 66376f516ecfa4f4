"""The policy against the same rules in Cedar: a slice of what `make proof ONLY=policy` compares at length."""

from __future__ import annotations

from itertools import islice

from tests.proof.cedar.differential import Tally
from tests.proof.cedar.mutants import CONDITIONS, Slice, mutants
from tests.proof.cedar.text import Rules
from tests.proof.cedar.worlds import MEMBERS, worlds

RULES = Rules.read()
SEED = 20260504


def test_the_policy_and_cedar_are_of_one_mind() -> None:
    tally = Tally()

    for world in islice(worlds(SEED), 18):
        tally.add(world, RULES)

    assert tally.disagreements == []
    assert tally.combinations > 4000
    assert tally.shown.keys() == set(MEMBERS)


def test_the_comparison_notices_a_rule_that_is_broken() -> None:
    broken = {mutant.name: mutant for mutant in mutants(RULES)}
    asked = Slice(SEED)

    for name in ("without scope", "without own-event", "OWNED taken for granted", "without grants"):
        assert asked.notices(broken[name], most=20_000).differing > 0


def test_every_rule_and_every_condition_is_broken_once() -> None:
    names = {mutant.name for mutant in mutants(RULES)}

    assert {f"without {rule}" for rule in RULES.texts if rule not in ("grant", "consent")} <= names
    assert len(names) > len(RULES.texts) + len(CONDITIONS) > 12
