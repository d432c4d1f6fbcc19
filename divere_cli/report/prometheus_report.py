"""The figures of a run as a text file for Prometheus, for example for node_exporter.

Covers the figures and their names; the format is written by Prometheus' own client. Every
figure has the label ``output``, so that the files of several jobs lie side by side in one
folder. No scan's name becomes a label. Not covered: the running service, which counts
for itself (``divere watch``).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from divere_cli.records.report import RunReport
from divere_cli.report.summary import Summary, summarize
from divere_cli.text import safe

_STATUSES = ("ok", "up_to_date", "kept", "known_failure", "deferred", "failed", "interrupted")
_STAGE = "divere_run_stage_seconds"


def render(report: RunReport) -> str:
    """Return the text; needs ``prometheus_client``.

    Parameters
    ----------
    report : RunReport
        The report of a run.
    """
    import prometheus_client

    client: Any = prometheus_client
    registry = client.CollectorRegistry()
    summary, output = summarize(report), safe(report.output)
    for name, (text, value) in _single(report, summary).items():
        client.Gauge(f"divere_run_{name}", text, ["output"], registry=registry).labels(output).set(
            value
        )
    scans = _gauge(client, registry, "divere_run_scans", "Scans by how they ended.", "status")
    for status in _STATUSES:
        scans.labels(output, status).set(getattr(summary, status))
    stages = _gauge(client, registry, _STAGE, "Seconds of a scan by stage.", "stage", "figure")
    for stage, each in summary.seconds_by_stage.items():
        for figure in ("mean", "p50", "p95"):
            stages.labels(output, stage, figure).set(getattr(each, figure))
    version = _gauge(client, registry, "divere_run_info", "What ran.", "version", "isolation")
    version.labels(output, safe(report.version), report.isolation.effective).set(1)
    made: bytes = client.generate_latest(registry)
    return made.decode("utf-8")


def _gauge(client: Any, registry: Any, name: str, text: str, *labels: str) -> Any:
    return client.Gauge(name, text, ["output", *labels], registry=registry)


def _single(report: RunReport, summary: Summary) -> dict[str, tuple[str, float]]:
    """Return the figures with one value for the whole run, by the end of their names."""
    started = datetime.fromisoformat(report.started).timestamp()
    return {
        "started_timestamp_seconds": ("When the run began.", started),
        "ended_timestamp_seconds": ("When the run ended.", started + report.seconds),
        "duration_seconds": ("Wall clock of the run.", report.seconds),
        "exit_code": ("As the program ended; 0 is well.", report.exit_code),
        "megapixels_per_second": ("Of what was graded.", summary.megapixels_per_second),
        "worker_peak_rss_bytes": ("The largest peak of one scan.", summary.peak_rss_bytes),
        "peak_rss_bytes": ("Peak of divere itself.", report.parent.peak_rss_bytes),
        "incidents": ("Faults of the run's own machinery.", len(report.incidents)),
        "orphans": ("Positives whose scans are gone.", report.orphans),
    }
