"""Break the decisions line by line with mutmut, in a copy of the tree, and see whether some test notices each."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.support.services import state_folder

ROOT = Path(__file__).parents[2]
COPIED = ("config", "hub", "schemas", "tests")
BROKEN = ("hub/policy.py", "hub/grants.py", "hub/consents.py", "hub/consented.py")
# What decides quickly, and by example: the comparison with Cedar and the properties would notice more, and later.
TESTS = (
    *("test_policy.py", "test_policy_grants.py", "test_policy_owners.py", "test_policy_versions.py"),
    *(
        "test_policy_consents.py",
        "test_policy_publishing.py",
        "test_policy_words.py",
        "test_hard_limits.py",
        "test_rules_files.py",
    ),
)
PROCESSES = 2
LIMIT_S = 1800
LEAST_SCORE = 0.95
KILLED = 1  # what pytest ends with when a test fails
SETTINGS = """
[tool.pytest.ini_options]
addopts = ["--import-mode=importlib", "-p", "no:cacheprovider"]
pythonpath = ["."]

[tool.mutmut]
source_paths = ["hub", "schemas"]
only_mutate = {broken}
pytest_add_cli_args_test_selection = {tests}
also_copy = ["config", "tests"]
"""


@dataclass(frozen=True, slots=True)
class Broken:
    """How many mutants there were, and those that no test noticed."""

    mutants: int
    survivors: tuple[str, ...]

    @property
    def score(self) -> float:
        """The share that was noticed."""
        return 1 - len(self.survivors) / self.mutants if self.mutants else 0.0

    @property
    def held(self) -> bool:
        """Whether enough of them were."""
        return self.score >= LEAST_SCORE

    @property
    def figures(self) -> Mapping[str, object]:
        """For the proof's last line."""
        return {
            "mutants": self.mutants,
            "survivors": len(self.survivors),
            "mutation_score": round(self.score, 4),
        }


def broken_by_line() -> Broken:
    """Run mutmut; prints the survivors, each with its change."""
    print("breaking the policy line by line", flush=True)
    with state_folder() as folder:
        tree = folder / "tree"
        for name in COPIED:
            shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
        tests = [f"tests/hub/{name}" for name in TESTS]
        (tree / "pyproject.toml").write_text(SETTINGS.format(broken=json.dumps(BROKEN), tests=json.dumps(tests)))
        with (folder / "mutmut.log").open("w") as log:
            command = [sys.executable, "-m", "mutmut", "run", "--max-children", str(PROCESSES)]
            subprocess.run(command, cwd=tree, stdout=log, stderr=log, timeout=LIMIT_S, check=True)
        ended = _exit_codes(tree)
        survivors = tuple(sorted(name for name, code in ended.items() if code != KILLED))
        for name in survivors:
            told = [sys.executable, "-m", "mutmut", "show", name]
            shown = subprocess.run(told, cwd=tree, capture_output=True, text=True, check=False).stdout
            change = [line for line in shown.splitlines() if line[:2] in ("- ", "+ ")]
            print(f"  survived {name}", *change, sep="\n    ")
        return Broken(len(ended), survivors)


def _exit_codes(tree: Path) -> dict[str, int | None]:
    """Of each mutant's tests; one that was never tried has survived."""
    found: dict[str, int | None] = {}
    for name in BROKEN:
        found |= json.loads((tree / "mutants" / f"{name}.meta").read_text("utf-8"))["exit_code_by_key"]
    return found
