"""`cpu`: what a publish costs the gateway's processor, beside the least that the same work can cost in Python."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable

import orjson
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from hub import main
from schemas import registry
from schemas.envelope import ENVELOPE
from tests.benchmark import machine, samples
from tests.benchmark.load import drive
from tests.benchmark.node import Node, Stage, running
from tests.benchmark.publish import PROCESSES, publishes, settle
from tests.benchmark.report import Section, of_rounds, ratio

ROUNDS = 5
ROUND_S = 3.0
FLOOR_TIMES = 1000


def floor_work(node: Node) -> Callable[[], None]:
    """One raw ES256 verification of the publisher's token, one parse and one stock marshmallow load of its event."""
    signed, _, signature = node.token(samples.PUBLISHER).rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    key, algorithm, message = main.issuer(node.told).key.public, ec.ECDSA(hashes.SHA256()), signed.encode()
    _, body = next(samples.bodies())

    def work() -> None:
        key.verify(der, message, algorithm)
        event = orjson.loads(body)
        data = event.pop("data")
        ENVELOPE.load(event)
        registry.BODIES[event["type"]].load(data)

    return work


def measure(stage: Stage) -> Section:
    """Tokens are verified anew for each request on both sides."""
    ours: list[float] = []
    floor: list[float] = []
    with running(stage, "cpu", PROCESSES, gateway_token_cache=0) as node:
        work = floor_work(node)
        drive(node.port, publishes(node), seconds=2.0)
        for _ in range(ROUNDS):
            ours.append(_gateway_us(node))
            settle(node)
            with machine.paused(node.fleet.pids().values()):
                floor.append(_cpu_us(work))
    times = ratio(ours, floor)
    figures = [
        of_rounds("cpu", "us/publish", ours, ratio=times, reference="the floor", aim="<= 3"),
        of_rounds("cpu.floor", "us/publish", floor),
    ]
    conditions = [
        "cpu: user and system time of all gateway processes over requests served, 8 connections; token cache off, "
        "policy, validation, audit and metrics on.",
        "floor: raw ES256 verification of the same token, orjson parse and stock marshmallow load of the same 2 KB "
        "event, one thread, no HTTP, no SQL.",
    ]
    title = "processor time of the gateway per publish"
    return Section(name="cpu", title=title, conditions=conditions, figures=figures)


def _gateway_us(node: Node) -> float:
    gateway = node.fleet.pids()["gateway"]
    before = machine.cpu_s(gateway)
    done = drive(node.port, publishes(node), seconds=ROUND_S).done
    return (machine.cpu_s(gateway) - before) / done * 1e6


def _cpu_us(work: Callable[[], None]) -> float:
    for _ in range(100):
        work()
    before = time.process_time()
    for _ in range(FLOOR_TIMES):
        work()
    return (time.process_time() - before) / FLOOR_TIMES * 1e6
