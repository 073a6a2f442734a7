"""Proof by torture: real ticks are killed wherever it hurts, and an oracle counts the slots."""
