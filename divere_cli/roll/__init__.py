"""Measure scans and decide gray balance and exposure for whole rolls.

The worker measures (numpy): :mod:`.measure`, :mod:`.downsample`, :mod:`.regions`,
:mod:`.chroma`. Its results are in :mod:`.measurement`. The parent decides (standard library
only): :mod:`.pool`, :mod:`.decide`, :mod:`.auto`, :mod:`.analysis`.
"""
