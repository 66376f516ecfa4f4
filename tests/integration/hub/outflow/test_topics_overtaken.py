"""What is on record for one topic when the rules move on before another one's turn: it goes out all the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hub.grants import Selector
from tests.support.node import Desk, Node, missing_child
from tests.support.outflowing import Outs, Reader, headers


@contextmanager
def rules_move_on_after(reader: Reader) -> Iterator[None]:
    """As if somebody changed a grant at the very moment when something more of this topic is put on record."""
    node: Node = reader.outs.works.node
    node.rows(
        """
        CREATE FUNCTION move_on() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            UPDATE directory SET version = version + 1;
            RETURN NULL;
        END $$
        """
    )
    node.rows(
        "CREATE TRIGGER move_on AFTER UPDATE ON out_topic FOR EACH ROW"
        f" WHEN (NEW.agency = '{reader.agency.id}' AND NEW.seq > OLD.seq) EXECUTE FUNCTION move_on()"
    )
    try:
        yield
    finally:
        node.rows("DROP FUNCTION move_on CASCADE")


def test_what_is_on_record_is_written_though_the_rules_move_on_before_the_next_topic(outs: Outs, police: Desk) -> None:
    first, second = outs.join("us-ca-first"), outs.join("us-ca-second")

    with rules_move_on_after(first):
        published = police.publish(missing_child())
        first.has(published)

    second.has(published)


def test_what_comes_again_is_written_though_the_rules_move_on_before_the_next_topic(outs: Outs, police: Desk) -> None:
    reader = outs.join("us-ca-again", types=("alert.missing_child.issued",))
    outs.give("again-updates", reader=Selector(agency=reader.agency.id), types=("alert.missing_child.updated",))
    outs.join("us-ca-behind")
    stays, goes = police.publish(missing_child()), police.publish(missing_child("updated"))
    reader.has(stays, goes)

    with rules_move_on_after(reader):
        outs.take("again-updates")

        (record,) = reader.has(stays)
    assert headers(record)["again"] == "1"
