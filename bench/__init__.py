"""`make bench`: divere and its peers measured side by side, written to docs/benchmarks.md."""
