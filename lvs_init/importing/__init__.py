"""The way in from the bash scripts: a script or a saved table, read as text -> lvs.toml. Nothing is ever executed."""
