"""The live pages, with Starlette and uvicorn: ``--serve``, or mounted in another ASGI application.

`app.make_app` makes the ASGI application, `source.Source` reads the database, `serve.serve` is the
verb. What the pages show is in `crontabber.verbs.pages` and `crontabber.views`.
"""
