"""Providers that run on this machine and behave like the real ones, for the demo, tests and benchmarks."""
