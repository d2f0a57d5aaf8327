"""How good and how fast numdiff is, beside its peers: ``python -m benchmarks --help``."""
