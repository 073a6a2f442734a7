"""The live pages inside Django's admin, with its login, permissions and database."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.urls import path

from ...errors import CrontabberError
from ...verbs.pages import Page, Request, look, page, problem
from ...views.page import POLICY
from ...views.static import FILES, read
from .looking import looking


def urls(model_admin: Any) -> list[Any]:
    """The pages below the list of the jobs, for those who may view it."""

    def show(request: Any, name: str = "") -> HttpResponse:
        if not model_admin.has_view_permission(request):
            raise PermissionDenied
        made = _page(Request(name, tuple(sorted(request.GET.items())), str(request.user)))
        headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-store"}
        return HttpResponse(made.html, status=made.status, headers=headers)

    def file(_request: Any, name: str) -> HttpResponse:
        if name not in FILES:
            raise Http404
        return HttpResponse(read(name), content_type=FILES[name])

    only = model_admin.admin_site.admin_view
    return [
        path("pages/", only(show), name="crontabber_pages"),
        path("pages/static/<str:name>", only(file, cacheable=True)),
        path("pages/<str:name>", only(show)),
    ]


def _page(request: Request) -> Page:
    try:
        with looking() as cron:
            return page(look(cron, imports=True), request)  # which are commands, and stay unread
    except CrontabberError as error:
        return problem(503, "The jobs cannot be looked at", str(error))
