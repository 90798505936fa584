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
lines = played.stdout.splitlines()
wrong = [line for line in lines if line.startswith(("ERROR", "CRITICAL"))]
if log.strip():
    print(f"the server logged:\n{log}", file=sys.stderr)
print(f"{played.stdout.count('SUCCESS')} checks passed, {len(wrong)} did not")
sys.exit(1 if wrong or "SUCCESS" not in played.stdout else 0)
