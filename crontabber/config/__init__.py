"""ASK: what the user wants, from ini files, environment and command line, as values.

Others use `commandline.CommandLine` and `settings.Settings` (all that is configured),
`loader` (a class or a function by its dotted name), `appspec` (what an app class says of its
job), `converters` (texts to values) and `messages` (the words of errors). configman is
used in this room, in ``base``, in ``mixins``, and where factories and executors declare their
options; each imports `compat` before it.
"""
