"""Measure scans and decide gray balance and exposure for whole rolls.

The worker's side (numpy): :mod:`.measure`, :mod:`divere_cli.roll.downsample`, :mod:`.regions`,
:mod:`.chroma`. What it hands over: :mod:`.measurement`. The parent's side
(standard library only): :mod:`.pool`, :mod:`.decide`, :mod:`.auto`,
:mod:`.analysis`.
"""
