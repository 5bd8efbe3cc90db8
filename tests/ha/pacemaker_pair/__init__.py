"""The pair of tests/ha/pair under Corosync and Pacemaker."""
