"""The live pages by Starlette and uvicorn: ``--serve``, or mounted in another ASGI application.

`app.make_app` makes the ASGI application, `source.Source` asks the database, `serve.serve` is the
command's. What the pages show is in `crontabber.verbs.pages` and `crontabber.views`.
"""
