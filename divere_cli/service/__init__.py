"""``divere watch``: the batch as a service that watches a folder."""
