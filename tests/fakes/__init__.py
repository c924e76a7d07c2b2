"""Stand-ins at the edges; nothing taken through them is a measurement."""
