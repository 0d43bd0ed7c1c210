"""Settings as text and values: read from TOML and from a command line, checked, written, compared. No torch."""
