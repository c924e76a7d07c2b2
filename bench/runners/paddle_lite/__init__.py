"""Paddle Lite: on a phone through the device program or benchmark_bin, and on x86."""
