"""Test sheets of a scan under many grades, and contact sheets of a roll."""
