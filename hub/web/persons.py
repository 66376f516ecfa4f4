"""`/v1/persons`: who acts for an agency, under their own name and key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_smorest import Blueprint

from hub import persons
from hub.agency_rows import KeySchema, PersonSchema, ReasonSchema, RolesSchema
from hub.grant_rows import Row
from hub.web import people_shapes, shapes
from hub.web.auth import act
from hub.web.bodies import page, read_row
from hub.web.queries import takes
from hub.web.versions import expected_version, versioned

if TYPE_CHECKING:
    from flask import Response

    from hub.directory import Person
    from hub.reading import Asking
    from hub.store import Connection

bp = Blueprint("persons", __name__, url_prefix="/v1", description="Named people and their roles")

NEW, ROLES, KEY, REASON, NOTHING = PersonSchema(), RolesSchema(), KeySchema(), ReasonSchema(), Row()


@bp.get("/persons")
@takes(bp, people_shapes.OfAgencyQuery)
@bp.response(200, people_shapes.Persons)
def list_persons(agency: str | None, after: str, limit: int) -> Response:
    """People in order of ids: an operator sees all, others those of their own agency."""

    def read(conn: Connection, asking: Asking) -> list[Person]:
        return persons.list_persons(conn, asking, agency=agency, after=after, limit=limit)

    return page("persons", [persons.shown(person) for person in act(read)], key="id", limit=limit)


@bp.post("/persons")
@bp.doc(**shapes.body("Person"))
@bp.response(201, people_shapes.PersonShape)
def enrol_person() -> Response:
    """Propose a person with the public half of their key; they count once somebody else has confirmed it."""
    person, pem = read_row(NEW)
    done = act(lambda conn, asking: persons.enrol(conn, asking, person, pem))
    response = versioned(persons.shown(done), 201)
    response.headers["Location"] = f"/v1/persons/{done.id}"
    return response


@bp.get("/persons/<person_id>")
@takes(bp)
@bp.response(200, people_shapes.PersonShape)
def show_person(person_id: str) -> Response:
    """One person; its `ETag` goes into the `If-Match` of a change."""
    return versioned(persons.shown(act(lambda conn, asking: persons.read_person(conn, asking, person_id))))


@bp.post("/persons/<person_id>/confirmation")
@bp.doc(**shapes.body("Nothing", if_match=True))
@bp.response(200, people_shapes.PersonShape)
def confirm_person(person_id: str) -> Response:
    """Stand behind what somebody else proposed of this person: the enrolment, a further role, another key."""
    read_row(NOTHING)
    expected = expected_version()
    return versioned(
        persons.shown(act(lambda conn, asking: persons.confirm(conn, asking, person_id, expected=expected)))
    )


@bp.put("/persons/<person_id>/roles")
@bp.doc(**shapes.body("Roles", if_match=True))
@bp.response(200, people_shapes.PersonShape)
def set_roles(person_id: str) -> Response:
    """Give a person these roles. Taking away counts at once; a further role waits for somebody else's confirmation."""
    roles = read_row(ROLES)["roles"]
    expected = expected_version()
    return versioned(
        persons.shown(act(lambda conn, asking: persons.set_roles(conn, asking, person_id, roles, expected=expected)))
    )


@bp.put("/persons/<person_id>/key")
@bp.doc(**shapes.body("Key", if_match=True))
@bp.response(200, people_shapes.PersonShape)
def set_key(person_id: str) -> Response:
    """Another key; earlier tokens are void. One's own counts at once, one that an administrator brings waits."""
    pem = read_row(KEY)["key"]
    expected = expected_version()
    return versioned(
        persons.shown(act(lambda conn, asking: persons.set_key(conn, asking, person_id, pem, expected=expected)))
    )


@bp.post("/persons/<person_id>/end")
@bp.doc(**shapes.body("Reason"))
@bp.response(200, people_shapes.PersonShape)
def disable_person(person_id: str) -> Response:
    """Disable a person, at once and whatever its version; oneself as well."""
    reason = read_row(REASON)["reason"]
    return versioned(persons.shown(act(lambda conn, asking: persons.disable(conn, asking, person_id, reason))))
