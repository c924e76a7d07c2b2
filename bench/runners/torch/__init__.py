"""PyTorch: a net's graph as a module of its own, run eagerly or compiled."""
