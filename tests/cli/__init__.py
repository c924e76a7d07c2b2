"""The command line as a person meets it, with stand-ins for engines."""
