"""What packages an interpreter has, asked in words that any Python from 3.7 on understands."""

from __future__ import annotations

# Prints {name: version} as JSON, "python" among them. importlib.metadata came with 3.8; before, the
# names of the folders that it would read tell the same.
QUERY = """
import json, sys
try:
    from importlib.metadata import distributions
    names = [(it.metadata["Name"], it.version) for it in distributions()]
except ImportError:
    from pathlib import Path
    folders = [it.stem for path in sys.path for it in Path(path).glob("*.dist-info")]
    names = [folder.replace("_", "-").rsplit("-", 1) for folder in folders]
told = {name.lower(): version for name, version in names if name}
print(json.dumps(dict(told, python=sys.version.split()[0])))
"""
