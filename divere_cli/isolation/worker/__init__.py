"""The worker's side: start, confine itself, run one job, answer."""
