"""AVIF: header."""
