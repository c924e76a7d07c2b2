"""An NVIDIA GPU: what it is, how it is just now, and what its engines need around them.

    nvml.py          NVML calls, each of which a card or a driver may not have
    choice.py        which GPU is meant
    identity.py      what stays the same during a run
    readings.py      what doesn't
    gauge.py         the readings around one session's samples, in the child
    throttling.py    reasons for a lower clock, in words
    clocks.py        was the clock held still
    presence.py      is there a card at all
    links.py         libraries of wheels under the names that engines ask for
    cudart.py        the CUDA runtime through ctypes
    engine_cache.py  built engines, by what shapes them
    trt_build.py     an engine from ONNX
    trt_log.py       what Paddle's TensorRT pass says
    stderr.py        what this process has said
    pace.py          the timed loop with a pause between runs
    probe.py         a child that reports which TensorRT it loads

Standard library only: workers import this too.
"""
