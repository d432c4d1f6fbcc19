"""Pictures on strips of film: where they lie on a scan, how sure that is, and the preset for it."""
