"""Where cells are measured: one file a target."""
