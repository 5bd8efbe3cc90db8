"""Exit codes and reasons of the resource agents, as far as they need no kernel."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lvs_init import errors
from lvs_init.engine import memory
from lvs_init.engine.paths import Paths
from lvs_init.engine.request import Target
from lvs_init.engine.status import Health, Status
from lvs_init.faces import ocf, ocf_codes, ocf_monitor
from lvs_init.model.problem import Problem
from lvs_init.model.record import ACTIVE, STANDBY, Record
from lvs_init.system import identity

CLUSTER = """
[cluster]
forwarding = "dr"
[director]
interface = "eth0"
[[service]]
vip = "192.168.0.219"
port = 80
realservers = [{ rip = "192.168.0.11" }]
"""
PROMOTABLE = {"OCF_RESKEY_promotable": "true"}


@dataclass
class Machine:
    """One with directories of its own, on which agents are called."""

    root: Path
    capsys: pytest.CaptureFixture[str]
    reasons: list[str] = field(default_factory=list)

    @property
    def paths(self) -> Paths:
        run, subsys, etc, state = (str(self.root / name) for name in ("run", "subsys", "etc", "state"))
        return Paths(run, subsys, etc, state, ())

    def configure(self, text: str, name: str = "lvs") -> None:
        file = self.root / "etc" / f"{name}.toml"
        file.parent.mkdir(mode=0o755, exist_ok=True)
        file.write_text(text)
        file.chmod(0o644)

    def started(self, stance: str = "") -> None:
        """As after a start, of nothing."""
        memory.Memory(self.paths, Target("director", "lvs", "")).commit(Record("director", "lvs", stance=stance))

    def call(self, action: str, role: str = "director", **parameters: str) -> int:
        environment = {f"OCF_RESKEY_{name}": value for name, value in parameters.items()}
        code = ocf.main(role, [action], environment, self.paths)
        said = self.capsys.readouterr()
        assert said.out == ""
        prefix = "ocf-exit-reason:"
        self.reasons = [line[len(prefix) :] for line in said.err.splitlines() if line.startswith(prefix)]
        return code


@pytest.fixture
def machine(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setattr(identity, "is_root", lambda: True)
    os.umask(0o022)
    return Machine(tmp_path, capsys)


@pytest.mark.parametrize(
    ("health", "record", "alone", "promotable"),
    [
        (Health.STOPPED, None, 7, 7),
        (Health.LOCKED, None, 7, 7),  # the lock file of a machine that lost its power
        (Health.LOCKED, Record("director", "lvs"), 1, 9),
        (Health.STANDBY, Record("director", "lvs", stance=STANDBY), 7, 0),
        (Health.PARTIAL, Record("director", "lvs", stance=STANDBY), 1, 1),
        (Health.RUNNING, Record("director", "lvs"), 0, 8),
        (Health.RUNNING, Record("director", "lvs", stance=ACTIVE), 0, 8),
        (Health.PARTIAL, Record("director", "lvs", stance=ACTIVE), 1, 9),
    ],
)
def test_every_health_has_its_number(health: Health, record: Record | None, alone: int, promotable: int) -> None:
    status = Status(Target("director", "lvs", ""), health)
    assert ocf_monitor.judge(status, record, promotable=False) == alone
    assert ocf_monitor.judge(status, record, promotable=True) == promotable


@pytest.mark.parametrize("health", [Health.STANDBY, Health.PARTIAL, Health.HOLDING])
def test_a_vip_in_the_wrong_place_is_a_promoted_one_that_failed(health: Health) -> None:
    """For that Pacemaker demotes it at once."""
    status = Status(Target("director", "lvs", ""), health, wrong=["address 192.168.0.219/32 on eth0 is here"])
    record = Record("director", "lvs", stance=STANDBY)
    assert ocf_monitor.judge(status, record, promotable=True) == 9
    assert ocf_monitor.judge(status, record, promotable=False) == 1


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.NotPrivileged(""), 4),
        (errors.NotInstalled(""), 5),
        (errors.NotConfigured(""), 2),
        (errors.UnsafeFile(""), 2),
        (errors.ConfigurationError("", ()), 2),
        (errors.Busy(""), 1),
        (errors.Refused(""), 1),
        (errors.CommandFailed(["ipvsadm"], 1, ""), 1),
    ],
)
def test_every_error_has_its_number_and_stop_has_two(error: errors.LvsError, code: int) -> None:
    assert ocf_codes.of(error, "start") == code
    assert ocf_codes.of(error, "stop") == (4 if code == 4 else 1)


@pytest.mark.parametrize("role", ["director", "realserver"])
def test_stopped_is_7_whatever_the_file_says(machine: Machine, role: str) -> None:
    for text in (None, "not TOML [", CLUSTER):
        if text is not None:
            machine.configure(text)
        assert (machine.call("monitor", role), machine.reasons) == (7, [])
    assert (machine.call("monitor", role, CRM_meta_interval="0"), machine.reasons) == (7, [])


def test_a_record_that_cannot_be_read_is_not_surely_stopped(machine: Machine) -> None:
    machine.started()
    file = machine.root / "run" / "director-lvs.record"
    file.write_text("{")
    assert machine.call("monitor") == 1
    assert str(file) in machine.reasons[-1]
    assert machine.call("monitor", config="web") == 7


def test_a_standby_is_stopped_to_who_does_not_promote_it(machine: Machine) -> None:
    machine.started(STANDBY)
    assert machine.call("monitor", promotable="true") == 0
    assert machine.call("monitor") == 7
    machine.started(ACTIVE)
    assert machine.call("monitor", promotable="true") == 8
    assert machine.call("monitor") == 0


def test_without_root_nothing_can_be_told(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.configure(CLUSTER)
    monkeypatch.setattr(identity, "is_root", lambda: False)
    for action in ("monitor", "start", "stop"):
        assert machine.call(action) == 4
        assert "root" in machine.reasons[-1]
    assert machine.call("validate-all") == 0


@pytest.mark.parametrize("action", ["start", "monitor", "validate-all"])
def test_a_parameter_that_is_wrong_everywhere_is_6(machine: Machine, action: str) -> None:
    assert machine.call(action, config="a b", cluster="c d") == 6
    assert machine.reasons == [
        "config=a b is neither an absolute path nor NAME of a file /etc/lvs/NAME.toml",
        "cluster=c d is not the name of a cluster",
    ]


def test_what_nobody_can_have_started_is_stopped(machine: Machine) -> None:
    machine.started()
    assert machine.call("stop", config="a b") == 0
    assert machine.call("monitor") == 0, "another one is left alone"


@pytest.mark.parametrize("action", ["start", "validate-all"])
@pytest.mark.parametrize("role", ["director", "realserver"])
def test_a_file_that_is_missing_is_not_installed_here(machine: Machine, action: str, role: str) -> None:
    assert machine.call(action, role, config="web") == 5
    assert machine.reasons[-1] == f"there is no configuration {machine.root}/etc/web.toml"
    assert any("docs/configuration.md" in reason for reason in machine.reasons)


@pytest.mark.parametrize("action", ["start", "validate-all"])
def test_a_broken_file_of_one_machine_does_not_fence_off_the_others(machine: Machine, action: str) -> None:
    machine.configure(CLUSTER.replace("80", '"eighty"').replace("eth0", "eth 0"))
    assert machine.call(action) == 2
    assert machine.reasons[-1].startswith(f"{machine.root}/etc/lvs.toml has 2 mistakes: ")
    assert len(machine.reasons) == 3  # each mistake has a line, too


@pytest.mark.parametrize("action", ["start", "promote", "validate-all"])
def test_without_ha_there_is_no_standby(machine: Machine, action: str) -> None:
    machine.configure(CLUSTER)
    assert machine.call(action, promotable="true") == 2
    assert machine.reasons[-1] == f"{machine.root}/etc/lvs.toml has no table [ha], so there is no standby to promote"
    assert not (machine.root / "run").exists()


def test_a_file_of_another_cluster_is_refused(machine: Machine) -> None:
    machine.configure('[cluster]\nname = "mail"\n' + CLUSTER.replace("[cluster]\n", ""))
    assert machine.call("validate-all", config="lvs", cluster="mail") == 0
    assert machine.call("start", config="lvs", cluster="web") == 2
    assert "describes the cluster mail, and the resource is for web" in machine.reasons[-1]


@pytest.mark.parametrize("action", ["promote", "demote"])
def test_who_is_not_promotable_says_so(machine: Machine, action: str) -> None:
    machine.configure(CLUSTER)
    assert machine.call(action) == 3
    assert machine.call(action, "realserver") == 3


def test_nobody_demotes_what_is_stopped(machine: Machine) -> None:
    assert machine.call("demote", promotable="true") == 1
    assert machine.reasons == ["it is stopped, so there is nothing to demote"]


def test_the_last_reason_is_what_is_wrong_and_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Pacemaker shows the last one alone, 128 characters of it (services_linux.c, parse_exit_reason_from_stderr)."""
    problems = [Problem("/etc/lvs/lvs.toml", "service[0].vip", "is no address"), Problem("/etc/lvs/lvs.toml", "a", "b")]
    call = ocf.Call("director", "start", ocf.ocf_parameters.read({}), {}, Paths())
    ocf._failed(call, errors.ConfigurationError("/etc/lvs/lvs.toml has\n2 mistakes", problems, hint="mend it"))
    lines = capsys.readouterr().err.splitlines()
    assert lines[-1] == "ocf-exit-reason:/etc/lvs/lvs.toml has 2 mistakes: service[0].vip: is no address"
    assert lines[0] == "ocf-exit-reason:-> mend it"
    assert all(line.startswith("ocf-exit-reason:") for line in lines)
