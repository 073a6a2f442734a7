"""SHOW: values in, text out; no I/O.

Others use one function for each page: `listing.listing`, `nagios.report`, `ghosts.ghosts` and
`configtest.report`; also `text`, which makes text from elsewhere safe to show, and
`colour.style_for`, which says whether a stream has colours. The caller prints.
"""
