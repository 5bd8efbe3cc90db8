"""A pair for pcs (0.11): commands that change a copy of the configuration, which the last one makes valid at once."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping

from lvs_init.ha.pacemaker import Operation, Pair, Primitive


def commands(pair: Pair, copy: str) -> Iterator[str]:
    """Lines for sh, each word quoted where it has to be. ``copy``: a file that may be made and removed."""
    yield shlex.join(["pcs", "cluster", "cib", copy])
    for words in changes(pair):
        yield shlex.join(["pcs", "-f", copy, *words])
    yield shlex.join(["pcs", "cluster", "cib-push", copy])


def changes(pair: Pair) -> Iterator[list[str]]:
    """Words after ``pcs -f FILE``."""
    for device, node in pair.fences:
        yield [
            "stonith", "create", device.name, device.agent.partition(":")[2], *_pairs(device.parameters),
            *_operations(device),
        ]  # fmt: skip
        if node:
            yield ["constraint", "location", device.name, "avoids", node]
    for primitive in pair.primitives[len(pair.fences) :]:
        yield ["resource", "create", primitive.name, primitive.agent, *_pairs(primitive.parameters), *_rest(primitive)]
    clone = pair.director.clone_name
    rule = ["constraint", "location", clone, "rule"]
    if pair.ping:
        what = ["not_defined", "pingd", "or", "pingd", "lte", "0"]
        yield [*rule, f"id={pair.director.name}-needs-ping", "role=Promoted", "score=-INFINITY", *what]
    if pair.preferred:
        who = ["#uname", "eq", pair.preferred]
        name = f"id={pair.director.name}-prefers-{pair.preferred}"
        yield [*rule, name, "role=Promoted", f"score={pair.preference}", *who]
    if pair.vips:
        group = pair.vips[0].group
        yield ["constraint", "colocation", "add", group, "with", "Promoted", clone, "INFINITY"]
        yield ["constraint", "order", "promote", clone, "then", "start", group]
    yield ["property", "set", *_pairs(pair.properties)]
    yield ["resource", "defaults", "update", *_pairs(pair.defaults)]


def _rest(primitive: Primitive) -> Iterator[str]:
    yield from _operations(primitive)
    if primitive.meta:
        yield from ("meta", *_pairs(primitive.meta))
    if primitive.clone is not None:
        attributes = dict(primitive.clone)
        yield "promotable" if attributes.pop("promotable", "") == "true" else "clone"
        yield from _pairs(attributes)
    if primitive.group:
        yield from ("--group", primitive.group)


def _operations(primitive: Primitive) -> Iterator[str]:
    for operation in primitive.operations:
        yield from ("op", operation.name, *_operation(operation))


def _operation(operation: Operation) -> Iterator[str]:
    if operation.interval:
        yield f"interval={operation.interval}s"
    yield f"timeout={operation.timeout}s"
    if operation.role:
        yield f"role={operation.role}"


def _pairs(values: Mapping[str, str]) -> list[str]:
    return [f"{name}={value}" for name, value in values.items()]
