"""Beginning a trial and going back, as far as that needs no kernel."""

from __future__ import annotations

from pathlib import Path

import pytest

from lvs_init.engine import memory, recorded, trial, trying
from lvs_init.engine.paths import Paths
from lvs_init.engine.request import DIRECTOR, Target
from lvs_init.engine.run import Engine
from lvs_init.errors import Refused
from lvs_init.model.ipvs import Service, ServiceKey
from lvs_init.model.network import SysctlKey
from lvs_init.model.record import Record
from lvs_init.system import identity

WEB = ServiceKey("tcp", "192.168.0.219", 80)


@pytest.mark.parametrize("link", [False, True])
def test_the_configuration_itself_is_not_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, link: bool) -> None:
    """It could not be taken back: what was in it before is nowhere."""
    monkeypatch.setattr(identity, "is_root", lambda: True)
    place, tried = tmp_path / "lvs.toml", tmp_path / "next.toml"
    place.write_text("edited in its place")
    tried.symlink_to(place)
    paths = Paths(run=str(tmp_path / "run"))
    target = Target(DIRECTOR, "lvs", str(tried if link else place))
    memory.recall(paths, target).commit(Record(DIRECTOR, "lvs", file=str(place), fingerprint="1-2"))
    with pytest.raises(Refused, match="is the configuration itself") as caught:
        trying.begin(Engine(DIRECTOR, paths=paths), target, 60)
    assert "copy" in caught.value.hint
    assert trial.pending(paths) == []


def test_settings_that_went_with_their_interface_are_not_wanted_back() -> None:
    here, gone = SysctlKey("net/ipv4/ip_forward"), SysctlKey("net/ipv4/conf/gone0/forwarding")
    assert recorded.still_there({here: "1", gone: "1", WEB: Service("rr")}) == {here: "1", WEB: Service("rr")}
