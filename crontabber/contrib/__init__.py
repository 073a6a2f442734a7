"""Guests: crontabber for the users of other projects; no module of the core imports them.

A guest may use every room. Users import ``crontabber.contrib.django`` and
``crontabber.contrib.procrastinate``; what is inside these is the guest's own.
"""
