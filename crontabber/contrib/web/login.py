"""The pages ``login`` and ``logout``."""

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from ...views.html import Node
from .forms import leave_form, login_form, note, page_of
from .policy import Policy, cookie
from .requests import sent
from .sessions import COOKIE, LASTS
from .throttle import Throttle
from .users import User

_MOST_WAITING = 20
"""The most logins that wait for their turn; each needs memory and tenths of a second."""


def login_routes(policy: Policy) -> list[Route]:
    """The pages for users with passwords; none if there are no users."""
    if policy.users is None or policy.sessions is None:
        return []
    desk = _Desk(policy)
    return [
        Route("/login", desk.ask, methods=["GET"]),
        Route("/login", desk.log_in, methods=["POST"]),
        Route("/logout", desk.ask_to_leave, methods=["GET"]),
        Route("/logout", desk.log_out, methods=["POST"]),
    ]


class _Desk:
    """Logs users in and out."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._throttle = Throttle()
        self._turn = anyio.Semaphore(1)

    async def ask(self, request: Request) -> Response:
        """The form."""
        return _form("", request.query_params.get("next", ""))

    async def log_in(self, request: Request) -> Response:
        """Log a user in who has the right password."""
        given = await sent(request)
        name, password, back = (given.get(key, "") for key in ("name", "password", "next"))
        address = self._policy.address_of(request.scope)
        wait = self._throttle.attempt(name, address)
        if not wait and self._turn.statistics().tasks_waiting >= _MOST_WAITING:
            wait = 1.0
        if wait:
            seconds = int(wait) + 1
            refused = _form(name, back, f"Too many attempts: try again in {seconds} s.", 429)
            refused.headers["Retry-After"] = str(seconds)
            return refused
        user = await self._checked(name, password)
        if user is None:
            return _form(name, back, "There is no user with this name and password.", 403)
        self._throttle.succeeded(name, address)
        return self._let_in(request, user, back)

    async def _checked(self, name: str, password: str) -> User | None:
        assert self._policy.users is not None, "else there is no page for it"
        async with self._turn:
            return await anyio.to_thread.run_sync(self._policy.users.check, name, password)

    def _let_in(self, request: Request, user: User, back: str) -> Response:
        assert self._policy.sessions is not None, "else there is no page for it"
        response = _to(back if back.startswith("/") else "/")
        response.set_cookie(
            COOKIE,
            self._policy.sessions.begin(user),
            max_age=LASTS,
            path=request.scope.get("root_path") or "/",
            secure=self._policy.is_https(request.scope),
            httponly=True,
            samesite="strict",
        )
        return response

    async def ask_to_leave(self, request: Request) -> Response:
        """The button that logs out: forms on other pages send no origin."""
        return _page("Log out", leave_form(), 200)

    async def log_out(self, request: Request) -> Response:
        """End the session."""
        assert self._policy.sessions is not None, "else there is no page for it"
        self._policy.sessions.end(cookie(request.scope))
        response = _to("/login")
        response.delete_cookie(COOKIE, path=request.scope.get("root_path") or "/")
        return response


def _to(path: str) -> RedirectResponse:
    """Another page of ours: relative, so that no path can lead to another site."""
    return RedirectResponse(f".{path[:2000]}", 303)


def _form(name: str, back: str, wrong: str = "", status: int = 200) -> HTMLResponse:
    body = [note(wrong, bad=True) if wrong else None, login_form(name[:64], back[:2000])]
    return _page("Log in", body, status)


def _page(title: str, body: Node, status: int) -> HTMLResponse:
    # without a referrer, a browser would not say which page a form comes from
    return HTMLResponse(page_of(title, body), status, {"Referrer-Policy": "same-origin"})
