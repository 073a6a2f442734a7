"""How Django comes by the two tables."""
