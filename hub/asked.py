"""What a reader of the feed asks for in a query, read strictly: where to go on, how much, and what is wanted. Pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from marshmallow import RAISE, ValidationError, fields, post_load, pre_load, validate

from hub.filter_rows import FILTER
from hub.fitting import Explained
from schemas.complaints import REPEATED
from schemas.envelope import STATUSES

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_CHARS = 4000  # of one list; a list that is longer belongs into a subscription
LONGEST_WAIT_S = 60
_LISTS = ("types", "jurisdictions", "changes")
_FILTERING = (*_LISTS, "subject", "severity", "urgency", "status", "own")


def refuse_repeated(names: Iterable[str]) -> None:
    """
    For `names` as they stand in a query, in which each may be once.

    Raises:
        ValidationError: what is there more than once.
    """
    repeated = {name: [REPEATED] for name, times in Counter(names).items() if times > 1}
    if repeated:
        raise ValidationError(repeated)


class Query(Explained):
    """Query parameters; an unknown or repeated one is an error, or a misspelt filter would silently widen an answer."""

    class Meta:
        unknown = RAISE

    @pre_load
    def _once_each(self, data: Any, **_: Any) -> Any:
        if (sent := getattr(data, "data", None)) is not None:  # what webargs wraps: werkzeug's MultiDict
            refuse_repeated(name for name, _ in sent.items(multi=True))
        return data


def _about(text: str) -> dict[str, str]:
    return {"description": text}


class WantedQuery(Query):
    """
    What is wanted, as `wanted`: a `Filter`, the same as subscriptions have. Lists are separated by commas.

    Without any of it comes everything that the reader may see, its own events included.
    """

    types = fields.String(
        validate=validate.Length(1, MOST_CHARS), metadata=_about("`alert.*,case.trafficking.opened`; default: all")
    )
    jurisdictions = fields.String(
        validate=validate.Length(1, MOST_CHARS), metadata=_about("`US-CA,MX-BCN`: what touches one of them")
    )
    subject = fields.String(metadata=_about("of one alert or case"))
    severity = fields.String(metadata=_about("the least: Minor, Moderate, Severe, Extreme; an end always comes"))
    urgency = fields.String(metadata=_about("the least: Past, Future, Expected, Immediate; an end always comes"))
    changes = fields.String(
        validate=validate.Length(1, MOST_CHARS), metadata=_about("of new, updated, cancelled, located; default: all")
    )
    status = fields.String(load_default="actual", validate=validate.OneOf(STATUSES))
    own = fields.Boolean(load_default=True, truthy={"true"}, falsy={"false"}, metadata=_about("own events as well"))

    @post_load
    def _filter(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        told = {name: data.pop(name) for name in _FILTERING if name in data}
        told |= {name: told[name].split(",") for name in _LISTS if name in told}
        return data | {"wanted": FILTER.load(told)}


class FeedQuery(WantedQuery):
    """Where to go on reading, how much at a time, and how long to wait where there is nothing yet."""

    after = fields.String(load_default="", validate=validate.Length(max=200))
    limit = fields.Integer(load_default=100, validate=validate.Range(1, 500))
    wait = fields.Integer(
        load_default=0,
        validate=validate.Range(0, LONGEST_WAIT_S),
        metadata=_about("seconds; an empty page when nothing has come by then"),
    )


class StreamQuery(WantedQuery):
    """Where a stream begins where there is no `Last-Event-ID`; without either from now on."""

    after = fields.String(
        load_default=None, validate=validate.Length(max=200), metadata=_about("a cursor; empty: the first event")
    )
