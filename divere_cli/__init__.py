"""divere: grade film scans from linear negative to positive, unattended."""

__version__ = "0.1.0"
