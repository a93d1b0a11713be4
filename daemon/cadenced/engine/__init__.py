"""The shell: services that carry out what the core decides."""
