"""Latency of many cells in interleaved rounds."""
