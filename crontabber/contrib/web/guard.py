"""The one guard of the pages: every request and every answer passes it."""

import logging
from collections.abc import Awaitable, Callable
from urllib.parse import quote

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ...errors import ConfigError
from ...views.html import tag
from ...views.page import PAGES, POLICY, Frame, live
from .policy import Policy, headers
from .users import Role

LOGIN, LOGOUT, STATIC = "/login", "/logout", "/static/"
"""The pages that strangers may see, too."""
BROKEN = "something went wrong: the log has more"
_LARGEST = 1 << 16
"""The most bytes that a browser may send: a form has some hundred."""
_SETTINGS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
USER, WRITABLE = "crontabber.user", "crontabber.writable"
"""In the scope of a request: the user, and whether they may change anything."""


class Guard:
    """An ASGI application that passes on to another what its policy allows.

    - If it is read-only, no method but GET and HEAD gets through, except for a login.
    - A change must come from a page of ours, and from an operator.
    - The host name that the browser used must be one of ours.
    - Every answer has the headers that say what a browser may do with it.
    - An error is logged; the browser only learns that there was one.
    """

    def __init__(self, app: ASGIApp, policy: Policy) -> None:
        self._app = app
        self.policy = policy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        if scope["type"] != "http":
            return
        answer = _Answer(send)
        try:
            refusal = self._refusal(scope)
            await (refusal or self._app)(scope, _limited(receive), answer.send)
        except HTTPException as error:
            await answer.give_up(scope, receive, error.status_code, error.detail)
        except Exception:
            path = scope["path"].encode("unicode_escape").decode()[:200]
            _logger.exception("cannot answer %s", path, extra=_EXTRA)
            await answer.give_up(scope, receive, 500, BROKEN)

    def _refusal(self, scope: Scope) -> Response | None:
        """The answer to a request that is refused; None: it passes."""
        policy = self.policy
        if not policy.serves(scope):
            return said(
                scope,
                421,
                "this is not the name of these pages: add it to hosts in the section [web], if it "
                "is to be",
            )
        path = path_of(scope)
        logs_in = policy.sessions is not None and path in {LOGIN, LOGOUT}
        allowed = ["GET", "HEAD", *(["POST"] if policy.writable or logs_in else [])]
        if scope["method"] not in allowed:
            return said(scope, 405, "that cannot be done here", Allow=", ".join(allowed))
        try:
            user = policy.user_of(scope)
        except ConfigError as error:  # such as a file of users that others may write
            _logger.error("%s", error, extra=_EXTRA)  # noqa: TRY400  it is no surprise
            return said(scope, 503, "no user can be let in at the moment: the log says why")
        may_write = user is not None and user.role is Role.OPERATOR and policy.writable
        scope[USER], scope[WRITABLE] = user, may_write
        if scope["method"] == "POST":
            return self._refusal_of_write(scope, may_write=may_write or logs_in)
        is_open = user or not policy.needs_user or logs_in or path.startswith(STATIC)
        return None if is_open else self._to_login(scope, path)

    def _refusal_of_write(self, scope: Scope, *, may_write: bool) -> Response | None:
        if not self.policy.is_from_own_page(scope):
            return said(scope, 403, "this does not come from a page of crontabber: go there first")
        return None if may_write else said(scope, 403, "only operators may do that")

    def _to_login(self, scope: Scope, path: str) -> Response:
        asks_for_page = headers(scope, b"sec-fetch-dest") in ([], ["document"])
        if self.policy.sessions and asks_for_page:
            query = scope["query_string"].decode("latin-1")
            back = quote(f"{path}?{query}" if query else path, safe="/")
            root = quote(scope.get("root_path", ""))
            return RedirectResponse(f"{root}{LOGIN}?next={back}", 303)
        return said(scope, 401 if self.policy.sessions else 403, "it is not known who you are")


class _Answer:
    """Sends the answer, with our headers."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._has_begun = False

    async def send(self, message: Message) -> None:
        """Pass on a message of the application."""
        if message["type"] == "http.response.start":
            self._has_begun = True
            found = MutableHeaders(raw=[*message.get("headers", ())])
            for name, value in _SETTINGS.items():
                found[name] = value
            found.setdefault("Cache-Control", "no-store")
            found.setdefault("Referrer-Policy", "no-referrer")
            message = {**message, "headers": found.raw}
        await self._send(message)

    async def give_up(self, scope: Scope, receive: Receive, status: int, text: str) -> None:
        """Send an error, if no answer was begun yet."""
        if not self._has_begun:
            await said(scope, status, text)(scope, receive, self.send)


def path_of(scope: Scope) -> str:
    """The path of a request, below the one under which the pages are mounted."""
    path, root = str(scope["path"]), str(scope.get("root_path", ""))
    return path[len(root) :] if root and path.startswith(f"{root}/") else path


def _limited(receive: Receive) -> Callable[[], Awaitable[Message]]:
    """*receive*, which raises an `HTTPException` when more comes than a form has."""
    so_far = 0

    async def limited() -> Message:
        nonlocal so_far
        message = await receive()
        so_far += len(message.get("body", b""))
        if so_far > _LARGEST:
            raise HTTPException(413, "that is too much")
        return message

    return limited


def said(scope: Scope, status: int, text: str, *, is_open: bool = False, **more: str) -> Response:
    """A line; for people as a page, with links to the others.

    But not for strangers, unless it *is_open*: then anyone may know which pages there are.
    """
    wants_page = any("text/html" in value for value in headers(scope, b"accept"))
    if not wants_page:
        return PlainTextResponse(f"{text}\n", status, more)
    title = "That is refused" if status < 500 else "Something is wrong"
    up = "../" * path_of(scope).removeprefix("/").count("/")  # its links are relative
    nav = PAGES if is_open or scope.get(USER) else {}
    frame = Frame(title, nav=nav, is_form=True, up=up)
    line = f"{text[0].upper()}{text[1:]}."
    return HTMLResponse(live(frame, tag("p", line, class_="note bad", role="alert")), status, more)


_logger = logging.getLogger("crontabber")
_EXTRA = {"action": "serve", "app_name": ""}
