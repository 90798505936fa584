"""A server of its own on this machine, with an organisation and whoever is needed to try it."""

import json
import os
import pathlib
import re
import secrets
import socket
import subprocess
import urllib.error
import urllib.request

ORGANISATION = """
settings: {title: Trial, production_environment: production, second_person: always}
environments: [{name: staging, tier: staging, controlled: false}, {name: production, tier: production}]
people:
  - {handle: alice, name: Alice Archer, emails: [alice@trial.example], roles: [security_officer, change_manager]}
  - {handle: bob, name: Bob Baker, emails: [bob@trial.example], roles: [administrator]}
  - {handle: carol, name: Carol Cook, emails: [carol@trial.example], roles: [change_manager, break_glass, incident_manager]}
teams: [{name: web, members: [alice, bob]}]
services: [{name: shop, owner: web}, {name: docs, owner: web}]
approval_rules: [{name: owner, scope: {environment_tiers: [production]}, min_risk: low, approvers: {teams: ["@owner"]}}]
group_roles: [{name: cab, provider: scim, group: Change board, roles: [cab_approver]}]
"""
PASSWORD = "four words of a trial 7"


class Ground:
    """A running server. `admin` is a token with all that a machine may have."""

    def __init__(self, sluice, folder):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.errors = pathlib.Path(folder, "server.log")
        command = [sluice, "serve", "--listen", f"127.0.0.1:{port}", "--data", str(pathlib.Path(folder, "data"))]
        settings = pathlib.Path(folder, "sluice.toml")
        settings.write_text('[secrets]\nmaster_key_env = "SLUICE_MASTER_KEY"\n')
        environment = {"NO_COLOR": "1", "PATH": os.environ.get("PATH", ""), "SLUICE_MASTER_KEY": secrets.token_hex(32)}
        command += ["--config", str(settings)]
        self.process = subprocess.Popen(command + ["--log-filter", "warn"], env=environment,
                                        stdout=subprocess.PIPE, stderr=self.errors.open("w"), text=True)
        said = ""
        for line in self.process.stdout:
            said += line
            if line.startswith("ready"):
                break
        first = re.search(r"^token +(\S+)", said, re.M).group(1)
        self.admin = first
        self.post("/api/v1/organisation/apply", {"files": {"sluice.yaml": ORGANISATION}, "source": "trial"})
        every = [one for one in self.get("/api/v1/whoami")["permissions"]]
        self.admin = self.post("/api/v1/tokens", {"label": "trial", "kind": "pipeline", "permissions": every,
                                                  "expires_in_hours": 2})["secret"]

    def ask(self, method, path, body=None, token=None):
        request = urllib.request.Request(self.url + path, method=method)
        request.add_header("authorization", f"Bearer {token or self.admin}")
        data = None
        if body is not None:
            request.add_header("content-type", "application/json")
            data = json.dumps(body).encode()
        try:
            with urllib.request.urlopen(request, data) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise SystemExit(f"{method} {path}: {error.code} {error.read().decode()}") from error

    def get(self, path, token=None):
        return self.ask("GET", path, token=token)

    def post(self, path, body, token=None):
        return self.ask("POST", path, body, token)

    def opened(self, handle):
        """A session of somebody who is declared, with its secret in `token`."""
        code = self.post("/api/v1/accounts", {"person": handle})["code"]
        self.post("/api/v1/account/enrol", {"handle": handle, "code": code, "password": PASSWORD})
        login = {"handle": handle, "password": PASSWORD, "client": "cli"}
        return self.post("/api/v1/login", login)

    def directory(self):
        """A token that provisions people, made by one and confirmed by another."""
        made = self.post("/api/v1/tokens", {"label": "directory", "kind": "pipeline",
                                            "permissions": ["people.provision"], "expires_in_hours": 2})
        self.post(f"/api/v1/tokens/{made['id']}/confirm", {}, token=self.opened("alice")["token"])
        return made["secret"]

    def stop(self):
        self.process.terminate()
        self.process.wait()
        return self.errors.read_text()
