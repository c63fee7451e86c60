"""Benchmarks. `make bench` runs them all; `python -m bench --help` says how to run some."""
