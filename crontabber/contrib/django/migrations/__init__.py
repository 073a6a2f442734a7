"""Makes the two tables when Django migrates."""
