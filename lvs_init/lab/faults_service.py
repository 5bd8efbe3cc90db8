"""Faults of programs: where the service listens, and who else is at work."""

from __future__ import annotations

from lvs_init.lab.fault import (
    CARELESS,
    DAEMON,
    DATAGRAM,
    DIRECTOR,
    FUNCTION,
    NOWHERE,
    ONE_REFUSED,
    ONE_SILENT,
    REALSERVER,
    WORKS,
    Act,
    Fault,
    listen,
    on,
)

_ANY = ("dr", "tun", "nat")
_DIRECT = ("dr", "tun")
_PORT = "lvs_init.lab.foreign:change_port vip={vip} port={port} rip={rip}"

FAULTS = (
    Fault(
        "DR01", "", "another program gave a real server a port of its own, which direct routing does not use", ("dr",),
        DIRECTOR,
        (Act(DIRECTOR, _PORT + " before={port} after=8080", FUNCTION),),
        (Act(DIRECTOR, _PORT + " before=8080 after={port}", FUNCTION),),
        WORKS,
    ),
    Fault(
        "DR02", "", "the service listens on the real server's own address alone", _DIRECT, REALSERVER,
        listen(REALSERVER, "{rip}"),
        listen(REALSERVER),
        ONE_REFUSED, by_hand="only the admin knows how the service is configured",
    ),
    Fault(
        "DR02", "ipv6", "the service listens on the real server's own IPv6 address alone", ("dr",), REALSERVER,
        listen(REALSERVER, "{rip}"),
        listen(REALSERVER),
        ONE_REFUSED, family=6, by_hand="only the admin knows how the service is configured",
    ),
    Fault(
        "DR03", "", "a UDP service answers from the real server's own address", ("dr",), REALSERVER,
        listen(REALSERVER, CARELESS),
        listen(REALSERVER),
        ONE_SILENT, kind=DATAGRAM, by_hand="only the admin knows how the service is configured", low=True,
    ),
    Fault(
        "DIR05", "", "a program on the director listens at a port that IPVS takes", _ANY, DIRECTOR,
        listen(DIRECTOR, "0.0.0.0"),
        listen(DIRECTOR, NOWHERE),
        WORKS, by_hand="only the admin knows that program", low=True,
    ),
    Fault(
        "DIR09", "", "keepalived writes the same table", _ANY, DIRECTOR,
        (*on(DIRECTOR, "cp /bin/sleep /run/keepalived"), Act(DIRECTOR, "/run/keepalived 600", DAEMON)),
        on(DIRECTOR, "rm /run/keepalived"),
        WORKS, by_hand="one of the two has to go, and only the admin knows which",
    ),
    Fault(
        "V607", "", "a program without root reads the table from /proc, which does not tell all of IPv6", ("dr",),
        DIRECTOR,
        (),
        (),
        WORKS, family=6, by_hand="the one who asks has to be root", low=True, as_nobody=True,
    ),
    Fault(
        "DIR19", "", "the package ipvsadm restores a table of its own at boot", _ANY, DIRECTOR,
        on(DIRECTOR, "cp -p /etc/default/ipvsadm /run/default-ipvsadm",
           "sed -i s/^AUTO=.*/AUTO=\"true\"/ /etc/default/ipvsadm"),
        on(DIRECTOR, "cp -p /run/default-ipvsadm /etc/default/ipvsadm", "rm /run/default-ipvsadm"),
        WORKS,
    ),
)  # fmt: skip
