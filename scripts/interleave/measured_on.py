"""What was a result measured on? Machine, build and checks, as every page of a result tells them."""

from . import checks, units

NOT_KNOWN = "not known"


def facts(manifest, machine):
    """(name, text) of the machine, of the build and of the run."""
    memory, command = machine.get("memory_bytes"), manifest.get("command")
    known = {"machine": machine.get("name"), "CPU": machine.get("cpu_model"),
             "CPUs": machine.get("cpus"), "memory": units.gibibytes(memory) if memory else None,
             "system": machine.get("system"), "kernel": machine.get("kernel"),
             "hypervisor": _hypervisor(machine.get("hypervisor")),
             "compiler": manifest.get("compiler"), "flags": manifest.get("flags"),
             "commit": manifest.get("commit"),
             "command": " ".join(command) if isinstance(command, list) else command,
             "started": manifest.get("created_utc"), "finished": manifest.get("finished_utc")}
    return [(name, text(value)) for name, value in known.items()]


def libraries(manifest):
    """(model, version of its library)."""
    return [(model, "none" if version == "" else text(version))
            for model, version in sorted((manifest.get("libraries") or {}).items())]


def checked(manifest):
    """(check, what was found before, what after) of each; found: (value, state) as text."""
    moments = manifest.get("environment") or {}
    before, after = moments.get("before") or {}, moments.get("after") or {}
    return [(checks.title(name), _found(name, before.get(name)), _found(name, after.get(name)))
            for name in checks.in_order({*before, *after})]


def _found(name, check):
    if check is None:
        return "–", ""
    return text(checks.shown(name, check.get("value"))), text(check.get("state"))


def _hypervisor(name):
    return "present, its name is not known" if name == "unnamed" else name


def text(value):
    return NOT_KNOWN if value in (None, "") else str(value)
