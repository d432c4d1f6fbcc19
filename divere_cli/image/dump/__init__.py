"""Dumps of lab scanners: planar 16-bit samples with or without a head of 16 bytes."""
