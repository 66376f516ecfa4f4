"""The services tests may ask for by name; each is started once, when the first test needs it."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import trustme
from _pytest.nodeid import NodeId
from hypothesis import settings

from hub.embedded import postgres as embedded_postgres
from tests.support.examples import examples
from tests.support.services import NODES, Broker, Databases, new_issuer, roomy_memory, start_broker, state_folder

# For properties that do not say how many; how long one takes says more of the machine than of what is tested.
settings.register_profile("puente", max_examples=examples(100), deadline=None)
settings.load_profile("puente")

# kafka-python drops the sockets of failed connections without closing them.
DROPPED = pytest.mark.filterwarnings("ignore:unclosed <socket.socket:ResourceWarning")
SERVICES = {"kafka": "kafka", "databases": "postgres"}  # fixture -> marker, the longest tests first
INTEGRATION = Path(__file__).with_name("integration")


@pytest.hookimpl(tryfirst=True)  # before `-m` selects
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """
    Mark each test with the services it needs, so that `-m "not kafka"` means what it says.

    Of several test processes one has all that needs Kafka, so only it starts a broker; the rest goes file by file.
    """
    for item in items:
        for fixture in SERVICES.keys() & set(getattr(item, "fixturenames", ())):
            item.add_marker(SERVICES[fixture])
        if item.get_closest_marker("kafka"):
            item.add_marker(DROPPED)
    if config.getoption("loadgroup", False):
        items.sort(key=_turn)
        for item in items:
            _join_group(item)


def _turn(item: pytest.Item) -> int:
    """What takes long comes early, so that the processes end together."""
    needed = (turn for turn, marker in enumerate(SERVICES.values()) if item.get_closest_marker(marker))
    return min(needed, default=len(SERVICES) + (INTEGRATION not in item.path.parents))


def _join_group(item: pytest.Item) -> None:
    """Name the group where pytest-xdist looks for it; it writes where pytest 9.2 does not (pytest-xdist#1386)."""
    group = "kafka" if item.get_closest_marker("kafka") else item.path.name
    item._id = NodeId.parse(f"{item.nodeid}@{group}")


def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """After the last test that talks to Kafka, while that is still forgiven, collect what its client dropped."""
    if item.get_closest_marker("kafka") and not (nextitem and nextitem.get_closest_marker("kafka")):
        gc.collect()


@pytest.fixture(scope="session", autouse=True)
def strange_authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """
    One authority in the place of the machine's own: no test leans on those, and each client would read them all.

    Reading them takes 40 ms of processor time, longer than most tests.
    """
    file = tmp_path_factory.mktemp("authority") / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(file))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(file))
        yield


@pytest.fixture(scope="session")
def services_folder() -> Iterator[Path]:
    """Where the services keep their data for this run."""
    with state_folder(roomy_memory()) as folder:
        yield folder


@pytest.fixture(scope="session")
def databases(services_folder: Path) -> Iterator[Databases]:
    """A running PostgreSQL server; without fsync, since nothing here must survive the machine."""
    server = embedded_postgres.start(services_folder, fsync=False)
    with closing(Databases(server)) as made:
        yield made
    server.stop()


@pytest.fixture
def postgres(databases: Databases) -> Iterator[str]:
    """The URL of a fresh database with the hub's tables, for this test alone."""
    url = databases.migrated()
    yield url
    databases.drop(url)


@pytest.fixture(scope="module")
def postgres_of_module(databases: Databases) -> Iterator[str]:
    """The same for all tests of a module: for those that need many examples and clean up after themselves."""
    url = databases.migrated()
    yield url
    databases.drop(url)


@pytest.fixture(scope="session")
def kafka(services_folder: Path) -> Iterator[Broker]:
    """A running broker with a listener and a throw-away issuer for each node; use topic prefixes of your own."""
    broker = start_broker(services_folder, {node: new_issuer(node) for node in NODES})
    yield broker
    broker.running.stop()
