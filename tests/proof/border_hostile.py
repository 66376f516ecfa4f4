"""A peer that holds the other node's key speaks to the running checkpoint, over the wire, as no peer should."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from uuid import uuid4

import httpx
import orjson
import trustme

from hub import signing
from hub.border.envelope import TYPE as ENVELOPE
from hub.border.envelope import Kind
from hub.border_keys import Signer
from hub.signing import seal
from tests.integration.border.test_hostile import LIES
from tests.integration.checkpoint.hostile import Hostile, refused_as
from tests.integration.checkpoint.test_hostile_peers import BODY, CASES
from tests.proof.border_load import at_gateway, readable
from tests.proof.border_post import Post
from tests.proof.border_scene import Part, Scene
from tests.proof.facts import Fact
from tests.support.waiting import until

CROSSES_S = 60.0
MAX_RECEIPT_CHARS = 10_000_000


@dataclass(frozen=True, slots=True)
class _Party:
    """A running node as `Hostile` knows the two."""

    node: Post
    signer: Signer
    client: None = None

    @property
    def folder(self) -> Path:
        return self.node.state

    @property
    def url(self) -> str:
        return self.node.told.border.url

    @property
    def authority(self) -> trustme.CA:
        return self.node.authority

    def clock(self) -> datetime:
        return _now()


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True, kw_only=True)
class _Attack:
    scene: Scene
    hostile: Hostile
    part: Part
    events: int = 0

    def row(self, what: str, wanted: str, found: str, is_well: bool) -> None:
        """A line of the table."""
        mark = "ok   " if found == wanted and is_well else "WRONG"
        print(f"  {mark}  {what:48} {found}{'' if found == wanted else f' instead of {wanted}'}", flush=True)
        self.part.require(f"hostile:{what}", found == wanted and is_well)

    def crosses(self) -> bool:
        """Whether the real node's next event comes through."""
        us, mx = self.scene.stage.both
        self.events += 1
        event = self.scene.writers[us.id].alert("issued", Fact(f"good-{self.events:03d}", 1), is_released=True)
        hub_id = str(at_gateway(us, us.poster, lambda gateway: gateway.publish(orjson.dumps(event)).id))
        query = "SELECT 1 FROM arrival WHERE event = %s::uuid AND outcome = 'stored'"
        until(lambda: mx.rows(query, hub_id), within_s=CROSSES_S, what="the next good event")
        until(self.rests, within_s=CROSSES_S, what="its receipt")
        return readable(mx, hub_id) is True

    def rests(self) -> bool:
        """Whether nothing is on its way from the real node."""
        us, mx = self.scene.stage.both
        ((out,),) = us.rows("SELECT out_seq FROM crossing WHERE out_seq = receipted") or [(None,)]
        return bool(mx.rows("SELECT 1 FROM crossing WHERE in_seq = %s", out)) and self._is_silent()

    def _is_silent(self) -> bool:
        """Whether nothing that was read is still to be told of."""
        before = [post.rows("SELECT out_seq, leaf FROM crossing") for post in self.scene.stage.both]
        time.sleep(1.0)
        return before == [post.rows("SELECT out_seq, leaf FROM crossing") for post in self.scene.stage.both]


def hostile(scene: Scene) -> Part:
    """Each attack with the reason that it was refused for; the real node's events come through after each."""
    us, mx = scene.stage.both
    began_s = time.monotonic()
    parties = (_Party(us, Signer(us.state, _now)), _Party(mx, Signer(mx.state, _now)))
    attack = _Attack(scene=scene, hostile=Hostile(*parties), part=Part())
    print("hostile: refused before anything of it counts", flush=True)
    attack.crosses()
    for what, (act, wanted) in CASES.items():
        before = attack.hostile.next
        answer = us.inside(partial(act, attack.hostile))
        attack.row(what, wanted, refused_as(answer), attack.hostile.next == before and attack.crosses())
    _replayed(attack)
    print("hostile: taken, and refused by their contents", flush=True)
    _lies(attack)
    print("hostile: a fork", flush=True)
    _fork(attack)
    _, most, after = scene.memory.between(began_s, time.monotonic())["mx-checkpoint"]
    attack.part.figures["attacked_checkpoint_mb"] = f"{most:.0f}/{after:.0f}"
    attack.part.figures["attacks"] = len(CASES) + len(LIES) + 3
    attack.part.figures["good_events_meanwhile"] = attack.events
    return attack.part


def _replayed(attack: _Attack) -> None:
    """What came before comes again, as it was signed."""
    us, mx = attack.scene.stage.both
    ((head, body),) = us.rows("SELECT head, body FROM departure WHERE seq = 1")
    sealed = attack.hostile.envelopes("{}")[0]
    old = replace(sealed, head=replace(sealed.head, seq=1), signed=str(head), body=str(body))
    counts = "SELECT (SELECT count(*) FROM event), (SELECT count(*) FROM arrival), in_seq, in_hash FROM crossing"
    before = mx.rows(counts)
    answer = us.inside(lambda: attack.hostile.send([old], first=1))
    attack.row(
        "a sequence rolled back, as it was: no effect", "200", str(answer.status_code), mx.rows(counts) == before
    )


def _lies(attack: _Attack) -> None:
    us, mx = attack.scene.stage.both
    query = (
        "SELECT body FROM departure WHERE kind = 'event' AND outcome = 'stored' AND seq > 0 ORDER BY seq DESC LIMIT 1"
    )
    ((good,),) = us.rows(query)
    for what, (change, code) in LIES.items():
        body = orjson.loads(str(good))
        name = f"lie-{uuid4()}"
        body |= {"event": str(uuid4()), "id": name}
        texts = {one: orjson.loads(text) | {"id": name} for one, text in body["texts"].items()}
        body["texts"] = {one: orjson.dumps(text).decode() for one, text in texts.items()}
        change(body)
        sealed = attack.hostile.envelopes(orjson.dumps(body).decode(), kind=Kind.EVENT)
        before = mx.rows("SELECT count(*) FROM event")
        answer = us.inside(partial(attack.hostile.send, sealed))
        outcomes = signing.claimed(answer.text, max_chars=MAX_RECEIPT_CHARS)["outcomes"]
        attack.row(what, f"refused:{code}", str(outcomes[0][1]), mx.rows("SELECT count(*) FROM event") == before)


def _fork(attack: _Attack) -> None:
    """Its sequences are not the real node's any more; both stop, and both begin again when their operators say so."""
    us, mx = attack.scene.stage.both
    (known,) = attack.hostile.envelopes(BODY)
    us.inside(lambda: attack.hostile.send([known]))
    head = replace(known.head, body=known.head.body, previous=bytes(32))
    forked = replace(known, head=head, signed=seal(attack.hostile.key, head.payload, ENVELOPE))
    answer = us.inside(lambda: attack.hostile.send([forked], first=head.seq))
    attack.row("another envelope in a place that is taken", "fork", _code(answer), _state(mx) == "stopped")
    answer = us.inside(lambda: attack.hostile.send([]))
    attack.row("anything after that", "stopped", _code(answer), is_well=True)
    until(lambda: _state(us) == "stopped", within_s=CROSSES_S, what="the stop on the other side")
    for post, other in ((mx, us), (us, mx)):
        post.does("peer", "resume", other.id)
    attack.part.require("hostile:works-after-resume", _resumed(attack))


def _resumed(attack: _Attack) -> bool:
    try:
        return attack.crosses()
    except AssertionError as error:
        for post in attack.scene.stage.both:
            print(
                f"  {post.id}:",
                post.rows("SELECT p.state, p.reason, c.failure FROM peer p JOIN crossing c ON c.peer = p.node"),
            )
        print(f"  {error}", flush=True)
        return False


def _state(post: Post) -> str:
    return str(post.rows("SELECT state FROM peer")[0][0])


def _code(answer: httpx.Response) -> str:
    return refused_as(answer) if answer.status_code >= 400 else str(answer.status_code)
