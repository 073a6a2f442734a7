"""CONTAIN: signals, commands, the clock, and the state of the process around a job.

Others use `clock` (the only module that reads a clock or sleeps), `signals.Signals` (what ends
a run), `state.ProcessState` (restores the process after a run) and `commands.run` (runs a
program).
"""
