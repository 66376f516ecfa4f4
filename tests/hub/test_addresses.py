"""Addresses of webhooks: public ones pass in one normal form, and no spelling of any other does."""

from __future__ import annotations

import ipaddress
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.addresses import MAX_CHARS, Network, allowed, endpoint, networks
from hub.errors import Invalid
from tests.support.private_addresses import SPELLINGS

INSIDE = networks(["10.1.0.0/16", "fd12::/32"])
SPECIAL_4 = [
    "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24",
    "192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4",
]
SPECIAL_6 = [
    "::/96 ::ffff:0:0:0/96 64:ff9b::/96 64:ff9b:1::/48 100::/64 2001::/32 2001:2::/48 2001:10::/28 2001:20::/28",
    "2001:db8::/32 2002::/16 3fff::/20 5f00::/16 fc00::/7 fe80::/10 fec0::/10 ff00::/8",
]


def within(lines: list[str]) -> st.SearchStrategy[IPv4Address | IPv6Address]:
    """Any address of any of these networks."""
    return st.sampled_from([ipaddress.ip_network(each) for line in lines for each in line.split()]).flatmap(
        lambda network: st.integers(0, network.num_addresses - 1).map(lambda n: network[n])
    )


def code(url: str, allow_networks: tuple[Network, ...] = ()) -> str:
    """What is wrong with an address."""
    with pytest.raises(Invalid) as refused:
        endpoint(url, allow_networks)
    (flaw,) = refused.value.flaws
    assert flaw.path == "/url"
    return flaw.code


@given(within(SPECIAL_4))
def test_no_special_ipv4_address_passes(address: IPv4Address) -> None:
    assert not allowed(address, ())


@given(within(SPECIAL_6))
def test_no_special_ipv6_address_passes(address: IPv6Address) -> None:
    assert not allowed(address, ())


@given(st.ip_addresses(v=4))
def test_what_passes_is_global_to_python_too(address: IPv4Address) -> None:
    assert not allowed(address, ()) or address.is_global


@given(st.integers(0, 2**125 - 1).map(lambda n: IPv6Address((1 << 125) + n)))
def test_what_passes_of_ipv6_is_global_to_python_too(address: IPv6Address) -> None:
    assert not allowed(address, ()) or address.is_global


@given(st.ip_addresses(v=4))
def test_a_mapped_address_is_judged_as_what_it_is_mapped_to(address: IPv4Address) -> None:
    assert allowed(IPv6Address(f"::ffff:{address}"), ()) == allowed(address, ())


@pytest.mark.parametrize(
    "address",
    [
        *("1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255"),
        *("128.0.0.1", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.169.0.0", "198.17.255.255", "198.20.0.0"),
        *("223.255.255.255", "2000::1", "2001:200::1", "2003::1", "2606:4700:4700::1111", "2a00:1450:4001:81c::200e"),
        "::ffff:8.8.8.8",
    ],
)
def test_public_addresses_pass(address: str) -> None:
    assert allowed(ipaddress.ip_address(address), ())


def test_the_operator_may_name_a_network() -> None:
    judged = [allowed(ipaddress.ip_address(each), INSIDE) for each in ("10.1.2.3", "::ffff:10.1.2.3", "fd12::1")]

    assert judged == [True, True, True]


def test_naming_a_network_opens_no_other() -> None:
    judged = [allowed(ipaddress.ip_address(each), INSIDE) for each in ("10.2.0.1", "127.0.0.1", "fd13::1")]

    assert judged == [False, False, False]


@pytest.mark.parametrize("address", ["2606:4700::1%eth0", "fd12::1%1", "::1%lo"])
def test_an_address_with_an_interface_never_passes(address: str) -> None:
    assert not allowed(IPv6Address(address), (*INSIDE, IPv6Network("::/0")))


def test_a_network_with_bits_behind_its_prefix_is_refused() -> None:
    with pytest.raises(ValueError, match="host bits set"):
        networks(["10.1.0.1/16"])


@pytest.mark.parametrize("host", SPELLINGS)
def test_no_spelling_of_a_private_address_is_registered(host: str) -> None:
    assert code(f"https://{host}/hook") in ("address-not-public", "url-host")


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("https://example.org", "https://example.org/"),
        ("HTTPS://Example.ORG./Hook", "https://example.org/Hook"),
        ("https://example.org:443/hook?a=1&b=%2F", "https://example.org/hook?a=1&b=%2F"),
        ("https://example.org:8443?a", "https://example.org:8443/?a"),
        ("https://example.org:/", "https://example.org/"),
        ("https://búsqueda.example/aviso/ñ", "https://xn--bsqueda-61a.example/aviso/%C3%B1"),
        ("https://straße.example/", "https://xn--strae-oqa.example/"),
        ("https://8.8.8.8./", "https://8.8.8.8/"),
        ("https://[2606:4700:0::1111]/", "https://[2606:4700::1111]/"),
        ("https://a--b.example/{x}", "https://a--b.example/%7Bx%7D"),
    ],
)
def test_an_address_has_one_normal_form(written: str, normal: str) -> None:
    assert endpoint(written).url == normal


@pytest.mark.parametrize("url", ["https://búsqueda.example/ñ?ü", "https://[2606:4700::1111]:8443/a%20b"])
def test_the_normal_form_is_its_own(url: str) -> None:
    assert endpoint(endpoint(url).url) == endpoint(url)


@pytest.mark.parametrize(
    ("url", "flaw"),
    [
        ("https://example.org/" + "x" * MAX_CHARS, "url-too-long"),
        ("https://example.org/" + "ñ" * 400, "url-too-long"),
        ("", "not-a-url"),
        ("example.org/hook", "not-a-url"),
        ("//example.org/hook", "not-a-url"),
        ("https:example.org", "not-a-url"),
        ("https:/example.org", "not-a-url"),
        (" https://example.org", "not-a-url"),
        ("https://example.org/a b", "not-a-url"),
        ("https://example.org/\n", "not-a-url"),
        ("https://exam\tple.org/", "not-a-url"),
        ("https://example.org\\@127.0.0.1/", "not-a-url"),
        ("https://exam\u00adple.org/", "not-a-url"),
        ("http://example.org/", "not-tls"),
        ("http://8.8.8.8/", "not-tls"),
        ("ftp://example.org/", "not-tls"),
        ("file:///etc/passwd", "not-tls"),
        ("gopher://example.org/", "not-tls"),
        ("wss://example.org/", "not-tls"),
        ("https://user@example.org/", "url-userinfo"),
        ("https://user:secret@example.org/", "url-userinfo"),
        ("https://example.org@127.0.0.1/", "url-userinfo"),
        ("https://@example.org/", "url-userinfo"),
        ("https://example.org/#", "url-fragment"),
        ("https://example.org#@127.0.0.1/", "url-fragment"),
        ("https://", "url-host"),
        ("https:///hook", "url-host"),
        ("https://:443/", "url-host"),
        ("https://[::1/", "url-host"),
        ("https://::1/", "url-host"),
        ("https://[]/", "url-host"),
        ("https://[8.8.8.8]/", "url-host"),
        ("https://[2606:4700::1]x/", "url-host"),
        ("https://example.org:443:443/", "url-host"),
        ("https://example.org:x/", "url-host"),
        ("https://example.org:４４３/", "url-host"),
        ("https://example.org:-1/", "url-host"),
        ("https://intranet/", "url-host"),
        ("https://exa_mple.org/", "url-host"),
        ("https://-example.org/", "url-host"),
        ("https://example..org/", "url-host"),
        ("https://.example.org/", "url-host"),
        ("https://example.org../", "url-host"),
        ("https://" + "a" * 64 + ".org/", "url-host"),
        ("https://" + "a." * 127 + "org/", "url-host"),
        ("https://example.123/", "url-host"),
        ("https://1.2.3.4.5/", "url-host"),
        ("https://example.org%00.example/", "url-host"),
        ("https://xn--.ñ/", "url-host"),
    ],
)
def test_what_is_no_address_for_webhooks_is_refused_with_its_reason(url: str, flaw: str) -> None:
    assert code(url) == flaw


@pytest.mark.parametrize("port", [0, 1, 22, 25, 79, 444, 1023, 2375, 3306, 5432, 6379, 9092, 27017, 65536, 10**30])
def test_ports_of_other_protocols_are_refused(port: int) -> None:
    assert code(f"https://example.org:{port}/") == "url-port"


@pytest.mark.parametrize("port", [80, 443, 1024, 3000, 8080, 8443, 65535])
def test_ports_of_http_pass(port: int) -> None:
    assert endpoint(f"https://example.org:{port}/").port == port


@pytest.mark.parametrize("url", ["http://10.1.2.3/", "http://[fd12::1]/", "http://receiver:8080/", "https://10.1.2.3/"])
def test_a_named_network_is_reached_with_and_without_tls(url: str) -> None:
    assert endpoint(url, INSIDE).url == url


@pytest.mark.parametrize("url", ["http://10.2.0.1/", "https://10.2.0.1/", "http://127.0.0.1/"])
def test_a_network_beside_the_named_one_is_not_reached(url: str) -> None:
    assert code(url, INSIDE) == "address-not-public"


def test_a_public_address_gets_nothing_in_the_clear_even_where_a_network_is_named() -> None:
    assert code("http://8.8.8.8/", INSIDE) == "not-tls"


@given(st.ip_addresses(v=4, network=IPv4Network("10.0.0.0/8")), st.sampled_from(["{}", "{:#x}", "0{:o}"]))
def test_no_number_stands_for_an_address(address: IPv4Address, form: str) -> None:
    assert code(f"https://{form.format(int(address))}/") == "url-host"


@given(
    st.text(max_size=40), st.sampled_from(["https://{}/", "https://{}", "{}", "https://a.example:{}", "https://[{}]/"])
)
def test_anything_at_all_is_refused_or_has_a_normal_form(text: str, form: str) -> None:
    try:
        found = endpoint(form.format(text))
    except Invalid:
        return

    assert endpoint(found.url) == found
