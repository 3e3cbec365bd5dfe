"""The file `mitmdump -s` takes. Everything lives in the package beside it."""

from falmock.proxy.addon import Falmock

addons = [Falmock()]
