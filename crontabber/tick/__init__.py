"""DO: what one tick does, from the jobs list to the record of each run."""
