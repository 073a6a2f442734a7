"""What the user wants: options, jobs list, ini, environment and command line, as values."""
