"""Facts -> a draft of lvs.toml. What is guessed or missing is marked where it stands, and told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from lvs_init.importing.facts import Alias, Facts, Mark, ServiceFact
from lvs_init.importing.names import Named
from lvs_init.importing.said import Said
from lvs_init.importing.settings import settings_of
from lvs_init.importing.toml_text import Draft, Key, Table, Value
from lvs_init.model.address import family_of, full_prefix, inside, network_of

_HIDDEN = ("lo", "tunl0", "ip6tnl0")  # where real servers have VIPs
_SERVICE_KEYS = (
    "scheduler", "scheduler_flags", "persistence", "persistence_netmask", "persistence_engine", "one_packet",
)  # fmt: skip
_LEFT_OUT = "the script does; see docs/classic.md before you switch it on"


def drafted(facts: Facts, named: Named, name: str, source: str, said: Said) -> Draft | None:
    """None where there is nothing of a virtual server. ``source``: what was read, for the comment at the top."""
    composer = _Composer(facts, named, said)
    if not composer.services:
        return None
    head = (
        f"Made of {source} by lvsctl import, which reads and never executes. Look for 'guess' and 'missing', then at",
        "'lvsctl check' and 'lvs-director start --dry-run'.",
    )
    return Draft(head, tuple(composer.tables(name)))


class _Composer:
    def __init__(self, facts: Facts, named: Named, said: Said) -> None:
        self._facts = facts
        self._named = named
        self._said = said
        self.services = list(facts.services.values())
        self._only_real_server = not self.services and any(key[0] in _HIDDEN for key in facts.aliases)
        self._guessed = not self.services
        if self._guessed:
            self.services = self._guessed_services()
        self._vips = {id(service): self._vips_of(service) for service in self.services}
        self._carried = {address for vips in self._vips.values() for address in vips}
        self._forwarding = self._usual_forwarding()
        self._interface = self._usual_interface()

    # What the whole file needs

    def tables(self, name: str) -> list[Table]:
        cluster = [Key("name", name)] if name else []
        cluster.append(Key("forwarding", self._forwarding, self._forwarding_comment()))
        tables = [Table("cluster", tuple(cluster))]
        director = self._director()
        if director:
            tables.append(Table("director", tuple(director)))
        if self._facts.timeouts:
            tables.append(
                Table("director.timeouts", tuple(Key(each, seconds) for each, seconds in self._facts.timeouts.items()))
            )
        role = "realserver" if self._only_real_server else "director"
        settings = settings_of(self._facts, role, self._forwarding == "tun", self._said)
        if settings:
            tables.append(Table(f"{role}.sysctl", settings))
        tables += [Table("service", tuple(self._service(service)), many=True) for service in self.services]
        self._tell_what_is_left()
        return tables

    def _guessed_services(self) -> list[ServiceFact]:
        """No service is defined: then what is brought up on lo or is called VIP needs one."""
        vips = [alias.address for alias in self._facts.aliases.values() if alias.device in _HIDDEN] or self._named.vips
        vips = list(dict.fromkeys(vips))
        if vips:
            what = "is a real server's script" if self._only_real_server else "defines no virtual service"
            self._said.add(
                0, f"{what}: it gives VIPs, not ports, schedulers and all real servers; import the director's script, "
                "or fill in what is marked as missing",
            )  # fmt: skip
        return [ServiceFact(0, "tcp", vip, 0, 0, family_of(vip)) for vip in vips]

    def _usual_forwarding(self) -> str:
        count = Counter(server.forwarding for service in self.services for server in service.real_servers.values())
        if count:
            return min(count, key=lambda name: (-count[name], name))
        return "tun" if any(device in ("tunl0", "ip6tnl0") for device, _ in self._facts.aliases) else "dr"

    def _forwarding_comment(self) -> str:
        if any(service.real_servers for service in self.services):
            return ""
        if self._only_real_server:
            return "guess: by where the VIP is"
        return "guess: there is no real server to tell it"

    def _usual_interface(self) -> str:
        devices = [alias.device for alias in map(self._alias_of, self._carried_in_order()) if alias]
        return devices[0] if devices else ""

    def _carried_in_order(self) -> list[str]:
        return list(dict.fromkeys(vip for service in self.services for vip in self._vips[id(service)]))

    def _alias_of(self, vip: str) -> Alias | None:
        """Where the director has it."""
        return next(
            (alias for alias in self._facts.aliases.values() if alias.address == vip and alias.device not in _HIDDEN),
            None,
        )

    # The director

    def _director(self) -> list[Key]:
        keys = []
        if self._interface:
            first = next((vip for vip in self._carried_in_order() if self._device_of(vip) in ("", self._interface)), "")
            alias = self._alias_of(first)
            label = alias.label if alias and alias.label != f"{self._interface}:1" else ""
            keys.append(Key("interface", label or self._interface))
        keys += self._dip()
        for line, name in ((self._facts.flushed, "flush_iptables"), (self._facts.cleared, "clear_ipvs")):
            if line:
                keys.append(Key(name, True, f"line {line}: {_LEFT_OUT}", active=False))
                self._said.add(line, f"is left out, as a comment: {name} would remove what others have set up")
        return keys

    def _dip(self) -> list[Key]:
        rips = [
            server.address
            for service in self.services
            for server in service.real_servers.values()
            if server.forwarding == "nat"
        ]
        candidates = [address for address in self._named.dips if address not in self._carried]
        for alias in self._facts.aliases.values():
            network = network_of(alias.address, alias.prefix)
            if alias.address not in self._carried and any(inside(rip, network) for rip in rips):
                candidates.append(alias.address)
        for alias in self._facts.aliases.values():
            if alias.address in candidates[:1] and alias.label:  # it comes and goes with the script
                return [Key("dip", f"{alias.address}/{alias.prefix}"), Key("dip_interface", alias.device)]
        if not rips:
            return []
        if candidates:
            return [Key("dip", candidates[0])]
        for address, name in self._named.addresses.items():
            near = any(family_of(rip) == 4 and inside(address, network_of(rip, 24)) for rip in rips)
            if near and address not in self._carried and address not in rips:
                self._said.add(0, f"does not say which address is the DIP: {name} ({address}) is taken, a guess")
                return [Key("dip", address, f"guess: {name}, which is in the real servers' network")]
        self._said.add(0, "does not say which address is the DIP, the gateway of real servers under nat")
        return [Key("dip", "192.0.2.1", "missing: the real servers' gateway, an address of the director", active=False)]

    # The services

    def _vips_of(self, service: ServiceFact) -> list[str]:
        if service.protocol != "fwmark":
            return [service.address]
        marked = [mark.address for mark in self._marks_of(service) if mark.address]
        if marked:
            return list(dict.fromkeys(marked))
        taken = {other.address for other in self.services} | set(self._named.dips)
        found = [
            alias.address
            for alias in self._facts.aliases.values()
            if alias.device not in _HIDDEN and alias.address not in taken
        ] or self._named.vips
        return [vip for vip in dict.fromkeys(found) if family_of(vip) == service.family]

    def _marks_of(self, service: ServiceFact) -> list[Mark]:
        return [
            mark
            for mark in self._facts.marks
            if mark.value == service.fwmark and (not mark.address or family_of(mark.address) == service.family)
        ]

    def _device_of(self, vip: str) -> str:
        alias = self._alias_of(vip)
        return alias.device if alias else ""

    def _service(self, service: ServiceFact) -> list[Key]:
        vips = self._vips[id(service)]
        keys = self._marked(service, vips) if service.protocol == "fwmark" else self._addressed(service)
        keys += [Key(name, service.attributes[name]) for name in _SERVICE_KEYS if name in service.attributes]
        forwarding = self._forwarding
        if len(service.forwardings) == 1 and forwarding not in service.forwardings:
            (forwarding,) = service.forwardings
            keys.append(Key("forwarding", forwarding))
        device = self._device_of(vips[0]) if vips else ""
        if device and device != self._interface:
            keys.append(Key("interface", device))
        return [*keys, *self._real_servers(service, forwarding)]

    def _addressed(self, service: ServiceFact) -> list[Key]:
        alias = self._alias_of(service.address)
        comment = "guess: the mask of its class, as ifconfig takes it where none is written" if (
            alias and alias.guessed and self._has_prefix(service.address)
        ) else ""  # fmt: skip
        keys = [Key("vip", self._written(service.address), comment)]
        if self._guessed:
            return [*keys, Key("port", 80, "missing: the port that clients ask for", active=False)]
        keys.append(Key("port", service.port))
        return keys if service.protocol == "tcp" else [*keys, Key("protocol", service.protocol)]

    def _marked(self, service: ServiceFact, vips: Sequence[str]) -> list[Key]:
        keys = [Key("fwmark", service.fwmark)]
        marks = self._marks_of(service)
        if not vips:
            self._said.add(service.line, f"does not say which VIPs the mark {service.fwmark} is for")
            return [*keys, Key("vips", ["192.0.2.1"], "missing: the addresses that both sides carry", active=False)]
        certain = any(mark.address for mark in marks)
        keys.append(Key("vips", [self._written(vip) for vip in vips], "" if certain else "guess: what is brought up"))
        matches = {vip: [pair for mark in marks if mark.address == vip for pair in mark.protocols] for vip in vips}
        same = all(sorted(pairs) == sorted(matches[vips[0]]) for pairs in matches.values())
        if marks and same and all(mark.address and not mark.rest for mark in marks):
            keys.append(Key("match", [_match(*pair) for pair in dict.fromkeys(matches[vips[0]])]))
            return keys
        for mark in marks:
            self._said.no_place(mark.line, mark.text, "more than a match can say: the marking stays with you")
        if not marks:
            self._said.add(service.line, f"has the mark {service.fwmark}, which nothing here sets: that stays with you")
        return keys

    def _has_prefix(self, vip: str) -> bool:
        """A network beside the VIP is for services that use nat alone."""
        alias = self._alias_of(vip)
        users = [service for service in self.services if vip in self._vips[id(service)]]
        only_nat = all((service.forwardings or {self._forwarding}) == {"nat"} for service in users)
        return alias is not None and alias.prefix != full_prefix(vip) and only_nat

    def _written(self, vip: str) -> str:
        alias = self._alias_of(vip)
        if alias and self._has_prefix(vip):
            return f"{vip}/{alias.prefix}"
        if alias and not alias.alone:
            beside = f"start adds {vip}/{full_prefix(vip)} beside"
            self._said.add(alias.line, f"gives the VIP the mask /{alias.prefix}, which is for nat alone: {beside}")
        return vip

    def _real_servers(self, service: ServiceFact, forwarding: str) -> list[Key]:
        servers: list[dict[str, Value]] = []
        for server in service.real_servers.values():
            table: dict[str, Value] = {"rip": server.address}
            if server.port:
                table["port"] = server.port
            table.update(server.attributes)
            if server.forwarding != forwarding:
                table["forwarding"] = server.forwarding
            servers.append(table)
        if servers:
            return [Key("realservers", list(servers))]
        rips = [rip for rip in self._named.rips if family_of(rip) == service.family] if self._guessed else []
        if rips:
            return [Key("realservers", [{"rip": rip} for rip in rips], "guess: by the names of the variables")]
        if self._guessed:
            return [Key("realservers", [{"rip": "192.0.2.11"}], "missing: every real server", active=False)]
        return []

    # What came to nothing

    def _tell_what_is_left(self) -> None:
        facts, said = self._facts, self._said
        for alias in facts.aliases.values():
            if alias.address not in self._carried and alias.address not in self._named.dips:
                what = f"{alias.address}/{alias.prefix} on {alias.label or alias.device}"
                said.no_place(alias.line, what, "neither the VIP of a service nor the DIP")
        for line, address, text in facts.routes:
            if address not in self._carried:
                said.no_place(line, text, "the machine's own network configuration")
        marked = {service.fwmark for service in self.services if service.protocol == "fwmark"}
        for mark in facts.marks:
            if mark.value not in marked:
                said.no_place(mark.line, mark.text, "no service has this mark")
        for vip in self._carried_in_order():
            if facts.aliases and not any(address == vip for _, address in facts.aliases):
                said.add(0, f"brings the VIP {vip} up nowhere: start will")


def _match(protocol: str, port: int) -> dict[str, Value]:
    match: dict[str, Value] = {"protocol": protocol} if protocol else {}
    return {**match, "port": port} if port else match
