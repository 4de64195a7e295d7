"""Do the numbers of a write-up still match the results that it names? `cite --check FILE [DIR]`.

A number is checked where it is plain what it is about. What is not is counted, and never flagged.
"""

import sys
from dataclasses import asdict, dataclass, field

from .cite_claims import Claim
from .cite_known import Known
from .cite_numbers import QUANTITY, numbers, skeleton
from .cite_prose import loose_quantities, prose_claims
from .cite_table_check import table_claims
from .cite_text import Document, Picture, read_document
from .lists import results_below
from .manifest import read_manifest
from .trouble import Trouble, Usage
from .units import plural

MATCH, DIFFERENT = 0, 1
LATEX = (".tex", ".ltx", ".latex")


@dataclass
class Report:
    file: str
    results: dict = field(default_factory=dict)  # ID -> folder, or None where there is none
    matching: int = 0
    fitting: int = 0  # with one of several cells or results that may be meant
    unattributed: int = 0
    problems: list = field(default_factory=list)

    @property
    def checked(self):
        return self.matching + self.fitting + sum(p["kind"] == "number" for p in self.problems)


def check(session, options):
    """The verb. 0: all match; 1: some do not; 2: there is nothing to check against."""
    report = check_file(options.check, session.root / "results", options.dir)
    if options.json:
        session.answer("cite_check", asdict(report) | {"checked": report.checked})
    else:
        for line in words(report):
            print(line)
    return DIFFERENT if report.problems else MATCH


def check_file(path, results, folder=None):
    """`results`: below which the named results are looked for; `folder`: of one more, which is
    meant where the text names none."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise Usage(f"{path} cannot be read as text: {getattr(error, 'strerror', None) or error}")
    document = read_document(text, path.suffix.lower() in LATEX)
    report = Report(str(path))
    known = _known_results(document, results, folder, report)
    if not report.results:
        raise Usage(f"{path} names no result: give the folder of the one that it is about, or "
                    "write its ID into the text, as ./scripts/bench cite prints it")
    _check_tables(document, known, report)
    _check_pictures(document, known, report)
    _check_paragraphs(document, known, report)
    report.problems.sort(key=lambda problem: problem["line"])
    return report


def _known_results(document: Document, results, folder, report):
    """ID -> what it says, of each result that the text names and of the one that was given."""
    known = {}
    if folder is not None:
        given = Known(folder)
        known[given.id] = given
        report.results[given.id] = str(folder)
    places = None
    for line, _, name in document.ids:
        if name in report.results:
            continue
        places = folders_by_id(results) if places is None else places
        report.results[name] = str(places[name]) if name in places else None
        if name in places:
            known[name] = Known(places[name])
        else:
            report.problems.append({
                "line": line, "kind": "result", "says": name, "result_says": None, "where": None,
                "result": name})
    return known


def folders_by_id(results):
    """Each result below a folder; a damaged one is none that could be named."""
    found = {}
    for folder in results_below(results):
        try:
            manifest = read_manifest(folder / "manifest.json")
            found.setdefault(manifest.get("result_id"), folder)
        except Trouble as error:
            print(f"bench: left out: {error}", file=sys.stderr)
    return found


def _candidates(document, known, section, mark=None, lines=()):
    """(those that a block is about, all others): by its mark, else the results that its section
    names, else all. Where it names results itself it is about these and no others."""
    named = [name for line, _, name in document.ids if line in lines]
    if named:
        return [known[name] for name in dict.fromkeys(named) if name in known], []
    ids = [mark] if mark else list(dict.fromkeys(
        name for _, s, name in document.ids if s == section))
    near = [known[name] for name in ids if name in known]
    if mark and not near:
        return [], []  # of a result that is not here
    near = near or list(known.values())
    return near, [one for one in known.values() if one not in near]


def _judge(report, places, near, far, claims_of):
    """Each number once: right if a near result says so, or a far one and no near one has another
    number; wrong only if a near one has another and no result at all has this one."""
    found = {}
    for is_near, results in ((True, near), (False, far)):
        for known in results:
            for claim in claims_of(known):
                found.setdefault(claim.key, []).append((is_near, known, claim))
    for claims in found.values():
        agreeing = [(is_near, claim) for is_near, _, claim in claims if claim.agrees]
        wrong = [(known, claim) for is_near, known, claim in claims
                 if is_near and claim.certain and not claim.agrees]
        if any(claim.certain and (is_near or not wrong) for is_near, claim in agreeing):
            report.matching += 1
        elif agreeing:
            report.fitting += 1
        elif wrong:
            _flag(report, *wrong[0])
        else:
            report.unattributed += 1
    report.unattributed += sum(place not in found for place in places)


def _flag(report, known, claim: Claim):
    report.problems.append({
        "line": claim.line, "kind": "number", "says": claim.says, "result_says": claim.instead,
        "where": claim.where, "result": known.id})


def _check_tables(document, known, report):
    for table in document.tables:
        near, far = _candidates(document, known, table.section, table.result)
        claims = {one.id: table_claims(table, one) for one in [*near, *far]}
        places = {claim.key[:2] for found in claims.values() for claim in found}
        _judge(report, [], near, far, lambda one: claims[one.id])
        report.unattributed += sum(
            len(QUANTITY.findall(text)) for row in table.rows[1:] for column, text
            in enumerate(row.cells) if column and (row.line, column) not in places)


def _check_pictures(document, known, report):
    """What a figure is said to show, against what its own page says that it shows."""
    for picture in document.pictures:
        section = next((s for line, s, _ in document.ids if line == picture.line), None)
        near, far = _candidates(document, known, section)
        claims = {one.id: list(_picture_claims(picture, one)) for one in [*near, *far]}
        counted = [] if any(claims.values()) else QUANTITY.findall(picture.alt)
        _judge(report, counted, near, far, lambda one: claims[one.id])


def _picture_claims(picture: Picture, known):
    if known.id not in picture.path:
        return
    for alt in known.alts_of(picture.path.split("figures/")[-1])[-1:]:
        if skeleton(alt) == skeleton(picture.alt):
            for k, (says, right) in enumerate(zip(numbers(picture.alt), numbers(alt))):
                where = f"number {k + 1} of the text of figure {picture.path.split('/')[-1]}"
                yield Claim((k,), picture.line, says, right, where, says == right, True)


def _check_paragraphs(document, known, report):
    for paragraph in document.paragraphs:
        lines = {line for _, line in paragraph.starts}
        near, far = _candidates(document, known, paragraph.section, lines=lines)
        claims = {one.id: list(prose_claims(paragraph, one)) for one in [*near, *far]}
        places = [(start,) for start in loose_quantities(paragraph)]
        _judge(report, places, near, far, lambda one: claims[one.id])


def words(report):
    """For people: a line for each number that does not match, and what was and was not checked."""
    for problem in report.problems:
        at = f"{report.file}:{problem['line']}"
        if problem["kind"] == "result":
            yield (f"{at}: names result {problem['says']}, which is not below results/: give its "
                   "folder as well")
        else:
            instead = problem["result_says"]
            yield (f"{at}: says {problem['says']}, the result "
                   f"{instead if instead.startswith('has ') else f'says {instead}'} "
                   f"({problem['where']}; {problem['result']})")
    wrong = sum(p["kind"] == "number" for p in report.problems)
    fitting = f", {report.fitting} fit one of several cells or results that may be meant" \
        if report.fitting else ""
    yield (f"{plural(report.checked, 'number')} checked against "
           f"{plural(sum(p is not None for p in report.results.values()), 'result')}: "
           f"{report.matching} match{fitting}, {wrong} {'does' if wrong == 1 else 'do'} not. "
           f"{plural(report.unattributed, 'number')} with a unit could not be attributed to a cell "
           "and a model, and were not checked.")
