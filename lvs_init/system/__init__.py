"""The only way out: processes, files, locks, sockets. Everything that has an effect, or reads the machine, is here."""
