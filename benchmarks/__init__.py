"""Measures what a tick costs, beside the least that it could cost; see docs/cost.md."""
