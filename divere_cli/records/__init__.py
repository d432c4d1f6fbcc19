"""The data that passes between rooms: jobs, results, events, reports. Frozen, standard library.

Plain frozen data that any machine with the same files could take; JSON both
ways through :mod:`divere_cli.records.serialize`. No behaviour lives here, and nothing but
the standard library is imported.

Paths are ``str`` as :func:`os.fsdecode` gives them (surrogate escapes keep
bytes that are no UTF-8). ``name`` is what people are shown: relative, with
``/``, raw; the rim escapes it.
"""
