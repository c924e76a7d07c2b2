"""Android's debug bridge: one small interface and two ways behind it.

    device.py   what a device can be asked: run, lines, push, pull, properties
    find.py     which devices there are, and which way leads to one
    direct.py   adb-shell, for host:port and for USB where no adb server runs
      transports.py, packets.py, keys.py   its two wires, ADB's packets, the key pair in ~/.android
    server.py   the adb server that runs, where it knows the serial
    calls.py    device.py's calls, the same for both: each is a stream to a service of the device
      shell.py, sync.py, streams.py        a command, a file, and what a stream can do
    known.py            serial or host:port, and what adb's words for a device's state mean

Standard library and adb-shell only, so that workers may import it. No process is started: an
adb server is asked where one runs.
"""
