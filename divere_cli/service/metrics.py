"""The service's metrics for Prometheus, by its official client (extra ``[watch]``).

Covers names, kinds and a registry of the service's own. No file name becomes a label.
"""

from __future__ import annotations

import threading
from typing import Any

from divere_cli.records.outcome import ScanResult

SECONDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)


class Metrics:
    """Counts scans; gauges are set when the metrics are read.

    Parameters
    ----------
    client : module
        ``prometheus_client``.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._registry = client.CollectorRegistry()
        to = {"registry": self._registry}
        self._scans = client.Counter("divere_scans", "Scans by how they ended.", ["status"], **to)
        self._seconds = client.Histogram(
            "divere_scan_seconds", "Seconds that a graded scan took.", buckets=SECONDS, **to
        )
        self._queue = client.Gauge("divere_queue_scans", "Scans not done yet.", **to)
        self._peak = client.Gauge(
            "divere_worker_peak_rss_bytes", "Most memory that one worker has used.", **to
        )
        self._restarts = client.Counter(
            "divere_restarts", "Failed batches, forkservers and threads started again.", **to
        )
        self._known_restarts = 0
        self._turn = threading.Lock()  # each request for the metrics has a thread of its own

    def count(self, result: ScanResult) -> None:
        """Count the result of a scan."""
        self._scans.labels(status=result.status).inc()
        if result.status == "ok":
            self._seconds.observe(result.seconds)

    def text(self, queue: int, peak_rss_bytes: int, restarts: int) -> bytes:
        """Return all metrics as text.

        Parameters
        ----------
        queue : int
            Scans that wait or are in work.
        peak_rss_bytes : int
            The most memory that one worker has used.
        restarts : int
            Number since the service started.
        """
        with self._turn:
            self._queue.set(queue)
            self._peak.set(peak_rss_bytes)
            self._restarts.inc(max(0, restarts - self._known_restarts))
            self._known_restarts = max(restarts, self._known_restarts)
            made: bytes = self._client.generate_latest(self._registry)
        return made


def of_this_service() -> Metrics | None:
    """Return the metrics of this process; None if the extra is not installed."""
    try:
        import prometheus_client
    except ModuleNotFoundError:
        return None
    client: Any = prometheus_client
    client.disable_created_metrics()
    return Metrics(client)
