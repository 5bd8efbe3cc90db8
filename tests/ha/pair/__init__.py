"""A pair of directors under Heartbeat in the lab, with what can happen to it and what clients see of that."""
