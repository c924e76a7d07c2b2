"""Converters: functions that make the file an engine loads.

A converter is `convert(source, options, out) -> facts`. A child process of the interpreter that
can do it calls it once (`bench.worker`, operation "convert"); it writes files below `out`, an empty
folder, and returns what is worth recording of them as JSON. A failure that could be foreseen is a
`bench.core.errors.ArtifactError`.
"""
