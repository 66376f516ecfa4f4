"""Settings of mails: none without a relay, never in clear off this machine, and the password never in a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hub.mail_settings import MailSettings
from hub.settings import Settings, SettingsError, load_settings

GOOD = {
    "smtp_host": "smtp.example.org",
    "sender": "Puente <alerts@us.example.org>",
    "public_url": "https://puente.example.org",
}


def load(folder: Path, environment: dict[str, str] | None = None, **differs: Any) -> Settings:
    file = folder / "hub.toml"
    lines = [f'{name} = "{value}"' for name, value in (GOOD | differs).items() if value is not None]
    file.write_text("[mail]\n" + "\n".join(lines))
    return load_settings(file, environment or {})


def problems(folder: Path, environment: dict[str, str] | None = None, **differs: Any) -> list[str]:
    with pytest.raises(SettingsError) as refused:
        load(folder, environment, **differs)
    assert all(problem.es not in ("", str(problem)) for problem in refused.value.problems)
    return [str(problem).split(":")[0].split(",")[0].split(" ")[0] for problem in refused.value.problems]


def test_a_relay_a_sender_and_a_public_address_are_enough(tmp_path: Path) -> None:
    mail = load(tmp_path).mail

    assert (mail.smtp_port, mail.security, mail.domain) == (587, "starttls", "us.example.org")


@pytest.mark.parametrize(
    ("differs", "named"),
    [
        ({"security": "ssl"}, "mail.security"),
        ({"security": "none"}, "mail.security"),
        ({"sender": ""}, "mail.sender"),
        ({"sender": "Puente"}, "mail.sender"),
        ({"sender": "a@b"}, "mail.sender"),
        ({"sender": "Puente <a@b.example>\\nBcc: x@y.example"}, "mail.sender"),
        ({"public_url": ""}, "mail.public_url"),
        ({"public_url": "http://puente.example.org"}, "mail.public_url"),
        ({"public_url": "https://puente.example.org/"}, "mail.public_url"),
        ({"public_url": "https://puente.example.org/a?b"}, "mail.public_url"),
        ({"public_url": "https://x@puente.example.org"}, "mail.public_url"),
        ({"public_url": "https://puente.example.org:x"}, "mail.public_url"),
        ({"user": "hub"}, "mail.user"),
        ({"smtp_host": "", "sender": None}, "mail.smtp_host"),
        ({"smtp_host": "", "public_url": None}, "mail.smtp_host"),
    ],
)
def test_what_cannot_work_is_named(tmp_path: Path, differs: dict[str, Any], named: str) -> None:
    assert problems(tmp_path, **differs) == [named]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_a_relay_on_this_machine_may_speak_in_clear(tmp_path: Path, host: str) -> None:
    assert load(tmp_path, smtp_host=host, security="none").mail.security == "none"


def test_the_password_comes_from_the_environment_and_nothing_prints_it(tmp_path: Path) -> None:
    told = load(tmp_path, {"PUENTE_MAIL_PASSWORD": "hunter2", "PUENTE_MAIL_USER": "hub"})

    assert (told.mail.password, "hunter2" in repr(told)) == ("hunter2", False)


def test_a_password_in_a_file_is_refused(tmp_path: Path) -> None:
    assert problems(tmp_path, user="hub", password="hunter2") == ["mail.password"]


def test_without_a_relay_there_is_nothing_to_say(tmp_path: Path) -> None:
    assert load(tmp_path, **dict.fromkeys(GOOD)).mail == MailSettings()
