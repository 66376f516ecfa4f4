"""`/openapi.json`: every route is in it, and what it says can be followed."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.support.node import Desk, Node, missing_child

# In OpenAPI a path is templated; the pages of the documentation itself are no API.
NOT_DESCRIBED = ("/openapi", "/docs")
METHODS = ("get", "post", "put", "patch", "delete")


@pytest.fixture
def document(node: Node) -> dict[str, Any]:
    answer = node.client.get("/openapi.json")
    assert answer.status_code == 200
    return dict(answer.get_json())


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    methods = document["paths"].items()
    return [(path, method, told) for path, all_ in methods for method, told in all_.items() if method in METHODS]


def references(part: Any) -> list[str]:
    if isinstance(part, dict):
        own = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
        return own + [found for inner in part.values() for found in references(inner)]
    return [found for inner in part for found in references(inner)] if isinstance(part, list) else []


def test_it_is_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    assert document["info"]["title"] == "Puente, node us"
    assert document["info"]["version"] == "v1"


def test_every_route_is_in_it_with_every_method(node: Node, document: dict[str, Any]) -> None:
    described = {(path, method.upper()) for path, method, _ in operations(document)}

    served = {
        (re.sub(r"<(?:[a-z]+:)?([a-z_]+)>", r"{\1}", rule.rule), method)
        for rule in node.app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if not rule.rule.startswith(NOT_DESCRIBED)
    }
    assert described == served


def test_every_reference_leads_somewhere(node: Node, document: dict[str, Any]) -> None:
    for reference in set(references(document)):
        if reference.startswith("#/"):
            part: Any = document
            for step in reference.removeprefix("#/").split("/"):
                part = part[step]
        else:
            assert node.client.get(reference).status_code == 200, reference


def test_every_parameter_of_a_path_is_described(document: dict[str, Any]) -> None:
    for path, methods in document["paths"].items():
        of_path = methods.get("parameters", [])
        for method, operation in methods.items():
            if method in METHODS:
                named = {one["name"] for one in of_path + operation.get("parameters", []) if one["in"] == "path"}
                assert named == set(re.findall(r"{(\w+)}", path)), path


def test_every_operation_says_what_it_is_for_and_what_it_answers(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        assert operation.get("summary") or operation.get("description"), (method, path)
        assert any(status.startswith("2") for status in operation["responses"]), (method, path)


def test_what_needs_no_token_says_so(document: dict[str, Any]) -> None:
    assert document["security"] == [{"token": []}]
    free = {path for path, _, operation in operations(document) if operation.get("security") == []}

    assert {path for path in document["paths"] if not path.startswith("/v1")} == free


def test_answers_have_the_members_that_are_described(police: Desk, shelter: Desk, document: dict[str, Any]) -> None:
    hub_id = police.publish(missing_child(subject="s"))
    police.node.sequence()
    police.post("/v1/events", b"{")
    paths = {
        "/v1/feed": "/v1/feed",
        "/v1/me": "/v1/me",
        "/v1/alerts/active": "/v1/alerts/active",
        "/v1/acks/due": "/v1/acks/due",
        "/v1/rejections": "/v1/rejections",
        "/v1/events/{hub_id}": f"/v1/events/{hub_id}",
        "/v1/cases/{subject}": "/v1/cases/s",
    }
    for template, path in paths.items():
        content = document["paths"][template]["get"]["responses"]["200"]["content"]["application/json"]
        described = document["components"]["schemas"][content["schema"]["$ref"].rpartition("/")[2]]
        found = shelter.get(path).get_json()
        assert set(described["required"]) <= found.keys() <= described["properties"].keys(), template


def test_the_documentation_page_loads_nothing_from_elsewhere(node: Node) -> None:
    page = node.client.get("/docs/").text

    assert "swagger" in page
    assert not re.findall(r"(?:src|href)=[\"'](?:https?:)?//", page)
