"""Confine this process, prove it, then become an IPython kernel.

The provisioner of jupyter-autocoder starts it inside the sandbox with the path of a plan. Whatever goes wrong before
the report ends the process: the provisioner then finds no report, and kills what is left. Nothing that a person or a
model wrote can run before the last line of `main`, and at that line every wall stands:

1. rlimits (and, where no namespaces are around, no capabilities and death with the parent);
2. Landlock, before any thread exists, since it holds for the calling thread and its children;
3. the second seccomp filter: no more processes, programs, sockets to a network or changes of limits;
4. the report: facts found out by trying, after all of the above, judged by the host.

Only the standard library is imported until then (and the few modules of `inside`, which keep to it too).
"""

from __future__ import annotations

import json
import os
import sys

BY_HAND = (
    "This kernel is started by the provisioner of jupyter-autocoder, which confines it; it was started without.\n"
    "The kernelspec was changed by hand: install jupyter-autocoder again to restore it.\n"
)


def main(arguments: list[str]) -> None:
    """Do the four steps, then run the kernel until it ends."""
    if len(arguments) != 1:
        sys.exit(BY_HAND)
    with open(arguments[0]) as file:
        plan = json.load(file)
    # A descriptor, or the name of a pipe that cannot be opened any more once Landlock stands.
    report = open(plan["report"], "w")  # noqa: SIM115  (it is used and closed below)

    sys.path.insert(0, plan["package_path"])
    from jupyter_autocoder.sandbox.inside import alone, landlock, limits, measure, profiles, seccomp

    sys.path.remove(plan["package_path"])

    if not plan["namespaces"]:
        alone.prepare(plan["parent"])
    limits.apply(plan["limits"])
    abi = landlock.restrict(
        readable=plan["readable"], writable=plan["writable"], sockets=plan["sockets"], execute=plan["processes"]
    )
    own_pid = None if plan["namespaces"] else os.getpid()
    seccomp.load(seccomp.second(seccomp.machine(), processes=plan["processes"], own_pid=own_pid))
    facts = measure.facts(plan, landlock=abi)
    with report:
        json.dump(facts, report)

    sys.path += plan["modules"]
    profiles.run(plan)


if __name__ == "__main__":
    os.umask(0o077)
    main(sys.argv[1:])
