"""Linux Virtual Server (IPVS) directors and real servers, set up by init scripts."""

__version__ = "0.1.0"
