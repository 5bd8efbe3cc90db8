"""The scripts in the lab use the channel that the tests' own environment names: so the suite can be run on each."""

from __future__ import annotations

import os

from support.clusters import cluster, service

from lvs_init.engine.channel import VARIABLE
from lvs_init.lab.place import Place
from lvs_init.lab.rehearsal import Rehearsal

NEVER = 1000  # calls after which the wrapper would strike


def test_ipvsadm_is_called_where_it_is_forced_and_only_there(place: Place) -> None:
    forced = os.environ.get(VARIABLE) == "ipvsadm"
    for fresh in (False, True):
        with Rehearsal(place, cluster("dr", service("192.168.0.219", "192.168.0.11")), fresh=fresh) as lab:
            lab.director.call("support.wrapper:plan", how="fail", first=NEVER, only="ipvsadm")
            for call in (*lab.start(), *lab.stop()):
                call.completed.check()
            assert bool(lab.director.call("support.wrapper:calls")) == forced
