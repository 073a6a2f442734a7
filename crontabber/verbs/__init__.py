"""ANSWER: what each verb of the command line says or changes; takes an app, returns an `Answer`.

`look` reads, `steer` changes what is remembered, `check` tests the configuration. Running jobs
is `crontabber.app`'s. A verb never prints and never exits: `crontabber.cli` does.
"""
