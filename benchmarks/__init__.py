"""What a tick costs, measured beside what it cannot do without; see docs/cost.md."""
