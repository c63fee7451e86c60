"""``python -m tokenguard_sandbox``: the same commands as ``tokenguard sandbox``."""

import sys

from tokenguard.errors import TokenguardError
from tokenguard_sandbox.commands import sandbox

try:
    sandbox(prog_name="python -m tokenguard_sandbox")
except TokenguardError as error:
    sys.exit(f"{error.message}\n{error.hint}")
