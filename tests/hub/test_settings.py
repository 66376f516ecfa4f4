"""Settings: one file, the environment over it, and every problem told at once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from hub.main import webhook_networks
from hub.settings import Settings, SettingsError, is_loopback, load_settings

CONFIG = Path(__file__).parents[2] / "config" / "hub.toml"


class Files:
    """Writes a settings file and reads it back."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "hub.toml"

    def load(self, text: str, environment: Mapping[str, str] | None = None) -> Settings:
        self.path.write_text(text)
        return load_settings(self.path, environment or {})

    def problems(self, text: str, environment: Mapping[str, str] | None = None) -> list[str]:
        """What is wrong with it, in English; each problem has its Spanish."""
        with pytest.raises(SettingsError) as refused:
            self.load(text, environment)
        assert all(problem.es not in ("", str(problem)) for problem in refused.value.problems)
        return sorted(map(str, refused.value.problems))


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def test_an_empty_file_gives_the_defaults_and_knows_where_it_lies(files: Files) -> None:
    assert files.load("") == Settings(base=files.path.parent)


def test_the_shipped_file_is_valid_as_it_is() -> None:
    assert load_settings(CONFIG, {}).node.id == "us"


def test_what_the_file_says_counts(files: Files) -> None:
    told = files.load('[node]\nid = "mx"\ncountry = "MX"\n[gateway]\nport = 9443\n[rates]\nreads_per_s = 7\n')

    assert (told.node.id, told.gateway.port, told.rates.reads_per_s) == ("mx", 9443, 7.0)
    assert isinstance(told.rates.reads_per_s, float)


def test_networks_that_webhooks_may_reach_are_said_at_the_start(files: Files, caplog: pytest.LogCaptureFixture) -> None:
    none = webhook_networks(files.load(""))
    silent = caplog.text

    named = webhook_networks(files.load('[delivery]\nwebhook_allow_networks = "10.1.0.0/16"\n'))

    assert (none, silent) == ((), "")
    assert [str(one) for one in named] == ["10.1.0.0/16"]
    assert "webhooks may be posted to 10.1.0.0/16" in caplog.text


def test_the_environment_counts_more_than_the_file(files: Files) -> None:
    variables = {"PUENTE_GATEWAY_PORT": "9444", "PUENTE_DATABASE_URL": "postgresql:///x", "PUENTE_CONFIG": "else.toml"}

    told = files.load("[gateway]\nport = 9443\n", variables)

    assert (told.gateway.port, told.database.url) == (9444, "postgresql:///x")


def test_where_a_secret_may_stand_nothing_prints_it(files: Files) -> None:
    told = files.load("", {"PUENTE_DATABASE_URL": "postgresql://hub:hunter2@127.0.0.1/puente"})

    assert "hunter2" not in repr(told)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[gatway]\nport = 1\n", "[gatway]: unknown section"),
        ("[gateway]\nprot = 1\n", "gateway.prot: unknown setting"),
        ("gateway = 1\n", "[gateway]: must be a section"),
        ('gateway = [{port = 1}, "x"]\n', "[gateway]: must be a section"),
        ('[gateway]\nport = "many"\n', "gateway.port: must be a whole number from 0 on"),
        ("[gateway]\nport = 8443.5\n", "gateway.port: must be a whole number from 0 on"),
        ("[gateway]\nport = true\n", "gateway.port: must be a whole number from 0 on"),
        ("[gateway]\nport = -1\n", "gateway.port: must be a whole number from 0 on"),
        ("[gateway]\nport = [8443]\n", "gateway.port: must be a whole number from 0 on"),
        ("[gateway]\nhost = 127\n", "gateway.host: must be text"),
        ("[rates]\nreads_per_s = nan\n", "rates.reads_per_s: must be a number from 0 on"),
        ("[rates]\nreads_per_s = inf\n", "rates.reads_per_s: must be a number from 0 on"),
        ("[rates]\nreads_per_s = false\n", "rates.reads_per_s: must be a number from 0 on"),
        ("[tokens]\napi_ttl_s = 301\n", "tokens.api_ttl_s: 30 to 300"),
        ("[tokens]\napi_ttl_s = 29\n", "tokens.api_ttl_s: 30 to 300"),
        ("[tokens]\nkafka_ttl_s = 299\n", "tokens.kafka_ttl_s: 300 to 3600"),
        ("[tokens]\nkafka_ttl_s = 3601\n", "tokens.kafka_ttl_s: 300 to 3600"),
        ("[gateway]\nprocesses = 0\n", "gateway.processes: at least 1"),
        ("[workers]\nbatch = 0\n", "workers.batch: at least 1"),
        ('[node]\nid = "mx"\n', "node.country must be US or MX, and node.id the same in small letters"),
        ('[node]\nid = "fr"\ncountry = "FR"\n', "node.country must be US or MX, and node.id the same in small letters"),
        ('[gateway]\nkey_file = "k.pem"\n', "gateway.certificate_file and gateway.key_file go together"),
    ],
)
def test_it_says_what_is_wrong_and_where(files: Files, text: str, problem: str) -> None:
    assert files.problems(text) == [problem]


@pytest.mark.parametrize(("api", "kafka", "one"), [(30, 300, 1), (300, 3600, 1)])
def test_the_bounds_themselves_are_within(files: Files, api: int, kafka: int, one: int) -> None:
    told = files.load(f"[tokens]\napi_ttl_s = {api}\nkafka_ttl_s = {kafka}\n[workers]\nbatch = {one}\n")

    assert (told.tokens.api_ttl_s, told.tokens.kafka_ttl_s, told.workers.batch) == (api, kafka, one)


@pytest.mark.parametrize("value", ["x", "1.5", "-3", "nan", "", "0x10", "1" * 5000])
def test_the_environment_is_checked_like_the_file(files: Files, value: str) -> None:
    found = files.problems("", {"PUENTE_GATEWAY_PORT": value})

    assert found == ["gateway.port: must be a whole number from 0 on"]


def test_every_problem_is_told_at_once(files: Files) -> None:
    text = '[gatway]\n[gateway]\nprot = 1\nport = "x"\nhost = 5\n[workers]\nbatch = -1\n'

    assert files.problems(text, {"PUENTE_RATES_TOKENS_PER_S": "often"}) == [
        "[gatway]: unknown section",
        "gateway.host: must be text",
        "gateway.port: must be a whole number from 0 on",
        "gateway.prot: unknown setting",
        "rates.tokens_per_s: must be a number from 0 on",
        "workers.batch: must be a whole number from 0 on",
    ]


def test_every_contradiction_is_told_at_once(files: Files) -> None:
    text = '[node]\ncountry = "MX"\n[gateway]\nhost = "0.0.0.0"\nthreads = 0\n[tokens]\napi_ttl_s = 900\n'

    assert len(files.problems(text)) == 4


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "hub.example", "127.0.0.1.example", "", "[::1]"])  # noqa: S104
def test_off_loopback_the_gateway_needs_a_certificate(files: Files, host: str) -> None:
    bare = f'[gateway]\nhost = "{host}"\n'

    assert files.problems(bare) == ["gateway.host is not loopback: gateway.certificate_file and key_file are required"]
    assert files.load(f'{bare}certificate_file = "c.pem"\nkey_file = "k.pem"\n').gateway.host == host


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "localhost"])
def test_on_loopback_it_needs_none(files: Files, host: str) -> None:
    assert is_loopback(host)
    assert files.load(f'[gateway]\nhost = "{host}"\n').gateway.certificate_file == ""


@pytest.mark.parametrize("bootstrap", ["broker.example:9092", "127.0.0.1:9092,192.0.2.7:9092", "[2001:db8::1]:9092"])
def test_tokens_reach_a_broker_elsewhere_only_by_tls(files: Files, bootstrap: str) -> None:
    far = f'[kafka]\nbootstrap = "{bootstrap}"\n'

    assert files.problems(far) == ["kafka.bootstrap is not loopback: kafka.ca_file is required"]
    assert files.load(f'{far}ca_file = "ca.pem"\n')
    assert files.load('[kafka]\nbootstrap = "127.0.0.1:9092, [::1]:9093"\n')


OWN_TLS = 'certificate_file = "c.pem"\nkey_file = "k.pem"\nauthority_file = "a.pem"\n'


def test_a_border_is_never_without_tls(files: Files) -> None:
    bare = '[border]\nurl = "https://us.example:8445"\n'

    assert files.problems(bare) == [
        "border.url is set: border.certificate_file, key_file and authority_file are required"
    ]
    assert files.load(bare + OWN_TLS).border.url == "https://us.example:8445"


@pytest.mark.parametrize("url", ["http://us.example", "us.example:8445", "https://us.example/border", "https://"])
def test_the_other_side_comes_by_https(files: Files, url: str) -> None:
    told = f'[border]\nurl = "{url}"\n{OWN_TLS}'

    assert files.problems(told) == ["border.url must be https://host or https://host:port"]


@pytest.mark.parametrize("name", ["certificate_file", "key_file", "authority_file", "client_authority_file"])
def test_what_belongs_to_a_border_is_not_set_without_one(files: Files, name: str) -> None:
    told = files.problems(f'[border]\n{name} = "x.pem"\n')

    assert told == [f"border.url is empty, so border.{name} has no meaning: say where the other node reaches this one"]


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ("batch = 501", "border.batch: 1 to 500"),
        ("batch = 0", "border.batch: 1 to 500"),
        ("window = 499", "border.window: at least border.batch"),
        (
            'client_key_file = "k.pem"',
            "border.client_certificate_file and border.client_key_file go together",
        ),
    ],
)
def test_what_contradicts_itself_at_the_border_is_named(files: Files, more: str, problem: str) -> None:
    assert files.problems(f'[border]\nurl = "https://us.example"\n{OWN_TLS}{more}\n') == [problem]


def test_a_file_that_is_not_there_or_not_toml_is_a_problem_too(files: Files) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        load_settings(files.path.parent / "none.toml", {})

    assert "not TOML" in files.problems("[gateway\n")[0]


def test_a_file_in_another_encoding_is_a_problem_too(files: Files) -> None:
    files.path.write_bytes("[node]\nissuer = 'señal'\n".encode("latin-1"))

    with pytest.raises(SettingsError, match="not UTF-8"):
        load_settings(files.path, {})


def test_files_named_in_the_settings_lie_beside_them(files: Files) -> None:
    told = files.load('[node]\nstate_dir = "state"\n')

    assert told.file(told.node.limits_file) == files.path.parent / "limits.toml"
    assert told.state_dir == Path("state/us")


@pytest.mark.parametrize(
    ("told", "problem"),
    [
        ('agency = "us-public"', "public.agency is set: public.sender is required, without spaces, commas, < and &"),
        (
            'agency = "us-public"\nsender = "Node us"',
            "public.agency is set: public.sender is required, without spaces, commas, < and &",
        ),
        ('url = "alerts.example"', "public.url must begin with http:// or https:// and not end with /"),
        ('url = "https://alerts.example/"', "public.url must begin with http:// or https:// and not end with /"),
        ('key_file = "k.pem"', "public.key_file and public.certificate_file go together"),
    ],
)
def test_what_public_documents_cannot_be_made_with_is_refused(files: Files, told: str, problem: str) -> None:
    assert files.problems(f"[public]\n{told}\n") == [problem]


def test_streams_are_where_their_process_listens_unless_said_otherwise(files: Files) -> None:
    assert files.load("").stream_url == "http://127.0.0.1:8446"
    assert files.load("[stream]\nport = 99\n").stream_url == "http://127.0.0.1:99"
    assert files.load('[stream]\nurl = "https://us.example"\n').stream_url == "https://us.example"


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ('host = "10.0.0.1"', "stream.host is not loopback: stream.certificate_file and key_file are required"),
        ('key_file = "k.pem"', "stream.certificate_file and stream.key_file go together"),
        ('url = "us.example"', "stream.url: http(s)://host, with no path behind it"),
        ('url = "https://us.example/"', "stream.url: http(s)://host, with no path behind it"),
        ("most_streams = 0", "stream.most_streams: at least 1"),
        ("most_per_agency = 0", "stream.most_per_agency: at least 1"),
        ("heartbeat_s = 0", "stream.heartbeat_s: at least 1"),
        ("queue_kb = 0", "stream.queue_kb: at least 1"),
        ("threads = 0", "stream.threads: at least 1"),
    ],
)
def test_what_makes_no_sense_of_streams_is_named(files: Files, said: str, problem: str) -> None:
    assert files.problems(f"[stream]\n{said}\n") == [problem]
