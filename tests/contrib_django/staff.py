"""What members of staff see and do in Django's admin, by its test client in a process."""

import json
from typing import Any

from tests.contrib_django.site import Site

_AS_STAFF = """
import json, re
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.test.utils import setup_test_environment

setup_test_environment()

def say(what):
    print(json.dumps(what))

def staff(*names):
    user, _ = User.objects.get_or_create(username="-".join(names) or "no-rights", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    client = Client()
    client.force_login(user)
    return client

def page(client, where):
    answer = client.get(f"/admin/crontabber/{where}")
    return [answer.status_code, answer.content.decode()]

def count(text):
    return re.search(r"\\d+ (job|run)s?(?=\\n)", text)[0]

def act(client, action, *names, **given):
    # ask for it, and answer yes if it is to be confirmed
    form = {"action": action, "_selected_action": names}
    answer = client.post("/admin/crontabber/job/", form, follow=True)
    if "meaning" in answer.context:
        assert not list(answer.context["messages"]), "nothing is done before the answer"
        form = {**form, "confirmed": "yes", **given}
        answer = client.post("/admin/crontabber/job/", form, follow=True)
    return [str(message) for message in answer.context["messages"]]

"""


def as_staff(site: Site, program: str) -> list[Any]:
    """What *program* says, in a list of JSON."""
    done = site("shell", "-v0", "-c", f"{_AS_STAFF}\n{program}")
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]
