"""The child process that holds one engine: standard library and numpy only."""
