"""Bills of materials are valid CycloneDX 1.6, and hang together: sbom.py FILE..."""

import json
import sys

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

for file in sys.argv[1:]:
    with open(file) as f:
        text = f.read()
    error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    assert error is None, f"{file}: {error}"
    bom = json.loads(text)
    parts = [bom["metadata"]["component"], *bom["components"]]
    refs = {p["bom-ref"] for p in parts}
    assert len(refs) == len(parts) > 20, file
    assert refs == {d["ref"] for d in bom["dependencies"]}, file
    assert all(set(d.get("dependsOn", [])) <= refs for d in bom["dependencies"]), file
    assert "pkg:golang/github.com/tink-crypto/tink-go/v2@" in " ".join(refs), file
    print(f"{file.rpartition('/')[2]}: {len(parts)} parts")
