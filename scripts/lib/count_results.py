"""Counts test results: prints "PASSED FAILED SKIPPED" for one CTest run, and on stderr what failed or was skipped.

    count_results.py NAME JUNIT_FILE RESULTS_FOLDER

CTest's JUnit file says what was run; a suite that left a GoogleTest report RESULTS_FOLDER/SUITE.xml is counted by its
test cases. Whatever is missing, unreadable or empty where results should be is a failure, never a success.
"""

import os
import sys
import xml.etree.ElementTree as ElementTree


def read_cases(path):
    """The test cases of a GoogleTest report as (name, outcome, text), or None when there is no usable report."""
    try:
        root = ElementTree.parse(path).getroot()
    except (OSError, ElementTree.ParseError):
        return None
    cases = []
    for case in root.iter("testcase"):
        name = "%s.%s" % (case.get("classname"), case.get("name"))
        failure, skipped = case.find("failure"), case.find("skipped")
        if failure is not None:
            cases.append((name, "failed", failure.get("message", "")))
        elif skipped is not None:
            cases.append((name, "skipped", skipped.get("message", "")))
        elif case.get("status") == "run":
            cases.append((name, "passed", ""))
    return cases


def suite_results(suite, folder):
    """One CTest test as a list of (name, outcome, text)."""
    name, status = suite.get("name"), suite.get("status")
    if status == "disabled":
        return [(name, "skipped", "disabled")]
    report = os.path.join(folder, name + ".xml")
    cases = read_cases(report)
    if status == "run":
        if cases is not None:
            return cases or [(name, "failed", "ran no test case")]
        if os.path.exists(report):
            return [(name, "failed", "left a report that cannot be read")]
        return [(name, "passed", "")]
    cases = cases or []
    if not any(outcome == "failed" for _, outcome, _ in cases):
        # It crashed or ran out of time; the report, if any, is not the whole story.
        cases.append((name, "failed", "ended badly (CTest says: %s)" % status))
    return cases


def main():
    run, junit, folder = sys.argv[1:]
    try:
        suites = list(ElementTree.parse(junit).getroot().iter("testcase"))
    except (OSError, ElementTree.ParseError) as error:
        suites = []
        print("%s: no results: %s" % (run, error), file=sys.stderr)
    results = [result for suite in suites for result in suite_results(suite, folder)]
    if not results:
        results = [(run, "failed", "no test was run")]
    for name, outcome, text in results:
        if outcome != "passed":
            lines = text.strip().splitlines()
            # GoogleTest puts the place on the first line and the text after it.
            print("%s: %s %s: %s" % (run, outcome, name, " ".join(lines[:3])), file=sys.stderr)
    print(*(sum(1 for result in results if result[1] == outcome) for outcome in ("passed", "failed", "skipped")))


main()
