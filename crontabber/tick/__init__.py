"""DO: what one tick does, from the jobs list to the record of each run.

The order is `jobs` (lines and rows to jobs), `select` (which may be due), `batch`, `claim`,
`attempt` (the only caller of a job's code). Others use `select`, `batch` and `jobs` to run jobs,
`lookup` to find one by its name, `marking` to change what is remembered of it, and `middleware`
to load the functions around a run.
"""
