"""SHOW: values in, text out; no input, no output.

Others use one function for each page: `listing.listing`, `nagios.report`, `ghosts.ghosts` and
`configtest.report`; besides, `text` makes a text from elsewhere fit to be shown, and
`colour.style_for` says whether a stream has colours. The caller prints.
"""
