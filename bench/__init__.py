"""How fast it is, as ratios from one run inside one guest: ``make bench``. docs/performance.md explains the table."""
