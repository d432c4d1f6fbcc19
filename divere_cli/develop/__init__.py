"""The work on one scan: read it, process it before the grade, grade it, write its positives."""
