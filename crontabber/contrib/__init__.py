"""Guests: crontabber for the users of other projects. Nobody in the core imports them."""
