"""Runs Singer taps into targets: jobs, registry, state, processes."""
