"""Crontabber for Django projects: management commands as jobs, listed in the settings.

``INSTALLED_APPS += ["crontabber.contrib.django"]``, jobs in ``CRONTABBER_JOBS``, and
``manage.py cronrun`` is what ``crontabber`` is elsewhere: the same core, on the same tables.
"""
