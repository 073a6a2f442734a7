"""Actions in Django's admin that ask before they do anything."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.template.response import TemplateResponse

from ...errors import CrontabberError
from .actions import ACTIONS, Action, Given
from .cron import DjangoCron
from .judgement import with_status
from .models import Job
from .words import in_django

_PAGE = "admin/crontabber/job/confirm.html"


def _asking(name: str, action: Action) -> Any:
    """What Django calls for an action: it asks, and acts when the answer has come."""

    def act(model_admin: "AskingAdmin", request: Any, queryset: Any) -> TemplateResponse | None:
        rows, confirmed = list(queryset), "confirmed" in request.POST
        form = action.form(request.POST if confirmed else None)
        if not (confirmed and form.is_valid()):
            return model_admin.ask(request, rows, name, action, form)
        model_admin.act_on(request, rows, action, form.cleaned_data)
        return None

    act.__name__ = name
    return admin.action(act, description=action.label)


class AskingAdmin(admin.ModelAdmin):
    """Offers the actions on jobs that its user may do."""

    actions = tuple(_asking(name, action) for name, action in ACTIONS.items())

    def get_actions(self, request: Any, action_location: Any = None) -> Any:
        """Those that the user of *request* may do; from Django 6.1 on, at a place of the admin."""
        place = {} if action_location is None else {"action_location": action_location}
        return {
            name: each
            for name, each in super().get_actions(request, **place).items()
            if name not in ACTIONS
            or request.user.has_perm(f"crontabber.{ACTIONS[name].permission}")
        }

    def ask(
        self, request: Any, rows: Sequence[Job], name: str, action: Action, form: forms.Form
    ) -> TemplateResponse:
        """The page that asks for confirmation and details of an action."""
        request.current_app = self.admin_site.name  # to which the links of the page lead
        context = {
            **self.admin_site.each_context(request),
            "title": f"{action.label}: are you sure?",
            "button": "Yes, I am sure",
            "opts": self.opts,
            "meaning": action.meaning,
            "jobs": with_status(request, rows),
            "action": name,
            "form": form,
            "checkbox": ACTION_CHECKBOX_NAME,
        }
        return TemplateResponse(request, _PAGE, context)

    def act_on(self, request: Any, rows: Sequence[Job], action: Action, given: Given) -> None:
        """Act on each job, show the result, and note it in the history of the job."""
        gone = set(request.POST.getlist(ACTION_CHECKBOX_NAME)) - {job.app_name for job in rows}
        for name in sorted(gone):
            text = f"Not done: {name} is not in this list any more"
            self.message_user(request, text, messages.WARNING)
        for job in rows:
            try:
                with DjangoCron() as cron:
                    cron.person = request.user.get_username()
                    text, code = action.act(cron, job.app_name, given)
            except CrontabberError as error:
                text, code = str(error), error.exit_code
            # Django begins a message with a capital, which is wrong for a name
            if code:
                self.message_user(request, f"Not done: {in_django(text)}", messages.ERROR)
            else:
                self.message_user(request, f"Done: {in_django(text)}", messages.SUCCESS)
                self.log_change(request, job, action.done)
