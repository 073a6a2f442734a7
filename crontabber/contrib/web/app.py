"""The ASGI application: each page of `crontabber.verbs.pages`, and the files that they need."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request as WebRequest
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from ...verbs.pages import Request
from ...views.static import FILES, read
from .source import Source

_HOUR = "max-age=3600"


def make_app(source: Source, middleware: Sequence[Middleware] = ()) -> Starlette:
    """The pages as an ASGI application, which may be mounted below any path.

    *middleware* are put around all of them, the first outermost.
    """

    async def show(request: WebRequest) -> Response:
        query = tuple(sorted(request.query_params.items()))
        path = str(request.path_params.get("path", ""))
        made = await source.page(Request(path, query))
        return HTMLResponse(made.html, made.status, {"Cache-Control": "no-store"})

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        source.close()

    return Starlette(
        routes=[
            Route("/static/{name}", _file, methods=["GET"]),
            Route("/", show, methods=["GET"]),
            Route("/{path}", show, methods=["GET"]),
        ],
        middleware=[*middleware, Middleware(GZipMiddleware, minimum_size=1000)],
        lifespan=lifespan,
    )


async def _file(request: WebRequest) -> Response:
    name = str(request.path_params["name"])
    if name not in FILES:
        return Response(status_code=404)
    return Response(read(name), media_type=FILES[name], headers={"Cache-Control": _HOUR})
