"""divere: grade film scans from linear negative to positive, unattended."""

__version__ = "0.1.0"

# The version of the grade: raised only when pixels of an unchanged preset and unchanged
# options change. Golden pictures hold it (tests/test_golden.py).
GRADE = 1
