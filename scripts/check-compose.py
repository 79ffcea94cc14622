#!/usr/bin/env python3
"""Whether the compose file of our own services says nothing that is not there.

    scripts/check-compose.py COMPOSE CONTAINERFILE PACKAGE.deb

Every service has an image that is built here, a user of the image, a program of the package, a way to ask for its health, and is
restarted; secrets and volumes that are used are declared, and the secrets are those that the file's own first lines make;
settings are documented. Wants PyYAML (Debian: python3-yaml) and dpkg-deb.
"""
import pathlib, re, subprocess, sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent
HEALTH = "/usr/share/vox/scripts/host/health"
KNOWN = {
    "image", "build", "user", "command", "depends_on", "stop_grace_period", "restart", "read_only", "tmpfs", "cap_drop", "security_opt",
    "mem_limit", "volumes", "secrets", "environment", "healthcheck", "hostname", "ports",
}


def settings():
    """The names of all settings in the documents."""
    pages = [ROOT / "docs" / name for name in ("settings-bridge.md", "settings-core.md", "settings-dialler.md")]
    return set(re.findall(r"`([A-Z][A-Z0-9_]+)`", "".join(page.read_text(encoding="utf-8") for page in pages)))


def files(package):
    listed = subprocess.run(["dpkg-deb", "--contents", package], check=True, capture_output=True, text=True).stdout
    return {line.split()[5].removeprefix(".") for line in listed.splitlines()}


def main():
    compose, container, package = map(pathlib.Path, sys.argv[1:])
    text = compose.read_text(encoding="utf-8")
    whole = yaml.safe_load(text)
    built = container.read_text(encoding="utf-8")
    known, there, faults = settings(), files(package), []
    users = set(re.findall(r"^u (\S+)", (ROOT / "systemd/vox.sysusers.conf").read_text(encoding="utf-8"), re.MULTILINE)) | {"root"}

    def wrong(where, what):
        faults.append(f"{where}: {what}")

    services, secrets = whole["services"], whole.get("secrets", {})
    images = {service["image"] for service in services.values() if "build" in service}
    # Where each says that it is asked for its health is where it listens.
    ports = {name: service.get("healthcheck", {}).get("test", ["", "", ""])[2] for name, service in services.items()}
    for name, service in services.items():
        for key in service.keys() - KNOWN:
            wrong(name, f"'{key}' is not known here: a slip, or a new thing that this check must know")
        if service["image"] not in images:
            wrong(name, f"nothing builds the image {service['image']}")
        if service["user"] not in users:
            wrong(name, f"the image has no user {service['user']}")
        test = service.get("healthcheck", {}).get("test", [])
        if test[:2] != ["CMD", HEALTH]:
            wrong(name, f"its health is not asked for with {HEALTH}")
        for word in re.findall(r"/usr/[^\s'\"]+", " ".join(service["command"] + test)):
            if word not in there:
                wrong(name, f"the package has no {word}")
        for key in ("healthcheck", "restart"):
            if key not in service:
                wrong(name, f"no {key}")
        if service["user"] != "root" and not (service.get("read_only") and service.get("cap_drop") == ["ALL"] and "/tmp" in service.get("tmpfs", [])):
            wrong(name, "it may write or do more than it needs: read_only, tmpfs /tmp, cap_drop ALL")
        environment = service.get("environment", {})
        for variable, value in environment.items():
            if not isinstance(value, str):
                wrong(name, f"{variable} is no text: put it in quotes")
            if variable.removesuffix("_FILE") not in known:
                wrong(name, f"no document has the setting {variable}")
            if variable.endswith("_FILE") and str(value).removeprefix("/run/secrets/") not in service.get("secrets", []):
                wrong(name, f"{variable} is not among its secrets")
            for host, port in re.findall(r"http://([a-z0-9-]+):(\d+)", str(value)):
                if ports.get(host) != port:
                    wrong(name, f"{variable}: nobody answers at {host}:{port}")
        for other in service.get("depends_on", []):
            if other not in services:
                wrong(name, f"there is no service {other}")
        for secret in service.get("secrets", []):
            if secret not in secrets:
                wrong(name, f"the secret {secret} is not declared")
        for volume in service.get("volumes", []):
            source, target = volume.split(":")
            if source not in whole["volumes"]:
                wrong(name, f"the volume {source} is not declared")
            if not re.search(rf"install -d .* {target}( |$)", built, re.MULTILINE):
                wrong(name, f"{target} is not made in the image: the volume would be root's")
    made = set(re.findall(r"([a-z-]+):\d+", re.search(r"for s in (.*?);", text)[1]))
    if made != set(secrets):
        wrong("secrets", f"the first lines make {sorted(made)}, and {sorted(secrets)} are wanted")
    for name, secret in secrets.items():
        if secret != {"file": f"./secrets/{name}"}:
            wrong("secrets", f"{name} is not where the first lines put it")
    workers = [name for name in services if name.startswith("worker-")]
    for name in workers:
        environment = services[name]["environment"]
        if environment["VOXCORE_WORKERS"] != str(len(workers)) or not environment["VOXCORE_ADDR"].endswith(f":{ports[name]}"):
            wrong(name, "its number, its port and VOXCORE_WORKERS do not agree")
    if f"--workers {len(workers)} " not in services["nginx"]["command"][2]:
        wrong("nginx", f"it does not know {len(workers)} workers")
    if faults:
        sys.exit("\n".join(f"check-compose: {fault}" for fault in faults))
    print(f"{len(services)} services are as the image, the package and the documents have them")


main()
