"""WHEN: what is due, blocked or overdue; values in, values out.

No module here reads a clock, a database, a log or the environment: the time and the rows are
arguments. Others use `model` (the values that all rooms speak of), `grammar` (texts to
schedules), `decide`, `plan`, `transition` (the next state of a job), `dag` (the order of jobs),
`retry` and `health` (what ``--nagios`` finds).
"""
