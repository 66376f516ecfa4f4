"""Folders, files and feeds: what fails is unknown, never "no alerts", and what is known is not asked for again."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.config import ConfigError
from connectors.source import SourceFailed
from tests.connectors.cap import signing
from tests.connectors.cap.drafts import alert, reference
from tests.connectors.cap.sites import Answer, Site, atom, entry, serving
from tests.connectors.cap.world import Connector, refused, unknown

FIRST = alert()
UPDATE = alert(identifier="SAMPLE-2", sent="2026-05-04T14:00:00-07:00", msgType="Update", references=reference())


@pytest.fixture
def site() -> Iterator[Site]:
    """A web server for this test."""
    with serving() as running:
        yield running


def following(site: Site, folder: Path, more: str = "", *, timeout_s: int = 60) -> Connector:
    """A connector that reads ``/feed`` of a site."""
    return Connector(folder, f'[source]\nurl = "{site.url}/feed"\ntimeout_s = {timeout_s}\n{more}')


def patience_s(code: str) -> int:
    """How long to wait for an answer: no longer than it takes where none is to come."""
    return 2 if code == "timeout" else 60


def verbs(connector: Connector) -> list[str]:
    """What was published, in order."""
    return [event["type"].rpartition(".")[2] for event in connector.published]


def test_links_of_a_feed_are_followed_oldest_first(site: Site, tmp_path: Path) -> None:
    listed = atom(entry("/2.xml", updated="2026-05-04T21:00:00Z"), entry("/1.xml"))
    site.answers = {"/feed": Answer(body=listed), "/1.xml": Answer(body=FIRST), "/2.xml": Answer(body=UPDATE)}
    connector = following(site, tmp_path)
    connector.read()

    assert verbs(connector) == ["issued", "updated"]
    assert connector.published[0]["subject"] == connector.published[1]["subject"]


def test_alerts_inside_a_feed_are_read_in_place(site: Site, tmp_path: Path) -> None:
    site.answers = {"/feed": Answer(body=atom(entry(content=FIRST)))}
    connector = following(site, tmp_path)
    connector.read()

    assert verbs(connector) == ["issued"]
    assert site.asked == ["/feed"]


RSS = '<rss version="2.0"><channel><item>{}</item></channel></rss>'
INDEXES = {
    "rss": RSS.format("<link>/1.xml</link><pubDate>Mon, 04 May 2026 20:30:00 GMT</pubDate>").encode(),
    "enclosure": RSS.format('<link>/page</link><enclosure url="/1.xml" type="application/cap+xml"/>').encode(),
    "ipaws": b'<f:alerts xmlns:f="http://gov.fema.ipaws.services/feed">' + FIRST.partition(b"?>\n")[2] + b"</f:alerts>",
    "one document": FIRST,
}


@pytest.mark.parametrize("kind", INDEXES)
def test_other_kinds_of_index_are_read_too(kind: str, site: Site, tmp_path: Path) -> None:
    site.answers = {"/feed": Answer(body=INDEXES[kind]), "/1.xml": Answer(body=FIRST)}
    connector = following(site, tmp_path)
    connector.read()

    assert verbs(connector) == ["issued"]


@pytest.mark.parametrize("canonical", [signing.C14N, signing.EXCLUSIVE])
def test_a_signature_survives_the_feed_it_travels_in(canonical: str, site: Site, tmp_path: Path) -> None:
    police = signing.signer("police")
    police.pin(tmp_path / "police.pem")
    wrapped = (
        b'<f:alerts xmlns:f="urn:f">'
        + signing.sign(FIRST, police, canonical=canonical).partition(b"?>\n")[2]
        + b"</f:alerts>"
    )
    site.answers = {"/feed": Answer(body=wrapped)}
    connector = following(site, tmp_path, '[signature]\nmode = "required"\ncertificates = ["police.pem"]\n')
    connector.read()

    assert connector.published[0]["origin"]["signature"] == "valid"


def test_an_empty_feed_says_that_there_are_no_alerts(site: Site, tmp_path: Path) -> None:
    site.answers = {"/feed": Answer(body=atom())}

    assert unknown(following(site, tmp_path).read()) == []


BOMB = gzip.compress(b"<feed>" + b" " * 40_000_000)
FAILURES = {
    "http-500": Answer(status=500),
    "http-403": Answer(status=403),
    "http-204": Answer(status=204),
    "empty-body": Answer(body=b"  \n"),
    "timeout": Answer(waits=True),
    "not-xml": Answer(body=b"<html><p>Sorry</html>"),
    "not-a-feed": Answer(body=b"<html><p>Sorry</p></html>"),
    "dtd-forbidden": Answer(body=b'<!DOCTYPE a [<!ENTITY x "y">]><feed>&x;</feed>'),
    "too-large": Answer(body=BOMB, headers={"Content-Encoding": "gzip"}),
    "content-encoding": Answer(body=b"\x1f\x8b broken", headers={"Content-Encoding": "gzip"}),
    "redirects": Answer(status=302, headers={"Location": "/feed"}),
    "host-not-followed": Answer(status=302, headers={"Location": "http://127.0.0.2/feed"}),
    "connection": Answer(body=b"<feed", headers={"Content-Length": "100"}),
}


@pytest.mark.parametrize("code", FAILURES)
def test_a_feed_that_fails_is_unknown(code: str, site: Site, tmp_path: Path) -> None:
    site.answers = {"/feed": FAILURES[code]}

    with pytest.raises(SourceFailed) as failure:
        following(site, tmp_path, timeout_s=patience_s(code)).read()

    assert failure.value.code == code


def test_a_server_that_is_gone_is_unknown(tmp_path: Path) -> None:
    with serving() as site:
        connector = following(site, tmp_path)

    with pytest.raises(SourceFailed) as failure:
        connector.read()
    assert failure.value.code == "connection"


def test_a_packed_answer_is_unpacked(site: Site, tmp_path: Path) -> None:
    packed = gzip.compress(atom(entry(content=FIRST)))
    site.answers = {"/feed": Answer(body=packed, headers={"Content-Encoding": "gzip"})}
    connector = following(site, tmp_path)
    connector.read()

    assert verbs(connector) == ["issued"]


def test_an_answer_that_drips_is_not_waited_for(site: Site, tmp_path: Path) -> None:
    site.answers = {"/feed": Answer(body=atom(entry(content=FIRST)), drips=True)}

    with pytest.raises(SourceFailed) as failure:
        following(site, tmp_path, timeout_s=1).read()
    assert failure.value.code == "timeout"


@pytest.mark.parametrize("code", ["http-500", "empty-body", "timeout", "not-xml", "not-a-feed"])
def test_a_link_that_fails_is_unknown_and_the_others_go_on(code: str, site: Site, tmp_path: Path) -> None:
    listed = atom(entry("/2.xml", updated="2026-05-04T21:00:00Z"), entry("/1.xml"))
    site.answers = {"/feed": Answer(body=listed, etag='"1"'), "/1.xml": FAILURES[code], "/2.xml": Answer(body=UPDATE)}
    connector = following(site, tmp_path, timeout_s=patience_s(code))

    assert unknown(connector.read()) == [code]
    assert verbs(connector) == ["updated"]


def test_what_was_unknown_is_asked_for_again_though_the_feed_is_unchanged(site: Site, tmp_path: Path) -> None:
    site.answers = {"/feed": Answer(body=atom(entry("/1.xml")), etag='"1"'), "/1.xml": Answer(status=500)}
    connector = following(site, tmp_path)
    connector.read()
    site.answers["/1.xml"] = Answer(body=FIRST)
    connector.read()

    assert verbs(connector) == ["issued"]


def test_an_unchanged_feed_costs_one_short_answer(site: Site, tmp_path: Path) -> None:
    site.answers = {"/feed": Answer(body=atom(entry("/1.xml")), etag='"1"'), "/1.xml": Answer(body=FIRST)}
    connector = following(site, tmp_path)
    connector.read()
    site.asked.clear()

    assert connector.read() == []
    assert site.asked == ["/feed"]


def test_a_link_that_is_known_is_not_followed_again(site: Site, tmp_path: Path) -> None:
    site.answers = {"/feed": Answer(body=atom(entry("/1.xml"))), "/1.xml": Answer(body=FIRST)}
    connector = following(site, tmp_path)
    connector.read()
    site.asked.clear()
    connector.read()

    assert site.asked == ["/feed"]


def test_a_crash_before_publishing_asks_for_everything_again(site: Site, tmp_path: Path) -> None:
    site.answers = {"/feed": Answer(body=atom(entry("/1.xml")), etag='"1"'), "/1.xml": Answer(body=FIRST)}
    connector = following(site, tmp_path)
    connector.read(crash=True)
    connector.read()

    assert verbs(connector) == ["issued"]


@pytest.mark.parametrize(
    ("link", "code"),
    [
        ("http://127.0.0.2:9/x.xml", "host-not-followed"),
        ("https://metadata.example/x.xml", "host-not-followed"),
        ("file:///etc/passwd", "host-not-followed"),
        ("http://user@127.0.0.1/x.xml", "host-not-followed"),
        ("http://[broken", "host-not-followed"),
        ("", "no-link"),
    ],
)
def test_a_link_leads_nowhere_the_operator_did_not_allow(link: str, code: str, site: Site, tmp_path: Path) -> None:
    site.answers = {"/feed": Answer(body=atom(entry(link)))}

    assert unknown(following(site, tmp_path).read()) == [code]


def test_a_dead_host_is_given_up_on_before_it_takes_all_day(site: Site, tmp_path: Path) -> None:
    site.answers = {"/feed": Answer(body=atom(*(entry(f"/{n}.xml") for n in range(40))))}
    site.answers |= {f"/{n}.xml": Answer(waits=True) for n in range(40)}

    assert len(unknown(following(site, tmp_path, timeout_s=1).read())) == 40
    assert len(site.asked) == 4


def test_a_badly_signed_link_is_refused_for_its_sender_and_unknown_for_us(site: Site, tmp_path: Path) -> None:
    signing.signer("police").pin(tmp_path / "police.pem")
    site.answers = {"/feed": Answer(body=atom(entry("/1.xml")), etag='"1"'), "/1.xml": Answer(body=FIRST)}
    connector = following(site, tmp_path, '[signature]\nmode = "required"\ncertificates = ["police.pem"]\n')

    for _ in range(2):
        items = connector.read()
        assert (refused(items), unknown(items)) == ({"signature-missing"}, ["signature-failed"])


def test_a_broken_file_is_refused_once_and_the_others_go_on(tmp_path: Path) -> None:
    connector = Connector(tmp_path)
    connector.drop("broken.xml", FIRST[:-5])
    connector.drop("good.xml", FIRST)

    assert refused(connector.read()) == {"not-xml"}
    assert verbs(connector) == ["issued"]
    assert connector.read() == []


def test_an_empty_file_may_still_be_on_its_way(tmp_path: Path) -> None:
    connector = Connector(tmp_path)
    connector.drop("1.xml", b"")
    assert unknown(connector.read()) == ["empty-body"]

    connector.drop("1.xml", FIRST)
    connector.read()
    assert verbs(connector) == ["issued"]


def test_a_file_that_goes_away_while_it_is_read_is_unknown(tmp_path: Path) -> None:
    connector = Connector(tmp_path)
    (connector.inbox / "gone.xml").symlink_to(tmp_path / "nowhere")

    assert unknown(connector.read()) == ["unreadable"]


def test_other_files_in_the_folder_are_left_alone(tmp_path: Path) -> None:
    connector = Connector(tmp_path)
    connector.drop("notes.txt", b"not for you")

    assert connector.read() == []


@pytest.mark.parametrize("sections", ['[source]\nfolder = "no-such"\n', '[source]\nfile = "no-such.xml"\n'])
def test_a_source_that_is_not_there_is_unknown(sections: str, tmp_path: Path) -> None:
    with pytest.raises(SourceFailed):
        Connector(tmp_path, sections).read()


def test_an_index_in_a_folder_is_read_until_all_of_it_is_known(site: Site, tmp_path: Path) -> None:
    connector = Connector(tmp_path, f'[source]\nfolder = "inbox"\nallow_http = true\nfollow_hosts = ["{site.host}"]\n')
    connector.drop("index.xml", atom(entry(f"{site.url}/1.xml")))
    assert unknown(connector.read()) == ["http-404"]

    site.answers = {"/1.xml": Answer(body=FIRST)}
    connector.read()
    assert verbs(connector) == ["issued"]
    assert connector.read() == []


@pytest.mark.parametrize(
    ("path", "sections"),
    [
        ("/source", "[source]\n"),
        ("/source", '[source]\nurl = "https://x.example"\nfolder = "inbox"\n'),
        ("/source/url", '[source]\nurl = "http://x.example/feed"\n'),
        ("/source/url", '[source]\nurl = "ftp://x.example/feed"\n'),
        ("/source/colour", '[source]\nfolder = "inbox"\ncolour = "red"\n'),
        ("/signature/certificates", '[source]\nfolder = "inbox"\n[signature]\nmode = "required"\n'),
        ("/label/public/tlp", '[source]\nfolder = "inbox"\n[label.public]\ntlp = "white"\n'),
        ("/label/addresses/duty", '[source]\nfolder = "inbox"\n[label.addresses]\nduty = "Police!"\n'),
        ("/missing_child/events/x", '[source]\nfolder = "inbox"\n[missing_child.events]\nx = "SILVER"\n'),
        ("/places/schemes/x", '[source]\nfolder = "inbox"\n[places.schemes]\nx = "ZIP"\n'),
        (
            "/signature/certificates pins",
            '[source]\nfolder = "inbox"\n[signature]\nmode = "optional"\ncertificates = ["pins"]\n',
        ),
    ],
)
def test_a_wrong_setting_is_named_by_its_path(path: str, sections: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as wrong:
        Connector(tmp_path, sections).read()

    assert path in {flaw.path for flaw in wrong.value.flaws}


def test_nothing_keeps_running_after_a_reading(site: Site, tmp_path: Path) -> None:
    site.answers = {"/feed": Answer(body=atom())}
    before = threading.active_count()
    following(site, tmp_path).read()

    assert threading.active_count() <= before + 1  # the server's own answer to a kept connection
