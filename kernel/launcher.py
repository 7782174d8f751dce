"""Confine this process, prove it, then become an IPython kernel.

Started inside the sandbox by the provisioner of jupyter-autocoder, with the path of a plan. Started in any other way
it ends at once: it never runs an unconfined kernel.
"""

from __future__ import annotations

import json
import os
import sys


def main(arguments: list[str]) -> None:
    if len(arguments) != 1:
        sys.exit("This kernel is started by jupyter-autocoder's provisioner only: the kernelspec was changed by hand.")
    with open(arguments[0]) as file:
        plan = json.load(file)
    sys.path[:0] = plan["python_path"][:1]
    from jupyter_autocoder.sandbox.inside import limits, measure, profiles

    limits.apply(plan["limits"])
    with open(plan["report"], "w") as report:
        json.dump(measure.facts(plan), report)
    del sys.path[0]
    sys.path += plan["python_path"][1:]
    profiles.start(plan)


if __name__ == "__main__":
    os.umask(0o077)
    main(sys.argv[1:])
