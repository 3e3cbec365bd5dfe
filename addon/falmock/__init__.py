"""falmock: the fal.ai inference API, mocked at the network layer by a mitmproxy addon.

The package is a core without I/O, with thin edges around it. Which folder may import which is stated in the section
``[tool.importlinter]`` of pyproject.toml; addon/README.md says what each folder holds.
"""

__version__ = "0.1.0"
