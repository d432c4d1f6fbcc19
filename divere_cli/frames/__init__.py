"""Find the pictures on scans of film strips, and write their crops as a preset."""
