"""ANSWER: what each verb of the command line says or changes; takes an app, returns an `Answer`.

Others use `look` (reads), `steer` (changes the rows of jobs) and `check` (tests the
configuration), one function for each verb. `crontabber.app` runs jobs. A verb never prints and
never exits: `crontabber.cli` does both.
"""
