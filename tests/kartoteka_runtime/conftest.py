"""One entity with a field of every type, for tests of values, conditions and pages."""

from __future__ import annotations

import pytest

EVERY_TYPE = """\
kind: entity
format: 1
name: sample
label: { en: Sample, pl: Próbka }
plural_label: { en: Samples, pl: Próbki }
primary_field: name
ownership: user

fields:
  - { name: name, type: text, label: { en: Name }, required: true, max_length: 40 }
  - { name: mail, type: text, label: { en: Mail }, format: email }
  - { name: site, type: text, label: { en: Site }, format: url }
  - { name: phone, type: text, label: { en: Phone }, format: phone, max_length: 20 }
  - { name: story, type: text, label: { en: Story }, format: multi_line, max_length: 60 }
  - { name: code, type: text, label: { en: Code }, unique: true, max_length: 10 }
  - { name: number, type: autonumber, label: { en: Number }, number_format: "S-{SEQNUM:4}" }
  - { name: wheels, type: whole_number, label: { en: Wheels }, min: 0, max: 18 }
  - { name: lasting, type: whole_number, label: { en: Lasting }, format: duration }
  - { name: odometer, type: big_integer, label: { en: Odometer } }
  - { name: weight, type: decimal, label: { en: Weight }, precision: 3, min: -5, max: 1000 }
  - { name: latitude, type: float, label: { en: Latitude }, min: -90, max: 90 }
  - { name: price, type: money, label: { en: Price }, precision: 2, min: 0 }
  - { name: leased, type: yes_no, label: { en: Leased } }
  - name: fuel
    type: choice
    label: { en: Fuel }
    options:
      - { name: diesel, value: 1, label: { en: Diesel } }
      - { name: petrol, value: 2, label: { en: Petrol } }
  - name: colors
    type: multi_choice
    label: { en: Colors }
    options:
      - { name: red, value: 1, label: { en: Red } }
      - { name: blue, value: 2, label: { en: Blue } }
      - { name: green, value: 12, label: { en: Green } }
  - { name: built, type: date, label: { en: Built } }
  - { name: seen, type: date_time, label: { en: Seen } }
  - { name: opens, type: date_time, label: { en: Opens }, behavior: time_zone_independent }
  - { name: due, type: date_time, label: { en: Due }, behavior: date_only }
  - { name: parent, type: lookup, label: { en: Parent }, target: sample, hierarchical: true }
  - { name: buyer, type: customer, label: { en: Buyer } }
  - { name: chassis, type: unique_id, label: { en: Chassis } }
"""

SELLERS = {
    f"security_roles/{role}.yaml": f"""\
kind: role
format: 1
extends: {role}
privileges:
  - entity: sample
    create: organization
    read: organization
    write: organization
    delete: organization
    append: organization
    append_to: organization
"""
    for role in ("salesperson", "sales_manager")
}


@pytest.fixture(scope="session")
def every_type() -> dict[str, str]:
    """Give the metadata of an app with the entity ``sample``, which sellers work with too."""
    return {"entities/sample.yaml": EVERY_TYPE, **SELLERS}
