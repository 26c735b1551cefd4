"""Tags the wheel for the platform of the binary in it: any Python 3, no ABI."""

import os

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class PlatformTag(BuildHookInterface):
    """Hook of hatchling; ``deno task wheel`` sets the variable."""

    def initialize(self, version, build_data):
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{os.environ['PROVGRAPH_PLATFORM_TAG']}"
