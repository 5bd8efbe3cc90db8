"""lvsctl, wherever the package lies: ``python3 DIRECTORY/lvs_init COMMAND`` needs no search path."""

import os
import sys

# Python has put this directory on its search path, whose modules are none by themselves.
sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from lvs_init.faces import lvsctl  # noqa: E402

lvsctl.run(sys.argv[1:], os.environ)
