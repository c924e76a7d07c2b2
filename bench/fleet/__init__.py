"""Jobs over several hosts: workers offer their targets, and results are merged by copying."""
