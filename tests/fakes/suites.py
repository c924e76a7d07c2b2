"""A suite's file of one cell, for a test to change."""

from __future__ import annotations

ONE_CELL = """title = "One cell"
target = "cpu"

[[cells]]
runner = ["paddle"]
batch = [1]

[presets.standard]
sessions = 2
samples = 9
min_samples = 5
budget_s = 1.0
warmup_calls = 1
warmup_s = 0.0
warmup_cap_s = 1.0
"""
