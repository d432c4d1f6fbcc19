"""A run in numbers and its faces: table, JSON, CSV, JUnit, HTML, Prometheus; past runs.

A face is a module with ``render(report) -> str`` (the table's gives a rich
renderable); none of them decodes an image or opens a file.
"""
