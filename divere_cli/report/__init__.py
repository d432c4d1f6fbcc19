"""Reports of a run: table, JSON, CSV, JUnit, HTML, Prometheus; the history of runs.

A renderer is a module with ``render(report) -> str`` (the table's gives a rich
renderable); none of them decodes an image or opens a file.
"""
