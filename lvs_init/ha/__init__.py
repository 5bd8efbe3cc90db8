"""Files of Heartbeat and commands for Pacemaker: made of ``[ha]``, or read and checked against it."""
