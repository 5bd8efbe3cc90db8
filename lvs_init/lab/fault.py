"""What a fault is: commands that break a running rehearsal, those that take them back, and what its client then sees.

Commands are words apart by blanks. In braces stand the rehearsal's own names and addresses, as lab/injection.py knows
them: {vip} and {rip} for example. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass

# Who a command is for, and who the doctor is asked on.
DIRECTOR, REALSERVER, OTHER = "director", "realserver", "other"  # the broken real server, and the next one
STANDBY = "standby"  # the other director of a pair
ROUTER, CLIENT, KERNEL = "router", "client", "kernel"

# Which service of a file it is about.
PLAIN, PERSISTENT, MARKED, DATAGRAM = "plain", "persistent", "marked", "datagram"

# How the client asks.
REQUEST, UPLOAD, DOWNLOAD, KEPT, AGAIN, IDLE = "request", "upload", "download", "kept", "again", "idle"
TAKEOVER = "takeover"  # over connections that were opened before the standby took the VIP, and a new one


# What an act is: a command that ends; one that goes on until the fault is taken back; the address at which the lab's
# server of the host listens from now on ("" for all, NOWHERE for none, CARELESS for all, but UDP is answered from
# whatever address the kernel chooses); a function, "module:function name=value ...", which returns, or which yields and
# goes on until the fault is taken back; one of our scripts, "lvs-director reload".
COMMAND, DAEMON, LISTEN, FUNCTION, SERVE, CALL = "command", "daemon", "listen", "function", "serve", "call"
NOWHERE, CARELESS = "nowhere", "careless"


@dataclass(frozen=True)
class Act:
    """One thing that is done on one host."""

    host: str
    words: str
    kind: str = COMMAND


def on(host: str, *commands: str) -> tuple[Act, ...]:
    """Each command on that host."""
    return tuple(Act(host, command) for command in commands)


def call(host: str, *lines: str) -> tuple[Act, ...]:
    """Each of our scripts with its verb on that host."""
    return tuple(Act(host, line, CALL) for line in lines)


def listen(host: str, address: str = "") -> tuple[Act, ...]:
    """The lab's server of that host listens at this address alone; "": at all; NOWHERE: it ends."""
    return (Act(host, address, LISTEN),)


@dataclass(frozen=True)
class Sight:
    """What the client sees. ``errors``: any of these names (traffic.name_of), empty where it sees none.

    ``who``: whose requests they are: "all", "one" (those that go to the broken real server), "extra" (those that go to
    one that the fault has added), "some" (not all need fail). ``leak``: the network hears the real server answer for
    the VIP. ``poison``: what the router remembers of the VIP becomes the real server. ``still``: a real server that is
    to be left alone is asked. ``asker``: the host whose requests fail. ``late``: of a takeover, what is done once
    connections are open.
    """

    errors: tuple[str, ...] = ()
    who: str = "all"
    how: str = REQUEST
    leak: bool = False
    poison: bool = False
    still: bool = False
    asker: str = CLIENT
    late: tuple[Act, ...] = ()


#: Nobody says anything: no answer in time, or after some seconds that there is no such host.
_SILENCE = ("TIMEOUT", "EHOSTUNREACH")

WORKS = Sight()
ALL_SILENT = Sight(_SILENCE)
ONE_SILENT = Sight(_SILENCE, "one")
EXTRA_SILENT = Sight(_SILENCE, "extra")
ALL_REFUSED = Sight(("ECONNREFUSED",))
ONE_REFUSED = Sight(("ECONNREFUSED",), "one")
LEAKS = Sight(leak=True)
POISONS = Sight(poison=True)
#: A takeover ends what was open, or finds nobody to serve what is new.
TAKEOVER_BREAKS = Sight(("ECONNRESET", "EOF", "ECONNREFUSED"), "some", TAKEOVER)


@dataclass(frozen=True)
class Fault:
    """``methods``: the forwarding methods, one of which the service must have. ``host``: where the doctor names it.

    ``by_hand``: why what the doctor prints cannot be typed as it stands; "": it can. ``also``: other codes that say the
    same of it. ``low``: it is told as a note only, for it can be meant so. ``rebuild``: the hosts cannot be had back.
    ``pair``: it takes two directors. ``joined``: hosts that the doctor is told of as well (lvsctl doctor --with).
    """

    code: str
    variant: str
    what: str
    methods: tuple[str, ...]
    host: str
    inject: tuple[Act, ...]
    undo: tuple[Act, ...]
    sees: Sight
    family: int = 4
    kind: str = PLAIN
    by_hand: str = ""
    also: tuple[str, ...] = ()
    low: bool = False
    rebuild: bool = False
    near: bool = False  # needs real servers on the VIP's own network
    one_network: bool = False  # needs VIP, DIP and RIPs on one network
    probe: bool = False  # needs --probe
    as_nobody: bool = False  # the doctor is asked without root
    pair: bool = False
    joined: tuple[str, ...] = ()
    remembered: bool = False  # it is what neighbours remember, which is else forgotten before anybody looks

    @property
    def name(self) -> str:
        """ "ARP01-all": unique, also as a test's name."""
        return f"{self.code}-{self.variant}" if self.variant else self.code
