"""results/: schemas, validation, atomic files, run directories."""
