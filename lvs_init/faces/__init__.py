"""How it is told: words and exit codes of one outcome, a module for each who asks."""
