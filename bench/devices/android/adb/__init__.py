"""Android's debug bridge: one small interface and two ways behind it.

    device.py   what a device can do: run, lines, push, pull, properties
      services.py, streams.py       what its services say, and what a stream to one can do
    find.py     which devices there are, and which way leads to one
    direct.py   adb-shell, for host:port and for USB where no adb server runs
      usb.py, keys.py               devices on USB, the key pair in ~/.android
    server.py   the adb server that runs, where it knows the serial
    known.py    serial, USB path or host:port, and what adb's words for a device's state mean

Standard library and adb-shell only, so that workers may import it. No process is started: an
adb server is used where one runs.
"""
