"""Devices: this host, an Android phone over adb, an NVIDIA GPU through NVML."""
