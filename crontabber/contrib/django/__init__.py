"""Crontabber for Django projects: management commands as jobs, listed in the settings.

With ``INSTALLED_APPS += ["crontabber.contrib.django"]`` and jobs in ``CRONTABBER_JOBS``,
``manage.py cronrun`` does what the command ``crontabber`` does elsewhere: it is the same core,
on the same tables. Projects name this package in their settings, but import nothing from it.
"""
