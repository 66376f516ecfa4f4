"""The two roles that row security speaks of. They belong to the whole server, so no dump of a database holds them."""

from __future__ import annotations

from hub.store import GATEWAY_ROLE, connect

WORKER_ROLE = "puente_worker"

# Several nodes may be made on one server at once. Who may not create roles has both created beforehand, and granted to
# the role that the hub logs in as: the gateways' to become, the workers' to have the rights of.
_MAKE = f"""
DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['{GATEWAY_ROLE}', '{WORKER_ROLE}'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN NOINHERIT', wanted);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL; -- another node was faster
            END;
        END IF;
    END LOOP;
    IF NOT pg_has_role(current_user, '{GATEWAY_ROLE}', 'SET') THEN
        EXECUTE format('GRANT {GATEWAY_ROLE} TO %I WITH INHERIT FALSE, SET TRUE', current_user);
    END IF;
    IF NOT pg_has_role(current_user, '{WORKER_ROLE}', 'USAGE') THEN
        EXECUTE format('GRANT {WORKER_ROLE} TO %I WITH INHERIT TRUE, SET FALSE', current_user);
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname IN ('{GATEWAY_ROLE}', '{WORKER_ROLE}')
                  AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication)) THEN
        RAISE EXCEPTION 'a role of the hub has rights that it must not have';
    END IF;
END $$
"""  # noqa: S608 - constants only


def make_roles(url: str) -> None:
    """
    Make them, where they are not there yet.

    Raises:
        Unavailable: the database is away.
    """
    with connect(url, name="puente-migrate") as conn:
        conn.execute(_MAKE)
