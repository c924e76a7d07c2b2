"""Interleaved A/B comparison of two arms, and bisecting revisions by it."""
