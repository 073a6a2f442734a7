"""The settings of the shop; those for crontabber are at the end."""

from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent

SECRET_KEY = "only an example"  # noqa: S105
DEBUG = True
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
ROOT_URLCONF = "shop.urls"
STATIC_URL = "static/"
TIME_ZONE = "UTC"
USE_TZ = True

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "crontabber.contrib.django",
    "shop",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# Host and user are what libpq takes from its environment: see manage.py.
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "postgres"}}

CRONTABBER_JOBS = [
    # a command of Django's own
    {"cmd": "clearsessions", "frequency": "1d", "time": "03:00"},
    # is told when it last succeeded
    {"cmd": "fetch_orders", "frequency": "5m", "last_success": True},
    # is told for which hour it is, and gets every hour that it missed
    {
        "cmd": "report",
        "cmd_args": ["--format=csv"],
        "frequency": "1h",
        "backfill": True,
        "depends_on": ["fetch_orders"],
    },
    # trims the log of the jobs
    {"cmd": "cronclean", "frequency": "1d"},
]
