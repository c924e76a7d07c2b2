"""What every room knows: cells, the protocol of workers, errors, units. Standard library only."""
