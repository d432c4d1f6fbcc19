"""Reports of a run: table, JSON, CSV, JUnit, HTML, Prometheus; the history of runs.

A face is a module with ``render(report) -> str`` (the table's gives a rich
renderable); none of them decodes an image or opens a file.
"""
