"""What LSB (core specification, init script actions) wants of a script, verb by verb, with our words."""

from __future__ import annotations

from guest import Guest

# Verb or the name of an accident; exit code; first line. {facts} is what start counts.
SEQUENCE = [
    ("stop", 0, "is stopped"),
    ("stop", 0, "was stopped already"),
    ("status", 3, "is stopped"),
    ("try-restart", 0, "is stopped, nothing to do"),
    ("reload", 7, "is stopped, so there is nothing to reload"),
    ("start", 0, "is running: {facts}"),
    ("start", 0, "is running, nothing to do: {facts}"),
    ("status", 0, "is running"),
    ("force-reload", 0, "is running, nothing to do: {facts}"),
    ("frobnicate", 2, "unknown verb 'frobnicate'"),
    ("a part is lost", 0, ""),
    ("status", 1, "is partly set up"),
    ("start", 0, "is running: {facts}"),
    ("all is lost", 0, ""),
    ("status", 2, "is dead but subsys locked"),
    ("start", 0, "is running: {facts}"),
    ("status", 0, "is running"),
]


def follow(guest: Guest, name: str, **accidents: str) -> list[tuple[str, int, str]]:
    """Run the sequence through service(8); returns verb, exit code and first line of each, our name taken off."""
    script = "set +e\n"
    for verb, _, _ in SEQUENCE:
        command = accidents.get(verb.replace(" ", "_")) or f"service {name} {verb}"
        script += f'said=$({command} 2>&1); echo "$?:$(echo "$said" | head -n 1)"\n'
    results = [line.split(":", 1) for line in guest.run(script).splitlines()]
    return [
        (verb, int(code), text.replace(f"{name}: ", "").replace(f"{name} ", ""))
        for (verb, _, _), (code, text) in zip(SEQUENCE, results)
    ]


def expected(facts: str) -> list[tuple[str, int, str]]:
    """What follow() returns for a machine where start counts these."""
    return [(verb, code, text.format(facts=facts)) for verb, code, text in SEQUENCE]
