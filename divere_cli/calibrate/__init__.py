"""Calibrate: a scan of a color chart to a preset that gives the chart's own colors.

``find`` -> ``sample`` -> ``fit`` -> ``judge`` -> ``preset``: pure functions of arrays and
records. A confined worker decodes the scan (``task``); nothing else here opens a picture.
"""
