"""Rehearsal: a configuration as hosts in network namespaces, with traffic through them and a report."""
