"""The work on one scan: read it, treat it before the grade, grade it, write its positives."""
