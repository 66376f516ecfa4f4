"""What must stay true of the table connector as it grows."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors import config, profile
from connectors.table import settings

HERE = Path(settings.__file__).parent


@pytest.mark.parametrize(
    ("readme", "section"),
    [
        *((HERE / "README.md", getattr(settings, name)) for name in dir(settings) if name.endswith("Section")),
        (HERE.parent / "README.md", config.ConnectorSection),
        (HERE.parent / "README.md", config.KafkaSection),
        (HERE.parent / "README.md", config.OauthSection),
        (HERE.parent / "README.md", profile.ProfileFile),
    ],
)
def test_every_key_is_documented(readme: Path, section: type) -> None:
    text = readme.read_text(encoding="utf-8")

    assert [name for name in section().fields if name not in text] == []
