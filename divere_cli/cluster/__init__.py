"""Run scans on a Dask cluster.

Dask moves tasks and notices dead machines; on each machine a station (a process
of ours, see :mod:`divere_cli.cluster.station`) runs each scan through the very
runner that a local batch uses. Planning, publishing, journal, report and exit
code stay with the caller.
"""
