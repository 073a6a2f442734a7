"""The ASGI application: each page of `crontabber.verbs.pages`, and the files that they need."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request as WebRequest
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from ...config.settings import Settings
from ...verbs.pages import Request
from ...views.static import FILES, read
from .act import act_routes
from .guard import BROKEN, USER, WRITABLE, Guard, said
from .login import login_routes
from .policy import Policy
from .source import Source

_HOUR = "max-age=3600"


def guarded(load: Callable[[], Settings], policy: Policy, source: Source) -> Guard:
    """All pages as an ASGI application, behind the one guard that enforces *policy*.

    *load* reads the configuration for actions on jobs.
    """
    may_leave = policy.sessions is not None
    routes = [*act_routes(load, source.forget, may_leave=may_leave), *login_routes(policy)]
    return Guard(make_app(source, routes=routes, may_leave=may_leave), policy)


def make_app(
    source: Source,
    middleware: Sequence[Middleware] = (),
    routes: Sequence[BaseRoute] = (),
    *,
    may_leave: bool = False,
) -> Starlette:
    """The pages as an ASGI application, which may be mounted below any path.

    *middleware* wraps all of them, the first outermost; *routes* are more pages.
    *may_leave* says whether persons can log out.
    """

    async def show(request: WebRequest) -> Response:
        query = tuple(sorted(request.query_params.items()))
        path = str(request.path_params.get("path", ""))
        user, may_act = request.scope.get(USER), bool(request.scope.get(WRITABLE))
        made = await source.page(
            Request(path, query, user.name if user else "", may_act, may_leave)
        )
        return HTMLResponse(made.html, made.status, {"Cache-Control": "no-store"})

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        source.close()

    return Starlette(
        routes=[
            Route("/static/{name}", _file, methods=["GET"]),
            *routes,
            Route("/", show, methods=["GET"]),
            Route("/{path}", show, methods=["GET"]),
        ],
        exception_handlers={HTTPException: _refused, Exception: _failed},
        middleware=[*middleware, Middleware(GZipMiddleware, minimum_size=1000)],
        lifespan=lifespan,
    )


async def _refused(request: WebRequest, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == HTTPStatus.NOT_FOUND:  # no route leads there
        return said(request.scope, HTTPStatus.NOT_FOUND, "there is no such page", is_open=True)
    return said(request.scope, error.status_code, error.detail)


async def _failed(request: WebRequest, _error: Exception) -> Response:
    return said(request.scope, 500, BROKEN)  # `Guard` logs why


async def _file(request: WebRequest) -> Response:
    name = str(request.path_params["name"])
    if name not in FILES:
        return Response(status_code=404)
    return Response(read(name), media_type=FILES[name], headers={"Cache-Control": _HOUR})
