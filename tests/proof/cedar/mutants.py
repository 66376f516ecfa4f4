"""The rules broken one at a time: a comparison that does not notice each of them would show nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count

from tests.proof.cedar.differential import Asked
from tests.proof.cedar.text import Phrase, Rules
from tests.proof.cedar.worlds import worlds

ENOUGH = 5  # cases that a rule decides alone
MOST = 100_000  # combinations to find them in
# Phrases that, taken for granted, leave out one condition.
CONDITIONS = (
    *("OWN", "ADDRESSED", "TOLD", "ENDS", "CHANGES", "ANSWER", "ONE", "WHILE"),
    *("READER", "SOURCE", "AGENCY", "KIND", "COUNTRY", "TYPE", "WHERE", "TLP", "STATE", "BOUND", "PARTY", "OWNED"),
    *("OWNS", "CONFIRMED", "BEFORE_NEXT", "NEW", "OFFERED", "WITH_SOURCE", "WITH_READER"),
    *("ATTESTED", "FOR_WHAT", "FOR_WHOM", "NAMED", "CONSENTED"),
)
# What is written a little otherwise: an end that is not half open, half of a condition.
REWORDED = (
    ("WHILE", "<= context.at", "< context.at"),
    ("WHILE", "< x.until", "<= x.until"),
    ("NEW", "x.events_from <=", "x.events_from <"),
    ("OWNS", " || OFFERED", ""),
    ("CONFIRMED", "context.at <", "context.at <="),
    ("BEFORE_NEXT", "resource.accepted_at <", "resource.accepted_at <="),
    (
        "BEFORE_NEXT",
        "resource has accepted_at && resource.accepted_at",
        "!(resource has accepted_at) || resource.accepted_at",
    ),
    ("TLP", "<=", "<"),
    ("WHERE", " || G in resource.places", ""),
    ("WHERE", "resource in G.places || ", ""),
    ("BOUND", "PARTY(principal.agency) && ", ""),
    ("BOUND", " && PARTY(resource.source)", ""),
    ("ATTESTED", "ASKS(nda) && ", ""),
    ("ATTESTED", " && ASKS(28-cfr-23)", ""),
    ("TOLD", " && context.has_received", ""),
    ("TOLD", "context.rank == 0 && ", ""),
    ("ENDS", ', "located"', ""),
    ("CHANGES", '"recalled", ', ""),
    ("CHANGES", ', "label_changed"', ""),
    ("ANSWER", ' || resource.type in Type::"note.*"', ""),
    ("CONSENTED", "C.fields.contains(context.field) && ", ""),
    ("CONSENTED", " && C.purpose == G.purpose", ""),
    ("CONSENTED", " && WHILE(C)", ""),
    ("NAMED", "C.source == resource.source && ", ""),
    ("NAMED", " && C.subject == resource.subject", ""),
    ("NAMED", " && C.recipients.contains(principal.agency)", ""),
    ("WITHDRAWN", "C has withdrawn_at", "false"),
)


@dataclass(frozen=True, slots=True)
class Mutant:
    """Rules of which one is broken."""

    name: str
    rules: Rules


@dataclass(frozen=True, slots=True)
class Found:
    """In how many of how many combinations a broken rule gave another answer: those it decides alone."""

    mutant: str
    differing: int
    combinations: int


def mutants(rules: Rules) -> Iterator[Mutant]:
    """Each rule left out, each condition taken for granted, and what is written a little otherwise."""
    for rule in sorted(rules.texts.keys() - {"grant", "consent"}):
        kept = {name: text for name, text in rules.texts.items() if name != rule}
        yield Mutant(f"without {rule}", replace(rules, texts=kept))
    yield _worded(rules, "APPLIES", "false", "without grants")
    yield _worded(rules, "CONSENTED", "false", "without consents")
    for name in CONDITIONS:
        yield _worded(rules, name, "true", f"{name} taken for granted")
    for name, part, instead in REWORDED:
        phrase = rules.phrases[name].text
        if phrase.count(part) != 1:
            raise ValueError(f"{name} does not say {part} once")
        yield _worded(rules, name, phrase.replace(part, instead), f"{name}: {part.strip()} -> {instead or 'nothing'}")


def _worded(rules: Rules, name: str, text: str, called: str) -> Mutant:
    phrase = Phrase(rules.phrases[name].parameters, text)
    return Mutant(called, replace(rules, phrases={**rules.phrases, name: phrase}))


class Slice:
    """The first combinations of a seed, made as far as somebody needs them."""

    def __init__(self, seed: int) -> None:
        self._worlds = worlds(seed)
        self._asked: list[Asked] = []

    def _each(self) -> Iterator[Asked]:
        for number in count():
            if number == len(self._asked):
                self._asked.append(Asked.of(next(self._worlds)))
            yield self._asked[number]

    def notices(self, mutant: Mutant, most: int = MOST) -> Found:
        """How often a broken rule makes a difference, until it is often enough or there were `most` combinations."""
        differing = combinations = 0
        for asked in self._each():
            differing += len(asked.differing(mutant.rules))
            combinations += len(asked.answers)
            if differing >= ENOUGH or combinations >= most:
                break
        return Found(mutant.name, differing, combinations)
