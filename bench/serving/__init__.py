"""A net behind a server, and the load that measures it. No engine: a worker holds that."""
