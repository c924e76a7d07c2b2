"""A stand-in for a phone, and what is tested against it.

No phone takes part in these tests. `running_device` in daemon.py answers as the device's end of
ADB would; what it says of itself is invented and calls itself a stand-in. Figures that come from
it prove that the way to a device works, never how fast a device is.
"""
