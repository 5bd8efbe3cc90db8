"""What the lab reads of the machine it is started on."""

from __future__ import annotations

from lvs_init.lab import boot

MOUNTS = r"""/dev/vda / ext4 rw 0 0
proc /proc proc rw 0 0
/dev/vdc /srv/src/deep xfs rw 0 0
/dev/vdb /srv ext4 rw 0 0
/dev/vda /run/netns ext4 rw 0 0
/dev/vdd /mnt/two\040words ext4 rw 0 0
tmpfs /tmp tmpfs rw 0 0
""".splitlines()


def test_disks_are_seen_from_the_outer_one_on_and_none_below_what_a_host_has_of_its_own() -> None:
    assert boot.disks(MOUNTS) == ["/srv", "/srv/src/deep"]
