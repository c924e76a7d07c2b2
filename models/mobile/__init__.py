"""PaddleClas's mobile nets beside ShuffleNetV2: written from their papers and the published costs.

A factory here returns the net for 1,000 classes, or for `num_classes`; models/README.md tells how
near its costs are to the published ones.
"""
