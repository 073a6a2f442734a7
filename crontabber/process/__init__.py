"""CONTAIN: signals, commands, the clock, and the state of the process around a job."""
