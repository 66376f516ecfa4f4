"""A mail server for one test, and the settings of who hands mails to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hub.mail_settings import MailSettings
from tests.support.mailing import Office, office


@pytest.fixture
def post() -> Iterator[tuple[Office, MailSettings]]:
    """Both."""
    with office() as held:
        yield held


@pytest.fixture
def there(post: tuple[Office, MailSettings]) -> Office:
    """The server."""
    return post[0]


@pytest.fixture
def told(post: tuple[Office, MailSettings]) -> MailSettings:
    """The settings."""
    return post[1]
