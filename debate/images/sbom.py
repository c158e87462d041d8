"""An SBOM in CycloneDX 1.6: https://cyclonedx.org/docs/1.6/json/."""

from __future__ import annotations

import datetime
import urllib.parse
import uuid
from typing import Any

from debate import distributions, keys


def sbom(facts: dict[str, Any]) -> dict[str, Any]:
    """The manifest as CycloneDX 1.6. Its serial number and time follow from the ISO."""
    digest = keys.digits(facts["iso"]["digest"])
    when = datetime.datetime.fromtimestamp(facts["epoch"], datetime.UTC)
    distribution = facts["distribution"]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, digest)}",
        "version": 1,
        "metadata": {
            "timestamp": when.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "tools": {"components": [{"type": "application", "name": "debate", "version": facts["debate"]}]},
            "component": {
                "type": "operating-system",
                "bom-ref": "iso",
                "name": facts["name"],
                "version": facts["config"][:16],
                "hashes": [{"alg": "SHA-256", "content": digest}],
            },
        },
        "components": [
            {
                "type": "library",
                "bom-ref": _purl(distribution, facts["release"], package),
                "name": package["name"],
                "version": package["version"],
                "purl": _purl(distribution, facts["release"], package),
                "hashes": [{"alg": "SHA-256", "content": package["sha256"]}],
                "properties": [
                    {"name": "debate:source", "value": f"{package['source']} {package['source_version']}"},
                    {"name": "debate:repository", "value": package["repository"]},
                ],
            }
            for package in [*facts["packages"], *(one for one in facts["unpacked"] if one not in facts["packages"])]
        ],
    }


def _purl(distribution: str, release: str, package: dict[str, str]) -> str:
    """A package URL; see https://github.com/package-url/purl-spec."""
    name, version = (urllib.parse.quote(package[field], safe="") for field in ("name", "version"))
    kind = distributions.get(distribution).PURL
    return f"pkg:{kind}/{name}@{version}?arch={package['architecture']}&distro={distribution}-{release}"
