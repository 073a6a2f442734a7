"""Reports runs to OpenTelemetry: a span each, and metrics, by OTLP at the end of a tick."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import ConfigError
from ..schedule.model import JobSpec, Run
from . import Reporter
from .courier import Courier
from .wording import error_words

_MOST = 10_000
"""Spans that are kept for the end of a tick; jobs can make many."""
_PROTOBUF = {"Content-Type": "application/x-protobuf"}


class OtelReporter(Reporter):
    """Sends spans and metrics to *endpoint*, such as ``http://localhost:4318``.

    The span of a run is current while the job's code runs, so that the job's own spans
    are its children. If the project has a tracer provider by then, that makes and sends the spans.
    """

    def __init__(self, endpoint: str, headers: str, release: str, courier: Courier) -> None:
        try:
            self._sdk = _Sdk(release)
        except ImportError as error:
            raise ConfigError(
                f"OpenTelemetry is not installed ({error.name}): pip install 'crontabber[otel]'"
            ) from None
        self._endpoint = endpoint.rstrip("/")
        self._headers = {**_PROTOBUF, **_headers(headers)}
        self._courier = courier
        self._span: Any = None
        """That of the run in progress."""

    def started(self, job: JobSpec, run: Run) -> None:
        self._end()
        self._span = self._sdk.begin(job, run)

    def succeeded(self, job: JobSpec, run: Run) -> None:
        self._record(job, run)
        self._end()

    def failed(self, job: JobSpec, run: Run, error: BaseException | None) -> None:
        if error is not None and self._span is not None:
            self._sdk.fail(self._span, run)
            self._record(job, run)
            self._end()
        else:  # a crash, which another process reports
            self._record(job, run)

    def finished(self) -> None:
        self._end()
        for path, body in self._sdk.letters():
            self._courier.request(
                f"what OpenTelemetry gets ({path})",
                f"{self._endpoint}/v1/{path}",
                method="POST",
                body=body,
                headers=self._headers,
            )

    def _record(self, job: JobSpec, run: Run) -> None:
        attributes = {"crontabber.job": job.app_name, "crontabber.outcome": run.outcome.value}
        self._sdk.runs.add(1, attributes)
        if run.duration is not None:
            self._sdk.durations.record(run.duration.total_seconds(), attributes)

    def _end(self) -> None:
        span, self._span = self._span, None
        if span is not None:
            span.end()


class _Sdk:
    """The parts of OpenTelemetry's SDK that are used."""

    def __init__(self, release: str) -> None:
        from opentelemetry import context, trace
        from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
        from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
        from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider
        from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader
        from opentelemetry.sdk.resources import Resource

        self._context, self._trace = context, trace
        self._encode_spans, self._encode_metrics = encode_spans, encode_metrics
        given = os.environ.get("OTEL_SERVICE_NAME") or "crontabber"
        resource = Resource.create({"service.name": given, "host.name": os.uname().nodename})
        self._finished: list[Any] = []
        self._provide(resource)
        self._tracer = trace.get_tracer("crontabber", release)
        delta = dict.fromkeys((Counter, Histogram), AggregationTemporality.DELTA)
        self._reader = InMemoryMetricReader(preferred_temporality=delta)  # type: ignore[arg-type]
        meters = MeterProvider([self._reader], resource, shutdown_on_exit=False)
        meter = meters.get_meter("crontabber", release)
        self.runs = meter.create_counter("crontabber.runs", "{run}", "Runs that ended")
        self.durations = meter.create_histogram(
            "crontabber.run.duration", "s", "How long runs took"
        )

    def _provide(self, resource: Any) -> None:
        """Keep spans here, unless the project has a provider, which sends them itself."""
        from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

        if not isinstance(self._trace.get_tracer_provider(), self._trace.ProxyTracerProvider):
            return
        finished = self._finished

        class Keeper(SpanProcessor):
            def on_end(self, span: Any) -> None:
                if len(finished) < _MOST:
                    finished.append(span)

        provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        provider.add_span_processor(Keeper())
        self._trace.set_tracer_provider(provider)

    def begin(self, job: JobSpec, run: Run) -> Any:
        """A span for a *run*, which is the current one in this context from now on."""
        span = self._tracer.start_span(
            job.app_name,
            self._context.Context(),  # a trace of its own
            attributes={
                "crontabber.job": job.app_name,
                "crontabber.slot": run.slot.isoformat(),
                "crontabber.class": job.class_path,
            },
        )
        self._context.attach(self._trace.set_span_in_context(span))
        return span

    def fail(self, span: Any, run: Run) -> None:
        """The run of the span failed."""
        if run.error:
            words = error_words(run.error)
            span.set_status(self._trace.StatusCode.ERROR, words)
            span.add_event(
                "exception",
                {
                    "exception.type": words.partition(":")[0],
                    "exception.message": run.error.value,
                    "exception.stacktrace": run.error.traceback,
                },
            )

    def letters(self) -> Sequence[tuple[str, bytes]]:
        """What there is to send: a path, and a body."""
        found = []
        if self._finished:
            found.append(("traces", self._encode_spans(self._finished).SerializeToString()))
            self._finished.clear()
        data = self._reader.get_metrics_data()
        if data is not None and data.resource_metrics:
            found.append(("metrics", self._encode_metrics(data).SerializeToString()))
        return found


def _headers(text: str) -> Mapping[str, str]:
    pairs = (part.partition("=") for part in text.split(", ") if part)
    return {name.strip(): value.strip() for name, _, value in pairs}
