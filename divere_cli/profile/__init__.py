"""Presets: schema, strict loading, the shipped profiles, and which preset grades which scan.

Ends in a :class:`~divere_cli.records.grade.Recipe`. Standard library only: it runs in the parent.
"""
