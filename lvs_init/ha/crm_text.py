"""A pair for the crm shell (crmsh 4): what ``crm configure load update`` reads, all of it or nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from lvs_init.ha.pacemaker import Operation, Pair, Primitive

_PLAIN = re.compile(r"[A-Za-z0-9_./:,-]+")


def commands(pair: Pair) -> Iterator[str]:
    """Lines for sh; the here-document's end is quoted, so that the shell leaves everything in it alone."""
    yield "crm configure load update - <<'END'"
    yield from definitions(pair)
    yield "END"
    yield "crm configure verify"


def definitions(pair: Pair) -> Iterator[str]:
    """Lines for crm."""
    for primitive in pair.primitives:
        yield _primitive(primitive)
        if primitive.clone is not None:
            yield f"clone {primitive.clone_name} {primitive.name} meta {_pairs(primitive.clone)}"
    clone = pair.director.clone_name
    for device, node in pair.fences:
        if node:
            yield f"location {device.name}-elsewhere {device.name} -inf: {node}"
    if pair.ping:
        rule = "rule $role=Promoted -inf: not_defined pingd or pingd lte 0"
        yield f"location {pair.director.name}-needs-ping {clone} {rule}"
    if pair.preferred:
        rule = f"rule $role=Promoted {pair.preference}: #uname eq {pair.preferred}"
        yield f"location {pair.director.name}-prefers-{pair.preferred} {clone} {rule}"
    if pair.vips:
        group = pair.vips[0].group
        yield f"group {group} {' '.join(vip.name for vip in pair.vips)}"
        yield f"colocation {group}-with-director inf: {group} {clone}:Promoted"
        yield f"order {group}-after-director Mandatory: {clone}:promote {group}:start"
    yield f"property {_pairs(pair.properties)}"
    yield f"rsc_defaults {_pairs(pair.defaults)}"


def impossible(value: str) -> bool:
    """Whether crm's own reader cannot be given this value (seen with crmsh 4.4.1)."""
    return value.endswith("\\") or '\\"' in value


def _primitive(primitive: Primitive) -> str:
    parts = [f"primitive {primitive.name} {primitive.agent}"]
    if primitive.parameters:
        parts.append(f"params {_pairs(primitive.parameters)}")
    parts += [_operation(operation) for operation in primitive.operations]
    if primitive.meta:
        parts.append(f"meta {_pairs(primitive.meta)}")
    return " ".join(parts)


def _operation(operation: Operation) -> str:
    role = f" role={operation.role}" if operation.role else ""
    interval = f"{operation.interval}s" if operation.interval else "0"
    return f"op {operation.name} interval={interval} timeout={operation.timeout}s{role}"


def _pairs(values: Mapping[str, str]) -> str:
    return " ".join(f"{name}={_quoted(value)}" for name, value in values.items())


def _quoted(value: str) -> str:
    if _PLAIN.fullmatch(value):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
