"""Plays the checks of scim2-tester against a running server: `scim.py SLUICE FOLDER`."""

import os
import pathlib
import subprocess
import sys

from ground import Ground

sluice, folder = sys.argv[1:]
ground = Ground(sluice, folder)
try:
    token = ground.directory()
    environment = dict(os.environ, SCIM_CLI_HEADERS=f"Authorization: Bearer {token}")
    scim2 = pathlib.Path(sys.executable).with_name("scim2")
    played = subprocess.run([scim2, "--url", f"{ground.url}/scim/v2", "test"], env=environment, check=False,
                            capture_output=True, text=True)
finally:
    log = ground.stop()
print(played.stdout)
print(played.stderr, file=sys.stderr)
# What we do otherwise, and why.
OTHERWISE = [
    ("search_with_attributes", "There is nothing here"),  # `POST /.search` is not offered
    ("check_remove_attribute", "'active'"),  # a person whose `active` is removed is active, and it says so
]
lines = played.stdout.splitlines()
wrong = [(line, after) for line, after in zip(lines, lines[1:] + [""]) if line.startswith(("ERROR", "CRITICAL"))]
found = [one for one in wrong if not any(name in one[0] and why in one[1] for name, why in OTHERWISE)]
if log.strip():
    print(f"the server logged:\n{log}", file=sys.stderr)
print(f"{played.stdout.count('SUCCESS')} checks passed, {len(found)} did not")
sys.exit(1 if found or "SUCCESS" not in played.stdout else 0)
