"""What a person configures: suites, the catalogue of models, thresholds."""
