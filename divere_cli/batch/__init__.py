"""Grade many scans: find and plan them, start them, retry them, publish, keep the journal."""
