"""Presets: schema, strict loading, older versions, the shipped library, which serves which scan.

Ends in a :class:`~divere_cli.records.grade.Recipe`. Standard library only: it runs in the parent.
"""
