#!/usr/bin/env python3
"""Write what the bridge knows of the world's telephone numbers, from the package `phonenumbers` (Apache-2.0).

    pip install phonenumbers==9.0.43
    python3 scripts/phone-data.py

It writes three files, which are kept in the repository, so that neither a build nor a test needs Python:

    bridge/src/campaign/phone/plans.tsv    the numbering plan of each country
    bridge/src/campaign/zones/prefixes.tsv time zones by the first digits of a number
    bridge/src/campaign/phone/forms.tsv    ways to write numbers, and what the package makes of each: the parser is held to them

A newer version of the package is taken by running it again; `git diff` shows what changed.
"""

import pathlib
import random
from importlib.metadata import version

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumberFormat, PhoneNumberType
from phonenumbers.data import _COUNTRY_CODE_TO_REGION_CODE as REGIONS
from phonenumbers.tzdata import TIMEZONE_DATA

ROOT = pathlib.Path(__file__).resolve().parent.parent / "bridge/src/campaign"
KINDS = [
    ("premium_rate", "premium"),
    ("toll_free", "toll_free"),
    ("shared_cost", "shared_cost"),
    ("voip", "voip"),
    ("personal_number", "personal"),
    ("pager", "pager"),
    ("uan", "company"),
    ("voicemail", "voicemail"),
    ("fixed_line", "fixed"),
    ("mobile", "mobile"),
]
NAMES = {
    PhoneNumberType.PREMIUM_RATE: "premium",
    PhoneNumberType.TOLL_FREE: "toll_free",
    PhoneNumberType.SHARED_COST: "shared_cost",
    PhoneNumberType.VOIP: "voip",
    PhoneNumberType.PERSONAL_NUMBER: "personal",
    PhoneNumberType.PAGER: "pager",
    PhoneNumberType.UAN: "company",
    PhoneNumberType.VOICEMAIL: "voicemail",
    PhoneNumberType.FIXED_LINE: "fixed",
    PhoneNumberType.MOBILE: "mobile",
    PhoneNumberType.FIXED_LINE_OR_MOBILE: "fixed_or_mobile",
}
# Whose forms are in the test's file.
COUNTRIES = (
    "US CA GB IN DE FR ES IT PT NL BE AT CH SE NO DK FI PL CZ HU RO GR TR RU UA IL AE SA EG ZA NG KE MX BR AR CL CO PE AU NZ JP KR "
    "CN TW HK SG MY TH VN ID PH PK BD LK"
).split()
FORMS_EACH = 240


def head(what):
    return (
        f"# {what}\n"
        f"# Made by scripts/phone-data.py from the Python package phonenumbers {version('phonenumbers')} (Apache License 2.0,\n"
        "# Copyright The Libphonenumber Authors). Not to be edited.\n"
    )


def write(path, text):
    (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
    (ROOT / path).write_text(text, encoding="utf-8")


def metadata(code, region):
    return PhoneMetadata.metadata_for_region_or_calling_code(code, region)


def plans():
    columns = ["region", "code", "abroad", "trunk", "transform", "leading", "lengths", "local", "general"]
    lines = ["#" + "\t".join(columns + [name for _, name in KINDS])]
    for code, regions in sorted(REGIONS.items()):
        for region in regions:
            plan = metadata(code, region)
            general = plan.general_desc
            numbers = lambda lengths: ",".join(str(n) for n in lengths if n > 0)
            row = [
                region,
                str(code),
                plan.international_prefix or "",
                plan.national_prefix_for_parsing or "",
                plan.national_prefix_transform_rule or "",
                plan.leading_digits or "",
                numbers(general.possible_length),
                numbers(general.possible_length_local_only),
            ]
            patterns = [general.national_number_pattern] + [
                getattr(getattr(plan, name), "national_number_pattern", None) for name, _ in KINDS
            ]
            row += [(pattern or "").replace("\\d", "[0-9]") for pattern in patterns]
            row = [part.replace("\\d", "[0-9]") for part in row]
            assert not any("\t" in part or "\n" in part for part in row)
            lines.append("\t".join(row))
    write("phone/plans.tsv", head("Numbering plans: patterns of national numbers by country and kind.") + "\n".join(lines) + "\n")


def zones():
    sets = {}
    for prefix, names in TIMEZONE_DATA.items():
        sets.setdefault(tuple(names), []).append(prefix)
    lines = [",".join(names) + "\t" + " ".join(sorted(prefixes)) for names, prefixes in sorted(sets.items())]
    write(
        "zones/prefixes.tsv",
        head("Time zones by the first digits of a number, country code first; the longest prefix counts.") + "\n".join(lines) + "\n",
    )


def seen(text, region):
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return "-"
    if not phonenumbers.is_valid_number(number):
        return "-"
    e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    of = phonenumbers.region_code_for_number(number)
    return f"{e164} {of} {NAMES[phonenumbers.number_type(number)]}"


def forms():
    dice = random.Random(20261130)
    lines = []
    for region in COUNTRIES:
        code = phonenumbers.country_code_for_region(region)
        examples = []
        for kind in NAMES:
            number = phonenumbers.example_number_for_type(region, kind)
            if number is not None:
                examples.append(number)
        found = set()
        while len(found) < FORMS_EACH:
            example = dice.choice(examples)
            national = list(phonenumbers.national_significant_number(example))
            for _ in range(dice.choice([0, 1, 2, 4, 7])):
                national[dice.randrange(len(national))] = dice.choice("0123456789")
            if dice.random() < 0.08:
                national.append(dice.choice("0123456789"))
            if dice.random() < 0.08:
                national.pop()
            digits = "".join(national)
            number = phonenumbers.PhoneNumber(country_code=code, national_number=int(digits), italian_leading_zero=digits.startswith("0") or None)
            prefix = metadata(code, region).national_prefix or ""
            abroad = dice.choice(["00", "011", "0011", "810"])
            text = dice.choice(
                [
                    digits,
                    prefix + digits,
                    f"+{code}{digits}",
                    f"{code}{digits}",
                    f"00{code}{digits}",
                    f"{abroad}{code}{digits}",
                    f"+{code} ({prefix}) {digits}" if prefix else f"+{code}-{digits}",
                    phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL),
                    phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL),
                ]
            )
            found.add((text, seen(text, region)))
        lines += [f"{region}\t{text}\t{result}" for text, result in sorted(found)]
    write("phone/forms.tsv", head("Ways to write a number: country, text, and the number, its country and its kind, or - for none.") + "\n".join(lines) + "\n")


plans()
zones()
forms()
